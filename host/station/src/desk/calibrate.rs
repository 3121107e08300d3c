//! A calibration of Bob's device: a run in the dark, a run in Alice's light.

use std::ops::ControlFlow;

use helio_distill::bound::{
    DetectorTolerance, Interval, covering_tolerance, intensity_uncertainty_ppm,
    photons_at_most_nano,
};
use helio_timetag::TagBatch;
use helio_tune::calibrate::{DarkFigures, DarkRun, LightFigures, LightRun, Quantity, timing};
use helio_tune::{Arrivals, Measured, Sent};
use helio_wire::Role;

use super::measure::Measurement;
use super::{Desk, DeskPlan, Heard, Laser};
use crate::bench::cable::Item;
use crate::exit::{Exit, Failure};
use crate::shutdown::Shutdown;

/// After the light went off: afterglow and what was under way.
const SETTLE_S: f64 = 0.05;
/// Parts of the run in the light: how far delays wander from one to the other is part of their error.
const PARTS: u32 = 8;

/// How a calibration is made.
#[derive(Clone, Copy, Debug)]
pub struct Calibration {
    /// Seconds in the dark.
    pub dark_s: f64,
    /// Seconds of light.
    pub light_s: f64,
    /// From Alice's output to counts, where somebody has measured it.
    pub transmittance: Option<Measured>,
    /// Share by which efficiencies may differ where this light does not go.
    pub unseen: f64,
    /// Standard errors that are taken as certain.
    pub sigmas: f64,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Findings {
    /// Names of the detectors.
    pub names: Vec<String>,
    /// Each detector in the dark.
    pub dark: Vec<DarkFigures>,
    /// All of them in the light.
    pub light: LightFigures,
    /// Where the clicks lie.
    pub arrivals: Arrivals,
    /// Every number with its error and its way.
    pub quantities: Vec<Quantity>,
    /// What a key may rest on.
    pub tolerance: DetectorTolerance,
    /// At least the longest dead time of any detector, in ps.
    pub longest_dead_time_ps: u64,
    /// Mean photon numbers at Alice's output that the true ones do not exceed, in 10⁻⁹, by level.
    pub photons_at_most_nano: Option<Vec<(usize, u64)>>,
    /// What to write as `intensity_uncertainty`, in 10⁻⁶.
    pub intensity_uncertainty_ppm: Option<u32>,
    /// What could not be measured, and why.
    pub missing: Vec<String>,
}

impl Calibration {
    /// Measures.
    ///
    /// # Errors
    /// A device that fails, too little light, or numbers that carry no key.
    pub fn make(
        &self,
        desk: &mut Desk,
        plan: &DeskPlan,
        shutdown: &Shutdown,
    ) -> Result<Findings, Failure> {
        let names = plan.detectors();
        let tick = desk.bob().tick_length;
        let dark = self.dark(desk, plan, names.len(), shutdown)?;
        let dark: Vec<DarkFigures> = (0u8..).take(names.len()).map(|c| dark.of(c)).collect();

        let observer = plan.observer(tick, 1)?;
        let half_tick = 1i128 << 31;
        let ps = |fine: i128| fine as f64 / (1u64 << 32) as f64 * tick.as_ps_f64();
        let delays: Vec<f64> =
            observer.slotter.delays.iter().map(|d| ps(d.0 + half_tick)).collect();
        let window_s = ps(2 * observer.slotter.window.half_width.0) * 1e-12;
        let mut gaps = LightRun::new(tick, names.len());
        let measurement = Measurement { plan, observer, seconds: self.light_s, parts: PARTS };
        let looks = measurement.take(desk, shutdown, |heard| {
            if let Some(batch) = tags(heard) {
                gaps.tags(batch);
            }
        })?;
        let mut sent = Sent::default();
        looks.iter().for_each(|look| sent.add(&look.sent));
        let parts: Vec<Arrivals> = looks.iter().map(|look| look.arrivals.clone()).collect();
        let Some(mut arrivals) = parts.first().cloned() else {
            return Err(Failure::new(Exit::Device, "nothing was seen; measure longer"));
        };
        parts[1..].iter().for_each(|part| arrivals.add(part));
        let seconds: f64 = looks.iter().map(|look| look.seconds).sum();
        let rates: Vec<Measured> = dark.iter().map(|figures| figures.rate_hz).collect();
        let slot_s = f64::from(plan.slot_ticks(tick)?) * tick.as_ps_f64() * 1e-12;
        let all_slots = seconds / slot_s;
        let background: Vec<Measured> = (0..names.len())
            .map(|channel| arrivals.background_in_window(channel).times(1.0 / all_slots))
            .collect();
        let light = LightFigures::new(&sent, &rates, window_s, &background).ok_or_else(|| {
            Failure::new(
                Exit::Device,
                "too little light came through to compare detectors; align with helio watch first",
            )
        })?;

        let mut quantities = Vec::new();
        for (name, figures) in names.iter().zip(&dark) {
            quantities.extend(figures.quantities(name));
        }
        quantities.extend(light.quantities(&names));
        quantities.extend(timing(&arrivals, &parts, &names, &delays));

        let tolerance = self.tolerance(&light)?;
        let mut missing = self.unknown(&names, &dark);
        let mut longest: f64 = 0.0;
        for (channel, figures) in dark.iter().enumerate() {
            let fitted = figures.dead_time_s.map(|d| d.value + self.sigmas * d.error);
            let seen = gaps.shortest_gap_s(channel);
            let bound = fitted.into_iter().chain(seen).fold(f64::INFINITY, f64::min);
            if bound.is_infinite() {
                missing.push(format!("dead time of {}: it never clicked twice", names[channel]));
            } else {
                longest = longest.max(bound);
            }
        }
        let photons = self.photons(desk, plan, &light, &mut quantities, &mut missing)?;
        Ok(Findings {
            names,
            dark,
            light,
            arrivals,
            quantities,
            tolerance,
            longest_dead_time_ps: (longest * 1e9).ceil() as u64 * 1000,
            photons_at_most_nano: photons.as_ref().map(|(nano, _)| nano.clone()),
            intensity_uncertainty_ppm: photons.and_then(|(_, ppm)| ppm),
            missing,
        })
    }

