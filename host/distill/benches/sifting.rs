//! Speed of sifting: `cargo bench -p helio-distill --bench sifting`.
//!
//! 1 "element" is one event: a detection, in a slot that is kept. Times are CPU time of one thread.
//! A station's whole work is one of the two lines "whole station"; the rate of the link is that of
//! the slower one. Not in it: what is done for each slot, whether it clicks or not (taking settings
//! from the device and wiping them).
//!
//! The block's settings do not fit the caches, and the caches are swept before each pass: at a loss
//! of 10⁻⁴ each look-up goes to memory, as it does in a station. "slow" is the test oracle, one
//! detection at a time with variable-length gaps and whole bits. The sizes of the messages, with
//! their entropy, are printed first.

#[path = "../tests/sifting_support/mod.rs"]
mod sifting_support;

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use helio_distill::parameters::Parameters;
use helio_distill::sifting::{AliceBlock, BobBlock};
use rustix::time::{ClockId, clock_gettime};
use sifting_support::{Draw, coins, draw, entropy, naive};

/// What this thread has spent of the processor.
fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// More than the caches hold.
struct Sweep(Vec<u64>);

impl Sweep {
    /// Reads only: what it leaves in the caches need not be written back at the cost of others.
    fn run(&self) {
        black_box(self.0.iter().fold(0, |sum: u64, word| sum.wrapping_add(*word)));
    }
}

/// CPU time of `work` on what `prepare` gives, with cold caches.
fn measure<T, R>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    sweep: &Sweep,
    name: &str,
    mut prepare: impl FnMut() -> T,
    mut work: impl FnMut(T) -> R,
) {
    group.bench_function(name, |b| {
        b.iter_custom(|times| {
            let mut spent = Duration::ZERO;
            for _ in 0..times {
                let input = prepare();
                sweep.run();
                let begin = cpu_time();
                let output = work(input);
                spent += cpu_time() - begin;
                drop(black_box(output));
            }
            spent
        });
    });
}

fn one_loss(c: &mut Criterion, name: &str, click: f64, slots_per_block: u32) {
    let parameters = Parameters { slots_per_block, ..Parameters::example() };
    let how = Draw { click, ..Draw::EXAMPLE };
    let data = draw(&parameters, 1, &how, 1);
    let (alice_runs, bob_runs) = (data.alice(), data.bob());
    let alice = AliceBlock::new(&parameters, 1, &alice_runs).expect("in order");
    let bob = BobBlock::new(&parameters, 1, &data.detections, &bob_runs).expect("in order");

    let measured = bob.measure(&mut coins(1)).expect("never fails");
    let announcement = measured.announce();
    let hear = || alice.hear(&announcement).expect("Bob's own");
    let (answer, answered) = hear().answer().expect("known settings");
    let sifted = measured.hear(&answer).expect("Alice's own");
    let result = &sifted.test_result;

    let slow_measure =
        || naive::measure(&parameters, 1, &data.detections, &bob_runs, &[], &mut coins(1));
    let slow_bob = slow_measure();
    let (offsets, bases) = (&slow_bob.offsets, &slow_bob.test_basis);
    let look_up = || naive::look_up(data.first, &alice_runs, offsets, bases);
    let slow_alice = look_up();
    let (_, errors) = naive::compare(&slow_bob, &slow_alice);
    let (slow_announcement, slow_answer) = (naive::announce(&slow_bob), naive::answer(&slow_alice));

    let events = offsets.len();
    println!(
        "{name}: {events} events in {slots_per_block} slots; bytes, entropy, ratio, old bytes"
    );
    for (message, bytes, bits, old) in [
        (
            "announcement",
            announcement.len(),
            entropy::announcement(&parameters, 1, 0, &slow_bob),
            slow_announcement.len(),
        ),
        ("answer", answer.len(), entropy::answer(&slow_bob, &slow_alice), slow_answer.len()),
        ("errors", result.len() - 1, entropy::errors(&errors), errors.len().div_ceil(8)),
    ] {
        let least = bits / 8.0;
        let ratio = bytes as f64 / least;
        println!("  {message:<13} {bytes:>9} {least:>11.1} {ratio:.4} {old:>9}");
    }

    let sweep = Sweep((0..8 << 20).collect());
    let mut group = c.benchmark_group(name);
    group.sample_size(20).throughput(Throughput::Elements(events as u64));
    let mut entropy = coins(1);
    let g = &mut group;
    let s = &sweep;
    let fresh = || BobBlock::new(&parameters, 1, &[], &[]).expect("no settings");
    measure(g, s, "Bob, takes clicks, wipes them", fresh, |mut fresh| {
        fresh.take(&data.detections);
        fresh.forget();
    });
    measure(g, s, "Bob, clicks to bits", || (), |()| bob.measure(&mut entropy).expect("it ran"));
    measure(g, s, "Bob, bits to announcement", || (), |()| measured.announce());
    measure(g, s, "Alice, announcement to slots", || (), |()| hear());
    measure(g, s, "Alice, slots to answer", hear, |heard| heard.answer().expect("it ran"));
    measure(g, s, "Bob, answer to key and counts", || (), |()| measured.hear(&answer));
    measure(g, s, "Alice, errors to counts", || (), |()| answered.hear(result));
    measure(
        g,
        s,
        "Bob, whole station",
        || (),
        |()| {
            let measured = bob.measure(&mut entropy).expect("it ran");
            (measured.announce(), measured.hear(&answer).expect("it ran"))
        },
    );
    measure(
        g,
        s,
        "Alice, whole station",
        || (),
        |()| {
            let (answer, answered) = hear().answer().expect("it ran");
            (answer, answered.hear(result).expect("it ran"))
        },
    );
    group.sample_size(10);
    let slots = slots_per_block;
    measure(
        &mut group,
        &sweep,
        "Bob, whole station, slow",
        || (),
        |()| {
            let bob = slow_measure();
            let alice = naive::hear_answer(&slow_answer, &bob.test_basis);
            let (key, errors) = naive::compare(&bob, &alice);
            let counts = naive::gather(slots, &bob.offsets, &bob.test_basis, &alice, &errors);
            (naive::announce(&bob), key, counts)
        },
    );
    measure(
        &mut group,
        &sweep,
        "Alice, whole station, slow",
        || (),
        |()| {
            let (offsets, bases) = naive::hear(&slow_announcement);
            let alice = naive::look_up(data.first, &alice_runs, &offsets, &bases);
            (naive::answer(&alice), naive::gather(slots, &offsets, &bases, &alice, &errors))
        },
    );
    group.finish();
}

fn sifting(c: &mut Criterion) {
    // As in a station that has worked on some blocks: the C library has learnt from a large piece of
    // memory that came back to use what is freed again, instead of asking the kernel for new pages.
    drop(black_box(vec![1u8; 31 << 20]));
    one_loss(c, "loss 1e-2", 1e-2, 100_000_000);
    one_loss(c, "loss 1e-4", 1e-4, 400_000_000);
}

criterion_group!(benches, sifting);
criterion_main!(benches);
