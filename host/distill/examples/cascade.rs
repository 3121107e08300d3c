//! Measures Cascade on simulated strings.
//!
//! `cargo run --release -p helio-distill --example cascade -- WHAT …`
//!
//! - `table [BITS] [BLOCKS] [Q …]`: what is disclosed, what the key pays, frames that still differ,
//!   round trips and the speed of each party, for BLOCKS strings of BITS bits at each error rate.
//! - `delay [Q] [RTT_MS] [BITS …]`: the rate of two parties with a core each over a line with that round
//!   trip, without and with its delay, for blocks of BITS bits and one to eight of them in flight, as
//!   the sessions keep them: each party works on the message that came first. Computed from the time
//!   that each step took; the blocks begin together, and the last one's end counts.
//!
//! The test basis is taken as large, so that the plan is made for the true error rate. `f_alice` is
//! what Alice discloses and `f_charged` is λ_max, both over n·h(q). Seconds are those that the
//! thread computes.

use helio_distill::bound::binary_entropy;
use helio_distill::reconcile::{AliceStep, Announced, BobStep, Code, Plan, ReconcileError};
use helio_keys::SecretBits;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rustix::time::{ClockId, clock_gettime};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Result<Vec<f64>, _> = arguments.iter().skip(1).map(|text| text.parse()).collect();
    let numbers = numbers?;
    let number = |i: usize, or: f64| numbers.get(i).copied().unwrap_or(or);
    let rest = |or: &[f64]| numbers.get(2..).filter(|rest| !rest.is_empty()).unwrap_or(or).to_vec();
    match arguments.first().map(String::as_str) {
        Some("table") => {
            let rates = rest(&[0.01, 0.02, 0.03, 0.05]);
            table(number(0, 1e7) as usize, number(1, 10.0) as u64, &rates)
        }
        Some("delay") => {
            let bits = rest(&[1e5, 1e6, 1e7, 6e7]);
            delay(number(0, 0.02), number(1, 50.0) / 1e3, &bits)
        }
        _ => Err("say `table` or `delay`; the file's head tells what they take".into()),
    }
}

fn table(bits: usize, blocks: u64, rates: &[f64]) -> Result<(), Failure> {
    println!("{blocks} blocks of {bits} bits");
    println!(
        "| q | f_alice | f_charged | λ_max used at most | dropped blocks | frames that differ | \
         round trips | Alice, Mbit/s | Bob, Mbit/s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for &qber in rates {
        let plan = plan(bits, qber)?;
        let (mut sum, mut most, mut dropped, mut limit) = (Run::default(), 0.0_f64, 0, 0.0);
        for seed in 0..blocks {
            let (alice, bob) = strings(bits, qber, seed);
            match run(&plan, &alice, &bob) {
                Ok(one) => {
                    most = most.max(2.0 * one.disclosed as f64 / plan.lambda_max() as f64);
                    let found = alice.distance(&bob) as f64 / bits as f64;
                    limit += bits as f64 * binary_entropy(found);
                    sum.add(&one);
                }
                Err(ReconcileError::LeakExhausted { .. }) => dropped += 1,
                Err(error) => return Err(error.into()),
            }
        }
        let through = (blocks - dropped) as f64;
        println!(
            "| {:.2} % | {:.4} | {:.3} | {most:.3} | {dropped} of {blocks} | {} of {} | {:.0} | {:.0} | {:.0} |",
            100.0 * qber,
            sum.disclosed as f64 / limit,
            plan.lambda_max() as f64 / (bits as f64 * binary_entropy(qber)),
            sum.differ,
            blocks * plan.frames(),
            sum.trips as f64 / through,
            through * bits as f64 / sum.alice_s / 1e6,
            through * bits as f64 / sum.bob_s / 1e6,
        );
    }
    Ok(())
}

fn delay(qber: f64, rtt_s: f64, sizes: &[f64]) -> Result<(), Failure> {
    println!("q = {:.2} %, round trip {:.0} ms, a core for each party", 100.0 * qber, 1e3 * rtt_s);
    println!(
        "| bits of a block | blocks in flight | frames in flight | round trips a block | a frame | no delay, \
         Mbit/s | with it | share | memory of Bob, bytes a bit |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for &bits in sizes {
        let plan = plan(bits as usize, qber)?;
        let (alice, bob) = strings(bits as usize, qber, 1);
        let one = run(&plan, &alice, &bob)?;
        for blocks in [1, 2, 4, 8] {
            let all = blocks as f64 * bits;
            let [without, with] = [0.0, rtt_s].map(|rtt_s| together(&one.steps, blocks, rtt_s));
            println!(
                "| {bits:.0} | {blocks} | {} | {} | {:.3} | {:.1} | {:.2} | {:.1} % | {:.2} |",
                blocks as u64 * plan.frames(),
                one.trips,
                one.trips as f64 / (blocks as u64 * plan.frames()) as f64,
                all / without / 1e6,
                all / with / 1e6,
                100.0 * without / with,
                one.bytes / bits,
            );
        }
    }
    Ok(())
}

