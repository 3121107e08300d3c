//! Whether a certificate's public part stands: everything in it that follows from something else is
//! computed again, and every figure that differs is named.
//!
//! Where the randomness came from, what a calibration found and who announced what cannot be
//! recomputed: that is what the certificate says, not what it proves.

use std::fmt::{Debug, Display};

use super::{PrivatePart, PublicPart, SCHEMA, assumptions, calibration_state, hex};
use crate::announced::{Announced, TIME_BINS};
use crate::bound::{Counts, EpsilonLedger, Ledger, Length, LiveBound, SecrecyLedger};
use crate::decide::{Decision, NoKeyReason, accept, decide};
use crate::labels;
use crate::ledger::epsilon_auth;
use crate::parameters::{BadParameter, PROTOCOL_VERSION, Parameters};
use crate::statistics::ErrorRate;

/// A figure that is not the one that follows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {stated} in the certificate; {computed} follows")]
pub struct Differing {
    /// Which one, as a path into the public part: `bound.phi`.
    pub field: &'static str,
    /// In the certificate.
    pub stated: String,
    /// Recomputed.
    pub computed: String,
}

/// Why a public part does not stand.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadCertificate {
    /// Another version of the fields.
    #[error("the certificate is of version {0} of its fields; this software computes {SCHEMA}")]
    Schema(u32),
    /// Another version of the talk.
    #[error(
        "the certificate is of version {0} of the protocol; this software computes {PROTOCOL_VERSION}"
    )]
    Version(u8),
    /// Parameters that no run can be made with.
    #[error(transparent)]
    Parameter(#[from] BadParameter),
    /// Figures that are not the function of the announced data that they must be; at least one.
    #[error("{}", .0.iter().map(Differing::to_string).collect::<Vec<_>>().join("; "))]
    Differs(Vec<Differing>),
}

/// What follows from a public part.
#[derive(Clone, Debug, PartialEq)]
pub struct Recomputed {
    /// Length of the key in bits; 0 with a reason.
    pub length: u64,
    /// Why there is no key.
    pub no_key: Option<NoKeyReason>,
    /// Every figure of the certificate that differs; it stands if there is none.
    pub differences: Vec<Differing>,
}

/// The length that follows from the public part, if all that it states follows too.
///
/// # Errors
/// What is not as it must be; also if the stated length is not the one that follows.
pub fn recompute(public: &PublicPart) -> Result<u64, BadCertificate> {
    let Recomputed { length, differences, .. } = examine(public)?;
    if differences.is_empty() { Ok(length) } else { Err(BadCertificate::Differs(differences)) }
}

/// Computes plan, λ_max, tag length, length, every value of the bound, the parts of ε and the
/// assumptions from the announced data and the parameters, and compares. Also whether the announced
/// data contradict themselves, and whether the key claims better randomness than went into it.
///
/// # Errors
/// [`BadCertificate::Schema`], [`BadCertificate::Version`], [`BadCertificate::Parameter`]: nothing can
/// be computed.
pub fn examine(public: &PublicPart) -> Result<Recomputed, BadCertificate> {
    if public.schema != SCHEMA {
        return Err(BadCertificate::Schema(public.schema));
    }
    if public.protocol != PROTOCOL_VERSION {
        return Err(BadCertificate::Version(public.protocol));
    }
    public.parameters.check()?;
    let mut list = List(Vec::new());
    announced(&mut list, &public.announced, &public.parameters);
    origins(&mut list, public);
    let calibration = calibration_state(public);
    if !calibration.holds() {
        let wanted = "a calibration that the block may rest on".to_owned();
        list.texts("parameters.detectors", calibration.to_string(), wanted);
    }

    let epsilon = public.parameters.bound().ledger();
    ledger(&mut list, &public.epsilon, &epsilon);
    list.compare("epsilon_total", &public.epsilon_total, &epsilon.total());
    list.compare("epsilon_auth", &public.epsilon_auth, &epsilon_auth(2));
    // A key that hides what it takes on trust is worth less than one without a certificate.
    let assumed = assumptions(&public.parameters);
    list.texts("assumptions", public.assumptions.join("; "), assumed.join("; "));

    // Counts that contradict each other may be too many to compute with.
    let countable = list.0.iter().all(|d| !d.field.starts_with("announced."));
    let decision = if countable {
        decide(&public.parameters, &public.announced.counts)?
    } else {
        return Ok(Recomputed { length: 0, no_key: None, differences: list.0 });
    };
    let (length, no_key) = match decision {
        Decision::NoKey { reason, .. } => {
            list.texts("length", public.length.to_string(), format!("0 ({reason})"));
            (0, Some(reason))
        }
        Decision::Reconcile(way) => {
            let computed = &way.declaration;
            list.texts("plan", public.plan.clone(), hex(&computed.plan));
            list.compare("lambda_max", &public.lambda_max, &computed.lambda_max);
            list.compare(
                "verification_bits",
                &public.verification_bits,
                &computed.verification_bits,
            );
            match settled(public, way.length, computed.verification_bits)? {
                Ok(length) => {
                    list.compare("length", &public.length, &computed.length);
                    bound(&mut list, &public.bound, &length);
                    (computed.length, None)
                }
                Err(reason) => {
                    list.texts("length", public.length.to_string(), format!("0 ({reason})"));
                    (0, Some(reason))
                }
            }
        }
    };
    Ok(Recomputed { length, no_key, differences: list.0 })
}

