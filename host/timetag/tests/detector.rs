//! Dead time and afterpulses as the estimator finds them, against what the simulated bench was
//! given.

use helio_bench::{Edge, EdgeSource};
use helio_sim::{BenchConfig, ConfigError, SimPlayer, World};
use helio_timetag::analysis::{DetectorEstimate, Detectors, Estimate};
use helio_units::{Picoseconds, TickLength, Ticks};

#[derive(Clone, Copy, Debug)]
struct Setting {
    dead_time_ns: i64,
    afterpulse: f64,
    decay_ns: f64,
    rate_hz: f64,
}

const TICK_PS: u64 = 20;

/// The bench in the dark: counts of detector 0, whose dark counts are the light.
fn estimate(setting: Setting, seed: u64, counts: usize) -> Result<DetectorEstimate, ConfigError> {
    let mut config = BenchConfig {
        seed,
        tick_length: TickLength::new(TICK_PS, 1).unwrap(),
        slot_ticks: 1 << 20,
        ..BenchConfig::default()
    };
    for (channel, detector) in config.receiver.detectors.iter_mut().enumerate() {
        detector.dark_rate_hz = if channel == 0 { setting.rate_hz } else { 0.0 };
        detector.dead_time = Picoseconds(setting.dead_time_ns * 1000);
        detector.afterpulse_probability = setting.afterpulse;
        detector.afterpulse_time_constant_ps = setting.decay_ns * 1e3;
    }
    config.sync.false_rate_hz = 0.0;
    let mut world = World::new(config)?;
    let source = world.source();
    let (mut alice, mut bob) = (SimPlayer::<1>::new(), SimPlayer::<1>::new());
    let mut clock = world.slot_clock();
    let mut edges = world.edges::<4096>();
    let mut out = [Edge { tick: Ticks(0), channel: 0 }; 4096];
    let (mut detectors, mut seen) = (Detectors::default(), 0);
    while seen < counts {
        world.step(&mut alice, &source, &mut bob, &mut clock, &mut edges, 20);
        let drained = edges.drain(&mut out);
        assert_eq!(drained.loss, None);
        for edge in &out[..drained.edges] {
            detectors.push(edge.tick, edge.channel).unwrap();
        }
        seen += drained.edges;
    }
    Ok(detectors.estimate(0).unwrap())
}

/// Deviations in stated errors.
#[derive(Default)]
struct Pulls(Vec<f64>);

impl Pulls {
    fn add(&mut self, found: Estimate, truth: f64) {
        self.0.push((found.value - truth) / found.error);
    }

    /// 95 % within 3σ, no bias, and errors that are not much too wide or too narrow.
    fn check(&self, what: &str, narrowest: f64) {
        let n = self.0.len() as f64;
        let inside = self.0.iter().filter(|p| p.abs() < 3.0).count() as f64 / n;
        let mean = self.0.iter().sum::<f64>() / n;
        let rms = (self.0.iter().map(|p| p * p).sum::<f64>() / n).sqrt();
        println!("{what}: {n} settings, {inside:.3} within 3σ, mean {mean:.2} σ, rms {rms:.2} σ");
        assert!(inside >= 0.95, "{what}: {inside} within 3σ");
        assert!(mean.abs() < 0.5, "{what}: mean deviation {mean} σ");
        assert!((narrowest..1.6).contains(&rms), "{what}: rms deviation {rms} σ");
    }
}

#[test]
fn a_grid_of_simulated_detectors_is_recovered_within_the_stated_errors() {
    const COUNTS: usize = 60_000;
    let [mut dead, mut rate, mut probability, mut decay] = [const { Pulls(Vec::new()) }; 4];
    let (mut seed, mut resolved, mut resolvable) = (1, 0, 0);
    for dead_time_ns in [20, 80, 1_000, 10_000] {
        for afterpulse in [0.0, 0.01, 0.05, 0.2] {
            for decay_ns in [30.0, 300.0, 3_000.0] {
                for rate_hz in [2e3, 5e4, 5e5] {
                    let setting = Setting { dead_time_ns, afterpulse, decay_ns, rate_hz };
                    seed += 1;
                    let found = estimate(setting, seed, COUNTS).unwrap();
                    let ticks = |ns: f64| ns * 1e3 / TICK_PS as f64;
                    dead.add(found.dead_time, ticks(dead_time_ns as f64));
                    let alive = rate_hz * 1e-12 * TICK_PS as f64;
                    // Afterpulses as slow as the light itself cannot be told from it, and then the
                    // rate has both.
                    let apart = rate_hz * decay_ns * 1e-9 < 0.1;
                    if apart || afterpulse == 0.0 {
                        rate.add(found.alive_rate, alive);
                        probability.add(found.afterpulse.unwrap(), afterpulse);
                    }
                    if let Some(found) = found.afterpulse_decay {
                        assert!(afterpulse > 0.0, "{setting:?}: {found:?}");
                        decay.add(found, ticks(decay_ns));
                        resolved += 1;
                    }
                    resolvable += usize::from(afterpulse > 0.0 && apart);
                }
            }
        }
    }
    dead.check("dead time", 0.3);
    rate.check("rate", 0.7);
    probability.check("afterpulse probability", 0.7);
    decay.check("afterpulse decay", 0.7);
    println!("decay resolved in {resolved}, of {resolvable} that could be");
    assert!(resolved * 10 >= resolvable * 9);
}
