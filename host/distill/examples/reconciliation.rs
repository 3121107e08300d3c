//! Measures both reconciliation engines on simulated strings: what the key pays, what was
//! disclosed, how often a frame fails, how fast it is.
//!
//! `cargo run --release -p helio-distill --example reconciliation -- [blocks of 1 Mbit, default 20]`
//!
//! The test basis is taken as large, so that the plan is made for the true error rate. `f_charged`
//! is λ_max and `f_alice` what Alice disclosed, both over n·h(q).

use std::time::{Duration, Instant};

use helio_distill::bound::binary_entropy;
use helio_distill::reconcile::{AliceStep, Announced, BobStep, Code, Leak, Plan, ReconcileError};
use helio_keys::{EntropySource, SecretBits, SeededEntropy, SimulatedDevices};

const BITS: usize = 1_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let blocks: u64 = std::env::args().nth(1).map_or(Ok(20), |count| count.parse())?;
    println!("| engine | q | f_charged | f_alice | failed frames | iterations | decoder, Mbit/s |");
    println!("|---|---|---|---|---|---|---|");
    for (code, blocks) in [(Code::Ldpc, blocks), (Code::Cascade, blocks.div_ceil(10))] {
        for qber in [0.001, 0.0025, 0.004, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.09] {
            println!("{}", measure(code, qber, blocks)?);
        }
    }
    Ok(())
}

fn measure(code: Code, qber: f64, blocks: u64) -> Result<String, Box<dyn std::error::Error>> {
    let test_bits = 1 << 40;
    let test_errors = (qber * test_bits as f64) as u64;
    let announced = Announced { n_key: BITS as u64, test_bits, test_errors, margin_ppm: 0 };
    let plan = match Plan::choose(code, announced) {
        Ok(plan) => plan,
        Err(refused) => return Ok(format!("| {code:?} | {:.2} % | {refused} |", 100.0 * qber)),
    };
    let limit = BITS as f64 * binary_entropy(qber);
    let (mut failed, mut iterations, mut frames, mut leak) = (0, 0, 0, Leak::default());
    let mut time = Duration::ZERO;
    for seed in 0..blocks {
        let (alice, bob) = strings(qber, seed)?;
        let start = Instant::now();
        let result = run(&plan, &alice, &bob);
        time += start.elapsed();
        frames += plan.frames();
        match result {
            Ok(outcome) => {
                failed += u64::from(outcome.failed_frames);
                iterations += outcome.iterations;
                leak.alice_bits += outcome.leak.alice_bits;
            }
            Err(ReconcileError::TooManyFailedFrames { failed: count, .. }) => {
                failed += u64::from(count);
                leak.alice_bits += plan.lambda_max();
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(format!(
        "| {code:?} | {:.2} % | {:.3} | {:.3} | {failed} of {frames} | {:.1} | {:.1} |",
        100.0 * qber,
        plan.lambda_max() as f64 / limit,
        leak.alice_bits as f64 / (blocks as f64 * limit),
        iterations as f64 / frames as f64,
        (blocks as usize * BITS) as f64 / time.as_secs_f64() / 1e6,
    ))
}

fn run(
    plan: &Plan,
    of_alice: &SecretBits,
    of_bob: &SecretBits,
) -> Result<helio_distill::reconcile::Outcome, ReconcileError> {
    let (mut alice, mut bob) = (plan.alice(of_alice)?, plan.bob(of_bob)?);
    let mut message = alice.first();
    while let BobStep::Send(question) = bob.handle(&message)? {
        let AliceStep::Send(answer) = alice.handle(&question)? else {
            return Err(ReconcileError::OutOfTurn);
        };
        message = answer;
    }
    let (corrected, outcome) = bob.corrected()?;
    assert!(bool::from(corrected.ct_eq(of_alice)), "an undetected error");
    Ok(outcome)
}

/// Alice's string and Bob's with independent errors.
fn strings(qber: f64, seed: u64) -> Result<(SecretBits, SecretBits), Box<dyn std::error::Error>> {
    let devices = SimulatedDevices::declared(true, true).ok_or("not simulated")?;
    let mut source = SeededEntropy::new(devices, seed, "reconciliation");
    let alice = source.bits(BITS)?;
    let mut bob = alice.duplicate();
    let mut draws = vec![0; 4 * BITS];
    source.fill(&mut draws)?;
    let threshold = (qber * 2f64.powi(32)) as u32;
    let (draws, _) = draws.as_chunks::<4>();
    for (i, draw) in draws.iter().enumerate() {
        if u32::from_le_bytes(*draw) < threshold {
            bob.flip(i);
        }
    }
    Ok((alice, bob))
}
