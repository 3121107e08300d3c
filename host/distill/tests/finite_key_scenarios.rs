//! The channel model against 50-digit arithmetic and against four published experiments.
//!
//! Agreement with Boaron, Grünenfelder and Gobby is a plausibility check: parts of their parameters
//! are chosen to fit. Micius runs on published parameters.

mod finite_key_support;

use finite_key_support::{Row, close, json, table};
use helio_distill::bound::published::{Sampling, lim2014, rusca2018};
use helio_distill::bound::{
    Decoy, Disclosed, Epsilon, Mismatch, OneDecoy, OneDecoyCounts, SecrecyCorrectness, Varlen2d,
    binary_entropy,
};
use helio_distill::channel_model::{
    BlockPlan, Channel, ExpectedCounts, expected_counts, gain, live_fraction,
};
use helio_units::Decibel;

#[test]
fn gains_and_dead_time_as_computed_to_50_digits() {
    let scalars = json("scalars.json");
    for row in scalars["gains"].as_array().unwrap() {
        let number = |name: &str| row[name].as_str().unwrap().parse::<f64>().unwrap();
        let [k, eta, dark] = ["k", "eta", "p_dc"].map(number);
        let found = gain(k, eta, dark, number("e_mis"), number("p_ap"));
        close(&row.to_string(), found.click, number("Q"), 1e-14);
        close(&row.to_string(), found.error, number("EQ"), 1e-14);
    }
    for row in scalars["deadtime"].as_array().unwrap() {
        let number = |i: usize| row[i].as_str().unwrap().parse::<f64>().unwrap();
        close(&row.to_string(), live_fraction(number(0), number(1)), number(2), 1e-15);
    }
}

#[test]
fn gobby_2004_over_122_km() {
    let row = scenario("gobby2004_122km");
    let counts = model(&row, row.number("T_s"), row.number("loss_db"));
    let sifted = total(counts.n_key) + total(counts.n_test);
    close("sifted as the reference", sifted, row.number("ref_sifted"), 1e-6);
    close("QBER as the reference", counts.qber_key(), row.number("ref_qber"), 1e-6);
    assert!((counts.qber_key() - row.number("pub_qber")).abs() <= 0.010);
    within_factor("sifted", sifted, row.number("pub_sifted_bps"), 0.5, 2.0);
}

#[test]
fn boaron_2018_over_405_km() {
    let row = scenario("boaron2018_405km");
    let seconds = row.number("T_s");
    let counts = model(&row, seconds, row.number("loss_db"));
    close("key detections as the reference", total(counts.n_key), row.number("ref_nkey"), 1e-6);
    let bits = rusca_bits(&row, &counts, 1.0);
    close("key bits as the reference", bits, row.number("ref_final_bits"), 1e-3);
    within_factor("rate", bits / seconds, row.number("pub_skr_bps"), 0.5, 2.0);
}

#[test]
fn gruenenfelder_2023_over_102_km() {
    let row = scenario("grunenfelder2023_102km");
    let seconds = row.number("T_s");
    let counts = model(&row, seconds, row.number("loss_db"));
    close("key detections as the reference", total(counts.n_key), row.number("ref_nkey"), 1e-6);
    // Blocks have a given number of key detections, not a given time.
    let blocks = total(counts.n_key) / row.number("n_block");
    let bits = rusca_bits(&row, &counts, blocks);
    within_factor("rate", bits / seconds, row.number("pub_skr_bps"), 0.6, 1.4);
    close("key bits as the reference", bits, row.number("ref_final_bits"), 1e-3);
}

#[test]
fn micius_on_19_december_2016() {
    let row = scenario("micius2017_20161219");
    let (counts, clicks) = pass(&row);
    let sifted = total(counts.n_key) + total(counts.n_test);
    within_factor("detections", clicks, row.number("pub_raw"), 0.75, 1.25);
    within_factor("sifted", sifted, row.number("pub_sifted"), 0.75, 1.25);
    close("sifted as the reference", sifted, row.number("ref_sifted"), 0.01);
    assert!((counts.qber_key() - row.number("pub_qber")).abs() <= 0.003);

    // Both bases make key, each with the other as its test: the same length twice.
    let decoy = source(&row);
    let leak = leak(&row, &counts, 1.0);
    let eps = SecrecyCorrectness { sec: row.number("eps_sec"), cor: row.number("eps_cor") };
    let rounded = counts.rounded();
    let lim = lim2014(&decoy, &rounded, leak, &eps, Sampling::AsPrinted).unwrap();
    let bits = 2.0 * lim.ell as f64;
    within_factor("lim2014", bits, row.number("pub_final_bits"), 0.65, 1.35);
    close("lim2014 as the reference", bits, row.number("ref_final_bits"), 0.02);

    let epsilon = Epsilon::split(1e-9, false);
    let bound = Varlen2d { decoy, epsilon, mismatch: Mismatch::MATCHED };
    let disclosed = Disclosed { leak, verification_bits: None };
    let bits = 2.0 * bound.length(&rounded, &disclosed).unwrap().ell as f64;
    within_factor("varlen2d", bits, row.number("pub_final_bits"), 0.5, 1.0);
    close("varlen2d as the reference", bits, 197_920.0, 0.03);
}