/// How the length came about: known from what was announced, or settled by the key-basis errors that
/// the certificate states.
fn settled(
    public: &PublicPart,
    known: Option<Length>,
    tag_bits: u32,
) -> Result<Result<Length, NoKeyReason>, BadParameter> {
    let counts = &public.announced.counts;
    match (known, public.parameters.bound(), counts.m_key) {
        (Some(length), ..) => Ok(Ok(length)),
        (None, LiveBound::Wiesemann(bound), Some([m1, m2, _])) => {
            Ok(accept(&bound, counts, [m1, m2], tag_bits)?)
        }
        // Named as a contradiction of the announced data before anything is computed.
        (None, ..) => Ok(Err(NoKeyReason::NotAccepted)),
    }
}

/// What a private part says that its public part does not allow.
pub fn contradictions(public: &PublicPart, private: &PrivatePart) -> Vec<Differing> {
    let mut list = List(Vec::new());
    let most = |bits: u64, what: &str| format!("at most {bits} {what}");
    let leak = u128::from(private.leak_alice) + u128::from(private.leak_bob);
    if leak > u128::from(public.lambda_max) {
        let computed = most(public.lambda_max, "bits, lambda_max,");
        list.texts("private.leak_alice + leak_bob", leak.to_string(), computed);
    }
    let sifted = public.announced.counts.sifted();
    if let Some(errors) = private.key_basis_errors.filter(|&errors| errors > sifted) {
        let computed = most(sifted, "sifted bits");
        list.texts("private.key_basis_errors", errors.to_string(), computed);
    }
    // Where they were told, there is one number of them.
    let told = public
        .announced
        .counts
        .m_key
        .map(|m| m.iter().fold(0, |sum: u64, &m| sum.saturating_add(m)));
    if let (Some(errors), Some(told)) = (private.key_basis_errors, told) {
        list.compare("private.key_basis_errors", &errors, &told);
    }
    list.0
}

struct List(Vec<Differing>);

impl List {
    fn compare<T: Display + PartialEq>(&mut self, field: &'static str, stated: &T, computed: &T) {
        if stated != computed {
            self.texts(field, stated.to_string(), computed.to_string());
        }
    }

    fn debug<T: Debug + PartialEq>(&mut self, field: &'static str, stated: &T, computed: &T) {
        if stated != computed {
            self.texts(field, format!("{stated:?}"), format!("{computed:?}"));
        }
    }

    fn texts(&mut self, field: &'static str, stated: String, computed: String) {
        if stated != computed {
            self.0.push(Differing { field, stated, computed });
        }
    }
}

/// Counts that cannot all be true.
fn announced(list: &mut List, stated: &Announced, parameters: &Parameters) {
    let slots = u64::from(parameters.slots_per_block);
    let Announced { detections, without_setting, mismatched, counts, bins, .. } = stated;
    let sum = |parts: &[u64]| parts.iter().map(|&n| u128::from(n)).sum::<u128>();
    let matched = sum(&counts.n_key) + sum(&counts.n_test);
    let all = matched + sum(&[*without_setting, *mismatched]);
    list.compare("announced.detections", &u128::from(*detections), &all);
    if all > u128::from(slots) {
        list.texts("announced.counts", all.to_string(), format!("at most {slots} slots a block"));
    }
    for k in 0..3 {
        let most = counts.n_test[k];
        if counts.m_test[k] > most {
            let stated = counts.m_test[k].to_string();
            list.texts("announced.counts.m_test", stated, format!("at most {most} detections"));
        }
    }
    errors_of_key(list, counts, parameters);
    let (bits, errors): (Vec<u64>, Vec<u64>) = bins.iter().map(|b| (b.bits, b.errors)).unzip();
    list.compare("announced.bins", &bins.len(), &TIME_BINS);
    list.compare("announced.bins.bits", &sum(&bits), &sum(&counts.n_test));
    list.compare("announced.bins.errors", &sum(&errors), &sum(&counts.m_test));
    for bin in bins {
        if bin.errors > bin.bits {
            let computed = format!("at most {} detections", bin.bits);
            list.texts("announced.bins.errors", bin.errors.to_string(), computed);
            continue;
        }
        list.debug("announced.bins", bin, &ErrorRate::new(bin.errors, bin.bits));
    }
}