    fn dark(
        &self,
        desk: &mut Desk,
        plan: &DeskPlan,
        channels: usize,
        shutdown: &Shutdown,
    ) -> Result<DarkRun, Failure> {
        let mut run = DarkRun::new(desk.bob().tick_length, channels);
        let (mut first, mut fault) = (None, None);
        desk.run(plan, Laser::Off, |heard| {
            if shutdown.is_requested() {
                return ControlFlow::Break(());
            }
            if let Heard::Bob(Item::End(end)) = &heard {
                fault = end.fault.clone();
            }
            if let Some(batch) = tags(&heard) {
                run.tags(batch);
                let first = *first.get_or_insert(run.reached_s());
                if run.seconds() == 0.0 && run.reached_s() - first >= SETTLE_S {
                    run.begin();
                }
            }
            match run.seconds() >= self.dark_s {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        match fault {
            _ if run.seconds() >= self.dark_s => Ok(run),
            Some(fault) => Err(Failure::new(Exit::Device, fault)),
            None => Err(Failure::new(Exit::Interrupted, "interrupted; nothing was written")),
        }
    }

    /// What a key may rest on.
    fn tolerance(&self, light: &LightFigures) -> Result<DetectorTolerance, Failure> {
        let interval = |m: &Measured| Interval::around(m.value, m.error, self.sigmas);
        let efficiencies: Vec<Interval> = light.efficiency.iter().map(interval).collect();
        let darks: Vec<Interval> = light.dark_probability.iter().map(interval).collect();
        covering_tolerance(&efficiencies, &darks, self.unseen).map_err(|why| {
            Failure::new(
                Exit::Device,
                format!("no tolerance holds what was measured ({why}); measure longer"),
            )
        })
    }

    fn unknown(&self, names: &[String], dark: &[DarkFigures]) -> Vec<String> {
        let mut missing = Vec::new();
        for (name, figures) in names.iter().zip(dark) {
            if figures.dead_time_s.is_none() {
                missing.push(format!(
                    "dead time of {name} from the dark: {} counts have no gap short enough; the shortest \
                     gap in the light bounds it",
                    figures.counts
                ));
            }
            if figures.afterpulse.is_none() {
                missing.push(format!(
                    "afterpulses of {name}: {} dark counts are too few; measure longer in the dark",
                    figures.counts
                ));
            }
            if !figures.steady {
                missing.push(format!(
                    "{name} does not count steadily in the dark: light leaks in, or its afterpulses are of \
                     several kinds"
                ));
            }
        }
        missing
    }

    /// Upper bounds by level, and the uncertainty about what is stated.
    #[expect(clippy::type_complexity, reason = "two numbers for one caller")]
    fn photons(
        &self,
        desk: &Desk,
        plan: &DeskPlan,
        light: &LightFigures,
        quantities: &mut Vec<Quantity>,
        missing: &mut Vec<String>,
    ) -> Result<Option<(Vec<(usize, u64)>, Option<u32>)>, Failure> {
        let Some(transmittance) = self.transmittance else {
            missing.push(
                "mean photon numbers: rates give them only times the transmittance; measure that with a \
                 power meter and give it with --transmittance"
                    .into(),
            );
            return Ok(None);
        };
        let stated = desk.alice().map_or([0; 4], |alice| alice.levels_nano);
        let configure = plan.configure(Role::Alice, desk.bob().tick_length)?;
        let (mut bounds, mut intervals, mut of) = (Vec::new(), Vec::new(), Vec::new());
        for photons in &light.photons {
            let mean = photons.at_output(transmittance);
            let interval = Interval::around(mean.value, mean.error, self.sigmas);
            quantities.push(Quantity {
                name: "mean photon number",
                of: format!("level {}", photons.level),
                value: mean,
                unit: "photons",
                how: "counted photons a pulse over the transmittance that was given",
            });
            bounds.push((photons.level, photons_at_most_nano(interval)));
            // Of a level that is all but dark a relative uncertainty says nothing.
            let played = configure.intensity_weights[photons.level] > 0;
            if played && stated[photons.level] > 10_000_000 {
                intervals.push(interval);
                of.push(stated[photons.level]);
            }
        }
        Ok(Some((bounds, intensity_uncertainty_ppm(&of, &intervals))))
    }
}

fn tags(heard: &Heard) -> Option<&TagBatch> {
    match heard {
        Heard::Bob(Item::Tags(batch)) => Some(batch),
        _ => None,
    }
}
