//! Read-only looks at the clicks on their way: where in the slot they arrive.

use helio_units::FineTicks;

/// Sees each click of a numbered slot, also of sync slots and of slots that are not kept. Changes
/// nothing.
pub trait Tap {
    /// A click on `channel`, `phase` after the begin of its slot, in a slot of length `period`;
    /// both in 2⁻³² ticks, `phase < period`.
    fn click(&mut self, channel: u32, phase: u64, period: u64);
}

/// Nobody looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTap;

impl Tap for NoTap {
    #[inline(always)]
    fn click(&mut self, _channel: u32, _phase: u64, _period: u64) {}
}

/// Histogram of the arrival phase within the slot, by channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseHistogram {
    bins: usize,
    counts: Vec<u64>,
    /// The slot length `scale` was made for.
    period: u64,
    /// `bins · 2⁶⁴ / period`, rounded down.
    scale: u64,
}

impl PhaseHistogram {
    /// Most bins a histogram has.
    pub const MAX_BINS: usize = 4096;

    /// An empty histogram of `bins` bins over the slot (cut to 1..=4096) for eight channels.
    pub fn new(bins: usize) -> PhaseHistogram {
        let bins = bins.clamp(1, Self::MAX_BINS);
        PhaseHistogram { bins, counts: vec![0; 8 * bins], period: 0, scale: 0 }
    }

    /// Number of bins a slot has.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// Length of the slot that the last clicks fell into, in ticks; 0 before the first click.
    pub fn period_ticks(&self) -> f64 {
        self.period as f64 / (1u64 << FineTicks::FRACTION_BITS) as f64
    }

    /// Counts of a channel's bins; bin `b` holds phases from `b / bins` of the slot on. Empty for
    /// channels from 8 on.
    pub fn channel(&self, channel: usize) -> &[u64] {
        self.counts.chunks_exact(self.bins).nth(channel).unwrap_or(&[])
    }

    /// Clicks of a channel in all bins.
    pub fn total(&self, channel: usize) -> u64 {
        self.channel(channel).iter().sum()
    }

    /// Forgets all counts.
    pub fn clear(&mut self) {
        self.counts.fill(0);
    }

    /// Where in the slot the clicks of a channel centre, as a fraction of the slot from its begin,
    /// 0 to 1: for display and for the choice of delay and window before a block. `None` without
    /// clicks, or where they have no centre.
    ///
    /// The circular mean, so that a pulse across the slot's border is not torn; a uniform
    /// background of dark counts does not move it.
    pub fn mean_phase(&self, channel: usize) -> Option<f64> {
        let step = core::f64::consts::TAU / self.bins as f64;
        let (mut x, mut y) = (0.0, 0.0);
        for (bin, &count) in self.channel(channel).iter().enumerate() {
            let angle = (bin as f64 + 0.5) * step;
            x += count as f64 * angle.cos();
            y += count as f64 * angle.sin();
        }
        // Rounding leaves about 1e-16 of each bin's count behind where the true sum is zero.
        let no_centre = x.hypot(y) <= 1e-12 * self.total(channel) as f64;
        (!no_centre).then(|| (y.atan2(x) / core::f64::consts::TAU).rem_euclid(1.0))
    }

    /// How far the clicks of a channel centre from `centre` (a fraction of the slot in 2⁻³²), in
    /// ticks, between plus and minus half a slot: what to add to the channel's delay.
    pub fn mean_offset_ticks(&self, channel: usize, centre: u32) -> Option<f64> {
        let fine = FineTicks::FRACTION_BITS;
        let unit = (1u64 << fine) as f64;
        let turn = self.mean_phase(channel)? - f64::from(centre) / unit;
        Some((turn - turn.round()) * (self.period as f64 / unit))
    }

    #[cold]
    fn rescale(&mut self, period: u64) {
        self.period = period;
        let scale = ((self.bins as u128) << 64) / u128::from(period.max(1));
        self.scale = u64::try_from(scale).unwrap_or(u64::MAX);
    }
}

impl Tap for PhaseHistogram {
    #[inline]
    fn click(&mut self, channel: u32, phase: u64, period: u64) {
        if period != self.period {
            self.rescale(period);
        }
        let bin = ((u128::from(phase) * u128::from(self.scale)) >> 64) as usize;
        let bin = bin.min(self.bins - 1);
        if let Some(count) = self.counts.get_mut(channel as usize * self.bins + bin) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: u64 = 1 << 32;

    #[test]
    fn a_phase_falls_into_its_bin() {
        let mut histogram = PhaseHistogram::new(30);
        for tick in 0..30 {
            histogram.click(1, tick * TICK + 7, 30 * TICK);
        }
        assert_eq!(histogram.channel(1), [1; 30]);
        assert_eq!((histogram.total(0), histogram.total(1)), (0, 30));
        assert_eq!(histogram.mean_phase(1), None);
    }

    #[test]
    fn the_centre_is_found_across_the_border_and_above_a_background() {
        let mut histogram = PhaseHistogram::new(100);
        for tick in 0..100 {
            histogram.click(0, tick * TICK, 100 * TICK);
        }
        for tick in [98, 99, 0, 1] {
            histogram.click(0, tick * TICK, 100 * TICK);
        }
        // The bins' centres are half a tick late: 98.5, 99.5, 0.5, 1.5.
        let offset = histogram.mean_offset_ticks(0, 0).unwrap();
        assert!(offset.abs() < 1e-9, "{offset}");
        assert!((histogram.mean_offset_ticks(0, 1 << 30).unwrap() + 25.0).abs() < 1e-9);
    }
}
