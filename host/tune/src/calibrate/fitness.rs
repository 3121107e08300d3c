//! Whether a calibration may be loaded by a station: what would be taken on trust is refused.

use super::DarkFigures;

/// What stands in the way, and what is bounded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fitness {
    /// At least the longest dead time of any detector, in seconds; `None` where that of one is not
    /// bounded.
    pub longest_dead_time_s: Option<f64>,
    /// Why no station may load it, a sentence each; empty where it may.
    pub unfit: Vec<String>,
}

impl Fitness {
    /// From what the dark said of each detector, and the dead time, in seconds, that gaps in the light
    /// bound, where they do. So many standard errors, `sigmas`, are taken as certain. The dark of a
    /// simulated desk is believed.
    pub fn new(
        names: &[String],
        dark: &[DarkFigures],
        in_light_s: &[Option<f64>],
        sigmas: f64,
        simulated: bool,
    ) -> Fitness {
        let mut unfit = Vec::new();
        let each = || names.iter().zip(dark).zip(in_light_s);
        for ((name, _), _) in each().filter(|((_, figures), _)| !figures.steady && !simulated) {
            unfit.push(format!(
                "{name} does not count steadily in the dark; keep light out and measure again"
            ));
        }
        let mut longest = Some(0.0f64);
        for ((name, figures), in_light) in each() {
            // A single gap, such as a double pulse's, bounds nothing: a fit does, or many gaps in the light.
            let fitted = figures.dead_time_s.filter(|_| figures.steady).map(|dead| {
                let reach = dead.value + sigmas * dead.error;
                reach.max(figures.shortest_gap_s.unwrap_or(0.0))
            });
            let bound = fitted.or(*in_light);
            longest = longest.zip(bound).map(|(longest, bound)| longest.max(bound));
            if bound.is_none() {
                unfit.push(format!(
                    "the dead time of {name} is not bounded: too few gaps; measure longer"
                ));
            }
        }
        Fitness { longest_dead_time_s: longest, unfit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Measured;
    use crate::calibrate::DarkRun;
    use helio_timetag::{Tag, TagBatch};
    use helio_units::{TickLength, Ticks};

    fn names() -> Vec<String> {
        vec!["H".into(), "V".into()]
    }

    fn figures(dead_ns: Option<(f64, f64)>, steady: bool) -> DarkFigures {
        let dead = dead_ns.map(|(value, error)| Measured::new(value, error).times(1e-9));
        DarkFigures {
            rate_hz: Measured::new(1000.0, 10.0),
            dead_time_s: dead,
            shortest_gap_s: dead.map(|_| 52e-9),
            afterpulse: None,
            counts: 10_000,
            seconds: 10.0,
            steady,
        }
    }

    fn near(found: Option<f64>, ns: f64) {
        assert!(found.is_some_and(|s| (s * 1e9 - ns).abs() < 1e-6), "{found:?}, {ns} ns");
    }

    #[test]
    fn the_longest_dead_time_is_what_no_detector_exceeds() {
        let dark = [figures(Some((50.0, 2.0)), true), figures(Some((30.0, 1.0)), true)];
        let fit = Fitness::new(&names(), &dark, &[None, None], 5.0, false);
        assert_eq!(fit.unfit, Vec::<String>::new());
        near(fit.longest_dead_time_s, 60.0);
        // Not shorter than the shortest gap that was seen, however sharp the fit.
        let dark = [figures(Some((50.0, 0.1)), true), figures(Some((30.0, 0.1)), true)];
        near(Fitness::new(&names(), &dark, &[None, None], 5.0, false).longest_dead_time_s, 52.0);
        // Where the dark says nothing the light does.
        let dark = [figures(Some((50.0, 2.0)), true), figures(None, true)];
        let fit = Fitness::new(&names(), &dark, &[Some(1e-9), Some(110e-9)], 5.0, false);
        assert_eq!(fit.unfit, Vec::<String>::new());
        near(fit.longest_dead_time_s, 110.0);
    }

    #[test]
    fn a_dead_time_without_a_bound_is_refused_by_its_detectors_name() {
        for simulated in [false, true] {
            let dark = [figures(Some((50.0, 2.0)), true), figures(None, true)];
            let fit = Fitness::new(&names(), &dark, &[Some(1e-9), None], 5.0, simulated);
            assert_eq!(fit.longest_dead_time_s, None);
            let [why] = &fit.unfit[..] else { panic!("{:?}", fit.unfit) };
            assert!(why.starts_with("the dead time of V is not bounded"), "{why}");
        }
        let fit = Fitness::new(
            &names(),
            &[figures(None, true), figures(None, true)],
            &[None, None],
            5.0,
            true,
        );
        assert_eq!(fit.unfit.len(), 2);
    }

    #[test]
    fn unsteady_counts_are_refused_and_their_fit_bounds_nothing() {
        let dark = [figures(Some((50.0, 2.0)), true), figures(Some((30.0, 1.0)), false)];
        let real = Fitness::new(&names(), &dark, &[None, Some(90e-9)], 5.0, false);
        assert_eq!(real.unfit.len(), 1);
        assert!(real.unfit[0].starts_with("V does not count steadily"), "{:?}", real.unfit);
        near(real.longest_dead_time_s, 90.0);
        let simulated = Fitness::new(&names(), &dark, &[None, Some(90e-9)], 5.0, true);
        assert_eq!(
            (simulated.unfit.len(), simulated.longest_dead_time_s),
            (0, real.longest_dead_time_s)
        );
        let without = Fitness::new(&names(), &dark, &[None, None], 5.0, false);
        assert_eq!((without.unfit.len(), without.longest_dead_time_s), (2, None));
    }

    /// Random counts in ticks of 1 ns; every other tenth of a second `brighter` times as many.
    fn in_the_dark(brighter: f64) -> DarkFigures {
        let mut run = DarkRun::new(TickLength::new(1000, 1).unwrap(), 1);
        run.begin();
        let (mut tick, mut dice) = (0u64, 7u64);
        let mut batch = TagBatch::default();
        while tick < 2_000_000_000 {
            dice = dice
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let uniform = ((dice >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
            let rate = if tick / 100_000_000 % 2 == 0 { 1.0 } else { brighter };
            tick += 50 + (-uniform.ln() * 20_000.0 / rate) as u64;
            batch.tags.push(Tag { tick, channel: 0, ..Tag::default() });
        }
        batch.reached = Ticks(tick);
        run.tags(&batch);
        run.of(0)
    }

    #[test]
    fn light_that_leaks_in_by_turns_is_not_steady() {
        assert!(in_the_dark(1.0).steady);
        let leaking = in_the_dark(8.0);
        assert!(!leaking.steady, "{leaking:?}");
        let fit = Fitness::new(&names()[..1], &[leaking], &[None], 5.0, false);
        assert!(fit.unfit[0].contains("keep light out"), "{:?}", fit.unfit);
    }
}
