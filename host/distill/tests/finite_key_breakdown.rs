//! Where the bits went: a complete account of every block, with key or without.

mod finite_key_support;

use finite_key_support::{Row, table};
use helio_distill::bound::{
    Counts, Decoy, Disclosed, Epsilon, Mismatch, Status, Term, Varlen2d, phase_error_entropy,
    verification_bits,
};

#[test]
fn every_bit_of_every_vector_is_accounted_for() {
    let rows: Vec<Row> =
        table("vectors.csv").into_iter().filter(|row| row.text("bound") == "varlen2d").collect();
    assert!(rows.len() >= 10);
    for row in rows {
        let id = row.text("id");
        let three = |name: &str| [1, 2, 3].map(|k| row.count(&format!("{name}{k}")));
        let counts =
            Counts { n_key: three("nk"), m_key: None, n_test: three("nt"), m_test: three("mt") };
        let disclosed = Disclosed { leak: row.count("leak"), verification_bits: None };
        let account = bound(&row).breakdown(&counts, &disclosed).unwrap();
        let n = counts.sifted() as f64;
        let sum: f64 = account.lines().map(|(_, bits)| bits).sum();
        assert!((sum - n).abs() <= 1e-13 * n, "{id}: {sum} of {n}");
        assert!(account.lines().all(|(_, bits)| bits >= 0.0), "{id}: {account:?}");
        assert_eq!(account.bits(Term::Key), account.length.ell as f64);

        if account.length.status == Status::Ok {
            assert_eq!((account.short_by, account.exhausted_by), (0.0, None), "{id}");
            assert_eq!(account.bits(Term::Leak), disclosed.leak as f64);
            assert!(account.bits(Term::Rounding) < 3.0 + 1e-11 * n, "{id}: {account:?}");
            let phase = account.bits(Term::PhaseError)
                + account.bits(Term::DetectorMismatch)
                + account.bits(Term::FiniteSizePhaseError);
            let paper = account.length.s1 * phase_error_entropy(account.length.phi);
            assert!((phase - paper).abs() <= 1e-9 * paper, "{id}: {phase}, {paper}");
        } else {
            assert_eq!(account.exhausted_by.is_some(), n > 0.0, "{id}");
        }
    }
}

#[test]
fn a_block_without_key_names_what_took_its_bits() {
    // Half of the test bits wrong: observed phase errors take all there is.
    let noisy = Counts { m_test: [550_000, 25_000, 35], ..good() };
    let account = usual().breakdown(&noisy, &leak(800_000)).unwrap();
    assert_eq!(account.exhausted_by, Some(Term::PhaseError));
    assert!(account.short_by > 800_000.0);

    // A leak beyond the single photons.
    let account = usual().breakdown(&good(), &leak(9_000_000)).unwrap();
    assert_eq!(account.length.status, Status::NoKey);
    assert_eq!(account.exhausted_by, Some(Term::Leak));
    let raw = account.length.ell_raw;
    assert!((account.short_by + raw).abs() < 1.0, "{} {raw}", account.short_by);

    // Detectors too unequal.
    let unequal = Varlen2d { mismatch: Mismatch { delta1: 0.6, delta2: 0.1 }, ..usual() };
    let account = unequal.breakdown(&good(), &leak(800_000)).unwrap();
    assert_eq!(account.exhausted_by, Some(Term::DetectorMismatch));

    // A block too short to say anything of its single photons.
    let tiny = Counts { n_key: [900, 40, 0], n_test: [110, 5, 0], ..Counts::default() };
    let account = usual().breakdown(&tiny, &leak(80)).unwrap();
    assert_eq!(account.exhausted_by, Some(Term::FiniteSizeSinglePhotons));

    let account = usual().breakdown(&Counts::default(), &leak(0)).unwrap();
    assert_eq!((account.sifted, account.exhausted_by), (0, None));
}

#[test]
fn the_finite_size_share_falls_as_blocks_grow() {
    let mut last = f64::INFINITY;
    for c in [1, 10, 100, 1000] {
        let grown = |list: [u64; 3]| list.map(|n| n * c);
        let counts = Counts {
            n_key: grown(good().n_key),
            m_key: None,
            n_test: grown(good().n_test),
            m_test: grown(good().m_test),
        };
        let account = usual().breakdown(&counts, &leak(800_000 * c)).unwrap();
        let share = account.finite_size() / account.sifted as f64;
        assert!(share < last / 2.0, "{share} after {last}");
        last = share;
        // What an endless block pays does not depend on the size.
        let vacuum = account.bits(Term::Vacuum) / account.sifted as f64;
        let once = usual().breakdown(&good(), &leak(800_000)).unwrap();
        assert!((vacuum - once.bits(Term::Vacuum) / once.sifted as f64).abs() < 1e-12);
    }
}

#[test]
fn a_verification_tag_is_charged_in_full() {
    let bits = verification_bits(good().sifted(), usual().epsilon.ev);
    let disclosed = Disclosed { leak: 800_000, verification_bits: Some(bits) };
    let account = usual().breakdown(&good(), &disclosed).unwrap();
    assert_eq!(account.bits(Term::Verification), bits as f64);
    assert!(bits > 50 && bits < 70, "{bits}");
}

fn usual() -> Varlen2d {
    Varlen2d {
        decoy: Decoy { mu: [0.5, 0.1, 0.0], p: [0.75, 0.15, 0.1] },
        epsilon: Epsilon::split(1e-10, false),
        mismatch: Mismatch::MATCHED,
    }
}

fn good() -> Counts {
    Counts {
        n_key: [9_000_000, 400_000, 600],
        m_key: None,
        n_test: [1_100_000, 50_000, 70],
        m_test: [11_000, 550, 35],
    }
}

fn leak(leak: u64) -> Disclosed {
    Disclosed { leak, verification_bits: None }
}

fn bound(row: &Row) -> Varlen2d {
    let three = |name: &str| [1, 2, 3].map(|k| row.number(&format!("{name}{k}")));
    let [d, a, b] = ["eps_d", "eps_a", "eps_b"].map(|name| row.number(name));
    let [c, pa, ev] = ["eps_c", "eps_pa", "eps_ev"].map(|name| row.number(name));
    Varlen2d {
        decoy: Decoy { mu: three("mu"), p: three("p") },
        epsilon: Epsilon { d, a, b, c, pa, ev },
        mismatch: Mismatch { delta1: row.number("delta1"), delta2: row.number("delta2") },
    }
}
