//! From announced data to λ_max, code and length, before anything about the key basis is said.
//!
//! A pure function of parameters and counts: both stations compute it, and anyone can later.

use serde::{Deserialize, Serialize};

use crate::bound::{Counts, Disclosed, Length, LiveBound, Refusal, Status, Varlen2d, Wiesemann};
use crate::hash;
use crate::message::Declaration;
use crate::parameters::{BadParameter, Parameters, Receiver};
use crate::reconcile::{self, Plan, PlanRefused};

/// Why a block gives no key although nothing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoKeyReason {
    /// No proof covers a passive basis choice here; the receiver measures only.
    PassiveReceiver,
    /// No detection in the key basis.
    NothingSifted,
    /// The bound gives nothing even if reconciliation were free.
    Bound(Status),
    /// Reconciliation at the announced error rate costs all that the bound gives.
    Reconciliation,
    /// No code fits the number of bits and the announced error rate.
    NoCode,
    /// Detections of an intensity that a run with one decoy does not have.
    UnknownIntensity,
    /// A fixed length: fewer single photons are certain, or more phase errors possible, than the
    /// run's acceptance allows.
    NotAccepted,
    /// A fixed length: the code for the announced error rate might disclose more than was agreed.
    FixedLeak,
}

impl std::fmt::Display for NoKeyReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NoKeyReason::PassiveReceiver => {
                f.write_str("no key: the bound is a proof for active basis choice only")
            }
            NoKeyReason::NothingSifted => f.write_str("no key: no detection in the key basis"),
            NoKeyReason::Bound(status) => status.fmt(f),
            NoKeyReason::NoCode => f.write_str(
                "no key: no code for this number of bits and this error rate; lower the QBER or \
                 use a longer block",
            ),
            NoKeyReason::UnknownIntensity => f.write_str(
                "no key: detections of a third intensity, which a run with one decoy does not have; \
                 see to Alice's device",
            ),
            NoKeyReason::NotAccepted => f.write_str(
                "no key: the block has fewer single photons or more phase errors than the fixed \
                 length's acceptance allows; lower the QBER, use a longer block, or agree on another \
                 acceptance",
            ),
            NoKeyReason::FixedLeak => f.write_str(
                "no key: reconciling at this error rate might disclose more than the fixed length \
                 pays; lower the QBER, or agree on another acceptance",
            ),
            NoKeyReason::Reconciliation => f.write_str(
                "no key: reconciling at this error rate costs more than the bound gives; lower the \
                 QBER or use a longer block",
            ),
        }
    }
}

/// What becomes of a block.
pub(crate) enum Decision {
    /// It ends here; nothing more is disclosed.
    NoKey { reason: NoKeyReason, lambda_max: u64 },
    /// It goes on.
    Reconcile(Box<Way>),
}

/// How a block goes on.
pub(crate) struct Way {
    pub declaration: Declaration,
    /// How the length came about; `None` where it takes the errors of the key basis, which are not
    /// known yet.
    pub length: Option<Length>,
    pub plan: Plan,
}

/// Tag and verdict in bits, as the length pays them.
pub(crate) fn verification_charge(tag_bits: u32) -> Option<u64> {
    Some(u64::from(tag_bits) + 1)
}

/// Decides. The counts are consistent by construction; parameters were checked at the start.
pub(crate) fn decide(parameters: &Parameters, counts: &Counts) -> Result<Decision, BadParameter> {
    let no_key = |reason| Ok(Decision::NoKey { reason, lambda_max: 0 });
    if parameters.receiver == Receiver::Passive {
        return no_key(NoKeyReason::PassiveReceiver);
    }
    if counts.sifted() == 0 {
        return no_key(NoKeyReason::NothingSifted);
    }
    match parameters.bound() {
        LiveBound::Varlen2d(bound) => variable(parameters, &bound, counts),
        LiveBound::Wiesemann(bound) => fixed(parameters, &bound, counts),
    }
}

fn tag_bits(sifted: u64, eps: f64, name: &'static str) -> Result<u32, Refusal> {
    hash::verification_bits(sifted, eps).ok_or(Refusal::Epsilon { name, value: eps })
}

