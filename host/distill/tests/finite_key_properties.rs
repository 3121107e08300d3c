//! What holds for every block, over random sources, channels, sizes and detectors.
//!
//! Not asserted, for they do not hold: that more errors at the weakest intensity or more
//! detections at the strongest or weakest never lengthen or shorten a key, and that a length is
//! monotone in intensities or probabilities.

use helio_distill::bound::{
    Basis, Bound, Epsilon, Mismatch, Query, Refusal, SecrecyCorrectness, Security, Status,
    binary_entropy,
};
use helio_distill::channel_model::{BlockPlan, Channel, expected_counts};
use helio_units::Decibel;
use proptest::prelude::*;

/// Lengths are whole bits with a margin: two of them may differ by this without a difference.
fn rounding(query: &Query) -> i64 {
    2 + (4e-12 * sifted(query) as f64) as i64
}

fn sifted(query: &Query) -> u64 {
    query.n_key.iter().sum()
}

fn ell(bound: Bound, query: &Query) -> i64 {
    bound.length(query).unwrap().ell as i64
}

/// A physical block that a bench could have counted, for any bound.
fn blocks() -> impl Strategy<Value = (Bound, Query)> {
    let source = (0.3..0.9f64, 0.1..0.4f64, 0.0..0.02f64, 0.1..0.4f64, 0.05..0.3f64, 0.5..0.95f64);
    let channel = (0.0..25.0f64, 0.0..0.05f64, -8.0..-5.5f64, 7.5..11.0f64);
    let rest = (1.0..1.5f64, -14.0..-6.0f64, 0.0..0.02f64, prop::bool::ANY, 0..6usize);
    (source, channel, rest).prop_map(|(source, channel, rest)| {
        let (mu1, ratio, weakest, p2, p3, key_basis) = source;
        let (loss, misalignment, dark, slots) = channel;
        let (efficiency, eps, delta, mismatched, bound) = rest;
        let bound = Bound::ALL[bound];
        let k = bound.intensities();
        let p3 = if k == 2 { 0.0 } else { p3 };
        let decoy = helio_distill::bound::Decoy {
            mu: [mu1, mu1 * ratio, mu1 * ratio * weakest],
            p: [1.0 - p2 - p3, p2, p3],
        };
        let channel = Channel {
            loss: Decibel(loss),
            efficiency: 0.5,
            dark_probability: 10f64.powf(dark),
            misalignment: [misalignment, misalignment],
            ..Channel::IDEAL
        };
        let plan = BlockPlan {
            slots: 10f64.powf(slots) as u64,
            sync_fraction: 0.0,
            decoy,
            key_basis: [key_basis; 2],
        };
        let expected = expected_counts(&channel, &plan).unwrap();
        let counts = expected.rounded();
        let leak =
            efficiency * counts.sifted() as f64 * binary_entropy(expected.qber_test().min(0.5));
        let total = 10f64.powf(eps);
        let delta = if mismatched { delta } else { 0.0 };
        let security = if bound == Bound::Varlen2d {
            Security::Composed {
                epsilon: Epsilon::split(total, mismatched),
                mismatch: Mismatch { delta1: delta, delta2: delta / 4.0 },
                verification_bits: None,
            }
        } else {
            Security::Published(SecrecyCorrectness { sec: total / 2.0, cor: total / 2.0 })
        };
        let take = |counts: [u64; 3]| counts[..k].to_vec();
        let query = Query {
            mu: decoy.mu[..k].to_vec(),
            p: decoy.p[..k].to_vec(),
            n_key: take(counts.n_key),
            m_key: Some(take(counts.m_key.unwrap())),
            n_test: take(counts.n_test),
            m_test: take(counts.m_test),
            leak: leak as u64,
            security,
        };
        (bound, query)
    })
}

