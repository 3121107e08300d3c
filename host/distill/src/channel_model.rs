//! What a block is expected to hold: counts of a weak-coherent source over a lossy channel with
//! two threshold detectors a basis. For planning and for comparison with a simulated or a real
//! bench; no key is ever computed from a model.
//!
//! Per slot with `k` mean photons, end-to-end transmittance `eta`, dark probability `p` of a
//! detector and misalignment `e`:
//!
//! ```text
//! a = 1-(1-p) e^(-eta k (1-e))     b = 1-(1-p) e^(-eta k e)       right and wrong detector click
//! Q = a+b-ab                       EQ = b - ab/2                   a double click is a random bit
//! Q' = Q (1+p_ap)                  EQ' = EQ + p_ap Q/2             an afterpulse is a random bit
//! live = 1/(1 + mean(Q') · dead slots / detectors)                 non-paralysable dead time
//! ```
//!
//! Left out: unequal detectors, dark counts outside the window, clicks that prolong a hold-off.

mod fixed;

use helio_units::{Decibel, Picoseconds};
use thiserror::Error;

use crate::bound::{
    Counts, Decoy, Disclosed, Epsilon, Length, Mismatch, OneDecoyCounts, Refusal, Varlen2d,
    leak_bits, verification_bits,
};

pub use fixed::{FixedProspect, expected_fixed};

/// Everything between Alice's output and Bob's clicks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Channel {
    /// Loss of the fibre or free-space path, 0 dB or more.
    pub loss: Decibel,
    /// Loss of Bob's optics before the detectors, 0 dB or more.
    pub receiver_loss: Decibel,
    /// Detection efficiency, in [0, 1].
    pub efficiency: f64,
    /// Fraction of the clicks of light that fall into the coincidence window, in [0, 1].
    pub in_window: f64,
    /// Probability of a dark count of one detector in a window, in [0, 1]; see
    /// [`dark_probability`].
    pub dark_probability: f64,
    /// Probability that a photon takes the wrong detector, key basis and test basis, in [0, 1].
    pub misalignment: [f64; 2],
    /// Probability that a click is followed by an afterpulse, in [0, 1].
    pub afterpulse: f64,
    /// Slots that are lost after a click, 0 or more.
    pub dead_slots: f64,
    /// How many detectors share the clicks, each dead on its own; 1 where a click silences all of
    /// them, as a hold-off does.
    pub dead_detectors: f64,
    /// Fraction of the slots that Eve intercepts, in [0, 1]. She measures in a basis chosen
    /// evenly and resends as many photons as there were in the state she saw: gains stay, and an
    /// error rate `e` becomes `(1-f) e + f (1/4 + e/2)`.
    pub intercepted: f64,
}

impl Channel {
    /// Nothing lost, nothing added.
    pub const IDEAL: Channel = Channel {
        loss: Decibel(0.0),
        receiver_loss: Decibel(0.0),
        efficiency: 1.0,
        in_window: 1.0,
        dark_probability: 0.0,
        misalignment: [0.0; 2],
        afterpulse: 0.0,
        dead_slots: 0.0,
        dead_detectors: 1.0,
        intercepted: 0.0,
    };

    /// Transmittance from Alice's output to a click, in or out of the window.
    pub fn transmittance(&self) -> f64 {
        (self.loss + self.receiver_loss).transmittance() * self.efficiency
    }

    fn check(&self) -> Result<(), ModelError> {
        within("loss_db", self.loss.0, 0.0, f64::MAX)?;
        within("receiver_loss_db", self.receiver_loss.0, 0.0, f64::MAX)?;
        within("efficiency", self.efficiency, 0.0, 1.0)?;
        within("in_window", self.in_window, 0.0, 1.0)?;
        within("dark_probability", self.dark_probability, 0.0, 1.0)?;
        within("misalignment (key basis)", self.misalignment[0], 0.0, 1.0)?;
        within("misalignment (test basis)", self.misalignment[1], 0.0, 1.0)?;
        within("afterpulse", self.afterpulse, 0.0, 1.0)?;
        within("dead_slots", self.dead_slots, 0.0, f64::MAX)?;
        within("dead_detectors", self.dead_detectors, 1.0, f64::MAX)?;
        within("intercepted", self.intercepted, 0.0, 1.0)
    }
}

