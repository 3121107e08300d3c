//! Everything both stations must agree on before a photon counts.
//!
//! Each parameter has a name and one canonical text. The texts are exchanged at contact, compared
//! one by one, and stand at the head of every authenticated transcript.

use serde::{Deserialize, Serialize};

mod fields;

use crate::bound::{
    BoundChoice, Decoy, Epsilon, LiveBound, Mismatch, OneDecoy, SecrecyCorrectness, Varlen2d,
    Wiesemann,
};
use crate::message::HelloField;
pub use crate::reconcile::CodeChoice;

pub use fields::Difference;
pub(crate) use fields::differences;

/// Version of the talk: messages, transcript, order of steps.
pub const PROTOCOL_VERSION: u8 = 3;

/// Weights of choices are counted in this many parts.
pub const WEIGHT_TOTAL: u16 = 4096;

/// Names one run of two stations; block numbers count within it and never repeat. As text and in
/// JSON: 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId(pub [u8; 16]);

/// Text that is not a [`SessionId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run is named by 32 hexadecimal digits")]
pub struct BadSessionId;

impl TryFrom<String> for SessionId {
    type Error = BadSessionId;

    fn try_from(text: String) -> Result<SessionId, BadSessionId> {
        let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = u128::from_str_radix(&text, 16).ok().filter(|_| digits);
        number.map(|n| SessionId(n.to_be_bytes())).ok_or(BadSessionId)
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> String {
        id.to_string()
    }
}

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How Bob chooses his basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Receiver {
    /// By a modulator in front of two detectors, from his own random source, before the slot.
    Active {
        /// Whether a second random bit exchanges the detectors' roles.
        random_swap: bool,
    },
    /// By a beam splitter in front of four detectors (0 and 1 in the key basis, 2 and 3 in the test
    /// basis). Measured and reported; never makes key.
    Passive,
}

/// What is known of the difference between the detectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum DetectorMatch {
    /// The operator assumes equal detectors; printed on each key.
    AssumedMatched,
    /// Measured bounds: the maximum over arrival time, wavelength and mode in the window.
    Calibrated {
        /// FINITE_KEY 3.6, in (0, 1): 0 is an assumption.
        delta1: f64,
        /// FINITE_KEY 3.6, in (0, 1).
        delta2: f64,
        /// Which calibration.
        id: String,
        /// When it was made, ISO 8601.
        date: String,
        /// Serial of Bob's device that was calibrated.
        device: String,
        /// For so many days it is taken.
        valid_days: u32,
    },
}

impl DetectorMatch {
    /// The two numbers the bound takes.
    pub fn mismatch(&self) -> Mismatch {
        match *self {
            DetectorMatch::AssumedMatched => Mismatch::MATCHED,
            DetectorMatch::Calibrated { delta1, delta2, .. } => Mismatch { delta1, delta2 },
        }
    }
}

/// The shared parameters of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The run.
    pub session: SessionId,
    /// Which bound gives the length of a key.
    pub bound: BoundChoice,
    /// Mean photon number of each intensity in 10⁻⁹ photons a pulse, brightest first; the third is 0
    /// where the bound takes two.
    pub mu_nano: [u64; 3],
    /// Weight of each intensity out of 4096; the sum is 4096. The third is 0 where the bound takes
    /// two.
    pub intensity_weights: [u16; 3],
    /// Relative uncertainty of the intensities in parts per million. The bound takes the
    /// intensities as exact; `None` means nobody measured it.
    pub intensity_uncertainty_ppm: Option<u32>,
    /// Weight out of 4096 of the key basis at Alice.
    pub alice_key_weight: u16,
    /// Weight out of 4096 of the key basis at Bob.
    pub bob_key_weight: u16,
    /// Length of a block in emitted slots.
    pub slots_per_block: u32,
    /// Each slot whose index is a multiple of this is public and makes no key; at least 2.
    pub sync_spacing: u16,
    /// How Bob chooses his basis.
    pub receiver: Receiver,
    /// After any click all slots within this time are dropped, in picoseconds.
    pub hold_off_ps: u64,
    /// Width of the detection window in picoseconds, one for all detectors.
    pub window_ps: u64,
    /// Alice discloses only once her slot clock is this many slots past the block's end, and Bob
    /// checks it: bound on the difference of the two slot counts.
    pub clock_bound_slots: u32,
    /// What is known of the detectors.
    pub detectors: DetectorMatch,
    /// Failure probability of one block, without authentication.
    pub epsilon_total: f64,
    /// Which engine reconciles.
    pub code: CodeChoice,
    /// Addition to the error rate that reconciliation plans for, in parts per million, for a key
    /// basis known to be worse than the test basis. A setting, never a count of the key basis.
    pub qber_margin_ppm: u32,
}

