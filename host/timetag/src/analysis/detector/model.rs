//! Gaps between the counts of a detector with dead time and afterpulses.
//!
//! Light and dark counts come at a rate λ while the detector is alive. Each count fills a trap with
//! probability p, and each filled trap, after the dead time, makes one count after an exponential
//! time of mean τ. The number of filled traps at the end of a dead time then has the stationary
//! distribution π_n = (1 − p) e^(−r) rⁿ/n! (1 + n/(λτ)) with r = pλτ/(1 − p) (a birth-death chain:
//! up with p λ/(λ + n/τ), down with (1 − p)(n/τ)/(λ + n/τ)), and Σ π_n exp(−(λ + n/τ) t) is the
//! chance that the gap lasts longer than the dead time by t:
//!
//! S(t) = exp(−λt) · exp(−r (1 − z)) · (1 − p + p z),  z = exp(−t/τ).
//!
//! The first factor is light and dark counts, the second traps left over from before, the third the
//! trap of this count. Long after τ the gaps fall off as exp(−λt): the excess of short gaps over
//! that tail is 1 − (1 − p) e^(−r).

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Model {
    /// λ, a tick.
    pub(super) rate: f64,
    /// p.
    pub(super) afterpulse: f64,
    /// τ in ticks.
    pub(super) decay: f64,
}

impl Model {
    pub(super) const STEPS: [f64; 3] = [1e-5, 1e-6, 1e-4];

    /// From the parameters of a fit: ln λ, p, ln τ.
    pub(super) fn of([rate, afterpulse, decay]: [f64; 3]) -> Model {
        Model { rate: rate.exp(), afterpulse, decay: decay.exp() }
    }

    fn leftover(&self) -> f64 {
        self.afterpulse * self.rate * self.decay / (1.0 - self.afterpulse)
    }

    /// The chance that the gap lasts longer than the dead time by `t` ticks. Not a number where the
    /// parameters make no sense.
    pub(super) fn survival(&self, t: f64) -> f64 {
        if self.afterpulse >= 1.0 {
            return f64::NAN;
        }
        let z = (-t / self.decay).exp();
        let traps = (-self.leftover() * (1.0 - z)).exp();
        (-self.rate * t).exp() * traps * (1.0 - self.afterpulse + self.afterpulse * z)
    }

    /// Counts a tick right after the dead time.
    pub(super) fn onset(&self) -> f64 {
        self.rate + (self.leftover() + self.afterpulse) / self.decay
    }

    /// The time after the dead time within which a share of the gaps ends.
    pub(super) fn within(&self, share: f64) -> f64 {
        let (mut low, mut high) = (0.0, 1.0 / self.onset());
        while 1.0 - self.survival(high) < share && high.is_finite() {
            high *= 2.0;
        }
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if 1.0 - self.survival(middle) < share { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closed_form_is_the_sum_over_filled_traps() {
        for (p, x) in [(0.05f64, 0.01f64), (0.3, 0.5), (0.45, 4.0)] {
            let model = Model { rate: x, afterpulse: p, decay: 1.0 };
            let r = p * x / (1.0 - p);
            for t in [0.0, 0.1, 1.0, 5.0] {
                let (mut sum, mut poisson) = (0.0, (1.0 - p) * (-r).exp());
                for n in 0..60 {
                    let n = f64::from(n);
                    sum += poisson * (1.0 + n / x) * (-(x + n) * t).exp();
                    poisson *= r / (n + 1.0);
                }
                assert!((sum - model.survival(t)).abs() < 1e-12, "{p} {x} {t}");
            }
            let slope = (1.0 - model.survival(1e-7)) / 1e-7;
            assert!((slope / model.onset() - 1.0).abs() < 1e-5);
            assert!((1.0 - model.survival(model.within(0.3)) - 0.3).abs() < 1e-12);
        }
    }
}
