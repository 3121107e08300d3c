//! All bounds against 40 blocks computed with 50-digit arithmetic, with every intermediate.

mod finite_key_support;

use finite_key_support::{Row, close, fixture, json, table};
use helio_distill::bound::{
    Bound, DetectorTolerance, Epsilon, Length, Mismatch, Query, SecrecyCorrectness, Security,
    Status,
};

#[test]
fn every_vector_within_its_tolerance() {
    let rows = table("vectors.csv");
    assert_eq!(rows.len(), 40);
    for row in rows {
        let id = row.text("id");
        let query = query(&row);
        let length = bound(&row).length(&query).unwrap_or_else(|e| panic!("{id}: {e}"));
        intermediates(id, &row, &length);

        let (reference, sifted) = (row.number("ell"), query.n_key.iter().sum::<u64>() as f64);
        let ell = length.ell as f64;
        assert!(
            reference - 2.0 - 1e-11 * sifted <= ell && ell <= reference,
            "{id}: {ell} bits, reference {reference}"
        );
        let status = match length.status {
            Status::Ok => "ok",
            Status::NoKey => "no_key",
            Status::Vacuous(_) => "vacuous",
        };
        assert_eq!(status, row.text("status"), "{id}");
    }
}

#[track_caller]
fn intermediates(id: &str, row: &Row, length: &Length) {
    let optional = |found: Option<f64>| found.unwrap_or(f64::NAN);
    for (column, found) in [
        ("tau0", length.tau0),
        ("tau1", length.tau1),
        ("s0", length.s0),
        ("s0u", optional(length.s0u)),
        ("s1", length.s1),
        ("s0u_test", optional(length.s0u_test)),
        ("s1_test", length.s1_test),
        ("v", length.v),
        ("phi_obs", length.phi_obs),
        ("gamma", length.gamma),
        ("phi", length.phi),
        ("const", length.constant_bits),
        ("ell_raw", length.ell_raw),
        ("eps_total", length.eps_total),
    ] {
        if let Some(expected) = row.given(column) {
            close(&format!("{id} {column}"), found, expected, 1e-9);
        }
    }
}

fn bound(row: &Row) -> Bound {
    row.text("bound").parse().unwrap()
}

fn query(row: &Row) -> Query {
    let k = bound(row).intensities();
    let reals = |name: &str| (1..=k).map(|i| row.number(&format!("{name}{i}"))).collect();
    let counts = |name: &str| (1..=k).map(|i| row.count(&format!("{name}{i}"))).collect();
    let security = if bound(row) == Bound::Varlen2d {
        Security::Composed {
            epsilon: Epsilon {
                d: row.number("eps_d"),
                a: row.number("eps_a"),
                b: row.number("eps_b"),
                c: row.number("eps_c"),
                pa: row.number("eps_pa"),
                ev: row.number("eps_ev"),
            },
            mismatch: Mismatch { delta1: row.number("delta1"), delta2: row.number("delta2") },
            verification_bits: None,
        }
    } else {
        Security::Published(SecrecyCorrectness {
            sec: row.number("eps_sec"),
            cor: row.number("eps_cor"),
        })
    };
    Query {
        mu: reals("mu"),
        p: reals("p"),
        n_key: counts("nk"),
        m_key: Some(counts("mk")),
        n_test: counts("nt"),
        m_test: counts("mt"),
        leak: row.count("leak"),
        security,
    }
}

#[test]
fn both_forms_of_the_vectors_hold_the_same() {
    let rows = table("vectors.csv");
    let objects = json("vectors.json");
    let objects = objects.as_array().unwrap();
    assert_eq!(objects.len(), rows.len());
    for (row, object) in rows.iter().zip(objects) {
        for (column, value) in object.as_object().unwrap() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert_eq!(row.text(column), value, "{} {column}", row.text("id"));
        }
    }
}

#[test]
fn every_detector_tolerance_gives_its_deltas() {
    let rows = table("deltas.csv");
    assert_eq!(rows.len(), 18);
    for (i, row) in rows.iter().enumerate() {
        let tolerance = DetectorTolerance {
            efficiency: row.number("delta_eta"),
            dark: row.number("delta_dark"),
            dark_probability: row.number("dark_prob"),
        };
        let found = tolerance.mismatch(row.text("random_swap") == "1").unwrap();
        close(&format!("row {i} delta1"), found.delta1, row.number("delta1"), 1e-12);
        close(&format!("row {i} delta2"), found.delta2, row.number("delta2"), 1e-12);
    }
}

/// The fixtures are copies; where their originals lie beside the checkout, they must not differ.
#[test]
fn fixtures_equal_their_originals() {
    let shared = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/finite-key");
    let Ok(originals) = std::fs::read_dir(shared) else {
        println!("skipped: no shared/finite-key beside the checkout to compare with");
        return;
    };
    let mut compared = 0;
    for original in originals.map(|entry| entry.unwrap().path()) {
        let name = original.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".csv") || name.ends_with(".json") {
            let (ours, theirs) = (std::fs::read(fixture(name)), std::fs::read(&original));
            assert!(ours.unwrap() == theirs.unwrap(), "{name} differs from its original");
            compared += 1;
        }
    }
    assert_eq!(compared, 6);
}