#[test]
fn micius_rates_along_the_pass() {
    let row = scenario("micius2017_20161219");
    for (range, published) in [(645.0, 12_000.0), (1200.0, 1_000.0)] {
        let counts = model(&row, 1.0, loss_db(&row, range));
        let sifted = total(counts.n_key) + total(counts.n_test);
        within_factor("sifted rate", sifted, published, 0.6, 1.4);
    }
}

fn scenario(name: &str) -> Row {
    table("scenarios.csv").into_iter().find(|row| row.text("name") == name).unwrap()
}

fn source(row: &Row) -> Decoy {
    let three = |name: &str| [1, 2, 3].map(|k| row.given(&format!("{name}{k}")).unwrap_or(0.0));
    Decoy { mu: three("mu"), p: three("p") }
}

/// Mean counts of `seconds` at a constant loss.
fn model(row: &Row, seconds: f64, loss_db: f64) -> ExpectedCounts {
    let rate = row.number("f_rep");
    let channel = Channel {
        loss: Decibel(loss_db),
        receiver_loss: Decibel(row.number("rx_loss_db")),
        efficiency: row.number("eta_det"),
        dark_probability: row.number("p_dc"),
        misalignment: [row.number("e_mis_key"), row.number("e_mis_tst")],
        afterpulse: row.number("p_ap"),
        dead_slots: row.number("dead_s") * rate,
        dead_detectors: row.number("n_det"),
        ..Channel::IDEAL
    };
    let plan = BlockPlan {
        slots: (seconds * rate) as u64,
        sync_fraction: 0.0,
        decoy: source(row),
        key_basis: [row.number("pA_key"), row.number("pB_key")],
    };
    expected_counts(&channel, &plan).unwrap()
}

/// The whole pass of a satellite in steps of a tenth of a second, and all its detections.
fn pass(row: &Row) -> (ExpectedCounts, f64) {
    let (seconds, step) = (row.number("T_s"), 0.1);
    let steps = (seconds / step) as u32;
    let mut sum: Option<ExpectedCounts> = None;
    for i in 0..steps {
        let t = (f64::from(i) + 0.5) * step - seconds / 2.0;
        let along = row.number("pass_v_km_s") * t;
        let range = row.number("pass_rmin_km").hypot(along);
        let here = model(row, step, loss_db(row, range));
        sum = Some(match sum {
            None => here,
            Some(sum) => add(&sum, &here),
        });
    }
    let counts = sum.unwrap();
    // Sifting keeps half.
    let clicks = 2.0 * (total(counts.n_key) + total(counts.n_test));
    (counts, clicks)
}

fn add(a: &ExpectedCounts, b: &ExpectedCounts) -> ExpectedCounts {
    let sum = |x: [f64; 3], y: [f64; 3]| core::array::from_fn(|k| x[k] + y[k]);
    ExpectedCounts {
        n_key: sum(a.n_key, b.n_key),
        m_key: sum(a.m_key, b.m_key),
        n_test: sum(a.n_test, b.n_test),
        m_test: sum(a.m_test, b.m_test),
        live: a.live,
    }
}

/// Loss in dB, linear in the logarithm of the range between the two given points.
fn loss_db(row: &Row, range: f64) -> f64 {
    let [near, far] = ["pass_rmin_km", "pass_rmax_km"].map(|name| row.number(name).log10());
    let [least, most] = ["pass_loss_rmin_db", "pass_loss_rmax_db"].map(|name| row.number(name));
    least + (most - least) * (range.log10() - near) / (far - near)
}

/// `n f h(e)` of one of `blocks` equal blocks.
fn leak(row: &Row, counts: &ExpectedCounts, blocks: f64) -> u64 {
    let bits = row.number("f_ec") * counts.sifted() * binary_entropy(counts.qber_key());
    (bits / blocks).ceil() as u64
}

/// Key bits of all `blocks` with Rusca's bound.
fn rusca_bits(row: &Row, counts: &ExpectedCounts, blocks: f64) -> f64 {
    let two = |[a, b, _]: [f64; 3]| [a, b].map(|n| (n / blocks).round() as u64);
    let one_block = OneDecoyCounts {
        n_key: two(counts.n_key),
        m_key: two(counts.m_key),
        n_test: two(counts.n_test),
        m_test: two(counts.m_test),
    };
    let Decoy { mu: [mu1, mu2, _], p: [p1, p2, _] } = source(row);
    let decoy = OneDecoy { mu: [mu1, mu2], p: [p1, p2] };
    let eps = SecrecyCorrectness { sec: row.number("eps_sec"), cor: row.number("eps_cor") };
    let leak = leak(row, counts, blocks);
    let length = rusca2018(&decoy, &one_block, leak, &eps, Sampling::AsPrinted).unwrap();
    blocks * length.ell as f64
}

fn total(counts: [f64; 3]) -> f64 {
    counts.iter().sum()
}

#[track_caller]
fn within_factor(what: &str, found: f64, published: f64, least: f64, most: f64) {
    let ratio = found / published;
    assert!(ratio >= least && ratio <= most, "{what}: {found}, published {published}");
}
