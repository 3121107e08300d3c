//! Every input that must be refused is, with the kind of refusal that names it.

mod finite_key_support;

use finite_key_support::json;
use helio_distill::bound::{
    Basis, Bound, Epsilon, Mismatch, Query, Refusal, SecrecyCorrectness, Security, leak_bits,
};

const PUBLISHED: [Bound; 5] = [
    Bound::Wiesemann,
    Bound::Lim2014,
    Bound::Lim2014Serfling,
    Bound::Rusca2018,
    Bound::Rusca2018Serfling,
];

#[test]
fn every_listed_case_is_refused() {
    let cases = json("invalid.json");
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 16);
    for case in cases {
        assert_eq!(case["expect"], "typed error, no key length");
        refused(case["case"].as_str().unwrap());
    }
}

fn refused(case: &str) {
    match case {
        "eps_sec = 0" => eps_sec(0.0),
        "eps_sec = 1" => eps_sec(1.0),
        "eps_sec = -1e-9" => eps_sec(-1e-9),
        "eps_sec = NaN" => eps_sec(f64::NAN),
        "eps_d = 0 or >= 1" => {
            for value in [0.0, 1.0, 1.5, -1e-9, f64::NAN, f64::INFINITY] {
                expect(
                    Bound::Varlen2d,
                    |q| epsilon(q).d = value,
                    |refusal| matches!(refusal, Refusal::Epsilon { name: "eps_d", .. }),
                );
            }
        }
        "eps_total >= 1" => {
            let total = |refusal: &Refusal| matches!(refusal, Refusal::EpsilonTotal { .. });
            // From 1e-3 on already: the constants would soon add key.
            for sum in [1.001e-3, 0.5, 1.0, 1.9] {
                expect(Bound::Varlen2d, |q| *epsilon(q) = Epsilon::split(sum, false), total);
                for bound in PUBLISHED {
                    expect(bound, |q| *published(q) = halves(sum), total);
                }
            }
        }
        "p1+p2+p3 != 1 (|diff| > 1e-9)" => {
            all(|q| q.p[0] += 2e-9, |refusal| matches!(refusal, Refusal::ProbabilitySum { .. }))
        }
        "any p_k <= 0" => {
            for value in [0.0, -0.1, f64::NAN] {
                all(
                    |q| *q.p.last_mut().unwrap() = value,
                    |refusal| matches!(refusal, Refusal::Probability { number: 2 | 3, .. }),
                );
            }
        }
        "mu2 <= mu3" => two_decoys(|q| q.mu[2] = q.mu[1], order),
        "mu1 <= mu2 + mu3" => two_decoys(|q| q.mu = vec![0.3, 0.2, 0.1], order),
        "mu negative, NaN or infinite" => {
            for value in [-0.1, f64::NAN, f64::INFINITY] {
                all(
                    |q| q.mu[1] = value,
                    |refusal| matches!(refusal, Refusal::Intensity { number: 2, .. }),
                );
            }
        }
        "m_k > n_k for any basis and intensity" => {
            for bound in Bound::ALL {
                for k in 0..bound.intensities() {
                    expect(bound, |q| q.m_test[k] = q.n_test[k] + 1, excess(Basis::Test, k));
                    let key = |q: &mut Query| q.m_key.as_mut().unwrap()[k] = q.n_key[k] + 1;
                    expect(bound, key, excess(Basis::Key, k));
                }
            }
        }
        "delta1 or delta2 outside [0,1)" => {
            for value in [-1e-9, 1.0, 1.2, f64::NAN, f64::INFINITY] {
                expect(
                    Bound::Varlen2d,
                    |q| mismatch(q).delta1 = value,
                    |refusal| matches!(refusal, Refusal::Mismatch { name: "delta1", .. }),
                );
                expect(
                    Bound::Varlen2d,
                    |q| mismatch(q).delta2 = value,
                    |refusal| matches!(refusal, Refusal::Mismatch { name: "delta2", .. }),
                );
            }
        }
        // The bounds take whole bits; reals enter through the one conversion.
        "leak negative or NaN (f64 API)" => {
            for value in [-1.0, -1e-300, f64::NAN, f64::INFINITY, 1e16] {
                assert!(matches!(leak_bits(value), Err(Refusal::Leak { .. })), "{value}");
            }
            assert_eq!(leak_bits(0.1), Ok(1));
            assert_eq!(leak_bits(7.0), Ok(7));
        }
        "1-decoy: mu1 <= mu2 or mu2 <= 0" => {
            for mu in [[0.1, 0.1], [0.1, 0.2], [0.1, 0.0]] {
                for bound in Bound::ALL.into_iter().filter(|b| b.intensities() == 2) {
                    expect(
                        bound,
                        |q| q.mu = mu.to_vec(),
                        |refusal| matches!(refusal, Refusal::OneDecoyOrder { .. }),
                    );
                }
            }
        }
        "count sum overflows u64" => {
            for huge in [u64::MAX, 1 << 53] {
                all(
                    |q| q.n_key[0] = huge,
                    |refusal| matches!(refusal, Refusal::TooManyCounts { basis: Basis::Key }),
                );
                all(
                    |q| q.n_test[0] = huge,
                    |refusal| matches!(refusal, Refusal::TooManyCounts { basis: Basis::Test }),
                );
            }
        }
        unknown => panic!("no test for {unknown:?}"),
    }
}

