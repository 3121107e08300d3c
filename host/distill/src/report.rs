//! What a person or a program wants to know of a block after it ended.

use helio_keys::{Origin, SecretKey, Simulated};
use serde::{Deserialize, Serialize};

use crate::announced::Announced;
use crate::bound::{Disclosed, ERROR_COUNT_BITS, Length, binary_entropy};
use crate::certificate::Certificate;
use crate::decide::{NoKeyReason, verification_charge};
use crate::ledger::epsilon_auth;
use crate::message::Role;
use crate::parameters::Parameters;
use crate::release::BlockId;
use crate::statistics::ErrorRate;

/// One block on one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockReport {
    /// Which block.
    pub id: BlockId,
    /// Which side.
    pub role: Role,
    /// `SIMULATED` or `real`.
    pub origin: String,
    /// Emitted slots of the block.
    pub slots: u64,
    /// Slots this side has no data for.
    pub lost_slots: u64,
    /// What was announced: detections, counts, error rates over time.
    pub announced: Announced,
    /// Sifted bits in the key basis.
    pub sifted_key: u64,
    /// Sifted bits in the test basis.
    pub sifted_test: u64,
    /// Error rate of the test basis at each intensity, brightest first.
    pub test_by_intensity: [ErrorRate; 3],
    /// Error rate of the test basis.
    pub test_qber: ErrorRate,
    /// Error rate of the key basis, where this side knows it. Private to the station.
    pub key_qber: Option<ErrorRate>,
    /// The same two by detector, where this side has detectors; empty at Alice. Private to the
    /// station: it stands in no message and in no part of the certificate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_detector: Vec<DetectorErrors>,
    /// Key length in bits; 0 with a reason.
    pub length: u64,
    /// Why there is no key.
    pub no_key: Option<NoKeyReason>,
    /// The same in words.
    pub reason: Option<String>,
    /// Bits that the length pays for reconciliation, λ_max.
    pub leak_charged: u64,
    /// Bits that were disclosed, both directions. Private to the station.
    pub leak_actual: Option<u64>,
    /// Alice's disclosed bits over n·h(QBER), to compare with other systems. Private to the station:
    /// at Bob the QBER is that of the key basis.
    pub f_alice: Option<f64>,
    /// What the length pays over n·h(QBER). Private to the station, as above.
    pub f_charged: Option<f64>,
    /// Failure probability of this block, authentication included.
    pub epsilon: f64,
    /// Sum over all attempts with this pre-shared secret, this block included.
    pub epsilon_spent: f64,
    /// The bound's intermediate values.
    pub bound: Option<Length>,
    /// Where the sifted bits went, term by term, in bits; empty for a fixed length, which does not
    /// follow from the block's own numbers.
    pub breakdown: Vec<(String, f64)>,
    /// SHA-256 over a SIMULATED key, cut; never of a real one.
    pub fingerprint: Option<String>,
}

/// Error rates of the detections in which one detector clicked alone, or several at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectorErrors {
    /// Which detector: the bit of its clicks in [`helio_timetag::Detection::mask`], whatever role the
    /// swap gave it. `None`: more than one clicked, and the bit was drawn.
    pub detector: Option<u8>,
    /// In the test basis.
    pub test: ErrorRate,
    /// In the key basis: where reconciliation changed the sifted bits. `None` without a key.
    pub key: Option<ErrorRate>,
}

/// What only this side knows of its own device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    pub role: Role,
    pub origin: &'static str,
    pub lost_slots: u64,
    pub epsilon_spent: f64,
}

impl BlockReport {
    /// A block that ended without key, by its announced data.
    pub(crate) fn no_key(
        parameters: &Parameters,
        id: BlockId,
        side: Side,
        announced: &Announced,
        (reason, lambda_max): (NoKeyReason, u64),
    ) -> BlockReport {
        let mut report = BlockReport::base(parameters, id, side, announced, lambda_max, None);
        report.no_key = Some(reason);
        report.reason = Some(reason.to_string());
        report
    }

    /// A block that ended with a key.
    pub(crate) fn key(
        parameters: &Parameters,
        side: Side,
        certificate: &Certificate,
        fingerprint: Option<String>,
    ) -> BlockReport {
        let (public, private) = (&certificate.public, &certificate.private);
        let verification = verification_charge(public.verification_bits);
        let (announced, lambda_max) = (&public.announced, public.lambda_max);
        let mut report =
            BlockReport::base(parameters, public.id, side, announced, lambda_max, verification);
        report.length = public.length;
        report.bound = Some(public.bound);
        report.leak_actual = Some(private.leak_alice + private.leak_bob);
        report.key_qber = private.key_basis_errors.map(|m| ErrorRate::new(m, report.sifted_key));
        // Alice does not know the key basis' errors: the test basis stands in for them.
        let qber = report.key_qber.unwrap_or(report.test_qber).rate;
        let shannon = qber.map(|q| report.sifted_key as f64 * binary_entropy(q));
        let over_shannon = |bits: u64| shannon.filter(|&s| s > 0.0).map(|s| bits as f64 / s);
        report.f_alice = over_shannon(private.leak_alice);
        let counts = if parameters.takes_key_errors() { ERROR_COUNT_BITS } else { 0 };
        report.f_charged = over_shannon(public.lambda_max + counts);
        report.fingerprint = fingerprint;
        report
    }

    fn base(
        parameters: &Parameters,
        id: BlockId,
        side: Side,
        announced: &Announced,
        lambda_max: u64,
        verification_bits: Option<u64>,
    ) -> BlockReport {
        let counts = &announced.counts;
        let sifted_test = counts.n_test.iter().sum();
        let errors = counts.m_test.iter().sum();
        let disclosed = Disclosed { leak: lambda_max, verification_bits };
        let bound = parameters.bound();
        let breakdown = bound.varlen2d().and_then(|b| b.breakdown(counts, &disclosed).ok());
        let lines = breakdown.iter().flat_map(|b| b.lines());
        BlockReport {
            id,
            role: side.role,
            origin: side.origin.to_owned(),
            slots: u64::from(parameters.slots_per_block),
            lost_slots: side.lost_slots,
            announced: announced.clone(),
            sifted_key: counts.sifted(),
            sifted_test,
            test_by_intensity: std::array::from_fn(|k| {
                ErrorRate::new(counts.m_test[k], counts.n_test[k])
            }),
            test_qber: ErrorRate::new(errors, sifted_test),
            key_qber: None,
            by_detector: Vec::new(),
            length: 0,
            no_key: None,
            reason: None,
            leak_charged: lambda_max,
            leak_actual: None,
            f_alice: None,
            f_charged: None,
            epsilon: parameters.epsilon_total + epsilon_auth(2),
            epsilon_spent: side.epsilon_spent,
            breakdown: lines.map(|(term, bits)| (term.name().to_owned(), bits)).collect(),
            bound: breakdown.map(|b| b.length),
            fingerprint: None,
        }
    }
}

/// The fingerprint of a key, if its type says that it is simulated.
pub(crate) fn fingerprint<O: Origin>(key: &SecretKey<O>) -> Option<String> {
    let key: &dyn std::any::Any = key;
    key.downcast_ref::<SecretKey<Simulated>>().map(SecretKey::fingerprint)
}
