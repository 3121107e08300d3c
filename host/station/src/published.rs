//! What published bounds give for a block's counts beside the bound that made its key: for comparison
//! with papers, and no key is made with them.
//!
//! They count failures otherwise, so that they are given the same total ε and not the same symbols,
//! half of it for secrecy and half for correctness. Only bounds for a source with as many intensities
//! can be asked: the counts of another source cannot be had from these.

use helio_distill::BlockReport;
use helio_distill::bound::{Bound, Counts, Query, SecrecyCorrectness, Security};
use helio_distill::certificate::PublicPart;
use helio_distill::parameters::Parameters;
use helio_distill::reconcile::Announced;

/// Other bounds and their lengths in bits; `None` where one cannot be computed: one-decoy bounds take
/// the errors of the key basis, and no bound a block for which there is no code.
pub type Published = Vec<(Bound, Option<u64>)>;

/// For a certificate's announced data and leak.
pub fn of_certificate(public: &PublicPart) -> Published {
    others(&public.parameters, &public.announced.counts, Some(public.lambda_max))
}

/// For a block, with a key or without: what was charged for reconciliation, or what its code would
/// have cost.
pub fn of_report(parameters: &Parameters, report: &BlockReport) -> Published {
    let counts = &report.announced.counts;
    let announced = Announced {
        n_key: counts.sifted(),
        test_bits: counts.n_test.iter().sum(),
        test_errors: counts.m_test.iter().sum(),
        margin_ppm: parameters.qber_margin_ppm,
    };
    let leak = match report.leak_charged {
        0 => parameters.code.plan(announced).ok().map(|plan| plan.lambda_max()),
        charged => Some(charged),
    };
    others(parameters, counts, leak)
}

fn others(parameters: &Parameters, counts: &Counts, leak: Option<u64>) -> Published {
    let own = parameters.bound.bound();
    let used = own.intensities();
    let decoy = parameters.decoy();
    let half = parameters.epsilon_total / 2.0;
    let length = |bound: Bound, leak: u64| {
        let query = Query {
            mu: decoy.mu[..used].to_vec(),
            p: decoy.p[..used].to_vec(),
            n_key: counts.n_key[..used].to_vec(),
            m_key: counts.m_key.map(|m| m[..used].to_vec()),
            n_test: counts.n_test[..used].to_vec(),
            m_test: counts.m_test[..used].to_vec(),
            leak,
            security: Security::Published(SecrecyCorrectness { sec: half, cor: half }),
        };
        bound.length(&query).ok().map(|length| length.ell)
    };
    let alike = Bound::ALL.into_iter().filter(|b| *b != own && b.intensities() == used);
    alike.map(|bound| (bound, leak.and_then(|leak| length(bound, leak)))).collect()
}