/// Probability of at least one dark count of a detector with `rate` counts a second in `window`.
pub fn dark_probability(rate: f64, window: Picoseconds) -> f64 {
    -libm::expm1(-rate * window.0 as f64 * 1e-12)
}

/// What Alice and Bob do in a block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockPlan {
    /// Slots of the block, synchronisation slots included.
    pub slots: u64,
    /// Fraction of the slots that are public synchronisation slots without signal, in [0, 1).
    pub sync_fraction: f64,
    /// Intensities and their probabilities.
    pub decoy: Decoy,
    /// Probability of the key basis: Alice's, Bob's; in [0, 1].
    pub key_basis: [f64; 2],
}

/// A parameter outside its range.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ModelError {
    /// A parameter of the channel or of the block.
    #[error("{field} = {value}: between {least} and {most}")]
    Range {
        /// Which.
        field: &'static str,
        /// What was given.
        value: f64,
        /// Least allowed value.
        least: f64,
        /// Greatest allowed value.
        most: f64,
    },
    /// What the bound refuses.
    #[error(transparent)]
    Bound(#[from] Refusal),
}

fn within(field: &'static str, value: f64, least: f64, most: f64) -> Result<(), ModelError> {
    if value >= least && value <= most {
        Ok(())
    } else {
        Err(ModelError::Range { field, value, least, most })
    }
}

/// Click and error probability of a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain {
    /// A click, of one detector or both.
    pub click: f64,
    /// A click whose bit is wrong.
    pub error: f64,
}

/// Gain of a slot with `mu` mean photons, measured in the basis it was prepared in.
pub fn gain(mu: f64, eta: f64, dark: f64, misalignment: f64, afterpulse: f64) -> Gain {
    // 1 - (1-p) e^-x as p + (1-p)(1 - e^-x): exact for a billionth of a photon too.
    let clicks = |share: f64| dark - (1.0 - dark) * libm::expm1(-eta * mu * share);
    let (right, wrong) = (clicks(1.0 - misalignment), clicks(misalignment));
    let click = right + wrong - right * wrong;
    let error = wrong - right * wrong / 2.0;
    Gain { click: click * (1.0 + afterpulse), error: error + afterpulse * click / 2.0 }
}

/// Fraction of slots in which detectors are alive: non-paralysable dead time of `dead` after each
/// click, at `rate` clicks a unit of the same time on each.
pub fn live_fraction(rate: f64, dead: f64) -> f64 {
    1.0 / (1.0 + rate * dead)
}

/// Mean counts of a block, by intensity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExpectedCounts {
    /// Sifted detections in the key basis.
    pub n_key: [f64; 3],
    /// Errors among them.
    pub m_key: [f64; 3],
    /// Sifted detections in the test basis.
    pub n_test: [f64; 3],
    /// Errors among them.
    pub m_test: [f64; 3],
    /// Fraction of slots that dead time leaves.
    pub live: f64,
}

impl ExpectedCounts {
    /// Rounded to the nearest whole counts.
    pub fn rounded(&self) -> Counts {
        let round = |counts: [f64; 3]| counts.map(|n| libm::round(n) as u64);
        Counts {
            n_key: round(self.n_key),
            m_key: Some(round(self.m_key)),
            n_test: round(self.n_test),
            m_test: round(self.m_test),
        }
    }

    /// The same of a source with one decoy: without the third intensity.
    pub fn rounded_one_decoy(&self) -> OneDecoyCounts {
        let two = |[a, b, _]: [f64; 3]| [a, b].map(|n| libm::round(n) as u64);
        OneDecoyCounts {
            n_key: two(self.n_key),
            m_key: two(self.m_key),
            n_test: two(self.n_test),
            m_test: two(self.m_test),
        }
    }

    /// Sifted key bits.
    pub fn sifted(&self) -> f64 {
        self.n_key.iter().sum()
    }

    /// Error rate of the key basis over all intensities; 1/2 without detections.
    pub fn qber_key(&self) -> f64 {
        ratio(self.m_key, self.n_key)
    }

    /// Error rate of the test basis over all intensities; 1/2 without detections.
    pub fn qber_test(&self) -> f64 {
        ratio(self.m_test, self.n_test)
    }
}

fn ratio(errors: [f64; 3], detections: [f64; 3]) -> f64 {
    let n: f64 = detections.iter().sum();
    if n > 0.0 { errors.iter().sum::<f64>() / n } else { 0.5 }
}

