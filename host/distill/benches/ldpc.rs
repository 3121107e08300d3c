//! Speed of LDPC reconciliation at both stations: `cargo bench -p helio-distill --bench ldpc`.
//!
//! Throughput is of the string, blocks of 10^6 bits; 1 "element" is 1 bit. The program
//! `examples/reconciliation.rs` measures what the speed is worth: efficiency and failures.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helio_distill::reconcile::{Announced, BobStep, Code, Plan};
use helio_keys::{EntropySource, SecretBits, SeededEntropy, SimulatedDevices};

const BITS: usize = 1_000_000;

fn random(bits: usize, stream: &str) -> SecretBits {
    let devices = SimulatedDevices::declared(true, true).expect("both simulated");
    SeededEntropy::new(devices, 1, stream).bits(bits).expect("never fails")
}

/// Alice's string and Bob's with independent errors.
fn strings(qber: f64) -> (SecretBits, SecretBits) {
    let (alice, draws) = (random(BITS, "string"), random(32 * BITS, "errors"));
    let mut bob = alice.duplicate();
    let low = |word: &u64| [*word as u32, (*word >> 32) as u32];
    let errors =
        draws.words().iter().flat_map(low).map(|draw| f64::from(draw) < qber * 2f64.powi(32));
    errors.enumerate().filter(|(_, error)| *error).for_each(|(i, _)| bob.flip(i));
    (alice, bob)
}

fn reconciliation(c: &mut Criterion) {
    for percent in [1, 2, 3, 5] {
        let mut group = c.benchmark_group(format!("LDPC at {percent} %"));
        group.sample_size(10);
        group.throughput(Throughput::Elements(BITS as u64));
        let (test_bits, test_errors) = (100_000_000, percent * 1_000_000);
        let announced = Announced { n_key: BITS as u64, test_bits, test_errors, margin_ppm: 0 };
        let plan = Plan::choose(Code::Ldpc, announced).expect("within the range");
        let (alice, bob) = strings(f64::from(percent as u32) / 100.0);
        group.bench_function("Alice encodes", |b| {
            b.iter(|| plan.alice(&alice).expect("its length").first());
        });
        let checks = plan.alice(&alice).expect("its length").first();
        group.bench_function("Bob decodes", |b| {
            b.iter(|| {
                let step = plan.bob(&bob).expect("its length").handle(&checks);
                assert!(matches!(step, Ok(BobStep::SendDone(_))));
            });
        });
        group.finish();
    }
}

criterion_group!(benches, reconciliation);
criterion_main!(benches);
