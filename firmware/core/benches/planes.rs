//! Cost of the data planes apart from their parts: the random source repeats one buffer, the
//! player takes words and forgets them, edges come from a list.
//!
//! `cargo bench -p helio-firmware`

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helio_bench::{
    Drained, Edge, EdgeSource, PlayerError, RandomClass, RandomFault, RandomSource, SlotPlayer,
    SlotWord,
};
use helio_firmware::prbs::Prbs31;
use helio_firmware::{
    AliceData, BobData, Orders, PassiveReceiver, RunOrder, Transmit,
    sync::{SyncPlan, SyncTracker},
};
use helio_units::{SlotIndex, TickLength, Ticks};
use helio_wire::Configure;
use std::hint::black_box;

const MS: u64 = 150_000;

struct Repeats([u8; 1024]);

impl RandomSource for Repeats {
    fn class(&self) -> RandomClass {
        RandomClass::Seeded
    }
    fn name(&self) -> &str {
        "one buffer"
    }
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomFault> {
        out.copy_from_slice(&self.0[..out.len()]);
        Ok(())
    }
}

struct Forgets {
    queued: usize,
}

impl SlotPlayer for Forgets {
    fn begin(&mut self, _: SlotIndex) {
        self.queued = 0;
    }
    fn space(&self) -> usize {
        5000 - self.queued
    }
    fn queued(&self) -> usize {
        self.queued
    }
    fn play(&mut self, words: &[SlotWord]) -> Result<(), PlayerError> {
        self.queued += black_box(words).len();
        Ok(())
    }
    fn halt(&mut self) {}
    fn starved(&self) -> u64 {
        0
    }
}

struct Sink;

impl Transmit for Sink {
    fn space(&self) -> usize {
        usize::MAX
    }
    fn send(&mut self, frame: &[u8]) {
        black_box(frame);
    }
}

/// A list of edges of one millisecond, again and again.
struct Again {
    edges: Vec<Edge>,
    next: usize,
    from: u64,
}

impl EdgeSource for Again {
    fn channels(&self) -> u8 {
        5
    }
    fn tick_length(&self) -> TickLength {
        TickLength::CYCLE_150_MHZ
    }
    fn drain(&mut self, out: &mut [Edge]) -> Drained {
        let n = out.len().min(self.edges.len() - self.next);
        for (out, edge) in out.iter_mut().zip(&self.edges[self.next..]) {
            *out = Edge { tick: Ticks(self.from + edge.tick.0), ..*edge };
        }
        self.next += n;
        Drained { edges: n, reached: Ticks(self.from + MS), loss: None }
    }
}

fn orders(epoch: u16) -> Orders {
    let configure = Configure {
        slot_ticks: 30,
        sync_spacing: 64,
        sync_seed: 1,
        intensity_weights: [2900, 1000, 196, 0],
        key_basis_weight: 3687,
        random_swap: true,
        burst_slots: 0,
        slot_clock: helio_bench::SlotClockMode::Sync,
        gate: None,
    };
    Orders {
        enable: true,
        halt: false,
        configure: Some(configure),
        run: Some(RunOrder::Start { epoch, slots: None }),
        permit_until: Ticks(u64::MAX),
        source: helio_bench::SettingsSource::Own,
        dead_times: [0; helio_firmware::DEAD_TIMES],
        delays: [0; 4],
        slot_clock: None,
    }
}

fn alice(c: &mut Criterion) {
    let random = Repeats(core::array::from_fn(|i| (i * 151 % 256) as u8));
    let tick = TickLength::CYCLE_150_MHZ;
    let mut data = AliceData::new(1, tick, Forgets { queued: 0 }, random);
    data.order(&orders(1));
    let mut now = 0;
    let mut group = c.benchmark_group("alice");
    group.throughput(Throughput::Elements(5000));
    group.bench_function("slots", |b| {
        b.iter(|| {
            now += MS;
            data.parts_mut().0.queued = 0;
            black_box(data.run(Ticks(now), &mut Sink))
        });
    });
}

fn bob(c: &mut Criterion) {
    let edges: Vec<Edge> = (0..1000u64)
        .map(|i| Edge { tick: Ticks(i * 150 + i * i % 89), channel: (i % 4) as u8 })
        .collect();
    let count = edges.len() as u64;
    let mut data = BobData::new(1, Again { edges, next: 0, from: 0 }, PassiveReceiver);
    data.order(&orders(1));
    let mut now = 0;
    let mut group = c.benchmark_group("bob");
    group.throughput(Throughput::Elements(count));
    group.bench_function("tags", |b| {
        b.iter(|| {
            let source = data.parts_mut().0;
            (source.next, source.from) = (0, now);
            now += MS;
            black_box(data.run(Ticks(now), &mut Sink))
        });
    });
}

fn sync(c: &mut Criterion) {
    let seed = Prbs31::new(1).unwrap();
    let mut tracker = SyncTracker::new(SyncPlan { slot_ticks: 30, spacing: 64, seed });
    let (mut prbs, mut k) = (seed, 0u64);
    let mut group = c.benchmark_group("sync");
    group.throughput(Throughput::Elements(1000));
    group.bench_function("positions", |b| {
        b.iter(|| {
            for _ in 0..1000 {
                k += 1;
                if prbs.next_bit() {
                    tracker.edge(Ticks(500 + k * 1920));
                }
            }
            tracker.search(4096);
            tracker.is_locked()
        });
    });
    assert!(tracker.is_locked());
    let mut search = seed;
    group.throughput(Throughput::Elements(4096));
    group.bench_function("search steps", |b| b.iter(|| black_box(search.step_to(0, 4096))));
}

criterion_group!(benches, alice, bob, sync);
criterion_main!(benches);
