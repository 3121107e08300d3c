//! Measures Cascade on simulated strings: what is disclosed, what the key pays, residual errors,
//! round trips, and each party's speed.
//!
//! `cargo run --release -p helio-distill --example cascade -- table [blocks of 100 frames, default 4]`

use std::time::Instant;

use helio_distill::bound::binary_entropy;
use helio_distill::reconcile::{AliceStep, Announced, BobStep, Code, Plan, ReconcileError};
use helio_keys::SecretBits;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

type Failure = Box<dyn std::error::Error>;

const FRAME: usize = 102_400;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, or: usize| arguments.get(i).map_or(Ok(or), |text| text.parse());
    let frames = number(1, 100)?;
    table(frames, number(2, 4)?)
}

fn table(frames: usize, blocks: usize) -> Result<(), Failure> {
    println!("| q | f_alice | worst | f_charged | frames that differ | corrected | round trips | Alice, Mbit/s | Bob, Mbit/s |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for qber in std::env::var("Q").map_or(vec![0.01, 0.02, 0.03, 0.05], |t| vec![t.parse().unwrap()]) {
        let bits = frames * FRAME;
        let plan = plan(bits, qber)?;
        let mut sum = Run::default();
        let (mut worst, mut exhausted) = (0.0_f64, 0);
        let mut limit = 0.0;
        for seed in 0..blocks {
            let (alice, bob) = strings(bits, qber, seed as u64);
            let h = bits as f64 * binary_entropy(alice.distance(&bob) as f64 / bits as f64);
            match run(&plan, &alice, &bob) {
                Ok(one) => {
                    worst = worst.max(one.disclosed as f64 / h);
                    limit += h;
                    sum.add(&one);
                }
                Err(ReconcileError::LeakExhausted { .. }) => exhausted += 1,
                Err(error) => return Err(error.into()),
            }
        }
        let all = (blocks - exhausted) as f64 * bits as f64;
        println!(
            "| {:.1} % | {:.4} | {:.4} | {:.3} | {} of {} ({exhausted} dropped) | {} | {:.1} | {:.1} | {:.1} |",
            100.0 * qber,
            sum.disclosed as f64 / limit,
            worst,
            plan.lambda_max() as f64 / (bits as f64 * binary_entropy(qber)),
            sum.differ, blocks * frames, sum.corrected,
            sum.trips as f64 / blocks as f64,
            all / sum.alice_s / 1e6,
            all / sum.bob_s / 1e6,
        );
    }
    Ok(())
}

fn plan(bits: usize, qber: f64) -> Result<Plan, Failure> {
    let test_bits = 1 << 40;
    let test_errors = (qber * test_bits as f64) as u64;
    let announced = Announced { n_key: bits as u64, test_bits, test_errors, margin_ppm: 0 };
    Ok(Plan::choose(Code::Cascade, announced)?)
}

/// What one block took.
#[derive(Default)]
struct Run {
    disclosed: u64,
    corrected: u64,
    differ: u64,
    trips: u64,
    alice_s: f64,
    bob_s: f64,
}

impl Run {
    fn add(&mut self, one: &Run) {
        self.disclosed += one.disclosed;
        self.corrected += one.corrected;
        self.differ += one.differ;
        self.trips += one.trips;
        self.alice_s += one.alice_s;
        self.bob_s += one.bob_s;
    }
}

fn run(plan: &Plan, of_alice: &SecretBits, of_bob: &SecretBits) -> Result<Run, ReconcileError> {
    let mut run = Run::default();
    let start = cpu_seconds();
    let mut alice = plan.alice(of_alice)?;
    let mut message = alice.first();
    let mut last = cpu_seconds();
    run.alice_s += last - start;
    let mut bob = plan.bob(of_bob)?;
    loop {
        let step = bob.handle(&message)?;
        let now = cpu_seconds();
        run.bob_s += now - last;
        run.trips += 1;
        let (reply, ends) = match step {
            BobStep::Send(reply) => (reply, false),
            BobStep::SendDone(reply) => (reply, true),
        };
        let step = alice.handle(&reply)?;
        last = cpu_seconds();
        run.alice_s += last - now;
        if std::env::var("TRACE").is_ok() { eprintln!("{} {} {}", run.trips, message.len(), reply.len()); }
        match step {
            AliceStep::Send(next) if !ends => message = next,
            AliceStep::Done if ends => break,
            _ => return Err(ReconcileError::OutOfTurn),
        }
    }
    let (corrected, outcome) = bob.corrected()?;
    run.bob_s += cpu_seconds() - last;
    run.disclosed = outcome.leak.alice_bits;
    run.corrected = outcome.corrected_errors;
    let frames = outcome.frames as usize;
    let mut differs = vec![false; frames];
    for (i, (a, b)) in corrected.words().iter().zip(of_alice.words()).enumerate() {
        differs[i % frames] |= a != b;
    }
    run.differ = differs.iter().filter(|differs| **differs).count() as u64;
    Ok(run)
}

/// Seconds that this thread has computed, by the kernel's count where there is one.
fn cpu_seconds() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let count = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ns = count.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    match ns {
        Some(ns) => ns as f64 / 1e9,
        None => START.get_or_init(Instant::now).elapsed().as_secs_f64(),
    }
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
