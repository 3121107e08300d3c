//! Counts in windows of equal length: the photon counting distribution.
//!
//! Mandel's formula (Proc. Phys. Soc. 72, 1037 (1958)) links it to the light: Poissonian for coherent
//! light, wider for thermal, narrower for a single emitter or behind a dead time. The Fano factor is
//! F = variance/mean (Fano, Phys. Rev. 72, 26 (1947)), Mandel's Q = F − 1 (Opt. Lett. 4, 205 (1979)).

use helio_units::Ticks;

use super::{Estimate, OutOfOrder};

/// Counts tags in windows that follow each other without a gap.
#[derive(Clone, Debug)]
pub struct CountingWindows {
    window: u64,
    /// Where the present window begins, and how many tags it has.
    begin: u64,
    present: u64,
    last: Ticks,
    windows: u64,
    distribution: Vec<u64>,
    beyond: u64,
    /// The first window's count: powers are summed of differences to it, which keeps their digits.
    reference: Option<f64>,
    powers: [f64; 4],
}

/// What the counts in windows say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CountingStatistics {
    /// Mean count of a window.
    pub mean: Estimate,
    /// Variance of the count.
    pub variance: Estimate,
    /// Variance over mean; 1 for Poissonian light.
    pub fano: Estimate,
}

impl CountingStatistics {
    /// Mandel's Q: the Fano factor less one. Below zero there are fewer fluctuations than any
    /// classical light has.
    pub fn mandel_q(&self) -> Estimate {
        Estimate { value: self.fano.value - 1.0, error: self.fano.error }
    }
}

impl CountingWindows {
    /// Larger counts have no place of their own in the distribution; the moments have them.
    pub const LARGEST: u64 = 1 << 16;

    /// Windows of so many ticks, at least one, from `origin` on.
    pub fn new(origin: Ticks, window: Ticks) -> CountingWindows {
        CountingWindows {
            window: window.0.max(1),
            begin: origin.0,
            present: 0,
            last: origin,
            windows: 0,
            distribution: Vec::new(),
            beyond: 0,
            reference: None,
            powers: [0.0; 4],
        }
    }

    /// Takes the next tag; the channels that are to be counted together are the caller's choice.
    ///
    /// # Errors
    /// A tag before its predecessor or before the origin; it is not counted.
    pub fn push(&mut self, tick: Ticks) -> Result<(), OutOfOrder> {
        self.reach(tick)?;
        self.present += 1;
        Ok(())
    }

    /// Says that the measurement went on until `tick`: windows that end before it are whole.
    ///
    /// # Errors
    /// A time before the last one.
    pub fn reach(&mut self, tick: Ticks) -> Result<(), OutOfOrder> {
        if tick < self.last {
            return Err(OutOfOrder { tick, last: self.last });
        }
        self.last = tick;
        let passed = (tick.0 - self.begin) / self.window;
        if passed > 0 {
            let present = std::mem::take(&mut self.present);
            self.close(present, 1);
            self.close(0, passed - 1);
            self.begin += passed * self.window;
        }
        Ok(())
    }

    fn close(&mut self, count: u64, windows: u64) {
        if windows == 0 {
            return;
        }
        self.windows = self.windows.saturating_add(windows);
        match usize::try_from(count).ok().filter(|_| count <= Self::LARGEST) {
            Some(index) => {
                if self.distribution.len() <= index {
                    self.distribution.resize(index + 1, 0);
                }
                self.distribution[index] = self.distribution[index].saturating_add(windows);
            }
            None => self.beyond += windows,
        }
        let difference = count as f64 - *self.reference.get_or_insert(count as f64);
        let mut power = windows as f64;
        for sum in &mut self.powers {
            power *= difference;
            *sum += power;
        }
    }

    /// The length of a window.
    pub fn window(&self) -> Ticks {
        Ticks(self.window)
    }

    /// How many whole windows there were; the last one, which was not whole, is left out.
    pub fn windows(&self) -> u64 {
        self.windows
    }

    /// How many windows had 0, 1, 2 … counts; the error of each is its root.
    pub fn distribution(&self) -> &[u64] {
        &self.distribution
    }

