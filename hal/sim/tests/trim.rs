//! What an operator sets at the parts does what it says, and only from then on.

mod common;

use common::{Desk, STEP, binomial, quiet, random_state};
use helio_bench::{Edge, Intensity, Polarization, PulseSource, SlotWord};
use helio_sim::{
    AliceTrim, BenchConfig, BobTrim, Eve, HALF_WAVE_MV, ReceiverKind, SimPlayer, World, golden,
};
use helio_units::{Picoseconds, TickLength};

fn edges(config: &BenchConfig, steps: usize, mut trim: impl FnMut(usize, &mut World)) -> Vec<Edge> {
    let mut desk = Desk::new(config);
    let mut all = Vec::new();
    for step in 0..steps {
        trim(step, &mut desk.world);
        all.extend(desk.play(random_state(0)).0);
    }
    all
}

#[test]
fn the_defaults_change_nothing_to_the_bit() {
    for kind in [ReceiverKind::Active, ReceiverKind::Passive] {
        let config = golden::everything(kind);
        let untouched = edges(&config, 8, |_, _| ());
        let defaults =
            |_, world: &mut World| world.trim(&AliceTrim::default(), &BobTrim::default());
        assert_eq!(edges(&config, 8, defaults), untouched);
        // Tables that are computed anew are the same tables: A is driven otherwise in each second
        // step, and is not sent.
        let only_h = |trims: bool| {
            let mut desk = Desk::new(&BenchConfig { eve: Eve::None, ..config.clone() });
            let mut all = Vec::new();
            for step in 0..8 {
                let mut alice = AliceTrim::default();
                alice.modulator_mv[3] += i32::from(trims && step % 2 == 1);
                desk.world.trim(&alice, &BobTrim::default());
                all.extend(desk.play(|_, _| SlotWord::pulse(Intensity(0), Polarization::H)).0);
            }
            all
        };
        assert_eq!(only_h(true), only_h(false));
    }
}

#[test]
fn an_attenuator_takes_its_decibels_from_the_next_step_on() {
    let mut desk = Desk::new(&quiet());
    let seen = |desk: &mut Desk, passed: f64| {
        let before = *desk.world.truth();
        desk.run(40, random_state(0), |_| ());
        let after = desk.world.truth();
        let mean = 0.5 * 0.5 * 10f64.powf(-0.2) * passed;
        let [seen, sent] =
            [after.pulses_seen[0] - before.pulses_seen[0], after.pulses[0] - before.pulses[0]];
        binomial("pulses seen", seen, sent, -(-mean).exp_m1());
    };
    seen(&mut desk, 1.0);
    let trim = AliceTrim { attenuation_mdb: 3_000, ..AliceTrim::default() };
    desk.world.trim(&trim, &BobTrim::default());
    seen(&mut desk, 10f64.powf(-0.3));
    desk.world.trim(&AliceTrim::default(), &BobTrim::default());
    seen(&mut desk, 1.0);
}

#[test]
fn a_voltage_cancels_the_error_of_its_state_and_of_no_other() {
    let mut config = quiet();
    config.source.state_error_rad = [0.0, 0.0, 0.3, 0.3];
    let mut desk = Desk::new(&config);
    let wrong = |desk: &mut Desk, state: Polarization, angle: f64| {
        let (mut clicks, mut errors) = (0u64, 0u64);
        let word = |_, _| SlotWord::pulse(Intensity(0), state);
        desk.run(20, word, |slot| {
            if slot.setting.basis == state.basis() && matches!(slot.clicks, 1 | 2) {
                clicks += 1;
                errors += u64::from((slot.clicks == 2) != (state.bit() != slot.setting.swap));
            }
        });
        binomial("errors", errors, clicks, angle.sin().powi(2));
    };
    wrong(&mut desk, Polarization::D, 0.3);
    let mut alice = AliceTrim::default();
    let off = 0.3 * f64::from(HALF_WAVE_MV) / std::f64::consts::FRAC_PI_2;
    alice.modulator_mv[Polarization::D as usize] -= off.round() as i32;
    desk.world.trim(&alice, &BobTrim::default());
    wrong(&mut desk, Polarization::D, 0.0);
    wrong(&mut desk, Polarization::A, 0.3);
    wrong(&mut desk, Polarization::H, 0.0);
}

