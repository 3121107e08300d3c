//! Where in the slot clicks lie: what to add to a delay, how wide the window must be.

use std::ops::Range;

use helio_timetag::PhaseHistogram;

use crate::Measured;

/// The arrival of a channel's clicks within the slot, background taken off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// The channel.
    pub channel: u8,
    /// Clicks that are not background.
    pub clicks: f64,
    /// Background in clicks of a whole slot: darks, and light outside the pulse.
    pub background: f64,
    /// Middle of the pulse less the middle of the window, in ps.
    pub offset_ps: Measured,
    /// Standard deviation of a click's time in ps, the device's tick included.
    pub rms_ps: f64,
    /// Share of the pulse inside the window.
    pub inside: Measured,
}

/// Histograms of arrivals with what is known of the slot.
#[derive(Clone, Debug)]
pub struct Arrivals {
    /// Counts of each channel's bins over a slot.
    counts: Vec<Vec<u64>>,
    slot_ps: f64,
    /// Middle and full width of the window, in slots.
    centre: f64,
    width: f64,
}

impl Arrivals {
    /// Of the first `channels` channels of a histogram. `centre` and `width` of the window are in slots.
    pub fn new(
        phases: &PhaseHistogram,
        channels: usize,
        slot_ps: f64,
        centre: f64,
        width: f64,
    ) -> Arrivals {
        let counts = (0..channels).map(|channel| phases.channel(channel).to_vec()).collect();
        Arrivals { counts, slot_ps, centre, width: width.clamp(0.0, 1.0) }
    }

    /// Adds the counts of others of the same slot.
    pub fn add(&mut self, other: &Arrivals) {
        for (counts, more) in self.counts.iter_mut().zip(&other.counts) {
            counts.iter_mut().zip(more).for_each(|(to, n)| *to += n);
        }
    }

    /// Counts of the bins of all channels together.
    pub fn all(&self) -> Vec<u64> {
        let bins = self.counts.first().map_or(0, Vec::len);
        (0..bins).map(|bin| self.counts.iter().map(|counts| counts[bin]).sum()).collect()
    }

    /// Counts of a channel's bins.
    pub fn channel(&self, channel: usize) -> &[u64] {
        self.counts.get(channel).map_or(&[], Vec::as_slice)
    }

    /// The bins that the window covers wholly or in part; `None` without bins.
    pub fn window_bins(&self) -> Option<Range<usize>> {
        let bins = self.counts.first()?.len() as f64;
        let from = ((self.centre - self.width / 2.0) * bins).floor().max(0.0) as usize;
        let to = ((self.centre + self.width / 2.0) * bins).ceil().min(bins) as usize;
        (from < to).then_some(from..to)
    }

    /// Background of a channel in the window: counts, and what one of them is in the window. Of the bins more than 0.3 slots from its middle,
    /// where no pulse is, times the window's share of the slot. Dark counts, and in the light afterpulses of
    /// earlier slots too.
    pub fn background(&self, channel: usize) -> (u64, f64) {
        let counts = self.channel(channel);
        let far = |bin: &(usize, &u64)| {
            wrap((bin.0 as f64 + 0.5) / counts.len() as f64 - self.centre).abs() > 0.3
        };
        let (mut bins, mut sum) = (0u32, 0);
        for (_, count) in counts.iter().enumerate().filter(far) {
            (bins, sum) = (bins + 1, sum + count);
        }
        let window = self.width * counts.len() as f64;
        (sum, window / f64::from(bins.max(1)))
    }

    /// Counts of a channel in bins that the window covers wholly, and in all others.
    pub fn in_and_out(&self, channel: usize) -> (u64, u64) {
        let counts = self.channel(channel);
        let half_bin = 0.5 / counts.len().max(1) as f64;
        let (mut inside, mut outside) = (0, 0);
        for (bin, count) in counts.iter().enumerate() {
            let apart = wrap((2 * bin + 1) as f64 * half_bin - self.centre).abs();
            let covered = apart + half_bin <= self.width / 2.0 + 1e-9;
            *(if covered { &mut inside } else { &mut outside }) += count;
        }
        (inside, outside)
    }

    /// Length of a bin in ps.
    pub fn bin_ps(&self) -> f64 {
        self.slot_ps / self.counts.first().map_or(1, Vec::len).max(1) as f64
    }