    /// How many windows had more than [`CountingWindows::LARGEST`] counts.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// Moments with errors from the sample's own moments (Kendall and Stuart, *The Advanced Theory
    /// of Statistics* I, 10.5 to 10.9), which hold for any independent windows; where windows are
    /// shorter than the light's memory the true errors are larger. `None` with fewer than two
    /// windows or without counts.
    pub fn statistics(&self) -> Option<CountingStatistics> {
        let n = self.windows as f64;
        let [d1, d2, d3, d4] = self.powers.map(|sum| sum / n);
        let mean = self.reference? + d1;
        if self.windows < 2 || mean <= 0.0 {
            return None;
        }
        let m2 = (d2 - d1 * d1).max(0.0);
        let m3 = d3 - 3.0 * d1 * d2 + 2.0 * d1.powi(3);
        let m4 = (d4 - 4.0 * d1 * d3 + 6.0 * d1 * d1 * d2 - 3.0 * d1.powi(4)).max(0.0);
        let root = |variance: f64| (variance.max(0.0) / n).sqrt();
        let fano = m2 / mean;
        let spread = (m4 - m2 * m2) / mean.powi(2) - 2.0 * fano * m3 / mean.powi(2)
            + fano * fano * m2 / mean.powi(2);
        let unbiased = n / (n - 1.0);
        Some(CountingStatistics {
            mean: Estimate { value: mean, error: root(m2) },
            variance: Estimate { value: m2 * unbiased, error: root(m4 - m2 * m2) },
            fano: Estimate { value: fano * unbiased, error: root(spread) },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{coherent, renewal, single_emitter, thermal};
    use super::*;

    fn counted(ticks: &[u64], window: u64) -> CountingWindows {
        let mut windows = CountingWindows::new(Ticks(0), Ticks(window));
        ticks.iter().for_each(|tick| windows.push(Ticks(*tick)).unwrap());
        windows
    }

    fn fano(ticks: &[u64], window: u64) -> Estimate {
        counted(ticks, window).statistics().unwrap().fano
    }

    fn near(found: Estimate, expected: f64, what: &str) {
        let off = (found.value - expected) / found.error;
        assert!(off.abs() < 4.0, "{what}: {found:?}, not {expected}");
    }

    #[test]
    fn windows_count_what_is_in_them_and_empty_ones_too() {
        let mut windows = counted(&[1, 9, 10, 45, 45], 10);
        assert_eq!((windows.windows(), windows.distribution()), (4, &[2, 1, 1][..]));
        windows.reach(Ticks(60)).unwrap();
        assert_eq!((windows.windows(), windows.distribution()), (6, &[3, 1, 2][..]));
        let found = windows.statistics().unwrap();
        assert!((found.mean.value - 5.0 / 6.0).abs() < 1e-12);
        assert!((found.variance.value - 29.0 / 30.0).abs() < 1e-12);
        assert!(windows.push(Ticks(59)).is_err());
    }

    #[test]
    fn coherent_light_is_poissonian_with_the_error_known_for_it() {
        let found = counted(&coherent(1, 100.0, 400_000), 300);
        let statistics = found.statistics().unwrap();
        near(statistics.fano, 1.0, "coherent");
        // √(2/n) for Poissonian counts.
        let n = found.windows() as f64;
        assert!((statistics.fano.error / (2.0 / n).sqrt() - 1.0).abs() < 0.05);
        assert_eq!(statistics.mandel_q().value, statistics.fano.value - 1.0);
    }

    /// Renewal theory: in windows long against all gaps, F is the squared coefficient of variation
    /// of the gaps, here 1/(1 + λD)² (Müller, Nucl. Instrum. Methods 117, 401 (1974)).
    #[test]
    fn dead_time_makes_light_quieter_as_it_should() {
        for (dead, rate) in [(20.0, 0.005), (100.0, 0.01)] {
            let ticks = renewal(9, 1_000_000, |d| dead + d.exponential(1.0 / rate));
            near(fano(&ticks, 40_000), (1.0 + rate * dead).powi(-2), "dead time");
        }
    }

    /// F = 1 + (2/⟨n⟩) ∫ (T − τ) (g² − 1) dτ · rate² (Mandel), with its closed forms.
    #[test]
    fn thermal_light_is_noisier_and_a_single_emitter_quieter() {
        let (coherence, gap, window) = (400.0, 100.0, 2_000.0);
        let x: f64 = 2.0 * window / coherence;
        let excess = window / gap * 2.0 * (x - 1.0 + (-x).exp()) / (x * x);
        // Neighbouring windows share a coherence time: independent errors are a little too small.
        let found = fano(&thermal(7, coherence, gap, 2_000_000), window as u64);
        assert!((found.value / (1.0 + excess) - 1.0).abs() < 0.04, "{found:?} {excess}");
        let (recovery, window) = (50.0, 2_000.0);
        let x: f64 = window / recovery;
        // One photon of two, each after 4 · 50 ticks.
        let less = window / 400.0 * 2.0 * (x - 1.0 + (-x).exp()) / (x * x);
        near(fano(&single_emitter(8, recovery, 0.5, 1_000_000), 2_000), 1.0 - less, "emitter");
    }

    #[test]
    fn any_time_is_reached_and_nothing_gives_nothing() {
        let mut windows = CountingWindows::new(Ticks(0), Ticks(0));
        assert!(windows.statistics().is_none());
        windows.push(Ticks(u64::MAX)).unwrap();
        assert_eq!(windows.windows(), u64::MAX);
        assert!(windows.statistics().is_none(), "the window of the only tag is not whole");
        let mut many = CountingWindows::new(Ticks(0), Ticks(10));
        (0..CountingWindows::LARGEST + 2).for_each(|_| many.push(Ticks(1)).unwrap());
        many.reach(Ticks(25)).unwrap();
        assert_eq!((many.beyond(), many.distribution()), (1, &[1][..]));
    }
}
