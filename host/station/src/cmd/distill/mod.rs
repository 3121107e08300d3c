//! `helio distill`: the engine alone, to see what a machine can do.

mod files;
mod json;
mod text;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use helio_distill::ledger::EPSILON_LIMIT;
use helio_distill::parameters::CodeChoice;
use helio_distill::{BLOCKS_IN_FLIGHT, MOST_BLOCKS_IN_FLIGHT};
use helio_units::Decibel;

use crate::cli::Global;
use crate::cmd::bound_arg::BoundArg;
use crate::cmd::code_arg::CodeArg;
use crate::cmd::link_args::within;
use crate::engine::block_size::{self, Choice, Wait};
use crate::engine::link::{Link, MOST_SLOTS, Wanted};
use crate::engine::{self, EngineFault, Limits, Outcome, Setup};
use crate::exit::{Exit, Failure, print, print_json};
use crate::quantity::BitRate;
use crate::term::{Progress, grouped};

const EXAMPLES: &str = "Examples:
  helio distill --synthetic                              how fast this machine is at a QBER of 2 %
  helio distill --synthetic --qber 0.02 --rate 100Mbit   whether it keeps up with 100 Mbit/s sifted
  helio distill --synthetic --rtt-ms 50 --code cascade   over a long line
  helio distill --synthetic --bound wiesemann            one decoy, keys of a fixed length
  helio distill alice.bits bob.bits --qber 0.02          two files of sifted bits

Two stations in one process, over TCP on the loopback address: the sessions, messages, tags and the \
release of helio alice and helio bob, without devices and time tags. All of it is SIMULATED. The data \
are drawn before the clocks run; one block's are used again and again, rotated.";

/// Rate that a block's length is chosen for when none is offered.
const PLANNED_RATE: f64 = 100e6;
/// Most sifted bits of a block: its data take some 40 bytes a bit, twice over while one block is talked
/// about and the next comes in.
const MOST_BITS: f64 = 1e7;

/// Run the distillation engine alone, without optics, and show how fast each stage is
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct Distill {
    /// Distil settings and clicks drawn from the channel model
    #[arg(long, required_unless_present = "files")]
    synthetic: bool,
    /// Alice's and Bob's sifted bits, as many in both: 0 and 1 as text, or packed, the first bit in the
    /// lowest of the first byte
    #[arg(value_name = "ALICE_FILE BOB_FILE", num_args = 2, conflicts_with = "synthetic")]
    files: Vec<PathBuf>,
    /// QBER of the sifted bits, 0.02 by default; of files, what to plan for: by default it is counted,
    /// which only this tool can, for it has both
    #[arg(long)]
    qber: Option<f64>,
    /// Of files: bits of key for each sifted one. Bare strings cannot tell how much is secret; without
    /// this they are made equal, and no key is made
    #[arg(long, value_name = "SHARE", conflicts_with = "synthetic")]
    secret_fraction: Option<f64>,
    /// Sifted bits a second that the devices offer: 100Mbit; max for as fast as it goes
    #[arg(long, default_value = "max", value_name = "RATE", conflicts_with = "files")]
    rate: Rate,
    /// Sifted bits of a block in the key basis; by default chosen from the rate, and 1 000 000 of files
    #[arg(long, value_name = "BITS")]
    block: Option<f64>,
    /// How errors are corrected
    #[arg(long, default_value = "auto")]
    code: CodeArg,
    /// What gives the length of a key, and so how many decoys the drawn source has
    #[arg(long, default_value = "varlen2d", conflicts_with = "files")]
    bound: BoundArg,
    /// Round trip of the line between the stations in milliseconds
    #[arg(long, default_value_t = 0.0, value_name = "MS")]
    rtt_ms: f64,
    /// Blocks that are talked about at a time, 1 to 8: more of them fill a long line
    #[arg(long, default_value_t = BLOCKS_IN_FLIGHT, value_name = "BLOCKS", conflicts_with = "files")]
    in_flight: usize,
    /// All of the loss from Alice's output to a click, in dB
    #[arg(long, default_value_t = 2.0, value_name = "DB", conflicts_with = "files")]
    loss: f64,
    /// How long to go on, in seconds; the block in progress is brought to its end
    #[arg(long, default_value_t = 10.0, conflicts_with = "files")]
    seconds: f64,
    /// A number of blocks in place of a time
    #[arg(long, conflicts_with_all = ["seconds", "files"])]
    blocks: Option<u64>,
    /// Seed of all that is drawn: the same seed and blocks give the same keys to the bit
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Failure probability of a block's key
    #[arg(long, default_value_t = 1e-10)]
    epsilon: f64,
    /// Keep each station on a core of its own: Alice's and Bob's, counted from 0; Linux only
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1)]
    cores: Vec<usize>,
}