/// When the last of some blocks is done that begin together, each of these steps, Alice's and Bob's in
/// turn: a party has one core and takes what came first, and a message takes half a round trip.
fn together(steps: &[f64], blocks: usize, rtt_s: f64) -> f64 {
    // Next step and when its message is there, of each block.
    let mut waiting = vec![(0, 0.0); blocks];
    let mut free = [0.0_f64; 2];
    loop {
        let due = waiting.iter_mut().filter(|(step, _)| *step < steps.len());
        let Some((step, at)) = due.min_by(|a, b| {
            let start = |&(step, at): &(usize, f64)| at.max(free[step % 2]);
            start(a).total_cmp(&start(b)).then(a.1.total_cmp(&b.1))
        }) else {
            return free[0].max(free[1]);
        };
        let party = *step % 2;
        free[party] = at.max(free[party]) + steps[*step];
        (*step, *at) = (*step + 1, free[party] + rtt_s / 2.0);
    }
}

fn plan(bits: usize, qber: f64) -> Result<Plan, Failure> {
    let test_bits = 1 << 40;
    let test_errors = (qber * test_bits as f64) as u64;
    let announced = Announced { n_key: bits as u64, test_bits, test_errors, margin_ppm: 0 };
    Ok(Plan::choose(Code::Cascade, announced)?)
}

/// What a block took.
#[derive(Default)]
struct Run {
    /// Parities that Alice told.
    disclosed: u64,
    /// Frames in which the strings differ afterwards.
    differ: u64,
    /// Round trips.
    trips: u64,
    alice_s: f64,
    bob_s: f64,
    /// Seconds of each step, Alice's and Bob's in turn.
    steps: Vec<f64>,
    /// By which Bob's engine made the program grow.
    bytes: f64,
}

impl Run {
    fn add(&mut self, one: &Run) {
        self.disclosed += one.disclosed;
        self.differ += one.differ;
        self.trips += one.trips;
        self.alice_s += one.alice_s;
        self.bob_s += one.bob_s;
    }
}

fn run(plan: &Plan, of_alice: &SecretBits, of_bob: &SecretBits) -> Result<Run, ReconcileError> {
    let mut run = Run::default();
    let mut clock = cpu_seconds();
    let mut lap = || {
        let now = cpu_seconds();
        now - std::mem::replace(&mut clock, now)
    };
    let mut alice = plan.alice(of_alice)?;
    let mut message = alice.first();
    run.steps.push(lap());
    let before = resident_bytes();
    let mut bob = plan.bob(of_bob)?;
    run.bytes = resident_bytes() - before;
    loop {
        let step = bob.handle(&message)?;
        run.steps.push(lap());
        run.trips += 1;
        let (reply, ends) = match step {
            BobStep::Send(reply) => (reply, false),
            BobStep::SendDone(reply) => (reply, true),
        };
        let step = alice.handle(&reply)?;
        run.steps.push(lap());
        match step {
            AliceStep::Send(next) if !ends => message = next,
            AliceStep::Done if ends => break,
            _ => return Err(ReconcileError::OutOfTurn),
        }
    }
    let (corrected, outcome) = bob.corrected()?;
    run.steps.push(lap());
    let of = |party: usize| run.steps.iter().skip(party).step_by(2).sum();
    (run.alice_s, run.bob_s) = (of(0), of(1));
    run.disclosed = outcome.leak.alice_bits;
    let frames = outcome.frames as usize;
    let mut differs = vec![false; frames];
    for (i, (a, b)) in corrected.words().iter().zip(of_alice.words()).enumerate() {
        differs[i % frames] |= a != b;
    }
    run.differ = differs.iter().filter(|differs| **differs).count() as u64;
    Ok(run)
}

/// Seconds that this thread has computed.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Memory of this program that is not shared with files; 0 where the kernel does not tell.
fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    1024.0 * kib.unwrap_or(0.0)
}

/// Alice's string and Bob's, with independent errors.
fn strings(bits: usize, qber: f64, seed: u64) -> (SecretBits, SecretBits) {
    let mut source = ChaCha8Rng::seed_from_u64(seed);
    let words = (0..bits.div_ceil(64)).map(|_| source.next_u64()).collect();
    let alice = SecretBits::from_words(words, bits);
    let mut bob = alice.duplicate();
    let mut at = 0;
    loop {
        // The gap to the next error is geometric.
        let uniform = ((source.next_u64() >> 11) as f64 + 0.5) / 2f64.powi(53);
        at += (uniform.ln() / (-qber).ln_1p()) as usize;
        if at >= bits {
            return (alice, bob);
        }
        bob.flip(at);
        at += 1;
    }
}
