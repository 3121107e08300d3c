//! Measures a reconciliation engine on simulated strings: what the key pays, what was disclosed, how
//! often a frame fails, how fast both sides are.
//!
//! `cargo run --release -p helio-distill --example reconciliation -- [ldpc|cascade] [blocks, default 20]
//! [bits of a block, default 1000000] [QBER in percent, default several]`
//!
//! The test basis is taken as large, so that the plan is made for the true error rate. `f_charged`
//! is λ_max and `f_alice` what Alice disclosed, both over n·h(q), dropped blocks at λ_max. Times are of
//! the thread's processor where Linux tells them, so that other programs matter less.

use std::time::Instant;

use helio_distill::bound::binary_entropy;
use helio_distill::reconcile::{
    AliceStep, Announced, BobStep, Code, Outcome, Plan, ReconcileError,
};
use helio_keys::{EntropySource, SecretBits, SeededEntropy, SimulatedDevices};

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let mut args = std::env::args().skip(1);
    let code = match args.next().as_deref() {
        None | Some("ldpc") => Code::Ldpc,
        Some("cascade") => Code::Cascade,
        Some(other) => return Err(format!("no engine is called {other}").into()),
    };
    let blocks: u64 = args.next().map_or(Ok(20), |count| count.parse())?;
    let bits: usize = args.next().map_or(Ok(1_000_000), |bits| bits.parse())?;
    let asked: Option<f64> = args.next().map(|percent| percent.parse()).transpose()?;
    let all = [0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 9.0];
    println!(
        "| q | f_charged | f_alice | frames | failed at first | blind rounds a frame | in full \
         | blocks dropped | iterations | Alice, Mbit/s | Bob, Mbit/s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for percent in asked.map_or(all.to_vec(), |percent| vec![percent]) {
        println!("{}", measure(code, percent / 100.0, blocks, bits)?);
    }
    Ok(())
}

/// What all blocks did.
#[derive(Default)]
struct Sums {
    frames: u64,
    done: Outcome,
    disclosed: u64,
    blind_rounds: u64,
    dropped: u64,
    alice_s: f64,
    bob_s: f64,
}

fn measure(code: Code, qber: f64, blocks: u64, bits: usize) -> Result<String, AnyError> {
    let test_bits = 1 << 40;
    let test_errors = (qber * test_bits as f64) as u64;
    let announced = Announced { n_key: bits as u64, test_bits, test_errors, margin_ppm: 0 };
    let plan = match Plan::choose(code, announced) {
        Ok(plan) => plan,
        Err(refused) => return Ok(format!("| {:.2} % | {refused} |", 100.0 * qber)),
    };
    let limit = bits as f64 * binary_entropy(qber);
    let mut sums = Sums::default();
    for seed in 0..blocks {
        let (alice, bob) = strings(bits, qber, seed)?;
        sums.frames += plan.frames();
        match run(&plan, &alice, &bob, &mut sums) {
            Ok(outcome) => {
                sums.disclosed += outcome.leak.alice_bits;
                sums.blind_rounds += u64::from(outcome.blind_rounds);
                sums.done.failed_at_first += outcome.failed_at_first;
                sums.done.failed_frames += outcome.failed_frames;
                sums.done.iterations += outcome.iterations;
            }
            Err(ReconcileError::LeakExhausted { lambda_max }) => {
                sums.disclosed += lambda_max;
                sums.dropped += 1;
                // One frame at least.
                sums.done.failed_at_first += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let (frames, all_bits) = (sums.frames as f64, (blocks as usize * bits) as f64);
    Ok(format!(
        "| {:.2} % | {:.3} | {:.3} | {} | {} ({:.2e}) | {:.4} | {} | {} of {blocks} | {:.1} | {:.0} | {:.0} |",
        100.0 * qber,
        plan.lambda_max() as f64 / limit,
        sums.disclosed as f64 / (blocks as f64 * limit),
        sums.frames,
        sums.done.failed_at_first,
        f64::from(sums.done.failed_at_first) / frames,
        sums.blind_rounds as f64 / frames,
        sums.done.failed_frames,
        sums.dropped,
        sums.done.iterations as f64 / frames,
        all_bits / sums.alice_s / 1e6,
        all_bits / sums.bob_s / 1e6,
    ))
}

fn run(
    plan: &Plan,
    of_alice: &SecretBits,
    of_bob: &SecretBits,
    sums: &mut Sums,
) -> Result<Outcome, ReconcileError> {
    let timed = |seconds: &mut f64, start: f64| *seconds += now_s() - start;
    let start = now_s();
    let mut alice = plan.alice(of_alice)?;
    let mut message = alice.first();
    timed(&mut sums.alice_s, start);
    let start = now_s();
    let mut bob = plan.bob(of_bob)?;
    timed(&mut sums.bob_s, start);
    loop {
        let start = now_s();
        let step = bob.handle(&message);
        timed(&mut sums.bob_s, start);
        let BobStep::Send(question) = step? else { break };
        let start = now_s();
        let answer = alice.handle(&question);
        timed(&mut sums.alice_s, start);
        let AliceStep::Send(answer) = answer? else {
            return Err(ReconcileError::OutOfTurn);
        };
        message = answer;
    }
    let (corrected, outcome) = bob.corrected()?;
    assert!(bool::from(corrected.ct_eq(of_alice)), "an undetected error");
    Ok(outcome)
}

/// Seconds of this thread's processor, or of a clock where that is not told.
fn now_s() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let of_thread = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds =
        of_thread.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    nanoseconds
        .map_or_else(|| START.get_or_init(Instant::now).elapsed().as_secs_f64(), |ns| ns * 1e-9)
}

/// Alice's string and Bob's with independent errors: gaps between them are geometric.
fn strings(bits: usize, qber: f64, seed: u64) -> Result<(SecretBits, SecretBits), AnyError> {
    let devices = SimulatedDevices::declared(true, true).ok_or("not simulated")?;
    let mut source = SeededEntropy::new(devices, seed, "reconciliation");
    let alice = source.bits(bits)?;
    let mut bob = alice.duplicate();
    let (mut draw, mut at) = ([0; 8], 0.0);
    loop {
        source.fill(&mut draw)?;
        let uniform = (u64::from_le_bytes(draw) as f64 + 1.0) / 2f64.powi(64);
        at += (uniform.ln() / (1.0 - qber).ln()).floor();
        if at >= bits as f64 {
            return Ok((alice, bob));
        }
        bob.flip(at as usize);
        at += 1.0;
    }
}
