//! Gains and error rates against the analytic channel model: threshold detectors, Poisson light,
//! `a = 1 − (1 − p_dc) e^(−ηk(1 − e))`, `b = 1 − (1 − p_dc) e^(−ηke)`, `Q = a + b − ab`,
//! `EQ = b − ab/2` (double clicks get a random bit).

mod common;

use common::{Desk, STEP, Slot, binomial, random_state};
use helio_sim::{BenchConfig, DetectorConfig, Eve};
use helio_units::{Decibel, MeanPhotons, Picoseconds};

/// Counts of the slots whose bases match.
#[derive(Default)]
struct Tally {
    matched: u64,
    right_only: u64,
    wrong_only: u64,
    double: u64,
}

impl Tally {
    fn add(&mut self, slot: &Slot) {
        let state = helio_bench::Polarization::from_code(slot.sent.modulator());
        if state.basis() != slot.setting.basis {
            return;
        }
        self.matched += 1;
        let right = 1 << u8::from(state.bit() != slot.setting.swap);
        match slot.clicks & 3 {
            0 => {}
            3 => self.double += 1,
            clicks if clicks == right => self.right_only += 1,
            _ => self.wrong_only += 1,
        }
    }

    fn clicked(&self) -> u64 {
        self.right_only + self.wrong_only + self.double
    }

    fn error(&self) -> f64 {
        (self.wrong_only as f64 + self.double as f64 / 2.0) / self.clicked() as f64
    }
}

/// Equal detectors, 7 dB, error 5 %; 2 kcounts/s of darks are 4e-4 a slot.
fn config() -> BenchConfig {
    let mut config = BenchConfig::default();
    config.clock.drift_ppb_per_s = 0.0;
    config.channel.rotation_rad = 0.05f64.sqrt().asin();
    config.receiver.extinction_ratio = Decibel(100.0);
    config.receiver.detectors = [DetectorConfig {
        dark_rate_hz: 1e5,
        dead_time: Picoseconds(0),
        ..DetectorConfig::default()
    }; 4];
    config
}

fn run(config: &BenchConfig, level: u8, steps: usize) -> Tally {
    let mut tally = Tally::default();
    Desk::new(config).run(steps, random_state(level), |slot| tally.add(slot));
    tally
}

#[test]
fn gains_and_errors_follow_the_model_at_each_level() {
    for (level, mean) in [(0, 0.5), (1, 0.1), (2, 0.0)] {
        let mut config = config();
        config.seed = 10 + u64::from(level);
        let tally = run(&config, level, 1_000);

        let eta = 10f64.powf(-0.7) * 0.5;
        let dark = -(-1e5 * 200e-9f64).exp_m1();
        let a = 1.0 - (1.0 - dark) * (-eta * mean * 0.95f64).exp();
        let b = 1.0 - (1.0 - dark) * (-eta * mean * 0.05f64).exp();
        binomial("right only", tally.right_only, tally.matched, a * (1.0 - b));
        binomial("wrong only", tally.wrong_only, tally.matched, b * (1.0 - a));
        binomial("double", tally.double, tally.matched, a * b);
        binomial("gain", tally.clicked(), tally.matched, a + b - a * b);
    }
}

#[test]
fn intercepting_every_pulse_leaves_the_gain_and_a_quarter_of_errors() {
    let mut config = config();
    config.receiver.detectors.iter_mut().for_each(|d| d.dark_rate_hz = 0.0);
    config.source.levels[0] = MeanPhotons::new(0.1).unwrap();
    config.eve = Eve::InterceptResend { fraction: 1.0 };
    let tally = run(&config, 0, 1_000);
    let mean = 10f64.powf(-0.7) * 0.5 * 0.1;
    binomial("gain", tally.clicked(), tally.matched, -(-mean).exp_m1());
    // 1/4 + e/2, up to double clicks (0.25 % of clicks, half of them errors).
    let sigma = (0.275 * 0.725 / tally.clicked() as f64).sqrt();
    assert!((tally.error() - 0.275).abs() < 5.0 * sigma + 0.001, "{}", tally.error());
}

#[test]
fn a_partial_attack_mixes_in_proportion() {
    let mut config = config();
    config.receiver.detectors.iter_mut().for_each(|d| d.dark_rate_hz = 0.0);
    config.source.levels[0] = MeanPhotons::new(0.1).unwrap();
    config.eve = Eve::InterceptResend { fraction: 0.2 };
    let mut tally = Tally::default();
    let mut desk = Desk::new(&config);
    desk.run(1_000, random_state(0), |slot| tally.add(slot));
    let expected = 0.8 * 0.05 + 0.2 * 0.275;
    let sigma = (expected * (1.0 - expected) / tally.clicked() as f64).sqrt();
    assert!((tally.error() - expected).abs() < 5.0 * sigma + 0.001, "{}", tally.error());
    binomial("touched", desk.world.truth().pulses_touched, 1_000 * STEP as u64, 0.2);
}
