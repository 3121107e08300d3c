//! From announced data to λ_max, code and length, before anything about the key basis is said.
//!
//! A pure function of parameters and counts: both stations compute it, and anyone can later.

use serde::{Deserialize, Serialize};

use crate::bound::{Counts, Disclosed, Length, Refusal, Status};
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
    pub length: Length,
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
    let sifted = counts.sifted();
    if sifted == 0 {
        return no_key(NoKeyReason::NothingSifted);
    }
    let bound = parameters.bound();
    let ev = bound.epsilon.ev;
    let tag_bits = hash::verification_bits(sifted, ev);
    let tag_bits = tag_bits.ok_or(Refusal::Epsilon { name: "eps_ev", value: ev })?;
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
    Ok(Decision::Reconcile(Box::new(Way { declaration, length, plan })))
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
