//! Finite-key lengths of decoy-state BB84: the one place where a key's length is computed.
//!
//! [`Varlen2d`] is what blocks are distilled with, and [`Wiesemann`] where the source has one decoy
//! only ([`LiveBound`]). The other bounds ([`published`]) reproduce papers and let a user compare; compare them at equal total ε, not at equal symbols. Not here:
//! how much was leaked (reconciliation knows), and whether detectors match (a calibration knows).
//!
//! Every function is a pure function of its arguments, computed with the `libm` crate, so that two
//! stations on different processors get the same bits. Rounding never favours the key.

mod asymptotic;
mod breakdown;
mod calibration;
mod decoy;
mod epsilon;
mod input;
mod length;
mod live;
mod mismatch;
mod numbers;
pub mod published;
mod query;
mod refusal;
mod varlen;
mod wiesemann;

pub use asymptotic::{Link, gllp, infinite_decoys, vacuum_and_weak};
pub use breakdown::{Breakdown, Term};
pub use calibration::{Interval, covering_tolerance, intensity_uncertainty_ppm, photons_nano};
pub use decoy::photon_number_probability;
pub use epsilon::{
    Epsilon, EpsilonLedger, LARGEST_TOTAL, Ledger, SecrecyCorrectness, SecrecyLedger,
};
pub use input::{Counts, Decoy, Disclosed, OneDecoy, OneDecoyCounts, leak_bits, verification_bits};
pub use length::{Length, Status, VacuousReason};
pub use live::{BoundChoice, LiveBound};
pub use mismatch::{DetectorTolerance, Mismatch};
pub use numbers::{
    binary_entropy, hoeffding_one_sided, hoeffding_two_sided_squared, phase_error_entropy,
    sampling_deviation_published, serfling_deviation,
};
pub use query::{Bound, Query, Security, UnknownBound};
pub use refusal::{Basis, Refusal};
pub(crate) use varlen::Tally;
pub use varlen::Varlen2d;
pub use wiesemann::{Acceptance, ERROR_COUNT_BITS, Wiesemann};
