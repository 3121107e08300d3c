//! Slots a second through the whole bench on one core: the default, and what costs extra.
//!
//! Filling the players is part of the loop, as a copy of words made beforehand; drawing settings is
//! the firmware's work and measured there. `random` is the settings' source alone.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use helio_bench::{
    Edge, EdgeSource, Intensity, Polarization, PulseSource, RandomSource, ReceiverSetting,
    SlotClock, SlotPlayer, SlotWord,
};
use helio_sim::{BenchConfig, Eve, ReceiverKind, SimPlayer, SimRandom, World};
use helio_units::{SlotIndex, Ticks};

const STEP: usize = 5_000;

fn words() -> (Vec<SlotWord>, Vec<SlotWord>) {
    let mut random = [0u8; 2 * STEP];
    SimRandom::new(1, 0).fill(&mut random).expect("seeded");
    let alice = random[..STEP].iter().enumerate().map(|(slot, byte)| {
        let level = Intensity([0, 0, 1, 2][usize::from(byte >> 6)]);
        match slot % 64 {
            0 => SlotWord::sync(byte & 1 == 1),
            _ => SlotWord::pulse(level, Polarization::from_code(*byte)),
        }
    });
    let bob = random[STEP..].iter().map(|byte| ReceiverSetting::from_code(*byte));
    (alice.collect(), bob.map(SlotWord::receive).collect())
}

fn optics(criterion: &mut Criterion) {
    let mut default = BenchConfig::default();
    // Nobody steers Bob's slot clock here.
    default.clock.drift_ppb_per_s = 0.0;
    let mut drift = default.clone();
    drift.channel.rotation_drift_rad_per_s = 0.01;
    let mut fluctuating = default.clone();
    fluctuating.source.intensity_fluctuation = 0.05;
    let mut passive = default.clone();
    passive.receiver.kind = ReceiverKind::Passive;
    let mut eve = default.clone();
    eve.eve = Eve::InterceptResend { fraction: 1.0 };
    let benches = [
        ("default", default),
        ("rotation drift", drift),
        ("intensity fluctuation", fluctuating),
        ("passive receiver", passive),
        ("intercept-resend", eve),
    ];

    let mut group = criterion.benchmark_group("step");
    group.throughput(Throughput::Elements(STEP as u64));
    for (name, config) in benches {
        let mut world = World::new(config).expect("valid");
        let mut source = world.source();
        let (mut alice, mut bob) = (SimPlayer::<STEP>::new(), SimPlayer::<STEP>::new());
        let (mut clock, mut edges) = (world.slot_clock(), world.edges::<4096>());
        source.set_enabled(true);
        clock.steer(world.true_timing(1, SlotIndex(1))).expect("in time");
        alice.begin(SlotIndex(0));
        bob.begin(SlotIndex(1));
        let (alice_words, bob_words) = words();
        let mut out = [Edge { tick: Ticks(0), channel: 0 }; 1024];
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                let room = bob.space();
                alice.play(&alice_words).expect("empty");
                bob.play(&bob_words[..room]).expect("space");
                world.step(&mut alice, &source, &mut bob, &mut clock, &mut edges, STEP);
                edges.drain(&mut out).edges
            })
        });
        assert!(alice.starved() + bob.starved() == 0, "the players starved");
    }
    group.finish();

    let mut group = criterion.benchmark_group("random");
    let mut random = SimRandom::new(1, 0);
    let mut out = [0; 4 * STEP];
    group.throughput(Throughput::Bytes(out.len() as u64));
    group.bench_function("chacha20", |bencher| bencher.iter(|| random.fill(&mut out)));
    group.finish();
}

criterion_group!(benches, optics);
criterion_main!(benches);
