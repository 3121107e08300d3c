//! Secret fraction of an endless run: for planning a link, never for a key.

use super::numbers::phase_error_entropy;

/// A link as the asymptotic formulas see it: gains `Q_k = y0 + 1 - e^(-eta k)`, errors
/// `E_k Q_k = y0/2 + misalignment (1 - e^(-eta k))`. Numbers outside their ranges give rates
/// without meaning, at worst not a number; nothing is refused here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// Transmittance from Alice's output to a click, detector included; in (0, 1].
    pub eta: f64,
    /// Probability of a click without light, all detectors together; in [0, 1).
    pub y0: f64,
    /// Probability that a photon clicks in the wrong detector; in [0, 1/2].
    pub misalignment: f64,
    /// Leak over the Shannon limit; 1 or more.
    pub efficiency: f64,
    /// Fraction of slots that survive sifting; 1/2 for unbiased bases.
    pub sifting: f64,
}

impl Link {
    /// Probability of a click at `mu` mean photons.
    fn gain(&self, mu: f64) -> f64 {
        self.y0 - libm::expm1(-self.eta * mu)
    }

    /// Error rate at `mu` mean photons.
    fn error_rate(&self, mu: f64) -> f64 {
        let light = -libm::expm1(-self.eta * mu);
        (self.y0 / 2.0 + self.misalignment * light) / self.gain(mu)
    }

    fn corrected(&self, mu: f64) -> f64 {
        self.efficiency * self.gain(mu) * phase_error_entropy(self.error_rate(mu))
    }

    fn rate(&self, mu: f64, y1: f64, e1: f64) -> f64 {
        let singles = y1 * mu * libm::exp(-mu) * (1.0 - phase_error_entropy(e1));
        libm::fmax(self.sifting * (singles - self.corrected(mu)), 0.0)
    }
}

/// Secret bits a pulse with endlessly many decoys: the best a source of intensity `mu` can do.
/// Ma, Qi, Zhao, Lo, PRA 72, 012326 (2005).
pub fn infinite_decoys(link: &Link, mu: f64) -> f64 {
    let y1 = link.y0 + link.eta - link.y0 * link.eta;
    let e1 = (link.y0 / 2.0 + link.misalignment * link.eta) / y1;
    link.rate(mu, y1, e1)
}

/// Secret bits a pulse with a vacuum and a weak decoy of intensity `nu < mu`, same source.
pub fn vacuum_and_weak(link: &Link, mu: f64, nu: f64) -> f64 {
    let (q_mu, q_nu) = (link.gain(mu), link.gain(nu));
    let ratio = nu * nu / (mu * mu);
    let y1 = mu / (mu * nu - nu * nu)
        * (q_nu * libm::exp(nu) - q_mu * libm::exp(mu) * ratio - (1.0 - ratio) * link.y0);
    let e1 = (link.error_rate(nu) * q_nu * libm::exp(nu) - link.y0 / 2.0) / (y1 * nu);
    link.rate(mu, y1, e1)
}

/// Secret bits a pulse without decoys: every multi-photon pulse is Eve's.
/// Gottesman, Lo, Lütkenhaus, Preskill, QIC 4, 325 (2004).
pub fn gllp(link: &Link, mu: f64) -> f64 {
    let gain = link.gain(mu);
    // 1 - e^-mu (1+mu), without cancellation for the small mu that this protocol needs.
    let multi_photon = -libm::expm1(-mu) - mu * libm::exp(-mu);
    let untagged = (gain - multi_photon) / gain;
    if untagged <= 0.0 {
        return 0.0;
    }
    let kept = untagged * (1.0 - phase_error_entropy(link.error_rate(mu) / untagged));
    libm::fmax(link.sifting * (gain * kept - link.corrected(mu)), 0.0)
}
