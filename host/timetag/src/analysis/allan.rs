//! Allan deviation of a clock whose pulses are recorded.
//!
//! Pulses at times x₀, x₁, … of a clock of period P: over an averaging time of m periods,
//! σ_y²(mP) = ⟨(x_{i+2m} − 2 x_{i+m} + x_i)²⟩ / (2 (mP)²), overlapping, that is for every i (Riley,
//! *Handbook of Frequency Stability Analysis*, NIST SP 1065 (2008), 5.2.4). Differences are exact in
//! whole ticks, so that nothing of a long record is lost to rounding, and no nominal frequency is
//! needed: a constant one cancels.

use std::collections::VecDeque;

use helio_units::Ticks;

use super::{Estimate, OutOfOrder};

/// Takes the pulses; for m = 1, 2, 4 and so on remembers at most [`AllanDeviation::OVERLAP`] · 2
/// pulses, evenly spaced, of the last 2 m.
#[derive(Clone, Debug, Default)]
pub struct AllanDeviation {
    scales: Vec<Scale>,
    /// Pulses since the last gap.
    run: u64,
    pulses: u64,
    gaps: u64,
    last: Option<Ticks>,
    /// The spacings that were no gaps.
    sound: Spacings,
    /// The last gaps in a row that agree with each other: the clock's own, should `sound` be wrong.
    refused: Spacings,
}

/// Spacings that agree with their mean.
#[derive(Clone, Copy, Debug, Default)]
struct Spacings {
    span: u128,
    count: u64,
}

impl Spacings {
    fn agrees(&self, spacing: u64) -> bool {
        let mean = self.span as f64 / self.count as f64;
        self.count == 0 || (0.5 * mean..=1.5 * mean).contains(&(spacing as f64))
    }

    fn add(&mut self, spacing: u64) {
        self.span += u128::from(spacing);
        self.count += 1;
    }
}

#[derive(Clone, Debug, Default)]
struct Scale {
    recent: VecDeque<u64>,
    sum: f64,
    count: u64,
}

/// The deviation at one averaging time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AllanPoint {
    /// Averaging time in periods, m.
    pub periods: u64,
    /// Averaging time in ticks.
    pub time: f64,
    /// σ_y, relative frequency.
    pub deviation: Estimate,
    /// Overlapping differences that were averaged.
    pub differences: u64,
}

impl AllanDeviation {
    /// Up to m = 64 every pulse takes part; beyond, 64 of m, which leaves the variance of the result
    /// as it is to a few per cent: neighbouring differences are all but the same.
    pub const OVERLAP: u64 = 64;
    /// m up to 2⁴⁰.
    const SCALES: usize = 41;

    /// So many gaps in a row that agree with each other may be the clock's period.
    const RESEED: u64 = 3;

    /// Takes the next pulse. A spacing beyond one and a half times the mean so far, or below half of
    /// it, is a gap (pulses missed, or too many): no difference reaches over it. Where gaps that
    /// agree with each other come in a row and outnumber all spacings so far, those were the wrong
    /// ones, such as a first one with pulses missed: everything begins anew, after one gap.
    ///
    /// # Errors
    /// A pulse before its predecessor; it is left out.
    pub fn push(&mut self, tick: Ticks) -> Result<(), OutOfOrder> {
        if let Some(last) = self.last {
            let spacing = tick.0.checked_sub(last.0).ok_or(OutOfOrder { tick, last })?;
            if self.sound.agrees(spacing) {
                self.sound.add(spacing);
                self.refused = Spacings::default();
            } else {
                self.gap(spacing);
            }
        }
        self.last = Some(tick);
        self.pulses += 1;
        let number = self.run;
        self.run += 1;
        self.scales.resize(Self::SCALES, Scale::default());
        for (level, scale) in self.scales.iter_mut().enumerate() {
            let m = 1u64 << level;
            let stride = (m / Self::OVERLAP).max(1);
            if !number.is_multiple_of(stride) {
                break;
            }
            let held = (m / stride) as usize;
            scale.recent.push_back(tick.0);
            if scale.recent.len() == 2 * held + 1 {
                let at = |i: usize| i128::from(scale.recent[i]);
                let difference = (at(2 * held) - 2 * at(held) + at(0)) as f64;
                scale.sum += difference * difference;
                scale.count += 1;
                scale.recent.pop_front();
            }
        }
        Ok(())
    }

