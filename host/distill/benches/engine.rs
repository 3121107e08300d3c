//! Speed of reconciliation: `cargo bench -p helio-distill --bench engine`; of the hashes:
//! `--bench hashing`.
//!
//! Throughput is of input, bits of the string. 1 "element" is 1 bit.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helio_distill::reconcile::{Announced, BobStep, Code, Plan};
use helio_keys::{EntropySource, SecretBits, SeededEntropy, SimulatedDevices};

const MEGABIT: usize = 1_000_000;

fn random(bits: usize, stream: &str) -> SecretBits {
    let devices = SimulatedDevices::declared(true, true).expect("both simulated");
    SeededEntropy::new(devices, 1, stream).bits(bits).expect("never fails")
}

/// Alice's string and Bob's with 2 % of errors.
fn strings(bits: usize) -> (SecretBits, SecretBits) {
    let (alice, draws) = (random(bits, "string"), random(32 * bits, "errors"));
    let mut bob = alice.duplicate();
    let low = |word: &u64| [*word as u32, (*word >> 32) as u32];
    let errors =
        draws.words().iter().flat_map(low).map(|draw| f64::from(draw) < 0.02 * 2f64.powi(32));
    errors.enumerate().filter(|(_, error)| *error).for_each(|(i, _)| bob.flip(i));
    (alice, bob)
}

fn plan(bits: usize) -> Plan {
    let (test_bits, test_errors) = (100_000_000, 2_000_000);
    let announced = Announced { n_key: bits as u64, test_bits, test_errors, margin_ppm: 0 };
    Plan::choose(Code::Ldpc, announced).expect("within the range")
}

fn reconciliation(c: &mut Criterion) {
    let mut group = c.benchmark_group("reconcile at 2 %");
    group.sample_size(10);
    group.throughput(Throughput::Elements(MEGABIT as u64));
    let (alice, bob) = strings(MEGABIT);
    let ldpc = plan(MEGABIT);
    group.bench_function("LDPC, Alice encodes", |b| {
        b.iter(|| ldpc.alice(&alice).expect("its length").first());
    });
    let syndromes = ldpc.alice(&alice).expect("its length").first();
    group.bench_function("LDPC, Bob decodes", |b| {
        b.iter(|| {
            let step = ldpc.bob(&bob).expect("its length").handle(&syndromes);
            assert!(matches!(step, Ok(BobStep::SendDone(_))));
        });
    });
    group.finish();
}

criterion_group!(benches, reconciliation);
criterion_main!(benches);