#[test]
fn most_random_blocks_have_a_key() {
    // Or all the comparisons below would compare zeros.
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let with_key = (0..600)
        .filter(|_| {
            let (bound, query) = blocks().new_tree(&mut runner).unwrap().current();
            ell(bound, &query) > 0
        })
        .count();
    assert!(with_key > 200, "{with_key} of 600");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        max_global_rejects: 1_000_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_key_is_shorter_than_what_was_sifted_and_not_leaked((bound, query) in blocks()) {
        let length = bound.length(&query).unwrap();
        prop_assert!(length.ell <= sifted(&query).saturating_sub(query.leak));
        prop_assert_eq!(length.ell > 0, length.status == Status::Ok);
        prop_assert!(length.ell as f64 <= length.ell_raw.max(0.0));
        prop_assert!(length.phi >= 0.0 && length.phi <= 0.5);
    }

    #[test]
    fn a_bit_leaked_is_a_bit_lost((bound, query) in blocks(), more in 1..100_000u64) {
        let leakier = Query { leak: query.leak + more, ..query.clone() };
        let (before, after) = (ell(bound, &query), ell(bound, &leakier));
        prop_assert_eq!(after, (before - more as i64).max(0));
    }

    #[test]
    fn a_smaller_epsilon_never_lengthens((bound, query) in blocks(), which in 0..6usize) {
        let mut stricter = query.clone();
        match &mut stricter.security {
            Security::Published(eps) if which % 2 == 0 => eps.sec /= 10.0,
            Security::Published(eps) => eps.cor /= 10.0,
            Security::Composed { epsilon: e, .. } => {
                *[&mut e.d, &mut e.a, &mut e.b, &mut e.c, &mut e.pa, &mut e.ev][which] /= 10.0;
            }
        }
        prop_assert!(ell(bound, &stricter) <= ell(bound, &query) + rounding(&query));
    }

    #[test]
    fn a_larger_mismatch_never_lengthens((_, query) in blocks(), more in 0.0..0.05f64) {
        let Security::Composed { epsilon, mismatch, .. } = query.security else { return Ok(()) };
        for larger in [
            Mismatch { delta1: mismatch.delta1 + more, ..mismatch },
            Mismatch { delta2: mismatch.delta2 + more, ..mismatch },
        ] {
            let security = Security::Composed { epsilon, mismatch: larger, verification_bits: None };
            let larger = Query { security, ..query.clone() };
            let bound = Bound::Varlen2d;
            prop_assert!(ell(bound, &larger) <= ell(bound, &query) + rounding(&query));
        }
    }

    #[test]
    fn a_verification_charge_is_the_larger_of_the_two(
        (_, query) in blocks(),
        bits in 0..200u64,
    ) {
        let Security::Composed { epsilon, mismatch, .. } = query.security else { return Ok(()) };
        let security = Security::Composed { epsilon, mismatch, verification_bits: Some(bits) };
        let with = Bound::Varlen2d.length(&Query { security, ..query.clone() }).unwrap();
        let without = Bound::Varlen2d.length(&query).unwrap();
        let least = 1.0 - libm::log2(epsilon.ev);
        let expected = without.constant_bits - least + least.max(bits as f64);
        prop_assert!((with.constant_bits - expected).abs() < 1e-9);
        prop_assert!(with.ell <= without.ell);
    }

    #[test]
    fn more_test_errors_at_the_signal_never_lengthen((bound, query) in blocks(), part in 0.0..1.0f64) {
        let mut noisier = query.clone();
        noisier.m_test[0] += (part * (query.n_test[0] - query.m_test[0]) as f64) as u64;
        prop_assert!(ell(bound, &noisier) <= ell(bound, &query) + rounding(&query));
    }

    #[test]
    fn more_test_errors_at_the_first_of_two_decoys_never_lengthen(
        (bound, query) in blocks(),
        part in 0.0..1.0f64,
    ) {
        prop_assume!(bound.intensities() == 3);
        let mut noisier = query.clone();
        noisier.m_test[1] += (part * (query.n_test[1] - query.m_test[1]) as f64) as u64;
        prop_assert!(ell(bound, &noisier) <= ell(bound, &query) + rounding(&query));
    }

    #[test]
    fn a_test_noisier_throughout_never_lengthens((bound, query) in blocks(), factor in 2..4u64) {
        let mut noisier = query.clone();
        for (m, n) in noisier.m_test.iter_mut().zip(&query.n_test) {
            *m *= factor;
            prop_assume!(*m <= *n);
        }
        prop_assert!(ell(bound, &noisier) <= ell(bound, &query) + rounding(&query));
    }

    #[test]
    fn more_detections_at_the_first_decoy_never_shorten(
        (bound, query) in blocks(),
        basis in prop::sample::select(vec![Basis::Key, Basis::Test]),
        part in 0.01..0.2f64,
    ) {
        // Deviations grow with a basis' total; for tiny counts faster than the counts.
        prop_assume!(query.n_key[1] > 10_000 && query.n_test[1] > 10_000);
        let mut more = query.clone();
        let list = if basis == Basis::Key { &mut more.n_key } else { &mut more.n_test };
        list[1] += (part * list[1] as f64) as u64;
        prop_assert!(ell(bound, &more) + rounding(&more) >= ell(bound, &query));
    }

    #[test]
    fn one_block_of_many_gives_at_least_what_many_give((bound, query) in blocks(), c in 2..6u64) {
        let scale = |list: &[u64]| list.iter().map(|n| n * c).collect::<Vec<_>>();
        let large = Query {
            n_key: scale(&query.n_key),
            m_key: query.m_key.as_deref().map(scale),
            n_test: scale(&query.n_test),
            m_test: scale(&query.m_test),
            leak: query.leak * c,
            ..query.clone()
        };
        prop_assert!(ell(bound, &large) >= c as i64 * ell(bound, &query));
    }

    #[test]
    fn a_rigorous_sampling_term_is_never_the_longer((bound, query) in blocks()) {
        let rigorous = match bound {
            Bound::Lim2014 => Bound::Lim2014Serfling,
            Bound::Rusca2018 => Bound::Rusca2018Serfling,
            _ => return Ok(()),
        };
        let length = bound.length(&query).unwrap();
        prop_assume!(length.s1 >= 100.0 && length.s1_test >= 100.0);
        prop_assert!(ell(rigorous, &query) <= length.ell as i64);
    }

    #[test]
    fn two_decoys_do_not_need_the_key_basis_errors((bound, query) in blocks()) {
        let unknown = Query { m_key: None, ..query.clone() };
        match bound.length(&unknown) {
            Ok(length) => prop_assert_eq!(length, bound.length(&query).unwrap()),
            Err(refusal) => {
                prop_assert_eq!(bound.intensities(), 2);
                prop_assert_eq!(refusal, Refusal::KeyErrorsMissing);
            }
        }
    }

    #[test]
    fn nonsense_is_refused_or_gives_no_more_than_was_sifted(
        bound in prop::sample::select(Bound::ALL.to_vec()),
        mu in prop::collection::vec(prop_oneof![prop::num::f64::ANY, 0.0..2.0f64], 3),
        p1 in 0.0..1.0f64,
        p2 in 0.0..1.0f64,
        counts in prop::collection::vec(0..1u64 << 50, 12),
        leak in prop_oneof![prop::num::u64::ANY, 0..1000u64],
        eps in prop::collection::vec(prop_oneof![prop::num::f64::ANY, 0.0..1e-5f64], 6),
        deltas in prop::collection::vec(prop_oneof![prop::num::f64::ANY, 0.0..0.2f64], 2),
    ) {
        let k = bound.intensities();
        let take = |from: usize| counts[from..from + k].to_vec();
        let sec = |i: usize| eps[i].abs().min(1e-5);
        let security = if bound == Bound::Varlen2d {
            let epsilon =
                Epsilon { d: sec(0), a: sec(1), b: sec(2), c: sec(3), pa: sec(4), ev: sec(5) };
            let mismatch = Mismatch { delta1: deltas[0], delta2: deltas[1] };
            Security::Composed { epsilon, mismatch, verification_bits: Some(leak) }
        } else {
            Security::Published(SecrecyCorrectness { sec: sec(0), cor: sec(1) })
        };
        let p = if k == 2 { vec![p1, 1.0 - p1] } else { vec![p1, (1.0 - p1) * p2, (1.0 - p1) * (1.0 - p2)] };
        let mut mu: Vec<f64> = mu[..k].iter().map(|x| x.abs()).collect();
        mu.sort_by(|a, b| b.total_cmp(a));
        let query = Query {
            mu,
            p,
            n_key: take(0),
            m_key: Some(take(3).iter().zip(take(0)).map(|(m, n)| *m.min(&n)).collect()),
            n_test: take(6),
            m_test: take(9).iter().zip(take(6)).map(|(m, n)| *m.min(&n)).collect(),
            leak,
            security,
        };
        if let Ok(length) = bound.length(&query) {
            prop_assert!(length.ell <= sifted(&query).saturating_sub(leak));
            for value in [length.s0, length.s1, length.s1_test, length.v, length.phi] {
                prop_assert!(value.is_finite() && value >= 0.0);
            }
        }
    }
}
