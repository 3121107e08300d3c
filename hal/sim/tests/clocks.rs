//! Clocks, sync, slot players: when things happen.

mod common;

use common::{Desk, STEP, binomial, random_state};
use helio_bench::{
    Edge, EdgeSource, Intensity, Polarization, PulseSource, ReceiverSetting, SlotClock, SlotPlayer,
    SlotWord,
};
use helio_sim::{BenchConfig, Path, SimPlayer, World};
use helio_units::{Decibel, FineTicks, Picoseconds, SlotIndex, Ticks};

/// Only the sync path: no light, no darks, no jitter.
fn sync_only(offset_ppm: f64, drift_ppb_per_s: f64) -> BenchConfig {
    let mut config = BenchConfig::default();
    config.clock.offset_ppm = offset_ppm;
    config.clock.drift_ppb_per_s = drift_ppb_per_s;
    config.sync.jitter_ps = 0.0;
    config.receiver.detectors.iter_mut().for_each(|d| d.dark_rate_hz = 0.0);
    config
}

fn none() -> Edge {
    Edge { tick: Ticks(0), channel: 0 }
}

#[test]
fn markers_arrive_by_the_law_of_the_clocks() {
    for (offset, drift) in [(0.0, 0.0), (100.0, 0.0), (-100.0, 1_000.0), (3.7, -2.0)] {
        let mut config = sync_only(offset, drift);
        config.channel.path = Path::Fixed { loss: Decibel(0.0), delay: Picoseconds(2_000_000) };
        let mut world = World::new(config.clone()).unwrap();
        let mut source = world.source();
        source.set_enabled(true);
        let (mut alice, mut bob) = (SimPlayer::<STEP>::new(), SimPlayer::<1>::new());
        let (mut clock, mut edges) = (world.slot_clock(), world.edges::<{ 2 * STEP }>());
        alice.begin(SlotIndex(0));
        let mut out = vec![none(); 2 * STEP];
        let mut slot = 0u64;
        for _ in 0..400 {
            alice.play(&[SlotWord::sync(true); STEP]).unwrap();
            world.step(&mut alice, &source, &mut bob, &mut clock, &mut edges, STEP);
            let drained = edges.drain(&mut out);
            assert_eq!((drained.edges, drained.loss), (STEP, None));
            for edge in &out[..STEP] {
                assert_eq!(edge.channel, 2);
                let n = slot as f64;
                let t = n * 200e-9;
                let gained = 150e6 * (offset * 1e-6 * t + drift * 1e-9 * t * t / 2.0);
                // 2 µs are 300 ticks; mid-slot is 15 on.
                let expected = (1_000_003 + 300 + 15 + 30 * slot) as f64 + gained;
                let off = expected - edge.tick.0 as f64;
                assert!((-0.01..1.01).contains(&off), "{offset} ppm {drift} ppb/s: {slot} {off}");
                slot += 1;
            }
        }
    }
}

#[test]
fn markers_are_missed_and_invented_at_their_rates() {
    let mut config = sync_only(3.7, 2.0);
    config.sync.miss_probability = 0.2;
    config.sync.false_rate_hz = 50_000.0;
    let mut desk = Desk::new(&config);
    let mut edges = 0;
    for _ in 0..200 {
        edges += desk.play(|slot, _| SlotWord::sync(slot % 64 == 0)).0.len() as u64;
    }
    let truth = desk.world.truth();
    binomial("missed", truth.markers_missed, truth.markers, 0.2);
    assert!((truth.false_markers as f64 - 10_000.0).abs() < 500.0, "{}", truth.false_markers);
    assert_eq!(edges, truth.markers - truth.markers_missed + truth.false_markers);
}

/// Edges of 20 000 slots in steps of `step` slots, with words that do not depend on it.
fn run_in_steps(step: usize) -> Vec<Edge> {
    let config = helio_sim::golden::everything(helio_sim::ReceiverKind::Active);
    let mut world = World::new(config).unwrap();
    let mut source = world.source();
    source.set_enabled(true);
    let (mut alice, mut bob) = (SimPlayer::<20_000>::new(), SimPlayer::<20_100>::new());
    let (mut clock, mut edges) = (world.slot_clock(), world.edges::<20_000>());
    clock.steer(world.true_timing(3, SlotIndex(3))).unwrap();
    alice.begin(SlotIndex(0));
    bob.begin(SlotIndex(3));
    let mix = |n: u32| (n.wrapping_mul(0x9e37_79b1) >> 24) as u8;
    for n in 0..20_000 {
        let pulse = SlotWord::pulse(Intensity(0), Polarization::from_code(mix(n)));
        let word = if n % 64 == 0 { SlotWord::sync(true) } else { pulse };
        alice.play(&[word]).unwrap();
        bob.play(&[SlotWord::receive(ReceiverSetting::from_code(mix(n) >> 2))]).unwrap();
    }
    let (mut all, mut out, mut left) = (Vec::new(), vec![none(); 20_000], 20_000);
    while left > 0 {
        let slots = step.min(left);
        world.step(&mut alice, &source, &mut bob, &mut clock, &mut edges, slots);
        let drained = edges.drain(&mut out);
        all.extend_from_slice(&out[..drained.edges]);
        left -= slots;
    }
    assert_eq!(alice.starved() + bob.starved(), 0);
    all
}