/// Errors of the key basis are told where the length takes them, and never else.
fn errors_of_key(list: &mut List, counts: &Counts, parameters: &Parameters) {
    let field = "announced.counts.m_key";
    match (parameters.takes_key_errors(), counts.m_key) {
        (false, stated) => list.debug(field, &stated, &None),
        (true, None) => list.texts(field, "None".to_owned(), "one count an intensity".to_owned()),
        (true, Some(stated)) => {
            for (errors, most) in stated.into_iter().zip(counts.n_key) {
                if errors > most {
                    list.texts(field, errors.to_string(), format!("at most {most} detections"));
                }
            }
        }
    }
}

/// The run, the origin and the weakest randomness.
fn origins(list: &mut List, public: &PublicPart) {
    list.compare("id.session", &public.id.session, &public.parameters.session);
    let (uses, weakest) = (&public.randomness, &public.weakest_randomness);
    if !labels::all_named(uses) {
        let named: Vec<_> = uses.keys().collect();
        list.texts("randomness", format!("{named:?}"), "all four uses".to_owned());
    }
    match labels::weakest_text(uses) {
        Some(text) if labels::same_class(text, weakest) && uses.values().any(|u| u == weakest) => {}
        Some(text) => list.texts("weakest_randomness", weakest.clone(), text.to_owned()),
        None => {}
    }
    let simulated = public.origin == "SIMULATED";
    if !simulated && (public.origin != "real" || uses.values().any(|u| labels::is_seeded(u))) {
        list.texts("origin", public.origin.clone(), "SIMULATED".to_owned());
    }
}

fn ledger(list: &mut List, stated: &Ledger, computed: &Ledger) {
    let parts = |ledger: &Ledger| match *ledger {
        Ledger::Composed(EpsilonLedger {
            decoy_estimates,
            sampling,
            mismatch_errors,
            mismatch_losses,
            privacy_amplification,
            verification,
        }) => vec![
            ("epsilon.decoy_estimates", decoy_estimates),
            ("epsilon.sampling", sampling),
            ("epsilon.mismatch_errors", mismatch_errors),
            ("epsilon.mismatch_losses", mismatch_losses),
            ("epsilon.privacy_amplification", privacy_amplification),
            ("epsilon.verification", verification),
        ],
        Ledger::Shared(SecrecyLedger { secrecy, correctness }) => {
            vec![("epsilon.secrecy", secrecy), ("epsilon.correctness", correctness)]
        }
    };
    let (stated_parts, computed_parts) = (parts(stated), parts(computed));
    if stated_parts.len() != computed_parts.len() {
        // The parts of another bound.
        list.debug("epsilon", stated, computed);
        return;
    }
    for ((field, stated), (_, computed)) in stated_parts.iter().zip(&computed_parts) {
        list.compare(field, stated, computed);
    }
}

fn bound(list: &mut List, stated: &Length, computed: &Length) {
    let numbers = |length: &Length| {
        let Length {
            ell,
            status: _,
            tau0,
            tau1,
            s0,
            s0u,
            s1,
            s0u_test,
            s1_test,
            v,
            phi_obs,
            gamma,
            phi,
            constant_bits,
            ell_raw,
            eps_total,
        } = *length;
        [
            ("bound.tau0", Some(tau0)),
            ("bound.tau1", Some(tau1)),
            ("bound.s0", Some(s0)),
            ("bound.s0u", s0u),
            ("bound.s1", Some(s1)),
            ("bound.s0u_test", s0u_test),
            ("bound.s1_test", Some(s1_test)),
            ("bound.v", Some(v)),
            ("bound.phi_obs", Some(phi_obs)),
            ("bound.gamma", Some(gamma)),
            ("bound.phi", Some(phi)),
            ("bound.constant_bits", Some(constant_bits)),
            ("bound.ell_raw", Some(ell_raw)),
            ("bound.eps_total", Some(eps_total)),
            ("bound.ell", Some(ell as f64)),
        ]
    };
    list.debug("bound.status", &stated.status, &computed.status);
    for ((field, stated), (_, computed)) in numbers(stated).iter().zip(&numbers(computed)) {
        let told = |x: &Option<f64>| x.map_or("null".to_owned(), |x| x.to_string());
        if stated != computed {
            list.texts(field, told(stated), told(computed));
        }
    }
}