#[test]
fn delays_of_a_state_and_of_a_detector_add_up() {
    let mut config = quiet();
    config.tick_length = TickLength::new(1, 1).unwrap();
    config.slot_ticks = 200_000;
    config.clock.offset_ppm = 0.0;
    let mut desk = Desk::new(&config);
    let start = desk.world.bob_now().0;
    let middle = |desk: &mut Desk, state: Polarization| {
        let edges = desk.play(|_, _| SlotWord::pulse(Intensity(0), state)).0;
        [0, 1].map(|channel| {
            let since = |e: &Edge| ((e.tick.0 - start) % 200_000) as f64 + 0.5 - 100_000.0;
            let all: Vec<f64> = edges.iter().filter(|e| e.channel == channel).map(since).collect();
            assert!(all.len() > 100);
            all.iter().sum::<f64>() / all.len() as f64
        })
    };
    let mut bob = BobTrim::default();
    desk.source.set_delay(Polarization::A, Picoseconds(700));
    bob.delay_ps[1] = 5_000;
    desk.world.trim(&AliceTrim::default(), &bob);
    for (state, late) in [(Polarization::H, 0.0), (Polarization::A, 700.0)] {
        let [first, second] = middle(&mut desk, state);
        // 100 ps of jitter, hundreds of clicks.
        assert!((first - late).abs() < 40.0, "{state:?}: {first}");
        assert!((second - late - 5_000.0).abs() < 40.0, "{state:?}: {second}");
    }
}

#[test]
fn bias_buys_efficiency_with_darks() {
    let mut config = quiet();
    config.receiver.detectors[0].dark_rate_hz = 20_000.0;
    let mut world = World::new(config.clone()).unwrap();
    let (mut alice, mut bob) = (SimPlayer::<1>::new(), SimPlayer::<1>::new());
    let (source, mut clock, mut edges) =
        (world.source(), world.slot_clock(), world.edges::<4096>());
    let mut darks = |bias: i32, rate: f64| {
        let trim = BobTrim { bias_mv: [bias; 4], ..BobTrim::default() };
        world.trim(&AliceTrim::default(), &trim);
        let before = world.truth().dark_clicks;
        for _ in 0..100 {
            world.step(&mut alice, &source, &mut bob, &mut clock, &mut edges, 10_000);
            let mut out = vec![Edge { tick: helio_units::Ticks(0), channel: 0 }; 4096];
            helio_bench::EdgeSource::drain(&mut edges, &mut out);
        }
        let (count, mean) = ((world.truth().dark_clicks - before) as f64, rate * 0.2);
        assert!((count - mean).abs() < 5.0 * mean.sqrt(), "{bias} mV: {count}, {mean}");
    };
    darks(3_000, 20_000.0);
    darks(2_000, 20_000.0 * (-2f64).exp());
    darks(4_000, 20_000.0 * 2f64.exp());
    darks(3_000, 20_000.0);

    let mut desk = Desk::new(&quiet());
    let trim = BobTrim { bias_mv: [1_500, 3_000, 3_000, 3_000], ..BobTrim::default() };
    desk.world.trim(&AliceTrim::default(), &trim);
    let mut clicks = [0u64; 2];
    desk.run(40, random_state(0), |slot| {
        (0..2).for_each(|d| clicks[d] += u64::from(slot.clicks >> d & 1));
    });
    // Half of the light each, on average over states and settings: equal shares, or all and nothing.
    let mean = |efficiency: f64| 0.5 * 10f64.powf(-0.2) * efficiency;
    let any = |m: f64| -(-m).exp_m1();
    let click = |efficiency: f64| any(mean(efficiency)) / 4.0 + any(mean(efficiency) / 2.0) / 2.0;
    let lower = 0.5 * (1.0 - (-1f64).exp()) / (1.0 - (-2f64).exp());
    for (clicks, efficiency) in clicks.into_iter().zip([lower, 0.5]) {
        binomial("clicks", clicks, 40 * STEP as u64, click(efficiency));
    }
}
