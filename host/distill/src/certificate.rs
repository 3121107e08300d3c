//! What is kept beside every key: a public part from which anyone recomputes the length, and a
//! part that stays with the station. `docs/certificate.md` describes every field.

mod calibration;
mod check;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::announced::Announced;
use crate::bound::{Ledger, Length};
use crate::labels::Use;
use crate::parameters::{DetectorMatch, Parameters, Receiver};
use crate::reconcile::Outcome;
use crate::release::BlockId;

pub(crate) use calibration::check as check_calibration;
pub use calibration::{CalibrationState, calibration_state};
pub use check::{BadCertificate, Differing, Recomputed, contradictions, examine, recompute};

/// Version of the certificate's fields. 2 has the bound's choice, the calibration's device and validity
/// and the block's time.
pub const SCHEMA: u32 = 2;

/// Both parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// May be shown to anyone.
    pub public: PublicPart,
    /// Stays with the station.
    pub private: PrivatePart,
}

/// Everything the length follows from, and everything it assumes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublicPart {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Which block.
    pub id: BlockId,
    /// Version of the talk.
    pub protocol: u8,
    /// Version of this software.
    pub software: String,
    /// `SIMULATED` or `real`.
    pub origin: String,
    /// All shared parameters; the receiver and the calibration stand in them.
    pub parameters: Parameters,
    /// What was announced.
    pub announced: Announced,
    /// The reconciliation plan: its canonical bytes in hexadecimal.
    pub plan: String,
    /// Bits that reconciliation was allowed to disclose and that the length pays, λ_max.
    pub lambda_max: u64,
    /// Bits of the verification tag, t; the length pays t + 1 or log2(2/ε_EV), whichever is more.
    pub verification_bits: u32,
    /// Length of the key in bits, ℓ.
    pub length: u64,
    /// The bound's intermediate values.
    pub bound: Length,
    /// The parts of ε of this block.
    pub epsilon: Ledger,
    /// Their sum.
    pub epsilon_total: f64,
    /// Probability that one of this block's two tags was forged.
    pub epsilon_auth: f64,
    /// Source of the randomness of each use, at both stations.
    pub randomness: BTreeMap<Use, String>,
    /// The weakest of them: what the key may claim.
    pub weakest_randomness: String,
    /// What nobody measured here.
    pub assumptions: Vec<String>,
}

/// What must not leave the station: it tells of the key basis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PrivatePart {
    /// Errors in the key basis; known to Bob only.
    pub key_basis_errors: Option<u64>,
    /// Bits that Alice disclosed.
    pub leak_alice: u64,
    /// Bits that Bob disclosed.
    pub leak_bob: u64,
    /// Frames that did not decode and were disclosed in full.
    pub failed_frames: u32,
}

impl PrivatePart {
    pub(crate) fn new(outcome: &Outcome, key_basis_errors: Option<u64>) -> PrivatePart {
        PrivatePart {
            key_basis_errors,
            leak_alice: outcome.leak.alice_bits,
            leak_bob: outcome.leak.bob_bits,
            failed_frames: outcome.failed_frames,
        }
    }
}

/// What every key of these parameters takes on trust.
pub fn assumptions(parameters: &Parameters) -> Vec<String> {
    let mut list = vec![parameters.source_statement().to_owned()];
    match parameters.intensity_uncertainty_ppm {
        None => list.push("intensity uncertainty never measured".to_owned()),
        Some(ppm) => list.push(format!("intensity uncertainty of {ppm} ppm not in the bound")),
    }
    match &parameters.detectors {
        DetectorMatch::AssumedMatched => list.push("detectors assumed matched".to_owned()),
        DetectorMatch::Calibrated { id, date, device, valid_days, .. } => list.push(format!(
            "detector mismatch as in calibration {id} of {date} of device {device}, taken for \
             {valid_days} days"
        )),
    }
    if parameters.receiver == (Receiver::Active { random_swap: false }) {
        list.push("no random swap of the detectors".to_owned());
    }
    list.push("intensity choice independent of everything else that leaves Alice".to_owned());
    list.push("no detector memory beyond the hold-off (afterpulses)".to_owned());
    list.push(
        "the times at which public messages leave tell nothing of the key: among them is Bob's \
         decoding time, which follows the number of iterations and so the errors of the key basis, \
         and is not charged"
            .to_owned(),
    );
    list
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