/// A parameter that no run can be made with.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadParameter {
    /// The integer weights of the intensities.
    #[error("the weights of the intensities add up to {0}, not to 4096, or one is zero")]
    Weights(u32),
    /// A third intensity where the bound takes two.
    #[error("a third intensity, and {0} is a bound for a signal and one decoy")]
    ThirdIntensity(&'static str),
    /// Measured detectors, and a bound that cannot take the measurement.
    #[error(
        "detectors are calibrated, and {0} has no term for detectors that differ; it can be taken \
         with detectors assumed matched, which is printed on each key, and the two-decoy bound \
         takes the calibration"
    )]
    MismatchNotCovered(&'static str),
    /// A basis that is never chosen.
    #[error("{0}'s weight of the key basis is {1}; both bases need a weight between 1 and 4095")]
    BasisWeight(&'static str, u16),
    /// Sync slots would take every slot.
    #[error("sync spacing {0}: at least 2")]
    SyncSpacing(u16),
    /// A block without slots or longer than a station can hold.
    #[error("{0} slots a block: between 1 and 4·10⁹ are possible")]
    BlockLength(u32),
    /// The device's source has other levels than the bound would assume.
    #[error(
        "the device's brightest levels are {device:?} · 10⁻⁹ photons a pulse, the parameters \
         say {parameters:?}; set the attenuation again or correct the parameters"
    )]
    Levels {
        /// As the device states them, brightest first.
        device: Vec<u64>,
        /// [`Parameters::mu_nano`], those in use.
        parameters: Vec<u64>,
    },
    /// A calibration that found no mismatch: what nobody measured is assumed (FINITE_KEY 3.4).
    #[error(
        "{name} of the calibration is {value}: a calibration bounds a mismatch; write \
         assumed-matched where nobody measured one"
    )]
    NoMismatch {
        /// `delta1` or `delta2`.
        name: &'static str,
        /// What the calibration says.
        value: f64,
    },
    /// The bound refuses intensities, mismatch or ε.
    #[error(transparent)]
    Bound(#[from] crate::bound::Refusal),
}

impl Parameters {
    /// Parameters of the default bench with the default ε: a start for a configuration.
    pub fn example() -> Parameters {
        Parameters {
            session: SessionId([0; 16]),
            bound: BoundChoice::Varlen2d,
            mu_nano: [500_000_000, 100_000_000, 500_000],
            intensity_weights: [2867, 819, 410],
            intensity_uncertainty_ppm: None,
            alice_key_weight: 3686,
            bob_key_weight: 3686,
            slots_per_block: 100_000_000,
            sync_spacing: 64,
            receiver: Receiver::Active { random_swap: true },
            hold_off_ps: 1_000_000,
            window_ps: 2_000,
            clock_bound_slots: 0,
            detectors: DetectorMatch::AssumedMatched,
            epsilon_total: 1e-10,
            code: CodeChoice::ON_A_SHORT_LINE,
            qber_margin_ppm: 0,
        }
    }

