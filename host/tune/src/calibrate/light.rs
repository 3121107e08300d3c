//! Detectors in the light of Alice's pulses: efficiencies, delays, window, mean photon numbers.

use helio_timetag::TagBatch;
use helio_units::{TickLength, Ticks};

use super::Quantity;
use crate::{Arrivals, Measured, Sent};

/// The shortest gap between two clicks of each channel.
#[derive(Clone, Debug)]
pub struct LightRun {
    tick: TickLength,
    last: Vec<Option<u64>>,
    shortest: Vec<Option<u64>>,
}

impl LightRun {
    /// Nothing seen yet on so many channels.
    pub fn new(tick: TickLength, channels: usize) -> LightRun {
        LightRun { tick, last: vec![None; channels], shortest: vec![None; channels] }
    }

    /// Clicks of Bob's device, in order of time.
    pub fn tags(&mut self, batch: &TagBatch) {
        for tag in &batch.tags {
            let channel = tag.channel as usize;
            let Some(last) = self.last.get_mut(channel) else { continue };
            if let Some(last) = last.replace(tag.tick) {
                let gap = tag.tick.saturating_sub(last);
                let shortest = &mut self.shortest[channel];
                *shortest = Some(shortest.map_or(gap, |s| s.min(gap)));
            }
        }
    }

    /// The shortest gap of a channel in seconds, a tick added for the two ticks' widths: no detector that
    /// made it was dead for longer.
    pub fn shortest_gap_s(&self, channel: usize) -> Option<f64> {
        let gap = self.shortest.get(channel).copied().flatten()?;
        Some(Ticks(gap + 1).0 as f64 * self.tick.as_ps_f64() * 1e-12)
    }
}

/// What the light says.
#[derive(Clone, Debug, PartialEq)]
pub struct LightFigures {
    /// Of each detector, its efficiency over the mean of all.
    pub efficiency: Vec<Measured>,
    /// Probability of a dark count of each detector in a window.
    pub dark_probability: Vec<Measured>,
    /// Of each level that was seen, detected photons a pulse over those of the brightest.
    pub photons: Vec<Photons>,
    /// Slots with known settings.
    pub slots: u64,
}

/// Light of an intensity level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Photons {
    /// Which level.
    pub level: usize,
    /// Mean number of photons in a pulse that all detectors together would count.
    pub counted: Measured,
}

impl Photons {
    /// The mean photon number at Alice's output, through a transmittance from there to counts that somebody
    /// measured otherwise.
    pub fn at_output(&self, transmittance: Measured) -> Measured {
        self.counted.over(transmittance)
    }
}

impl LightFigures {
    /// From what became of the slots, the detectors' dark rates, the window, and each detector's probability
    /// of a background click in a window while there is light.
    ///
    /// A detector's clicks in windows, less the background there, are in proportion to its efficiency, because
    /// over random states and settings all see the same light. A pulse of mean μ whose phase is random
    /// is counted by none with probability exp(−ημ)·(1 − Y₀), so ημ = −ln(1 − Q) + ln(1 − Y₀), where Q is the
    /// share of slots with a detection (Ma et al., Phys. Rev. A 72, 012326 (2005), eq. 11, and Poisson
    /// statistics).
    pub fn new(
        sent: &Sent,
        dark_hz: &[Measured],
        window_s: f64,
        background: &[Measured],
    ) -> Option<LightFigures> {
        let slots: u64 = sent.slots.iter().sum();
        if slots == 0 || dark_hz.is_empty() || background.len() != dark_hz.len() {
            return None;
        }
        let dark_probability: Vec<Measured> =
            dark_hz.iter().map(|rate| rate.times(window_s)).collect();
        let clicks = sent.clicks.iter().zip(background);
        let light: Vec<Measured> =
            clicks.map(|(n, dark)| Measured::count(*n).less(dark.times(slots as f64))).collect();
        let mean = light.iter().map(|l| l.value).sum::<f64>() / light.len() as f64;
        if mean <= 0.0 {
            return None;
        }
        let efficiency = light.iter().map(|l| l.times(1.0 / mean)).collect();
        let none = background.iter().fold(Measured::default(), |sum, dark| {
            // ln(1 − Y₀) is the sum over detectors of ln(1 − d).
            let d = dark.value.clamp(0.0, 0.5);
            sum.plus(Measured::new(-(-d).ln_1p(), dark.error / (1.0 - d)))
        });
        let level = |level: usize| {
            let seen = Measured::share(sent.detected[level], sent.slots[level])?;
            let left = 1.0 - seen.value;
            (left > 0.0).then(|| {
                let all = Measured::new(-left.ln(), seen.error / left);
                Photons { level, counted: all.less(none) }
            })
        };
        let photons = (0..4).filter_map(level).collect();
        Some(LightFigures { efficiency, dark_probability, photons, slots })
    }

    /// The numbers to be told; `names` of the detectors.
    pub fn quantities(&self, names: &[String]) -> Vec<Quantity> {
        let of = |name, list: &[Measured], how: &'static str| -> Vec<Quantity> {
            let each = names.iter().zip(list);
            each.map(|(of, value)| Quantity { name, of: of.clone(), value: *value, unit: "", how })
                .collect()
        };
        let mut list = of(
            "efficiency over the mean",
            &self.efficiency,
            "clicks in windows less background, over random states and settings; the mean over the window, \
             of the light that was there: one wavelength, one mode",
        );
        list.extend(of(
            "dark probability in a window",
            &self.dark_probability,
            "dark count rate times the window",
        ));
        list.extend(self.photons.iter().map(|photons| Quantity {
            name: "counted photons a pulse",
            of: format!("level {}", photons.level),
            value: photons.counted,
            unit: "",
            how: "-ln(1 - Q) less background, Q the share of slots with a detection",
        }));
        list
    }
}

/// Delays, and what the window holds. The error of a delay is that of the mean over all `arrivals` and the
/// deviation between the means of the `parts` of the run, added in squares: the clock's lock wanders, for all
/// detectors alike, and more slowly than a run averages out.
pub fn timing(
    arrivals: &Arrivals,
    parts: &[Arrivals],
    names: &[String],
    delays_ps: &[f64],
) -> Vec<Quantity> {
    let mut list = Vec::new();
    for ((channel, name), delay) in (0u8..).zip(names).zip(delays_ps) {
        let Some(at) = arrivals.of(channel) else { continue };
        let offsets: Vec<f64> =
            parts.iter().filter_map(|part| Some(part.of(channel)?.offset_ps.value)).collect();
        let mean = offsets.iter().sum::<f64>() / offsets.len().max(1) as f64;
        let squares: f64 = offsets.iter().map(|offset| (offset - mean).powi(2)).sum();
        let wander = (squares / (offsets.len().max(2) - 1) as f64).sqrt();
        list.push(Quantity {
            name: "delay",
            of: name.clone(),
            value: Measured::new(delay + at.offset_ps.value, at.offset_ps.error.hypot(wander)),
            unit: "ps",
            how: "middle of the arrivals from the middle of the window, added to the configured delay; the \
                  error holds how far the clock's lock wandered",
        });
        list.push(Quantity {
            name: "share in the window",
            of: name.clone(),
            value: at.inside,
            unit: "",
            how: "arrivals within the window over all, background taken off",
        });
    }
    list
}