#[test]
fn every_other_failure_probability_is_checked_too() {
    type Field = fn(&mut Epsilon) -> &mut f64;
    let fields: [(&str, Field); 6] = [
        ("eps_d", |e| &mut e.d),
        ("eps_a", |e| &mut e.a),
        ("eps_b", |e| &mut e.b),
        ("eps_c", |e| &mut e.c),
        ("eps_pa", |e| &mut e.pa),
        ("eps_ev", |e| &mut e.ev),
    ];
    for (expected, field) in fields {
        for value in [0.0, 1.0, f64::NAN] {
            expect(
                Bound::Varlen2d,
                |q| *field(epsilon(q)) = value,
                |refusal| matches!(refusal, Refusal::Epsilon { name, .. } if *name == expected),
            );
        }
    }
    for bound in PUBLISHED {
        for value in [0.0, 1.0, f64::NAN] {
            expect(
                bound,
                |q| published(q).cor = value,
                |refusal| matches!(refusal, Refusal::Epsilon { name: "eps_cor", .. }),
            );
        }
    }
}

#[test]
fn lists_and_epsilons_of_the_wrong_kind_are_refused() {
    for bound in Bound::ALL {
        expect(
            bound,
            |q| q.mu.push(0.0),
            |refusal| matches!(refusal, Refusal::Intensities { field: "mu", .. }),
        );
        let other = valid(if bound == Bound::Varlen2d { Bound::Lim2014 } else { Bound::Varlen2d });
        expect(
            bound,
            |q| q.security = other.security,
            |refusal| matches!(refusal, Refusal::Security { .. }),
        );
        let without = bound.length(&Query { m_key: None, ..valid(bound) });
        let missing = matches!(without, Err(Refusal::KeyErrorsMissing));
        assert_eq!(missing, bound.intensities() == 2, "{bound}");
    }
    assert!("lim2015".parse::<Bound>().is_err());
}

fn eps_sec(value: f64) {
    for bound in PUBLISHED {
        expect(
            bound,
            |q| published(q).sec = value,
            |refusal| matches!(refusal, Refusal::Epsilon { name: "eps_sec", .. }),
        );
    }
}

fn order(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::IntensityOrder { .. })
}

fn excess(expected: Basis, k: usize) -> impl Fn(&Refusal) -> bool {
    move |refusal| {
        matches!(refusal, Refusal::ErrorsExceedDetections { basis, number, .. }
            if *basis == expected && *number == k + 1)
    }
}

fn all(spoil: impl Fn(&mut Query), kind: impl Fn(&Refusal) -> bool) {
    for bound in Bound::ALL {
        expect(bound, &spoil, &kind);
    }
}

fn two_decoys(spoil: impl Fn(&mut Query), kind: impl Fn(&Refusal) -> bool) {
    for bound in Bound::ALL.into_iter().filter(|b| b.intensities() == 3) {
        expect(bound, &spoil, &kind);
    }
}

/// A query that is accepted as it is, and refused once spoiled.
#[track_caller]
fn expect(bound: Bound, spoil: impl FnOnce(&mut Query), kind: impl Fn(&Refusal) -> bool) {
    let mut query = valid(bound);
    assert!(bound.length(&query).unwrap().ell > 0, "{bound}: the unspoiled query makes no key");
    spoil(&mut query);
    match bound.length(&query) {
        Err(refusal) => assert!(kind(&refusal), "{bound}: {refusal}"),
        Ok(length) => panic!("{bound}: {query:?} gave {length:?}"),
    }
}

fn valid(bound: Bound) -> Query {
    let k = bound.intensities();
    let take = |counts: [u64; 3]| counts[..k].to_vec();
    let two = k == 2;
    Query {
        mu: if two { vec![0.5, 0.15] } else { vec![0.5, 0.1, 0.0] },
        p: if two { vec![0.75, 0.25] } else { vec![0.75, 0.15, 0.1] },
        n_key: take([33_637_292, 3_350_577, 682]),
        m_key: Some(take([335_539, 33_873, 341])),
        n_test: take([3_737_477, 350_064, 76]),
        m_test: take([37_282, 3_541, 38]),
        leak: 3_278_110,
        security: if bound == Bound::Varlen2d {
            Security::Composed {
                epsilon: Epsilon::split(1e-10, false),
                mismatch: Mismatch::MATCHED,
                verification_bits: None,
            }
        } else {
            Security::Published(halves(1e-9))
        },
    }
}

fn halves(total: f64) -> SecrecyCorrectness {
    SecrecyCorrectness { sec: total / 2.0, cor: total / 2.0 }
}

fn epsilon(query: &mut Query) -> &mut Epsilon {
    match &mut query.security {
        Security::Composed { epsilon, .. } => epsilon,
        Security::Published(_) => panic!("no composed epsilon"),
    }
}

fn mismatch(query: &mut Query) -> &mut Mismatch {
    match &mut query.security {
        Security::Composed { mismatch, .. } => mismatch,
        Security::Published(_) => panic!("no mismatch"),
    }
}

fn published(query: &mut Query) -> &mut SecrecyCorrectness {
    match &mut query.security {
        Security::Published(eps) => eps,
        Security::Composed { .. } => panic!("no published epsilon"),
    }
}