#[test]
fn the_cut_into_steps_changes_nothing() {
    let whole = run_in_steps(20_000);
    assert!(whole.len() > 500);
    for step in [1, 7, 256, 997, 5_000] {
        // Not assert_eq: it would print both.
        assert!(run_in_steps(step) == whole, "steps of {step}");
    }
}

#[test]
fn without_words_it_is_dark_and_counted() {
    let mut desk = Desk::new(&sync_only(0.0, 0.0));
    let bright = SlotWord(SlotWord::pulse(Intensity(0), Polarization::H).0 | 1 << 6);
    desk.alice.play(&[bright; 100]).unwrap();
    desk.step_world(STEP);
    assert!(desk.drain().len() >= 100);
    assert_eq!(desk.alice.starved(), STEP as u64 - 100);
    assert_eq!(desk.world.truth().pulses[0], 100);

    // A closed enable line is dark though the player plays.
    desk.source.set_enabled(false);
    desk.alice.play(&[bright; STEP]).unwrap();
    desk.step_world(STEP);
    assert_eq!(desk.drain(), []);
    assert_eq!((desk.alice.space(), desk.alice.starved()), (STEP, STEP as u64 - 100));

    // So is a halted player, which does not count.
    desk.source.set_enabled(true);
    desk.alice.play(&[bright; STEP]).unwrap();
    desk.alice.halt();
    desk.step_world(STEP);
    assert_eq!(desk.drain(), []);
    assert_eq!(desk.alice.starved(), STEP as u64 - 100);
}

/// Steers Bob's slots `late` ticks behind Alice's, and gives the share of wrong bits where the
/// bases that both sides believe in match, with the number of bits and of unset pulses.
fn error_at_offset(late: i64, slots: u64) -> (f64, u64, u64) {
    let mut config = sync_only(0.0, 0.0);
    config.channel.rotation_rad = 0.0;
    config.receiver.modulator_settling = Picoseconds(60_000);
    let mut desk = Desk::new(&config);
    let mut timing = desk.world.true_timing(2_000, SlotIndex(2_000 + slots));
    timing.start = FineTicks(timing.start.0 + (i128::from(late) << 32));
    desk.clock.steer(timing).unwrap();
    desk.run(2, random_state(0), |_| ());
    let unset = desk.world.truth().pulses_unset;
    let (mut clicks, mut errors) = (0u64, 0u64);
    desk.run(40, random_state(0), |slot| {
        let state = Polarization::from_code(slot.sent.modulator());
        if slot.setting.basis == state.basis() && matches!(slot.clicks, 1 | 2) {
            clicks += 1;
            errors += u64::from((slot.clicks == 2) != (state.bit() != slot.setting.swap));
        }
    });
    (errors as f64 / clicks as f64, clicks, desk.world.truth().pulses_unset - unset)
}

#[test]
fn only_an_aligned_slot_clock_keeps_the_correlation() {
    let random = |(error, clicks, unset): (f64, u64, u64), expected_unset: u64| {
        assert!((error - 0.5).abs() < 2.5 / (clicks as f64).sqrt(), "{error} of {clicks}");
        assert_eq!(unset, expected_unset);
    };
    // Pulses come 15 ticks into the slot, the modulator settles in 9.
    for late in [0, 5, -14] {
        let (error, _, unset) = error_at_offset(late, 0);
        assert!(error < 0.003 && unset == 0, "{late} ticks: {error}, {unset} unset");
    }
    random(error_at_offset(7, 0), 40 * STEP as u64);
    random(error_at_offset(16, 0), 0);
    random(error_at_offset(0, 1), 0);
}

#[test]
fn an_overflow_loses_nothing_uncounted() {
    let mut config = sync_only(0.0, 0.0);
    config.source.levels[0] = helio_units::MeanPhotons::new(20.0).unwrap();
    let mut world = World::new(config).unwrap();
    let mut source = world.source();
    source.set_enabled(true);
    let (mut alice, mut bob) = (SimPlayer::<1_000>::new(), SimPlayer::<1>::new());
    let (mut clock, mut edges) = (world.slot_clock(), world.edges::<100>());
    alice.begin(SlotIndex(0));
    let (mut delivered, mut lost, mut out) = (0, 0, vec![none(); 1_000]);
    let mut cursor = Ticks(0);
    for _ in 0..20 {
        alice.play(&[SlotWord::pulse(Intensity(0), Polarization::D); 1_000]).unwrap();
        world.step(&mut alice, &source, &mut bob, &mut clock, &mut edges, 1_000);
        let drained = edges.drain(&mut out);
        let loss = drained.loss.expect("a buffer of 100 edges overflows");
        assert!(out[..drained.edges].iter().all(|e| (cursor..loss.from).contains(&e.tick)));
        assert_eq!((loss.to, drained.reached), (world.bob_now(), world.bob_now()));
        delivered += drained.edges as u64;
        lost += loss.lost;
        cursor = drained.reached;
    }
    assert_eq!(delivered + lost, world.truth().clicks());
    assert!(delivered > 1_000 && lost > 10_000);
}