/// A length that follows the block.
fn variable(
    parameters: &Parameters,
    bound: &Varlen2d,
    counts: &Counts,
) -> Result<Decision, BadParameter> {
    let no_key = |reason| Ok(Decision::NoKey { reason, lambda_max: 0 });
    let tag_bits = tag_bits(counts.sifted(), bound.epsilon.ev, "eps_ev")?;
    let verification_bits = verification_charge(tag_bits);
    let length_with = |leak| bound.length(counts, &Disclosed { leak, verification_bits });
    let free = length_with(0)?;
    if free.ell == 0 {
        return no_key(NoKeyReason::Bound(free.status));
    }
    let Ok(plan) = plan(parameters, counts) else { return no_key(NoKeyReason::NoCode) };
    let lambda_max = plan.lambda_max();
    let length = length_with(lambda_max)?;
    if length.ell == 0 {
        return Ok(Decision::NoKey { reason: NoKeyReason::Reconciliation, lambda_max });
    }
    let declaration = Declaration {
        lambda_max,
        length: length.ell,
        verification_bits: tag_bits,
        plan: plan.encode(),
    };
    Ok(Decision::Reconcile(Box::new(Way { declaration, length: Some(length), plan })))
}

/// A length that was agreed before. What can be said without the errors of the key basis is said
/// here: with none of them a block has the most single photons, so that one which fails even then
/// ends before anything of it is disclosed.
fn fixed(
    parameters: &Parameters,
    bound: &Wiesemann,
    counts: &Counts,
) -> Result<Decision, BadParameter> {
    let no_key = |reason| Ok(Decision::NoKey { reason, lambda_max: 0 });
    let tag_bits = tag_bits(counts.sifted(), bound.epsilon.cor, "eps_cor")?;
    if let Err(reason) = accept(bound, counts, [0; 2], tag_bits)? {
        return no_key(reason);
    }
    let lambda_max = bound.acceptance.lambda_max;
    let Ok(plan) = plan(parameters, counts) else { return no_key(NoKeyReason::NoCode) };
    if plan.lambda_max() > lambda_max {
        return Ok(Decision::NoKey { reason: NoKeyReason::FixedLeak, lambda_max });
    }
    let declaration = Declaration {
        lambda_max,
        length: bound.key_bits(),
        verification_bits: tag_bits,
        plan: plan.encode(),
    };
    Ok(Decision::Reconcile(Box::new(Way { declaration, length: None, plan })))
}

/// The end of a block of fixed length, when the errors `m_key` of the key basis are known: how it
/// was accepted, or why it was not.
pub(crate) fn accept(
    bound: &Wiesemann,
    counts: &Counts,
    m_key: [u64; 2],
    tag_bits: u32,
) -> Result<Result<Length, NoKeyReason>, Refusal> {
    let [signal, decoy] = m_key;
    let Some(counts) = (Counts { m_key: Some([signal, decoy, 0]), ..*counts }).one_decoy() else {
        return Ok(Err(NoKeyReason::UnknownIntensity));
    };
    let length = bound.length(&counts, verification_charge(tag_bits))?;
    Ok(refused(bound, &length).map_or(Ok(length), Err))
}

fn refused(bound: &Wiesemann, length: &Length) -> Option<NoKeyReason> {
    match length.status {
        _ if bound.accepts(length) => None,
        Status::Vacuous(_) => Some(NoKeyReason::Bound(length.status)),
        // The acceptance itself leaves nothing.
        _ if bound.key_bits() == 0 => Some(NoKeyReason::Bound(Status::NoKey)),
        _ => Some(NoKeyReason::NotAccepted),
    }
}

/// The plan, from the error rate of the test basis: intensities are chosen independently of bases,
/// so both bases have the same mixture of them.
fn plan(parameters: &Parameters, counts: &Counts) -> Result<Plan, PlanRefused> {
    let announced = reconcile::Announced {
        n_key: counts.sifted(),
        test_bits: counts.n_test.iter().sum(),
        test_errors: counts.m_test.iter().sum(),
        margin_ppm: parameters.qber_margin_ppm,
    };
    parameters.code.plan(announced)
}
