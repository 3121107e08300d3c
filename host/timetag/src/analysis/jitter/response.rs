//! The curve of a response: a Gaussian, of which a share has an exponential delay as well.

/// The curve, without its background.
#[derive(Clone, Copy)]
pub(super) struct Response {
    pub(super) area: f64,
    pub(super) centre: f64,
    pub(super) sigma: f64,
    pub(super) share: f64,
    pub(super) decay: f64,
}

impl Response {
    /// From the parameters of a fit: ln area, centre, ln σ, background, logit w, ln decay.
    pub(super) fn of(p: &[f64; 6]) -> Response {
        Response {
            area: p[0].exp(),
            centre: p[1],
            sigma: p[2].exp(),
            share: 1.0 / (1.0 + (-p[4]).exp()),
            decay: p[5].exp(),
        }
    }

    /// Means of bins of length one from zero on.
    pub(super) fn fill(&self, background: f64, means: &mut [f64]) {
        let mut left = self.below(0.0);
        for (i, mean) in means.iter_mut().enumerate() {
            let right = self.below(i as f64 + 1.0);
            // Rounding may leave a little less than nothing far from the peak.
            *mean = self.area * (right - left).max(0.0) + background + 1e-12;
            left = right;
        }
    }

    /// The share of the peak before `x`.
    pub(super) fn below(&self, x: f64) -> f64 {
        let u = (x - self.centre) / self.sigma;
        let gaussian = 0.5 * libm::erfc(-u / core::f64::consts::SQRT_2);
        if self.share == 0.0 {
            return gaussian;
        }
        gaussian - self.share * self.decay * self.slow(x)
    }

    /// The density of the delayed part: exp(σ²/2τ² − t/τ) Φ(t/σ − σ/τ)/τ.
    fn slow(&self, x: f64) -> f64 {
        let (t, ratio) = (x - self.centre, self.sigma / self.decay);
        let b = t / self.sigma - ratio;
        let half = if b < 0.0 {
            // exp(a) Φ(b) with a − b²/2 = −t²/2σ², so that no huge number meets a tiny one.
            let u = t / self.sigma;
            (-0.5 * u * u).exp() * 0.5 * scaled_erfc(-b / core::f64::consts::SQRT_2)
        } else {
            let a = 0.5 * ratio * ratio - t / self.decay;
            a.exp() * 0.5 * libm::erfc(-b / core::f64::consts::SQRT_2)
        };
        half / self.decay
    }

    fn density(&self, x: f64) -> f64 {
        let u = (x - self.centre) / self.sigma;
        let norm = (2.0 * core::f64::consts::PI).sqrt() * self.sigma;
        let gaussian = (-0.5 * u * u).exp() / norm;
        let slow = if self.share > 0.0 { self.share * self.slow(x) } else { 0.0 };
        (1.0 - self.share) * gaussian + slow
    }

    /// Full width where the curve is at this part of its height.
    pub(super) fn width(&self, part: f64) -> f64 {
        // The top lies between the Gaussian's middle and a few σ later.
        let reach = if self.share > 0.0 { 6.0 * self.sigma } else { 0.0 };
        let (mut low, mut high) = (self.centre, self.centre + reach);
        for _ in 0..100 {
            let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
            if self.density(a) < self.density(b) { low = a } else { high = b }
        }
        let top = 0.5 * (low + high);
        let level = part * self.density(top);
        let side = |sign: f64| {
            let (mut near, mut far) = (0.0, self.sigma);
            while self.density(top + sign * far) > level && far < 1e9 * self.sigma {
                far *= 2.0;
            }
            for _ in 0..80 {
                let middle = 0.5 * (near + far);
                if self.density(top + sign * middle) > level { near = middle } else { far = middle }
            }
            near
        };
        side(-1.0) + side(1.0)
    }
}

/// exp(x²) erfc(x) for x ≥ 0: directly, and for large x by Laplace's continued fraction
/// (Abramowitz and Stegun, 7.1.14).
fn scaled_erfc(x: f64) -> f64 {
    if x < 5.0 {
        return (x * x).exp() * libm::erfc(x);
    }
    let tail = (1..=30).rev().fold(x, |below, k| x + 0.5 * f64::from(k) / below);
    core::f64::consts::FRAC_2_SQRT_PI * 0.5 / tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_of_a_gaussian_is_the_known_one() {
        let plain = Response { area: 1.0, centre: 3.0, sigma: 2.0, share: 0.0, decay: 1.0 };
        assert!((plain.width(0.5) - 2.0 * 2.0 * (2.0 * 2.0f64.ln()).sqrt()).abs() < 1e-9);
        assert!((plain.width(0.1) - 2.0 * 2.0 * (2.0 * 10.0f64.ln()).sqrt()).abs() < 1e-9);
    }

    /// The share before x, against the sum of the density: also where decay and σ are far apart.
    #[test]
    fn the_integral_is_that_of_the_density() {
        for (sigma, decay) in [(1.0, 1.0), (1.0, 0.01), (1.0, 50.0), (3.0, 0.1)] {
            let curve = Response { area: 1.0, centre: 0.0, sigma, share: 0.7, decay };
            let (mut sum, step) = (0.0, 1e-3 * sigma);
            for i in 0..16_000 {
                let x = (f64::from(i) + 0.5) * step - 8.0 * sigma;
                sum += curve.density(x) * step;
                if i % 500 == 499 {
                    let off = sum - curve.below(x + 0.5 * step);
                    assert!(off.abs() < 1e-6, "{sigma} {decay} {x}: {off}");
                }
            }
        }
        for x in [4.999, 5.001] {
            assert!((scaled_erfc(x) - (x * x).exp() * libm::erfc(x)).abs() < 1e-12);
        }
    }
}