    fn gap(&mut self, spacing: u64) {
        self.gaps += 1;
        self.run = 0;
        self.scales.iter_mut().for_each(|scale| scale.recent.clear());
        if !self.refused.agrees(spacing) {
            self.refused = Spacings::default();
        }
        self.refused.add(spacing);
        if self.refused.count >= Self::RESEED && self.refused.count > self.sound.count {
            self.gaps -= self.refused.count - 1;
            self.sound = std::mem::take(&mut self.refused);
            self.scales.clear();
        }
    }

    /// Pulses so far.
    pub fn pulses(&self) -> u64 {
        self.pulses
    }

    /// Gaps so far.
    pub fn gaps(&self) -> u64 {
        self.gaps
    }

    /// The mean period in ticks, gaps left out; `None` before the second pulse.
    pub fn period(&self) -> Option<f64> {
        let Spacings { span, count } = self.sound;
        (count > 0 && span > 0).then(|| span as f64 / count as f64)
    }

    /// The deviations, by rising averaging time.
    ///
    /// The error is σ/√(2ν) with ν independent differences as for white frequency noise,
    /// ν = (3 (N − 1)/(2m) − 2 (N − 2)/N) · 4m²/(4m² + 5) (Riley, table 5): of white phase noise the
    /// true error is smaller, of random-walk frequency noise up to 1.4 times larger.
    pub fn points(&self) -> Vec<AllanPoint> {
        let Some(period) = self.period() else { return Vec::new() };
        let scales = self.scales.iter().enumerate().filter(|(_, scale)| scale.count > 0);
        scales
            .map(|(level, scale)| {
                let m = (1u64 << level) as f64;
                let stride = (m / Self::OVERLAP as f64).max(1.0);
                let variance = scale.sum / scale.count as f64 / (2.0 * (m * period).powi(2));
                let value = variance.sqrt();
                let n = scale.count as f64 * stride + 2.0 * m;
                let square = 4.0 * m * m;
                let freedom = (1.5 * (n - 1.0) / m - 2.0 * (n - 2.0) / n) * square / (square + 5.0);
                let error = value / (2.0 * freedom.max(1.0)).sqrt();
                AllanPoint {
                    periods: 1 << level,
                    time: m * period,
                    deviation: Estimate { value, error },
                    differences: scale.count,
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Dice;
    use super::*;

    const PERIOD: f64 = 1e6;

    /// Points of a clock whose time errors are those that `noise` gives.
    fn points(n: u64, mut noise: impl FnMut(u64) -> f64) -> Vec<AllanPoint> {
        let mut allan = AllanDeviation::default();
        for i in 0..n {
            let at = 1e7 + PERIOD * i as f64 + noise(i);
            allan.push(Ticks(at.round() as u64)).unwrap();
        }
        assert_eq!((allan.gaps(), allan.pulses()), (0, n));
        allan.points()
    }

    fn check(points: &[AllanPoint], what: &str, theory: impl Fn(f64) -> f64) {
        for point in points {
            let expected = theory(point.periods as f64);
            let off = (point.deviation.value - expected) / point.deviation.error;
            assert!(off.abs() < 3.5, "{what}: {point:?}, not {expected}, {off} σ");
        }
    }

    #[test]
    fn white_phase_noise_falls_as_one_over_time() {
        let (mut dice, sigma) = (Dice::new(1), 2_000.0);
        let found = points(60_000, |_| sigma * dice.normal());
        assert!(found.len() >= 14, "{}", found.len());
        check(&found, "white phase", |m| 3.0f64.sqrt() * sigma / (m * PERIOD));
    }

    #[test]
    fn white_frequency_noise_falls_as_the_root_of_time() {
        let (mut dice, step, mut phase) = (Dice::new(2), 1_000.0, 0.0);
        let found = points(60_000, |_| {
            phase += step * dice.normal();
            phase
        });
        check(&found, "white frequency", |m| step / (PERIOD * m.sqrt()));
    }

    #[test]
    fn drift_rises_with_time() {
        // Relative frequency drifts by 10⁻⁸ in a period: exact, but for whole ticks.
        let drift = 1e-8;
        let found = points(40_000, |i| 0.5 * drift * PERIOD * (i as f64).powi(2));
        for point in found.iter().filter(|p| p.periods >= 256) {
            let expected = drift * point.periods as f64 / 2.0f64.sqrt();
            assert!((point.deviation.value / expected - 1.0).abs() < 1e-3, "{point:?}");
        }
    }

    /// Against the definition with every overlapping difference.
    #[test]
    fn small_averaging_times_have_all_differences() {
        let mut dice = Dice::new(9);
        let ticks: Vec<u64> =
            (0..700u64).map(|i| 5_000 + 1_000 * i + (100.0 * dice.uniform()) as u64).collect();
        let mut allan = AllanDeviation::default();
        ticks.iter().for_each(|t| allan.push(Ticks(*t)).unwrap());
        for point in allan.points().iter().filter(|p| p.periods <= AllanDeviation::OVERLAP) {
            let m = point.periods as usize;
            let x = |i: usize| ticks[i] as f64;
            let n = ticks.len() - 2 * m;
            let sum: f64 = (0..n).map(|i| (x(i + 2 * m) - 2.0 * x(i + m) + x(i)).powi(2)).sum();
            let expected = (sum / n as f64 / 2.0).sqrt() / point.time;
            assert_eq!(point.differences, n as u64, "{point:?}");
            assert!((point.deviation.value / expected - 1.0).abs() < 1e-9, "{point:?}");
        }
    }

    #[test]
    fn missing_pulses_are_gaps_and_leave_no_trace() {
        let mut allan = AllanDeviation::default();
        let pulses = (0..5_000u64).filter(|i| i % 1_000 != 999).map(|i| 1_000 * i);
        pulses.for_each(|t| allan.push(Ticks(t)).unwrap());
        assert_eq!((allan.gaps(), allan.period()), (4, Some(1_000.0)));
        assert!(allan.points().iter().all(|p| p.deviation.value == 0.0));
        assert!(allan.points().len() >= 9);
        assert!(allan.push(Ticks(3)).is_err());
    }

    #[test]
    fn a_wrong_first_spacing_is_one_gap() {
        for first in [3_000, 100, 0] {
            let mut allan = AllanDeviation::default();
            let pulses = (0..10_000u64).map(|i| 5_000 + 1_000 * i);
            allan.push(Ticks(5_000 - first)).unwrap();
            pulses.for_each(|t| allan.push(Ticks(t)).unwrap());
            assert_eq!((allan.gaps(), allan.period()), (1, Some(1_000.0)), "{first}");
            assert!(allan.points()[0].differences > 9_990 && allan.points().len() >= 13);
        }
        // A few spacings that agree do not throw away many.
        let mut allan = AllanDeviation::default();
        let pulses = (0..100u64).chain((101..121).step_by(2)).chain(122..200);
        pulses.for_each(|i| allan.push(Ticks(1_000 * i)).unwrap());
        assert_eq!((allan.gaps(), allan.period()), (11, Some(1_000.0)));
    }

    #[test]
    fn memory_is_bounded_and_nothing_gives_nothing() {
        assert!(AllanDeviation::default().points().is_empty());
        let mut same = AllanDeviation::default();
        (0..100).for_each(|_| same.push(Ticks(7)).unwrap());
        assert!(same.points().is_empty());
        let mut allan = AllanDeviation::default();
        (0..300_000u64).for_each(|t| allan.push(Ticks(t * 10)).unwrap());
        let most = 2 * AllanDeviation::OVERLAP as usize * 2;
        assert!(allan.scales.iter().all(|scale| scale.recent.len() <= most));
    }
}
