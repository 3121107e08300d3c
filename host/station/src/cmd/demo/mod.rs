//! `helio demo`: the whole way from photon to key, on the bench in software.

mod compare;
mod json;
mod outlook;
mod picture;
mod text;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use helio_distill::channel_model::ModelError;
use helio_sim::ReceiverKind;
use helio_trace::TraceFormat;

use crate::bench::{self, Record, RunFault, RunOutcome, Scenario, Update};
use crate::cli::Global;
use crate::cmd::bound_arg::BoundArg;
use crate::cmd::code_arg::CodeArg;
use crate::cmd::link_args::{LinkArgs, within};
use crate::exit::{Exit, Failure, print, print_json};
use crate::plot;
use crate::term::Progress;

use outlook::Outlook;

const EXAMPLES: &str = "Examples:
  helio demo                                   25 km, 20 s of light, five blocks
  helio demo --km 50 --block 50000000          a longer fibre wants longer blocks
  helio demo --plot key.svg                    QBER and key rate over time as a picture
  helio demo --eve intercept-resend=0.2        an eavesdropper, and what is left of the key
  helio demo --bound wiesemann                 one decoy, keys of a fixed length
  helio demo --seconds 4 --seed 7 --json       one block, reproducible, for a script";

/// All blocks' pads and reports are held in memory.
const MOST_BLOCKS: u32 = 100_000;

/// Make a key on the bench in software: two stations, real firmware code, simulated light
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct Demo {
    #[command(flatten)]
    link: LinkArgs,
    /// Simulated time in seconds; rounded down to whole blocks
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// Emitted slots of a block; 5,000,000 are emitted a second
    #[arg(long, default_value_t = bench::defaults::SLOTS_PER_BLOCK, value_name = "SLOTS")]
    block: u32,
    /// The run's one seed: the same seed gives the same key to the bit
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How Bob chooses his basis; a passive receiver is measured but makes no key
    #[arg(long, default_value = "active")]
    receiver: ReceiverArg,
    /// What gives the length of a key, and so how many decoys the source has
    #[arg(long, default_value = "varlen2d")]
    bound: BoundArg,
    /// Detector efficiencies differ by ± this fraction: 0.01 by default, and 0 with wiesemann, which
    /// has no term for it
    #[arg(long, value_name = "FRACTION")]
    mismatch: Option<f64>,
    /// Leave Bob's detectors in their roles instead of swapping them at random
    #[arg(long)]
    no_swap: bool,
    /// How errors are corrected
    #[arg(long, default_value = "auto")]
    code: CodeArg,
    /// Give what published bounds would have given for the same counts, for comparison only
    #[arg(long)]
    compare: bool,
    /// Draw QBER and key rate over time; the ending picks SVG or PNG; repeatable
    #[arg(long, value_name = "FILE")]
    plot: Vec<PathBuf>,
    /// Record the run into a new folder, for helio replay and for programs that open traces
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,
    /// The format in which --record keeps Bob's clicks
    #[arg(long, value_name = "FORMAT", default_value = "ptu", requires = "record",
          value_parser = TraceFormat::written_by_name)]
    record_format: TraceFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ReceiverArg {
    Active,
    Passive,
}