/// A rate, or none.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rate {
    Max,
    Offered(BitRate),
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Rate, String> {
        match text {
            "max" => Ok(Rate::Max),
            _ => text.parse().map(Rate::Offered).map_err(|e| e.to_string()),
        }
    }
}

impl Rate {
    fn bits_per_s(self) -> Option<f64> {
        match self {
            Rate::Max => None,
            Rate::Offered(BitRate(rate)) => Some(rate as f64),
        }
    }
}

/// A run before it begins.
struct Plan {
    setup: Setup,
    /// Where the block's length was chosen.
    choice: Option<Choice>,
}

impl Distill {
    /// Checks what both kinds of input take; gives the cores.
    fn check(&self) -> Result<[Option<usize>; 2], Failure> {
        within("qber", self.qber(), 0.0001, 0.12)?;
        within("rtt-ms", self.rtt_ms, 0.0, 10_000.0)?;
        within("block", self.block.unwrap_or(1e6), 1e4, 3e7)?;
        within("epsilon", self.epsilon, 1e-30, 1e-6)?;
        match self.cores[..] {
            [] => Ok([None; 2]),
            [alice, bob] => Ok([Some(alice), Some(bob)]),
            _ => Err(Failure::usage("--cores takes two numbers; write them as 0,1")),
        }
    }

    fn qber(&self) -> f64 {
        self.qber.unwrap_or(0.02)
    }

    fn round_trip(&self) -> Duration {
        Duration::from_secs_f64(self.rtt_ms / 1e3)
    }

    fn plan(&self) -> Result<Plan, Failure> {
        let cores = self.check()?;
        within("loss", self.loss, 0.5, 60.0)?;
        within("in-flight", self.in_flight as f64, 1.0, MOST_BLOCKS_IN_FLIGHT as f64)?;
        within("seconds", self.seconds, 0.001, 1e6)?;
        // What the stations' ledger allows with one pre-shared secret, tags included.
        let most = ((EPSILON_LIMIT / self.epsilon) as u64).saturating_sub(1).clamp(1, 1_000_000);
        let blocks = self.blocks.unwrap_or(most);
        if !(1..=most).contains(&blocks) {
            return Err(Failure::usage(format!(
                "--blocks {blocks} is outside 1 to {most}, what the ledger of epsilon allows; choose a \
                 number within, or a smaller --epsilon"
            )));
        }
        let (link, choice) = match self.block {
            Some(bits) => (self.link(bits)?, None),
            None => {
                let choice = self.choose()?;
                (self.link(choice.block().sifted_bits)?, Some(choice))
            }
        };
        if link.prospect.length.ell == 0 {
            return Err(Failure::new(
                Exit::NoKey,
                format!(
                    "a block of {} sifted bits gives no key at a QBER of {} %; choose a longer \
                     --block, a lower --qber or a smaller --loss",
                    grouped(link.prospect.counts.sifted() as u64),
                    100.0 * self.qber()
                ),
            ));
        }
        let seconds = self.blocks.is_none().then_some(self.seconds);
        let setup = Setup {
            link,
            limits: Limits { blocks, seconds },
            rate: self.rate.bits_per_s(),
            round_trip: self.round_trip(),
            blocks_in_flight: self.in_flight,
            seed: self.seed,
            cores,
        };
        Ok(Plan { setup, choice })
    }

