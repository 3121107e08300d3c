//! Gated detectors and delayed pulses: where edges lie, and where there are none.

mod common;

use common::{Desk, STEP};
use helio_bench::{Edge, GateWindow, Intensity, Polarization, PulseSource, SlotPlayer, SlotWord};
use helio_sim::{BenchConfig, Path, ReceiverKind};
use helio_units::{Decibel, Picoseconds, SlotIndex};

/// Dark counts above all, no jitter, both clocks alike: a slot is 30 ticks, light comes in tick 15.
fn noisy() -> BenchConfig {
    let mut config = BenchConfig::default();
    (config.clock.offset_ppm, config.clock.drift_ppb_per_s) = (0.0, 0.0);
    config.channel.path = Path::Fixed { loss: Decibel(10.0), delay: Picoseconds(1_000_000) };
    for detector in &mut config.receiver.detectors {
        detector.dark_rate_hz = 500_000.0;
        detector.jitter_ps = 0.0;
        detector.dead_time = Picoseconds(20_000);
        detector.afterpulse_probability = 0.1;
    }
    config
}

fn pulses(state: Polarization) -> impl FnMut(u64, u8) -> SlotWord {
    move |_, _| SlotWord::pulse(Intensity(0), state)
}

/// Edges of the detectors with their tick in the slot.
fn in_slots(desk: &Desk, edges: Vec<Edge>) -> Vec<(Edge, i128)> {
    let timing = desk.world.true_timing(0, SlotIndex(0));
    let place = |edge: &Edge| {
        let since = (i128::from(edge.tick.0) << 32) - timing.start.0;
        since.rem_euclid(timing.period.0) >> 32
    };
    edges.into_iter().filter(|e| e.channel < 2).map(|e| (e, place(&e))).collect()
}

#[test]
fn no_edge_lies_outside_the_gate() {
    for window in [GateWindow { start: 10, width: 9 }, GateWindow { start: 0, width: 30 }] {
        let mut desk = Desk::new(&noisy());
        desk.bob.set_gate(Some(window));
        let mut seen = [0u32; 30];
        for _ in 0..20 {
            let edges = desk.play(pulses(Polarization::H)).0;
            for (edge, place) in in_slots(&desk, edges) {
                let range = i128::from(window.start)..i128::from(window.start + window.width);
                assert!(range.contains(&place), "{edge:?} at {place}");
                seen[place as usize] += 1;
            }
        }
        let range = window.start as usize..(window.start + window.width) as usize;
        assert!(seen[range].iter().all(|n| *n > 50), "{seen:?}");
        assert!(seen[15] > 1000, "the light is in the gate: {seen:?}");
        assert_eq!(desk.world.truth().lost_to_gate == 0, window.width == 30);
    }
}

#[test]
fn light_outside_the_gate_is_not_seen() {
    let mut config = noisy();
    config.receiver.detectors.iter_mut().for_each(|d| d.dark_rate_hz = 0.0);
    let mut desk = Desk::new(&config);
    desk.bob.set_gate(Some(GateWindow { start: 16, width: 14 }));
    let edges = desk.play(pulses(Polarization::H)).0;
    assert_eq!(in_slots(&desk, edges), []);
    let truth = desk.world.truth();
    assert!(truth.lost_to_gate > 50 && truth.clicks() == 0, "{truth:?}");
}

#[test]
fn a_gated_detector_is_closed_where_no_word_opens_it() {
    let mut desk = Desk::new(&noisy());
    desk.bob.set_gate(Some(GateWindow { start: 0, width: 30 }));
    desk.bob.halt();
    for _ in 0..4 {
        desk.step_world(STEP);
        assert!(desk.drain().iter().all(|edge| edge.channel == 2));
    }
    // Words without the gate's pin, as in a sync slot.
    desk.bob.begin(SlotIndex(0));
    desk.bob.play(&[SlotWord::DARK; STEP]).unwrap();
    desk.step_world(STEP);
    assert!(desk.drain().iter().all(|edge| edge.channel == 2));
    assert!(desk.world.truth().clicks() < 100, "but for what came before the gate");
    desk.bob.set_gate(None);
    desk.step_world(STEP);
    assert!(desk.drain().len() > 500, "without a gate the player does not matter");
}

#[test]
fn four_detectors_may_be_gated_too() {
    let mut config = noisy();
    config.receiver.kind = ReceiverKind::Passive;
    let mut desk = Desk::new(&config);
    desk.bob.set_gate(Some(GateWindow { start: 10, width: 9 }));
    let edges = desk.play(pulses(Polarization::D)).0;
    assert!((0..4).all(|channel| edges.iter().any(|edge| edge.channel == channel)));
}

#[test]
fn pulses_are_delayed_by_state() {
    let mut config = noisy();
    config.receiver.detectors.iter_mut().for_each(|d| d.dark_rate_hz = 0.0);
    config.receiver.detectors.iter_mut().for_each(|d| d.afterpulse_probability = 0.0);
    config.tick_length = helio_units::TickLength::new(1_000, 1).unwrap();
    config.slot_ticks = 200;
    for (state, delay) in
        [(Polarization::H, 0), (Polarization::V, 3_000), (Polarization::D, -2_000)]
    {
        let mut desk = Desk::new(&config);
        desk.source.set_delay(state, Picoseconds(delay));
        desk.source.set_delay(Polarization::A, Picoseconds(5_000));
        let edges = desk.play(pulses(state)).0;
        let places = in_slots(&desk, edges);
        assert!(places.len() > 50);
        let expected = i128::from(100 + delay / 1_000);
        assert!(places.iter().all(|(_, place)| *place == expected), "{state:?} {places:?}");
    }
}