impl Demo {
    fn record(&self) -> Option<Record<'_>> {
        self.record.as_deref().map(|folder| Record { folder, format: self.record_format })
    }

    fn scenario(&self) -> Result<Scenario, Failure> {
        within("seconds", self.seconds, 0.01, 100_000.0)?;
        within("mismatch", self.mismatch.unwrap_or(0.0), 0.0, 0.5)?;
        within("block", f64::from(self.block), 10_000.0, 1e9)?;
        let base = self.link.apply(Scenario::default())?;
        let slots = self.seconds * base.slot_rate_hz();
        // A run shorter than a block is one block of its own length.
        let slots_per_block = self.block.min(slots as u32);
        let blocks = (slots / f64::from(slots_per_block)) as u32;
        if blocks > MOST_BLOCKS {
            return Err(Failure::usage(format!(
                "--seconds {} of --block {slots_per_block} are {blocks} blocks, more than \
                 {MOST_BLOCKS}; choose longer blocks or fewer seconds",
                self.seconds
            )));
        }
        let scenario = Scenario {
            seed: self.seed,
            slots_per_block,
            blocks,
            receiver: match self.receiver {
                ReceiverArg::Active => ReceiverKind::Active,
                ReceiverArg::Passive => ReceiverKind::Passive,
            },
            efficiency_mismatch: self.mismatch.unwrap_or(base.efficiency_mismatch),
            random_swap: !self.no_swap,
            // Both stations are in this process: the line takes no time.
            code: self.code.choice(0.0, 1.0),
            ..base
        };
        if self.bound == BoundArg::Varlen2d {
            return Ok(scenario);
        }
        if self.mismatch.is_some_and(|mismatch| mismatch > 0.0) || self.no_swap {
            return Err(Failure::usage(
                "--bound wiesemann has no term for detectors that differ; leave --mismatch and \
                 --no-swap out, or take varlen2d",
            ));
        }
        scenario.with_one_decoy().map_err(unmodelled)
    }
}

fn unmodelled(why: ModelError) -> Failure {
    Failure::usage(format!("this link cannot be modelled: {why}"))
}

/// Runs the demo.
///
/// # Errors
/// Impossible options, a plot that cannot be written, or no key.
pub fn run(demo: &Demo, global: &Global) -> Result<(), Failure> {
    let scenario = demo.scenario()?;
    demo.plot.iter().try_for_each(|file| plot::check(file))?;
    let outlook = Outlook::new(&scenario).map_err(unmodelled)?;
    if !global.json {
        print(text::opening(&scenario, &outlook))?;
    }
    let mut progress = Progress::of_slots("light", scenario.slots());
    let mut table = text::Table::new(&outlook);
    let mut shown = Ok(());
    let outcome = bench::run(&scenario, demo.record(), |update| match update {
        Update::Slots(slots) => progress.at(slots),
        Update::Block(role, report) => {
            if let Some(line) = table.line(role, &report)
                && !global.json
                && shown.is_ok()
            {
                shown = progress.aside(|| print(line));
            }
        }
    });
    drop(progress);
    shown?;
    let outcome = outcome.map_err(|fault| {
        let exit = match fault {
            RunFault::Scenario(_) => Exit::Usage,
            RunFault::Device(_) => Exit::Device,
            RunFault::Recording(_) => Exit::File,
            RunFault::Station(_) => Exit::Configuration,
            RunFault::Thread(_) => Exit::Internal,
        };
        Failure::new(exit, fault)
    })?;
    for file in &demo.plot {
        plot::save(&picture::figure(&scenario, &outlook, &outcome), file)?;
    }
    if global.json {
        let mut object = json::object(&scenario, &outlook, &outcome);
        if demo.compare {
            object["compared"] = compare::object(&scenario, &outcome);
        }
        print_json(&object)?;
    } else {
        print(text::closing(&scenario, &outlook, &outcome))?;
        if demo.compare {
            print(compare::text(&scenario, &outcome))?;
        }
        for file in &demo.plot {
            print(format_args!("plot        {}\n", file.display()))?;
        }
        if let Some(folder) = &demo.record {
            print(format_args!("recorded    {}\n", folder.display()))?;
        }
    }
    let faults = [&outcome.alice, &outcome.bob].map(|side| &side.recording_fault);
    if let Some(fault) = faults.into_iter().flatten().next() {
        return Err(Failure::new(Exit::File, fault));
    }
    verdict(&outlook, &outcome)
}

/// No key, and unequal keys, are not successes.
fn verdict(outlook: &Outlook, outcome: &RunOutcome) -> Result<(), Failure> {
    if !outcome.keys_equal() {
        return Err(Failure::new(
            Exit::Internal,
            "the two stations hold different keys, which must never happen; please report it with \
             the command line",
        ));
    }
    if outcome.alice.key_bits > 0 {
        return Ok(());
    }
    if outlook.too_small {
        return Err(Failure::new(
            Exit::BlockTooSmall,
            "no key: the block is too small for this link; give it more slots with --block and \
             --seconds",
        ));
    }
    Err(Failure::new(Exit::NoKey, text::why_no_key(outlook, outcome)))
}