    fn link(&self, sifted_bits: f64) -> Result<Link, Failure> {
        let wanted = Wanted {
            qber: self.qber(),
            loss: Decibel(self.loss),
            sifted_bits,
            epsilon_total: self.epsilon,
            code: self.code_choice(sifted_bits),
            bound: self.bound.bound(),
            seed: self.seed,
        };
        Link::design(&wanted)
            .map_err(|e| Failure::usage(format!("this link cannot be modelled: {e}")))
    }

    /// Where blocks come as fast as they go, each has the time that it takes.
    fn code_choice(&self, sifted_bits: f64) -> CodeChoice {
        let block_s = self.rate.bits_per_s().map_or(f64::INFINITY, |rate| sifted_bits / rate);
        self.code.choice(self.rtt_ms / 1e3, block_s)
    }

    fn choose(&self) -> Result<Choice, Failure> {
        let rate = self.rate.bits_per_s().unwrap_or(PLANNED_RATE);
        let limits = block_size::Limits {
            least_seconds: block_size::ROUND_TRIPS * self.rtt_ms / 1e3,
            most_bits: MOST_BITS,
            most_slots: MOST_SLOTS,
        };
        let choice = block_size::choose(&limits, |seconds| -> Result<Wait, Failure> {
            let sifted_bits = (rate * seconds).clamp(1e4, 2.0 * MOST_BITS);
            let link = self.link(sifted_bits)?;
            Ok(Wait {
                seconds: sifted_bits / rate,
                slots: u64::from(link.parameters.slots_per_block),
                sifted_bits,
                key_bits: link.prospect.length.ell,
            })
        })?;
        choice.ok_or_else(|| {
            Failure::new(
                Exit::NoKey,
                format!(
                    "no block of this link gives a key at a QBER of {} %; choose a lower --qber or a \
                     smaller --loss",
                    100.0 * self.qber()
                ),
            )
        })
    }
}

/// Runs the engine.
///
/// # Errors
/// Impossible options, files that cannot be used, or no key.
pub fn run(args: &Distill, global: &Global) -> Result<(), Failure> {
    if let [alice, bob] = &args.files[..] {
        return files::run(args, [alice, bob], global);
    }
    let plan = args.plan()?;
    let setup = &plan.setup;
    if !global.json {
        print(text::opening(setup, plan.choice.as_ref()))?;
    }
    let mut bar = match args.blocks {
        Some(blocks) => Progress::of_blocks("distilling", blocks),
        None => Progress::of_seconds("distilling", args.seconds),
    };
    let outcome = engine::run(setup, |blocks, _| match args.blocks {
        Some(_) => bar.at(blocks),
        None => bar.at_elapsed(),
    });
    drop(bar);
    let outcome = outcome.map_err(failure)?;
    if global.json {
        print_json(&json::object(setup, plan.choice.as_ref(), &outcome))?;
    } else {
        print(text::closing(setup, &outcome))?;
    }
    verdict(&outcome)
}

fn failure(fault: EngineFault) -> Failure {
    let exit = match fault {
        EngineFault::Station(_) => Exit::Configuration,
        EngineFault::Plan(_) => Exit::NoKey,
        EngineFault::Line(_) => Exit::Peer,
        EngineFault::Bound(_) | EngineFault::Differs(_) | EngineFault::Thread(_) => Exit::Internal,
    };
    Failure::new(exit, fault)
}

/// No key is no success.
fn verdict(outcome: &Outcome) -> Result<(), Failure> {
    if outcome.totals.key_bits > 0 {
        return Ok(());
    }
    let why = outcome.totals.failures.first();
    let why = why.map_or("no block ended in time; choose more --seconds", |(_, why)| why.as_str());
    Err(Failure::new(Exit::NoKey, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_a_unit_or_is_the_highest() {
        assert_eq!("max".parse(), Ok(Rate::Max));
        assert_eq!("100Mbit".parse(), Ok(Rate::Offered(BitRate(100_000_000))));
        assert_eq!("2.5 Gbit/s".parse(), Ok(Rate::Offered(BitRate(2_500_000_000))));
        for bad in ["", "100", "fast", "-3 Mbit", "0 bit"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }
}
