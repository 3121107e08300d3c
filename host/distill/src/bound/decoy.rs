//! Decoy-state estimates: how many detections came from pulses with no photon and with one.
//!
//! Two decoys: Lim et al., PRA 89, 022307 (2014), Eqs. (2)-(4). One decoy: Rusca et al., APL 112,
//! 171104 (2018). The deviation of each count is taken on the total of its basis, not on the count
//! at one intensity: which intensity a detection had is what is random here.

use super::input::{Decoy, OneDecoy};
use super::numbers::{clip_lower_bound, clip_upper_bound};

/// Probability `tau_j = Σ p_k e^(-mu_k) mu_k^j / j!` that a pulse holds `photons` photons.
pub fn photon_number_probability(mu: &[f64], p: &[f64], photons: u32) -> f64 {
    let factorial: f64 = (1..=photons).map(f64::from).product();
    let poisson = |k: f64| libm::exp(-k) * (0..photons).map(|_| k).product::<f64>() / factorial;
    mu.iter().zip(p).map(|(&k, &p)| p * poisson(k)).sum()
}

/// Bounds on the photon numbers behind the detections of one basis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Photons {
    /// At least this many detections from vacuum.
    pub s0: f64,
    /// At most this many detections from vacuum; only the one-decoy estimate needs it.
    pub s0u: Option<f64>,
    /// At least this many detections from single photons.
    pub s1: f64,
}

/// What the estimates take from the source, worked out once.
pub(super) struct TwoDecoys {
    pub tau0: f64,
    pub tau1: f64,
    mu: [f64; 3],
    weight: [f64; 3],
}

impl TwoDecoys {
    pub fn new(decoy: &Decoy) -> TwoDecoys {
        let Decoy { mu, p } = decoy;
        TwoDecoys {
            tau0: photon_number_probability(mu, p, 0),
            tau1: photon_number_probability(mu, p, 1),
            mu: *mu,
            weight: [0, 1, 2].map(|k| libm::exp(mu[k]) / p[k]),
        }
    }

    /// From the detections `n` at each intensity; `deviation` of their total.
    pub fn photons(&self, n: [f64; 3], deviation: f64) -> Photons {
        let TwoDecoys { tau0, tau1, mu: [mu1, mu2, mu3], .. } = *self;
        let total: f64 = n.iter().sum();
        let low = |k: usize| self.weight[k] * (n[k] - deviation);
        let high = |k: usize| self.weight[k] * (n[k] + deviation);

        let s0 = tau0 / (mu2 - mu3) * (mu2 * low(2) - mu3 * high(1));
        let s0 = clip_lower_bound(s0, total);
        let scale = tau1 * mu1 / (mu1 * (mu2 - mu3) - mu2 * mu2 + mu3 * mu3);
        let multi = (mu2 * mu2 - mu3 * mu3) / (mu1 * mu1) * (high(0) - s0 / tau0);
        let s1 = clip_lower_bound(scale * (low(1) - high(2) - multi), total);
        Photons { s0, s0u: None, s1 }
    }

    /// At most this many single-photon errors, from the errors `m` at each intensity with the
    /// `deviation` of their total, among `detections`.
    pub fn single_photon_errors(&self, m: [f64; 3], deviation: f64, detections: f64) -> f64 {
        let difference = self.weight[1] * (m[1] + deviation) - self.weight[2] * (m[2] - deviation);
        clip_upper_bound(self.tau1 / (self.mu[1] - self.mu[2]) * difference, detections)
    }
}

/// Where the two one-decoy bounds differ in their estimates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OneDecoyRule {
    /// Counts with deviation unclipped, upper vacuum bound from the decoy intensity.
    Rusca,
    /// Counts with deviation clipped to [0, total], upper vacuum bound from the better intensity.
    Wiesemann,
}

/// What the one-decoy estimates take from the source, worked out once.
pub(super) struct OneDecoyEstimates {
    pub tau0: f64,
    pub tau1: f64,
    rule: OneDecoyRule,
    mu: [f64; 2],
    weight: [f64; 2],
}

impl OneDecoyEstimates {
    pub fn new(decoy: &OneDecoy, rule: OneDecoyRule) -> OneDecoyEstimates {
        let OneDecoy { mu, p } = decoy;
        OneDecoyEstimates {
            tau0: photon_number_probability(mu, p, 0),
            tau1: photon_number_probability(mu, p, 1),
            rule,
            mu: *mu,
            weight: [0, 1].map(|k| libm::exp(mu[k]) / p[k]),
        }
    }

    /// From detections `n` and errors `m` of the same basis at each intensity, with the
    /// deviations of their totals.
    pub fn photons(&self, n: [f64; 2], d_n: f64, m: [f64; 2], d_m: f64) -> Photons {
        let OneDecoyEstimates { tau0, tau1, mu: [mu1, mu2], .. } = *self;
        let (total, errors) = (n[0] + n[1], m[0] + m[1]);
        let high_1 = self.weight[0] * self.shift(n[0], d_n, total);
        let low_2 = self.weight[1] * self.shift(n[1], -d_n, total);

        let s0 = clip_lower_bound(tau0 / (mu1 - mu2) * (mu1 * low_2 - mu2 * high_1), total);
        // Half of the vacuum detections err, so the errors bound their number from above.
        let from_errors =
            |k: usize| 2.0 * (tau0 * self.weight[k] * self.shift(m[k], d_m, errors) + d_n);
        let s0u = match self.rule {
            OneDecoyRule::Rusca => from_errors(1),
            OneDecoyRule::Wiesemann => libm::fmin(from_errors(0), from_errors(1)),
        };
        let s0u = clip_upper_bound(s0u, total);
        let ratio = mu2 / mu1;
        let s1 = tau1 * mu1 / (mu2 * (mu1 - mu2))
            * (low_2 - ratio * ratio * high_1 - (mu1 * mu1 - mu2 * mu2) / (mu1 * mu1) * s0u / tau0);
        Photons { s0, s0u: Some(s0u), s1: clip_lower_bound(s1, total) }
    }

    /// At most this many single-photon errors, as in [`TwoDecoys::single_photon_errors`].
    pub fn single_photon_errors(&self, m: [f64; 2], deviation: f64, detections: f64) -> f64 {
        let total = m[0] + m[1];
        let difference = self.weight[0] * self.shift(m[0], deviation, total)
            - self.weight[1] * self.shift(m[1], -deviation, total);
        clip_upper_bound(self.tau1 / (self.mu[0] - self.mu[1]) * difference, detections)
    }

    fn shift(&self, count: f64, by: f64, total: f64) -> f64 {
        match self.rule {
            OneDecoyRule::Rusca => count + by,
            OneDecoyRule::Wiesemann => libm::fmin(libm::fmax(count + by, 0.0), total),
        }
    }
}
