//! Why no length was computed: input outside its range. A block that is merely too small or too
//! noisy is not refused; it gets a length of zero with a reason ([`super::Status`]).

use thiserror::Error;

/// One of the two bases, by the part it plays; papers call them X and Z, and swap the letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The basis whose outcomes become the raw key.
    Key,
    /// The basis that bounds the phase errors.
    Test,
}

impl core::fmt::Display for Basis {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Basis::Key => "key",
            Basis::Test => "test",
        })
    }
}

/// Input that no bound may be computed from. Each variant names the field and its range.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Refusal {
    /// A failure probability outside the open interval (0, 1), or not a number.
    #[error("{name} = {value}: a failure probability lies strictly between 0 and 1")]
    Epsilon {
        /// Which one, as in the equations: `eps_d`, `eps_sec`, …
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// The failure probabilities add up to more than [`super::LARGEST_TOTAL`].
    #[error("eps_total = {total}: the total failure probability of a key is at most 1e-3")]
    EpsilonTotal {
        /// Their sum as the bound composes them.
        total: f64,
    },
    /// A mean photon number that is negative, infinite or not a number.
    #[error("mu{number} = {value}: a mean photon number is finite and not negative")]
    Intensity {
        /// 1 for the signal intensity.
        number: usize,
        /// What was given.
        value: f64,
    },
    /// Intensities that the decoy equations cannot separate.
    #[error("intensities {mu:?}: two decoys need mu1 > mu2 + mu3 and mu2 > mu3 >= 0")]
    IntensityOrder {
        /// What was given.
        mu: [f64; 3],
    },
    /// Intensities that the one-decoy equations cannot separate.
    #[error("intensities {mu:?}: one decoy needs mu1 > mu2 > 0")]
    OneDecoyOrder {
        /// What was given.
        mu: [f64; 2],
    },
    /// An intensity that is never, or not with a real probability, chosen.
    #[error("p{number} = {value}: the probability of an intensity lies in (0, 1]")]
    Probability {
        /// 1 for the signal intensity.
        number: usize,
        /// What was given.
        value: f64,
    },
    /// Probabilities of the intensities that do not add up to 1 within 1e-9.
    #[error("the probabilities of the intensities add up to {sum}, not to 1 within 1e-9")]
    ProbabilitySum {
        /// Their sum.
        sum: f64,
    },
    /// More errors than detections.
    #[error(
        "{basis} basis, intensity {number}: {errors} errors among {detections} detections; errors \
         are counted among the detections"
    )]
    ErrorsExceedDetections {
        /// In which basis.
        basis: Basis,
        /// At which intensity, 1 for the signal.
        number: usize,
        /// Errors given.
        errors: u64,
        /// Detections given.
        detections: u64,
    },
    /// Counts that a double no longer holds exactly.
    #[error("{basis} basis: the counts of a block add up to at most 2^53")]
    TooManyCounts {
        /// In which basis.
        basis: Basis,
    },
    /// A detector-mismatch bound outside [0, 1), or not a number.
    #[error(
        "{name} = {value}: a detector-mismatch bound lies in [0, 1); from 1 on there is no key"
    )]
    Mismatch {
        /// `delta1` or `delta2`.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// A detector tolerance or dark-count probability outside [0, 1], or not a number.
    #[error("{name} = {value}: a detector's tolerance or probability lies in [0, 1]")]
    Tolerance {
        /// `delta_eta`, `delta_dark` or `dark_prob`.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// A fixed length's acceptance that no block can have.
    #[error(
        "{name} = {value}: a block is accepted with 1 to 2^53 single photons, a phase-error rate \
         below 1/2 and a leak of at most 2^53 bits"
    )]
    Acceptance {
        /// Which of them.
        name: &'static str,
        /// What was given.
        value: u64,
    },
    /// A real number of leaked bits that is negative, not finite or beyond 2^53.
    #[error("leak = {value}: leaked bits are between 0 and 2^53")]
    Leak {
        /// What was given.
        value: f64,
    },
    /// A one-decoy bound without the key basis' errors, which its vacuum bound needs.
    #[error("m_key is missing: a one-decoy bound needs the errors of the key basis")]
    KeyErrorsMissing,
    /// A list with the wrong number of intensities for the bound asked for.
    #[error("{field} has {found} entries: this bound takes {expected} intensities")]
    Intensities {
        /// Which list.
        field: &'static str,
        /// Entries the bound takes.
        expected: usize,
        /// Entries given.
        found: usize,
    },
    /// Failure probabilities of another bound's kind.
    #[error("{bound} takes {expected}")]
    Security {
        /// The bound asked for.
        bound: &'static str,
        /// What it takes.
        expected: &'static str,
    },
}

impl Refusal {
    /// One word for scripts and tables.
    pub const fn kind(&self) -> &'static str {
        match self {
            Refusal::Epsilon { .. } => "epsilon",
            Refusal::EpsilonTotal { .. } => "epsilon-total",
            Refusal::Intensity { .. } => "intensity",
            Refusal::IntensityOrder { .. } | Refusal::OneDecoyOrder { .. } => "intensity-order",
            Refusal::Probability { .. } => "probability",
            Refusal::ProbabilitySum { .. } => "probability-sum",
            Refusal::ErrorsExceedDetections { .. } => "errors-exceed-detections",
            Refusal::TooManyCounts { .. } => "too-many-counts",
            Refusal::Mismatch { .. } => "mismatch",
            Refusal::Tolerance { .. } => "tolerance",
            Refusal::Acceptance { .. } => "acceptance",
            Refusal::Leak { .. } => "leak",
            Refusal::KeyErrorsMissing => "key-errors-missing",
            Refusal::Intensities { .. } => "intensities",
            Refusal::Security { .. } => "security",
        }
    }
}
