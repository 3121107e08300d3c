//! What is kept beside every key: a public part from which anyone recomputes the length, and a
//! part that stays with the station.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::announced::Announced;
use crate::bound::{EpsilonLedger, Length};
use crate::decide::{Decision, decide};
use crate::labels::Use;
use crate::ledger::epsilon_auth;
use crate::parameters::{BadParameter, DetectorMatch, PROTOCOL_VERSION, Parameters, Receiver};
use crate::reconcile::Outcome;
use crate::release::BlockId;

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
    pub epsilon: EpsilonLedger,
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
        DetectorMatch::Calibrated { id, date, .. } => {
            list.push(format!("detector mismatch as in calibration {id} of {date}"));
        }
    }
    if parameters.receiver == (Receiver::Active { random_swap: false }) {
        list.push("no random swap of the detectors".to_owned());
    }
    list.push("intensity choice independent of everything else that leaves Alice".to_owned());
    list.push("no detector memory beyond the hold-off (afterpulses)".to_owned());
    list.push("the times at which public messages leave tell nothing of the key".to_owned());
    list
}

/// Why a public part does not stand.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadCertificate {
    /// Another version of the talk.
    #[error(
        "the certificate is of version {0} of the protocol; this software computes {PROTOCOL_VERSION}"
    )]
    Version(u8),
    /// Parameters that no run can be made with.
    #[error(transparent)]
    Parameter(#[from] BadParameter),
    /// A declared number is not the function of the announced data that it must be.
    #[error("{field} is {stated} in the certificate; the announced data give {computed}")]
    Differs {
        /// Which one.
        field: &'static str,
        /// In the certificate.
        stated: String,
        /// Recomputed.
        computed: String,
    },
}

/// The length that follows from the public part, after checking that plan, λ_max, tag length, every
/// value of the bound, the parts of ε and the assumptions follow from the announced data and the
/// parameters. Where the randomness came from cannot be recomputed.
///
/// # Errors
/// What is not as it must be; also if the stated length is not the one that follows.
pub fn recompute(public: &PublicPart) -> Result<u64, BadCertificate> {
    if public.protocol != PROTOCOL_VERSION {
        return Err(BadCertificate::Version(public.protocol));
    }
    public.parameters.check()?;
    let decision = decide(&public.parameters, &public.announced.counts)?;
    let Decision::Reconcile(way) = decision else {
        let (stated, computed) = (public.length.to_string(), "no key".to_owned());
        return Err(BadCertificate::Differs { field: "length", stated, computed });
    };
    let computed = way.declaration;
    let compare = |field, stated: String, computed: String| {
        if stated == computed {
            Ok(())
        } else {
            Err(BadCertificate::Differs { field, stated, computed })
        }
    };
    compare("plan", public.plan.clone(), hex(&computed.plan))?;
    compare("lambda_max", public.lambda_max.to_string(), computed.lambda_max.to_string())?;
    compare(
        "verification_bits",
        public.verification_bits.to_string(),
        computed.verification_bits.to_string(),
    )?;
    compare("length", public.length.to_string(), computed.length.to_string())?;
    compare("bound", format!("{:?}", public.bound), format!("{:?}", way.length))?;
    let epsilon = public.parameters.bound().ledger();
    compare("epsilon", format!("{:?}", public.epsilon), format!("{epsilon:?}"))?;
    compare("epsilon_total", public.epsilon_total.to_string(), epsilon.total().to_string())?;
    compare("epsilon_auth", public.epsilon_auth.to_string(), epsilon_auth(2).to_string())?;
    // A key that hides what it takes on trust is worth less than one without a certificate.
    let assumed = assumptions(&public.parameters);
    compare("assumptions", public.assumptions.join("; "), assumed.join("; "))?;
    Ok(computed.length)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