    /// Whether a run can be made with these.
    ///
    /// # Errors
    /// The first parameter that cannot be used, with its range.
    pub fn check(&self) -> Result<(), BadParameter> {
        let sum: u32 = self.intensity_weights.iter().map(|&w| u32::from(w)).sum();
        let (used, unused) = self.intensity_weights.split_at(self.intensities());
        if sum != u32::from(WEIGHT_TOTAL) || used.contains(&0) {
            return Err(BadParameter::Weights(sum));
        }
        let name = self.bound.bound().name();
        let levels = &self.mu_nano[self.intensities()..];
        if unused.iter().any(|&w| w != 0) || levels.iter().any(|&mu| mu != 0) {
            return Err(BadParameter::ThirdIntensity(name));
        }
        for (who, weight) in [("Alice", self.alice_key_weight), ("Bob", self.bob_key_weight)] {
            if !(1..WEIGHT_TOTAL).contains(&weight) {
                return Err(BadParameter::BasisWeight(who, weight));
            }
        }
        if self.sync_spacing < 2 {
            return Err(BadParameter::SyncSpacing(self.sync_spacing));
        }
        if !(1..=4_000_000_000).contains(&self.slots_per_block) {
            return Err(BadParameter::BlockLength(self.slots_per_block));
        }
        if let DetectorMatch::Calibrated { delta1, delta2, .. } = self.detectors {
            if let BoundChoice::Wiesemann(_) = self.bound {
                return Err(BadParameter::MismatchNotCovered(name));
            }
            for (name, value) in [("delta1", delta1), ("delta2", delta2)] {
                if value <= 0.0 {
                    return Err(BadParameter::NoMismatch { name, value });
                }
            }
        }
        self.bound().check()?;
        Ok(())
    }

    /// How many intensities Alice chooses among: 3, or 2 with one decoy.
    pub fn intensities(&self) -> usize {
        self.bound.bound().intensities()
    }

    /// Whether the length takes the errors of the key basis, so that Bob counts them for Alice.
    pub fn takes_key_errors(&self) -> bool {
        matches!(self.bound, BoundChoice::Wiesemann(_))
    }

    /// Mean photons and probabilities of the intensities; the third is 0 and 0 with one decoy.
    pub fn decoy(&self) -> Decoy {
        Decoy {
            mu: self.mu_nano.map(|mu| mu as f64 / 1e9),
            p: self.intensity_weights.map(|w| f64::from(w) / f64::from(WEIGHT_TOTAL)),
        }
    }

    /// The bound that gives a block's length.
    pub fn bound(&self) -> LiveBound {
        let decoy = self.decoy();
        match self.bound {
            BoundChoice::Varlen2d => {
                let mismatch = self.detectors.mismatch();
                let epsilon = Epsilon::split(self.epsilon_total, !mismatch.is_matched());
                LiveBound::Varlen2d(Varlen2d { decoy, epsilon, mismatch })
            }
            BoundChoice::Wiesemann(acceptance) => {
                let Decoy { mu: [mu1, mu2, _], p: [p1, p2, _] } = decoy;
                LiveBound::Wiesemann(Wiesemann {
                    decoy: OneDecoy { mu: [mu1, mu2], p: [p1, p2] },
                    epsilon: SecrecyCorrectness::split(self.epsilon_total),
                    acceptance,
                    slots: self.slots_per_block.into(),
                })
            }
        }
    }

    /// Whether a device's levels are the intensities of the run, each exactly, in 10⁻⁹ photons a
    /// pulse: `levels_nano` as the device's Hello states them, brightest first. Levels beyond are
    /// left out: no setting of the run selects them.
    ///
    /// # Errors
    /// [`BadParameter::Levels`].
    pub fn fits_levels(&self, levels_nano: &[u64; 4]) -> Result<(), BadParameter> {
        let used = self.intensities();
        let (device, parameters) = (&levels_nano[..used], &self.mu_nano[..used]);
        if device == parameters {
            return Ok(());
        }
        let (device, parameters) = (device.to_vec(), parameters.to_vec());
        Err(BadParameter::Levels { device, parameters })
    }

    /// First slot of `block`; saturates at the end of time.
    pub fn first_slot(&self, block: u64) -> u64 {
        block.saturating_mul(u64::from(self.slots_per_block))
    }

    /// First slot after `block`.
    pub fn end_slot(&self, block: u64) -> u64 {
        self.first_slot(block).saturating_add(u64::from(self.slots_per_block))
    }

    /// What the talk and the certificates assume of the source, in words.
    pub fn source_statement(&self) -> &'static str {
        "source assumed ideal: Poissonian, phase-randomised, exact intensities"
    }

    /// One sequence of bytes for one set of parameters; stands at the head of each transcript.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for HelloField { name, value } in self.fields() {
            for text in [name, value] {
                out.extend_from_slice(&(text.len() as u64).to_le_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        }
        out
    }

    /// Every parameter on which the two differ.
    pub fn differences(&self, other: &Parameters) -> Vec<Difference> {
        differences(&self.fields(), &other.fields())
    }
}

#[cfg(test)]
mod tests;
