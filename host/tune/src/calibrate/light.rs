//! Detectors in the light of Alice's pulses: efficiencies, delays, window, mean photon numbers.

use helio_timetag::TagBatch;

use super::Quantity;
use crate::{Arrivals, Measured, Sent};

/// How many slots lie between two clicks of each channel, from which a dead time can be bounded.
///
/// Light comes in pulses: an undisturbed detector clicks at least as often one slot after a click as two slots
/// after it, and so on. Gaps of less than half a slot are not between two pulses: double pulses, dark counts and
/// afterpulses, which tell nothing of how long the detector is dead at most. They are left out.
#[derive(Clone, Debug)]
pub struct LightRun {
    slot_ticks: u64,
    last: Vec<Option<u64>>,
    /// By channel, by slots less one.
    gaps: Vec<Vec<u64>>,
}

impl LightRun {
    /// Gaps of more slots are not counted.
    const LONGEST: usize = 4096;
    /// So few gaps bound no dead time.
    const FEWEST: u64 = 25;

    /// Nothing seen yet on so many channels; a slot has at least one tick.
    pub fn new(slot_ticks: u64, channels: usize) -> LightRun {
        LightRun {
            slot_ticks: slot_ticks.max(1),
            last: vec![None; channels],
            gaps: vec![vec![0; LightRun::LONGEST]; channels],
        }
    }

    /// Clicks of Bob's device, in order of time.
    pub fn tags(&mut self, batch: &TagBatch) {
        for tag in &batch.tags {
            let channel = tag.channel as usize;
            let Some(last) = self.last.get_mut(channel) else { continue };
            let gap = last.map(|last| tag.tick.saturating_sub(last));
            let slots = gap.map(|gap| gap.saturating_add(self.slot_ticks / 2) / self.slot_ticks);
            if slots == Some(0) {
                continue;
            }
            *last = Some(tag.tick);
            let at = slots.and_then(|slots| usize::try_from(slots - 1).ok());
            if let Some(count) = at.and_then(|at| self.gaps[channel].get_mut(at)) {
                *count += 1;
            }
        }
    }

    /// So many slots after a click a channel's detector clicks again as it does later: the first number up to
    /// which lie 25 gaps or more, and not fewer by five deviations than in as long a stretch after it. Its
    /// dead time is no longer than these slots and a window. `None` where so few gaps were seen.
    pub fn alive_after_slots(&self, channel: usize) -> Option<u64> {
        let gaps = self.gaps.get(channel)?;
        let mut upto = Vec::with_capacity(gaps.len() + 1);
        upto.push(0u64);
        gaps.iter().for_each(|n| upto.push(upto[upto.len() - 1] + n));
        let alive = |slots: &usize| {
            let (near, far) = (upto[*slots], upto[2 * slots] - upto[*slots]);
            let deviation = ((near + far) as f64).sqrt();
            near >= LightRun::FEWEST && near as f64 >= far as f64 - 5.0 * deviation
        };
        (1..=gaps.len() / 2).find(alive).map(|slots| slots as u64)
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

#[cfg(test)]
mod tests {
    use super::*;
    use helio_timetag::Tag;
    use helio_units::Ticks;

    /// Clicks with a chance of one in four in slots of 60 ticks, after so many dead ones.
    fn alive_after(dead: u64, slots: u64, odd: bool) -> Option<u64> {
        let (mut run, mut last, mut dice) = (LightRun::new(60, 1), None::<u64>, 7u64);
        let mut batch = TagBatch::default();
        for slot in 0..slots {
            dice = dice
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            if dice >> 62 == 0 && last.is_none_or(|last| slot - last > dead) {
                let tick = slot * 60 + 30;
                batch.tags.push(Tag { tick, channel: 0, ..Tag::default() });
                if odd && slot % 16 == 0 {
                    batch.tags.push(Tag { tick: tick + 1, channel: 0, ..Tag::default() });
                }
                last = Some(slot);
            }
        }
        batch.reached = Ticks(slots * 60);
        run.tags(&batch);
        run.alive_after_slots(0)
    }

    #[test]
    fn double_pulses_bound_no_dead_time_and_dead_slots_show() {
        assert_eq!(alive_after(0, 20_000, true), Some(1));
        for dead in [1, 2, 5] {
            let found = alive_after(dead, 20_000, true).unwrap();
            assert!(found > dead, "{dead}: {found}");
        }
        assert_eq!(alive_after(0, 40, false), None);
        assert_eq!(LightRun::new(60, 1).alive_after_slots(1), None);
    }
}