/// Mean counts of a block over a channel.
///
/// # Errors
/// A parameter outside its range. The intensities' order is the bound's business and not checked.
pub fn expected_counts(channel: &Channel, plan: &BlockPlan) -> Result<ExpectedCounts, ModelError> {
    channel.check()?;
    let BlockPlan { slots, sync_fraction, decoy, key_basis: [alice, bob] } = *plan;
    within("sync_fraction", sync_fraction, 0.0, 1.0)?;
    within("key_basis (Alice)", alice, 0.0, 1.0)?;
    within("key_basis (Bob)", bob, 0.0, 1.0)?;
    for k in 0..3 {
        within("mu", decoy.mu[k], 0.0, f64::MAX)?;
        within("p", decoy.p[k], 0.0, 1.0)?;
    }

    let Channel { dark_probability, misalignment, afterpulse, intercepted, .. } = *channel;
    let eta = channel.transmittance();
    let at = |mu: f64, eta: f64, e: f64| gain(mu, eta, dark_probability, e, afterpulse);
    // Half of Eve's guesses of the basis are wrong; what she then resends is even in Alice's.
    let wrong_basis = intercepted / 2.0;
    let seen = |mu: f64, eta: f64, e: f64| {
        let (kept, scrambled) = (at(mu, eta, e), at(mu, eta, 0.5));
        let mix = |kept: f64, scrambled: f64| kept + wrong_basis * (scrambled - kept);
        Gain { click: mix(kept.click, scrambled.click), error: mix(kept.error, scrambled.error) }
    };

    let (key, test) = (alice * bob, (1.0 - alice) * (1.0 - bob));
    // What silences detectors: all clicks of all slots, in the window or not, sifted or not.
    let clicks = |k: usize| {
        let mu = decoy.mu[k];
        let [in_key, in_test] = misalignment.map(|e| seen(mu, eta, e).click);
        let unmatched = at(mu, eta, 0.5).click;
        decoy.p[k] * (key * in_key + test * in_test + (1.0 - key - test) * unmatched)
    };
    let signal: f64 = (0..3).map(clicks).sum();
    let mean = (1.0 - sync_fraction) * signal + sync_fraction * at(0.0, eta, 0.5).click;
    let live = live_fraction(mean / channel.dead_detectors, channel.dead_slots);

    let sent = slots as f64 * (1.0 - sync_fraction) * live;
    let sifted = |basis: f64, e: f64| {
        let gains = decoy.mu.map(|mu| seen(mu, eta * channel.in_window, e));
        let scale = |k: usize| sent * decoy.p[k] * basis;
        (
            core::array::from_fn(|k| scale(k) * gains[k].click),
            core::array::from_fn(|k| scale(k) * gains[k].error),
        )
    };
    let (n_key, m_key) = sifted(key, misalignment[0]);
    let (n_test, m_test) = sifted(test, misalignment[1]);
    Ok(ExpectedCounts { n_key, m_key, n_test, m_test, live })
}

/// A block as it may be expected, and the key it would give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prospect {
    /// Mean counts.
    pub counts: ExpectedCounts,
    /// What error correction and verification would disclose.
    pub disclosed: Disclosed,
    /// The length for the rounded counts.
    pub length: Length,
}

/// The key that a block of mean counts would give. `leak` models error correction: sifted bits
/// and error rate to disclosed bits. It sees the test basis' error rate, for λ_max may depend on
/// announced data only.
///
/// # Errors
/// A parameter outside its range, or what the bound refuses.
pub fn expected_length(
    channel: &Channel,
    plan: &BlockPlan,
    epsilon: &Epsilon,
    mismatch: &Mismatch,
    leak: impl Fn(u64, f64) -> f64,
) -> Result<Prospect, ModelError> {
    let counts = expected_counts(channel, plan)?;
    let rounded = counts.rounded();
    let sifted = rounded.sifted();
    let disclosed = Disclosed {
        leak: leak_bits(leak(sifted, counts.qber_test()))?,
        verification_bits: Some(verification_bits(sifted, epsilon.ev)),
    };
    let bound = Varlen2d { decoy: plan.decoy, epsilon: *epsilon, mismatch: *mismatch };
    let length = bound.length(&rounded, &disclosed)?;
    Ok(Prospect { counts, disclosed, length })
}

#[cfg(test)]
mod tests;
