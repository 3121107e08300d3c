//! Slots a second on one core: simulator and firmware of both stations, and with the hosts' side
//! of both links up to detections. The default bench: 5 MHz, 25 km, some 200 k clicks/s.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helio_link::{Connection, Event, PipeEnd};
use helio_timetag::{Buffer, SlotBatch, Slotter, SlotterConfig, TagBatch, TagDecoder, Window};
use helio_units::{FineTicks, Ticks};
use helio_virt::{Step, VirtBench, VirtConfig};
use helio_wire::{Configure, HostMessage, Stream};
use std::hint::black_box;
use std::num::NonZeroU16;
use std::time::Duration;

const STEPS: u64 = 64;
const SLOTS_A_STEP: u64 = 2_048;
/// Steps between two heartbeats: 41 ms.
const BEAT: u64 = 100;

struct Running {
    bench: VirtBench,
    alice: Connection<PipeEnd>,
    bob: Connection<PipeEnd>,
    chunk: Vec<u8>,
    steps: u64,
}

impl Running {
    /// Both devices run and Bob has locked.
    fn start() -> Running {
        let (bench, alice, bob) = VirtBench::new(VirtConfig::default()).expect("valid");
        let (alice, bob) = (Connection::new(alice), Connection::new(bob));
        let mut running = Running { bench, alice, bob, chunk: Vec::new(), steps: 0 };
        running.command(HostMessage::Hello);
        running.command(HostMessage::Configure(Configure {
            slot_ticks: 30,
            sync_spacing: 64,
            sync_seed: 1,
            intensity_weights: [2867, 819, 410, 0],
            key_basis_weight: 3686,
            random_swap: true,
            burst_slots: 0,
            slot_clock: helio_bench::SlotClockMode::Sync,
            gate: None,
        }));
        running.command(HostMessage::Arm { nonce: 1 });
        running.command(HostMessage::Start { epoch: 1, slots: 0 });
        for _ in 0..200 {
            running.step();
            running.discard();
        }
        running
    }

    fn command(&mut self, message: HostMessage<'_>) {
        for host in [&mut self.alice, &mut self.bob] {
            host.send(&message).expect("the bench is there");
            self.bench.step();
            host.receive(Duration::ZERO, |_| {}).expect("an answer");
        }
    }

    fn step(&mut self) {
        if self.steps.is_multiple_of(BEAT) {
            self.alice.beat().expect("the bench is there");
            self.bob.beat().expect("the bench is there");
        }
        self.steps += 1;
        assert_eq!(self.bench.step(), Step::Passed(SLOTS_A_STEP as usize));
    }

    fn discard(&mut self) {
        for host in [&mut self.alice, &mut self.bob] {
            while host.transport().try_receive(&mut self.chunk).is_ok() {
                black_box(&self.chunk);
            }
        }
    }
}

fn slotter() -> Slotter {
    let config = SlotterConfig {
        delays: vec![FineTicks(0); 2],
        window: Window { centre: 1 << 31, half_width: FineTicks::from_ticks(Ticks(3)) },
        hold_off: FineTicks::from_ticks(Ticks(150)),
        sync_spacing: NonZeroU16::new(64),
        slack: Ticks(150_000),
    };
    Slotter::new(config).expect("the configuration is in range")
}

fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("slots");
    group.throughput(Throughput::Elements(STEPS * SLOTS_A_STEP));
    group.sample_size(30);

    let mut running = Running::start();
    group.bench_function("simulator and firmware", |b| {
        b.iter(|| {
            for _ in 0..STEPS {
                running.step();
                running.discard();
            }
        });
    });

    let mut running = Running::start();
    let mut slotter = slotter();
    let (mut decoder, mut batch) = (TagDecoder::new(), TagBatch::default());
    let (mut out, mut settings) = (SlotBatch::default(), 0u64);
    group.bench_function("simulator, firmware and hosts up to detections", |b| {
        b.iter(|| {
            for _ in 0..STEPS {
                running.step();
                let _ = running.alice.receive(Duration::ZERO, |event| {
                    settings += u64::from(matches!(event, Event::Message(..)));
                });
                let _ = running.bob.receive(Duration::ZERO, |event| match event {
                    Event::Message(_, message) => decoder.push(&message, &mut batch),
                    Event::Lost { stream: Stream::Tags, .. } => decoder.frames_lost(&mut batch),
                    _ => {}
                });
                slotter.push(&batch, &mut out);
                batch.clear();
                out.clear();
            }
        });
    });
    let counters = out.counters;
    assert!(settings > 0 && (counters.detections > 0 || running.steps == 200), "{counters:?}");
}

criterion_group!(slots, benches);
criterion_main!(slots);