    /// Where a channel's pulse lies; `None` where nothing stands out of the background.
    ///
    /// The background is the median bin's count: a pulse fills less than half of the slot. The middle is
    /// the circular mean, weighted with what is above the background; its error is `rms/√n`, with the
    /// background's own fluctuation taken in.
    pub fn of(&self, channel: u8) -> Option<Arrival> {
        let counts = self.channel(usize::from(channel));
        let bins = counts.len();
        if bins == 0 {
            return None;
        }
        let floor = self.floor(counts);
        let total = counts.iter().sum::<u64>() as f64;
        let (above, background) = (total - floor * bins as f64, floor * bins as f64);
        if above <= 4.0 * total.sqrt() {
            return None;
        }
        let peak = self.middle(counts, floor);
        // Moments around the middle, over the half slot around it.
        let (mut second, mut inside, mut variance, mut first) = (0.0, 0.0, 0.0, 0.0);
        for (bin, &count) in counts.iter().enumerate() {
            let phase = (bin as f64 + 0.5) / bins as f64;
            let apart = wrap(phase - peak);
            let light = count as f64 - floor;
            if apart.abs() <= 0.25 {
                first += light * apart;
                second += light * apart * apart;
                variance += count as f64 * apart * apart;
            }
            if wrap(phase - self.centre).abs() <= self.width / 2.0 {
                inside += light;
            }
        }
        let shift = first / above;
        let rms = (second / above - shift * shift).max(0.0).sqrt();
        // A bin's width hides where in it a click was.
        let bin = 1.0 / bins as f64;
        let error = (variance.max(above * bin * bin / 12.0)).sqrt() / above;
        let offset = wrap(peak + shift - self.centre);
        let share = (inside / above).clamp(0.0, 1.0);
        let spread = ((share * (1.0 - share)).max(1.0 / above) / above).sqrt();
        Some(Arrival {
            channel,
            clicks: above,
            background,
            offset_ps: Measured::new(offset * self.slot_ps, error * self.slot_ps),
            rms_ps: rms * self.slot_ps,
            inside: Measured::new(share, spread),
        })
    }

    /// The width of the shortest window around the middle of all channels' pulses that holds `share` of
    /// the light, in ps; `None` where nothing stands out.
    pub fn width_for(&self, share: f64) -> Option<f64> {
        let all = self.all();
        let bins = all.len();
        if bins == 0 {
            return None;
        }
        let floor = self.floor(&all);
        let above: f64 = all.iter().map(|n| *n as f64 - floor).sum();
        if above <= 4.0 * (all.iter().sum::<u64>() as f64).sqrt() {
            return None;
        }
        let bin = |phase: f64| ((phase.rem_euclid(1.0)) * bins as f64) as usize % bins;
        let middle = bin(self.middle(&all, floor));
        let mut held = all[middle] as f64 - floor;
        for reach in 1..=bins / 2 {
            if held >= share * above {
                return Some((2 * reach - 1) as f64 * self.bin_ps());
            }
            let (left, right) = ((middle + bins - reach) % bins, (middle + reach) % bins);
            held += all[left] as f64 + all[right] as f64 - 2.0 * floor;
        }
        Some(self.slot_ps)
    }

    /// Background counts of a bin: the median bin's.
    fn floor(&self, counts: &[u64]) -> f64 {
        let mut sorted = counts.to_vec();
        sorted.sort_unstable();
        sorted[sorted.len() / 2] as f64
    }

    fn middle(&self, counts: &[u64], floor: f64) -> f64 {
        let step = std::f64::consts::TAU / counts.len() as f64;
        let (mut x, mut y) = (0.0, 0.0);
        for (bin, &count) in counts.iter().enumerate() {
            let angle = (bin as f64 + 0.5) * step;
            let light = count as f64 - floor;
            x += light * angle.cos();
            y += light * angle.sin();
        }
        (y.atan2(x) / std::f64::consts::TAU).rem_euclid(1.0)
    }
}

/// A difference of phases between −½ and ½.
fn wrap(turn: f64) -> f64 {
    turn - turn.round()
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_timetag::Tap;

    const SLOT: u64 = 1 << 40;

    fn pulse(middle: f64, clicks: u64, background: u64) -> Arrivals {
        let mut phases = PhaseHistogram::new(200);
        for i in 0..clicks {
            // A triangle of two slots' hundredths.
            let x = (i as f64 + 0.5) / clicks as f64;
            let apart = if x < 0.5 { (2.0 * x).sqrt() - 1.0 } else { 1.0 - (2.0 - 2.0 * x).sqrt() };
            let phase = (middle + 0.02 * apart).rem_euclid(1.0);
            phases.click(0, (phase * SLOT as f64) as u64, SLOT);
        }
        (0..background).for_each(|i| phases.click(0, SLOT / background * i, SLOT));
        Arrivals::new(&phases, 1, 200_000.0, 0.5, 0.2)
    }

    #[test]
    fn the_middle_is_found_in_background_and_across_the_border() {
        for (middle, offset) in [(0.5, 0.0), (0.53, 6_000.0), (0.001, -99_800.0)] {
            let seen = pulse(middle, 20_000, 5_000).of(0).unwrap();
            assert!((seen.offset_ps.value - offset).abs() < 100.0, "{seen:?}");
            assert!(
                (seen.clicks - 20_000.0).abs() < 300.0 && seen.background > 4_500.0,
                "{seen:?}"
            );
            // √(0.02² / 6) of a slot.
            assert!((seen.rms_ps - 1_633.0).abs() < 100.0, "{seen:?}");
        }
        assert_eq!(pulse(0.5, 0, 5_000).of(0), None);
        assert_eq!(pulse(0.5, 0, 0).of(0), None);
    }

    #[test]
    fn a_window_holds_the_share_that_was_asked_for() {
        let arrivals = pulse(0.5, 20_000, 1_000);
        assert!((arrivals.of(0).unwrap().inside.value - 1.0).abs() < 0.01);
        // A fifth of the background lies in the window.
        let (inside, outside) = arrivals.in_and_out(0);
        assert_eq!(inside + outside, 21_000);
        assert!((790..=810).contains(&outside), "{outside}");
        let width = arrivals.width_for(0.99).unwrap();
        assert!((5_000.0..=9_000.0).contains(&width), "{width}");
        assert_eq!(arrivals.window_bins(), Some(80..120));
    }
}
