//! A calibration of Bob's device: a run in the dark, a run in Alice's light.

use std::ops::ControlFlow;

use helio_distill::bound::{
    DetectorTolerance, Interval, covering_tolerance, intensity_uncertainty_ppm, photons_nano,
};
use helio_timetag::TagBatch;
use helio_tune::calibrate::{
    DarkFigures, DarkRun, Fitness, LightFigures, LightRun, Quantity, timing,
};
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
    /// At least the longest dead time of any detector, in ps; `None` where that of one is not bounded.
    pub longest_dead_time_ps: Option<u64>,
    /// Between which mean photon numbers at Alice's output the true ones lie, in 10⁻⁹, by level.
    pub photons_nano: Option<Vec<(usize, [u64; 2])>>,
    /// What to write as `intensity_uncertainty`, in 10⁻⁶.
    pub intensity_uncertainty_ppm: Option<u32>,
    /// What could not be measured, and why.
    pub missing: Vec<String>,
    /// Why no station may load it; no file is written then.
    pub unfit: Vec<String>,
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
        let slot_ticks = plan.slot_ticks(tick)?;
        let mut gaps = LightRun::new(u64::from(slot_ticks), names.len());
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
        let slot_s = f64::from(slot_ticks) * tick.as_ps_f64() * 1e-12;
        let all_slots = seconds / slot_s;
        let in_light = |channel| {
            let (counts, each) = arrivals.background(channel);
            (counts, each / all_slots)
        };
        let background: Vec<Measured> = (0..names.len())
            .map(in_light)
            .map(|(counts, each)| Measured::count(counts).times(each))
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

        // Neither what the dark nor what the light showed may be more than the key rests on.
        let of_count = |channel: usize, n| {
            Interval::of_count(n, dark[channel].dispersion(self.sigmas), self.sigmas)
        };
        let mut darks = Vec::new();
        // Of each detector's light, at least what share was within the window: all that is not dark may be light.
        let mut inside = Interval { low: 1.0, high: 1.0 };
        for (channel, figures) in dark.iter().enumerate() {
            let per_second = of_count(channel, figures.counts).times(1.0 / figures.seconds);
            let (counts, each) = in_light(channel);
            let lit = of_count(channel, counts).times(each);
            darks.push(per_second.times(window_s).and(lit));
            let (within, without) = arrivals.in_and_out(channel);
            let within = (of_count(channel, within).low - lit.high * all_slots).max(0.0);
            let dark_without = per_second.low * seconds * (1.0 - window_s / slot_s);
            let without = (of_count(channel, without).high - dark_without).max(0.0);
            inside.low = inside.low.min(within / (within + without).max(1.0));
        }
        let tolerance = self.tolerance(&light, &darks)?;
        let mut missing = self.unknown(&names, &dark);
        let in_light: Vec<Option<f64>> = (0..names.len())
            .map(|channel| Some(gaps.alive_after_slots(channel)? as f64 * slot_s + window_s))
            .collect();
        let fitness = Fitness::new(&names, &dark, &in_light, self.sigmas, desk.is_simulated());
        let photons = self.photons(desk, plan, &light, inside, &mut quantities, &mut missing)?;
        Ok(Findings {
            names,
            dark,
            light,
            arrivals,
            quantities,
            tolerance,
            longest_dead_time_ps: fitness
                .longest_dead_time_s
                .map(|longest| (longest * 1e9).ceil() as u64 * 1000),
            photons_nano: photons.as_ref().map(|(nano, _)| nano.clone()),
            intensity_uncertainty_ppm: photons.and_then(|(_, ppm)| ppm),
            missing,
            unfit: fitness.unfit,
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
    fn tolerance(
        &self,
        light: &LightFigures,
        darks: &[Interval],
    ) -> Result<DetectorTolerance, Failure> {
        let interval = |m: &Measured| Interval::around(m.value, m.error, self.sigmas);
        let efficiencies: Vec<Interval> = light.efficiency.iter().map(interval).collect();
        covering_tolerance(&efficiencies, darks, self.unseen).map_err(|why| {
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
                    "dead time of {name} from the dark: {} counts have no gap short enough; gaps in the \
                     light bound it",
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

    /// Bounds by level, and the uncertainty about what is stated.
    #[expect(clippy::type_complexity, reason = "two numbers for one caller")]
    fn photons(
        &self,
        desk: &Desk,
        plan: &DeskPlan,
        light: &LightFigures,
        inside: Interval,
        quantities: &mut Vec<Quantity>,
        missing: &mut Vec<String>,
    ) -> Result<Option<(Vec<(usize, [u64; 2])>, Option<u32>)>, Failure> {
        let Some(transmittance) = self.transmittance else {
            missing.push(
                "mean photon numbers: rates give them only times the transmittance; measure that with a \
                 power meter and give it with --transmittance"
                    .into(),
            );
            return Ok(None);
        };
        if inside.low <= 0.0 {
            missing.push(
                "mean photon numbers: of a detector all light may lie outside the window; align first".into(),
            );
            return Ok(None);
        }
        let stated = desk.alice().map_or([0; 4], |alice| alice.levels_nano);
        let configure = plan.configure(Role::Alice, desk.bob().tick_length)?;
        let around = |m: Measured| Interval::around(m.value, m.error, self.sigmas);
        let (mut bounds, mut intervals, mut of) = (Vec::new(), Vec::new(), Vec::new());
        let mut held = Vec::new();
        for photons in &light.photons {
            let mean = photons.counted.over(transmittance);
            let counted = around(photons.counted).over(inside);
            let at_output = counted.and_then(|counted| counted.over(around(transmittance)));
            let interval = at_output.ok_or_else(|| {
                Failure::usage("--transmittance may be zero within its error; measure it better")
            })?;
            quantities.push(Quantity {
                name: "mean photon number",
                of: format!("level {}", photons.level),
                value: mean,
                unit: "photons",
                how: "counted photons a pulse over the transmittance that was given; what may lie outside the window is in \
                      the range alone",
            });
            bounds.push((photons.level, photons_nano(interval)));
            // Of a level that is all but dark a relative uncertainty says nothing.
            let played = configure.intensity_weights[photons.level] > 0;
            if played && stated[photons.level] > 10_000_000 {
                intervals.push(interval);
                of.push(stated[photons.level]);
                held.push(photons.level);
            }
        }
        for level in (0..stated.len()).filter(|level| !held.contains(level)) {
            missing.push(format!(
                "intensity_uncertainty of level {level}: it was not played, not seen, or is stated as at most \
                 0.01 photons"
            ));
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
