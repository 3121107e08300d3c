//! Speed of Cascade, each party alone: `cargo bench -p helio-distill --bench cascade`.
//!
//! A party is fed what the other one told it in a run before, so that only its own work is timed.
//! Time is what the thread computes.
//! One string is ten frames of 10^5 bits; 1 "element" is 1 bit.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helio_distill::reconcile::{AliceStep, Announced, BobStep, Code, Plan};
use helio_keys::SecretBits;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rustix::time::{ClockId, clock_gettime};

const BITS: usize = 1_000_000;

/// Alice's string and Bob's, with independent errors.
fn strings(qber: f64) -> (SecretBits, SecretBits) {
    let mut source = ChaCha8Rng::seed_from_u64(1);
    let words = (0..BITS.div_ceil(64)).map(|_| source.next_u64()).collect();
    let alice = SecretBits::from_words(words, BITS);
    let mut bob = alice.duplicate();
    let below = (qber * 2f64.powi(64)) as u64;
    (0..BITS).filter(|_| source.next_u64() < below).for_each(|at| bob.flip(at));
    (alice, bob)
}

fn plan(qber: f64) -> Plan {
    let test_bits = 100_000_000;
    let test_errors = (qber * test_bits as f64) as u64;
    let announced = Announced { n_key: BITS as u64, test_bits, test_errors, margin_ppm: 0 };
    Plan::choose(Code::Cascade, announced).expect("within the range")
}

/// What both say, Alice first.
fn talk(plan: &Plan, alice: &SecretBits, bob: &SecretBits) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let mut alice = plan.alice(alice).expect("its length");
    let mut bob = plan.bob(bob).expect("its length");
    let (mut from_alice, mut from_bob) = (vec![alice.first()], Vec::new());
    loop {
        let last = from_alice.last().expect("one at least");
        let step = bob.handle(last).expect("within λ_max");
        let (BobStep::Send(reply) | BobStep::SendDone(reply)) = step;
        from_bob.push(reply);
        match alice.handle(&from_bob[from_bob.len() - 1]).expect("within λ_max") {
            AliceStep::Send(next) => from_alice.push(next),
            AliceStep::Done => return (from_alice, from_bob),
        }
    }
}

/// What this thread computes in so many runs.
fn timed(runs: u64, mut run: impl FnMut()) -> Duration {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    let start = now();
    (0..runs).for_each(|_| run());
    now() - start
}

fn cascade(c: &mut Criterion) {
    let mut group = c.benchmark_group("Cascade");
    group.sample_size(20);
    group.throughput(Throughput::Elements(BITS as u64));
    for qber in [0.01, 0.02, 0.03, 0.05] {
        let (of_alice, of_bob) = strings(qber);
        let plan = plan(qber);
        let (from_alice, from_bob) = talk(&plan, &of_alice, &of_bob);
        group.bench_function(format!("Alice at {:.0} %", 100.0 * qber), |b| {
            b.iter_custom(|runs| {
                timed(runs, || {
                    let mut alice = plan.alice(&of_alice).expect("its length");
                    alice.first();
                    let last = from_bob.iter().map(|message| alice.handle(message)).last();
                    assert_eq!(last, Some(Ok(AliceStep::Done)));
                })
            });
        });
        group.bench_function(format!("Bob at {:.0} %", 100.0 * qber), |b| {
            b.iter_custom(|runs| {
                timed(runs, || {
                    let mut bob = plan.bob(&of_bob).expect("its length");
                    let last = from_alice.iter().map(|message| bob.handle(message)).last();
                    assert!(matches!(last, Some(Ok(BobStep::SendDone(_)))));
                    assert!(bob.corrected().is_ok());
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, cascade);
criterion_main!(benches);
