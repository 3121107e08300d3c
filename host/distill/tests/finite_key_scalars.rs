//! The pieces of the bounds against 50-digit arithmetic.

mod finite_key_support;

use finite_key_support::{close, json};
use helio_distill::bound::{
    Link, binary_entropy, gllp, hoeffding_one_sided, hoeffding_two_sided_squared, infinite_decoys,
    phase_error_entropy, photon_number_probability, sampling_deviation_published,
    serfling_deviation, vacuum_and_weak,
};
use serde_json::Value;

/// What the pieces hold; the bounds promise 1e-9.
const TOLERANCE: f64 = 1e-13;

fn rows(list: &str) -> Vec<Value> {
    let rows = json("scalars.json")[list].as_array().unwrap().clone();
    assert!(!rows.is_empty(), "{list} is empty");
    rows
}

/// A number, or a string that holds one to more digits than a number would.
fn number(value: &Value) -> f64 {
    value.as_str().map_or_else(|| value.as_f64(), |text| text.parse().ok()).unwrap()
}

fn numbers<const N: usize>(row: &Value) -> [f64; N] {
    let list = row.as_array().unwrap();
    core::array::from_fn(|i| number(&list[i]))
}

#[test]
fn entropies() {
    for row in rows("h2") {
        let [x, mut expected] = numbers(&row);
        if x == 1e-300 {
            // In the reference's 50 digits 1 - x is 1 here, so that the second half of the sum is
            // missing from its value; this one is from 700 digits.
            expected = 9.980_211_235_070_977e-298;
        }
        // The decimal argument is not a double; the entropy follows its last digit.
        let slope = if x > 0.0 && x < 1.0 { libm::log2((1.0 - x) / x).abs() } else { 0.0 };
        let allowed = TOLERANCE * expected + slope * x * f64::EPSILON;
        let found = binary_entropy(x);
        assert!((found - expected).abs() <= allowed, "h({x}) = {found}, expected {expected}");
    }
    for row in rows("h2_mono") {
        let [x, expected] = numbers(&row);
        close(&format!("h(min({x}, 1/2))"), phase_error_entropy(x), expected, TOLERANCE);
    }
}

#[test]
fn photon_numbers() {
    for row in rows("tau") {
        let list = |name: &str| numbers::<3>(&row[name]);
        for photons in 0..3 {
            let name = format!("tau{photons}");
            let found = photon_number_probability(&list("mus"), &list("ps"), photons);
            close(&name, found, number(&row[&name]), TOLERANCE);
        }
    }
}

#[test]
fn deviations() {
    for row in rows("hoeffding_one_sided") {
        let [n, events, eps, expected] = numbers(&row);
        close(&row.to_string(), hoeffding_one_sided(n, events, eps), expected, TOLERANCE);
    }
    for row in rows("hoeffding_two_sided_sq") {
        let [n, eps, expected] = numbers(&row);
        close(&row.to_string(), hoeffding_two_sided_squared(n, eps), expected, TOLERANCE);
    }
    for row in rows("gamma_serf") {
        let [eps, population, sample, expected] = numbers(&row);
        close(&row.to_string(), serfling_deviation(eps, population, sample), expected, TOLERANCE);
    }
    for row in rows("gamma_orig") {
        let [eps, observed, c, d, events, expected] = numbers(&row);
        let found = sampling_deviation_published(eps, observed, c, d, events).unwrap();
        close(&row.to_string(), found, expected, TOLERANCE);
    }
}

fn link(row: &Value, eta: f64) -> Link {
    Link {
        eta,
        y0: number(&row["Y0"]),
        misalignment: number(&row["e_d"]),
        efficiency: number(&row["f"]),
        sifting: number(&row["q"]),
    }
}

fn fibre(row: &Value) -> Link {
    let loss_db = number(&row["alpha"]) * number(&row["L"]);
    link(row, libm::pow(10.0, -loss_db / 10.0) * number(&row["eta_bob"]))
}

#[test]
fn asymptotic_rates() {
    // Near the end of a link two nearly equal numbers are subtracted.
    let tolerance = 1e-11;
    for row in rows("decoy_asymptotic_infinite") {
        let found = infinite_decoys(&fibre(&row), number(&row["mu"]));
        close(&row.to_string(), found, number(&row["R"]), tolerance);
    }
    for row in rows("decoy_asymptotic_weak_vacuum") {
        let found = vacuum_and_weak(&fibre(&row), number(&row["mu"]), number(&row["nu"]));
        close(&row.to_string(), found, number(&row["R"]), tolerance);
    }
    for row in rows("gllp_no_decoy") {
        let found = gllp(&link(&row, number(&row["eta"])), number(&row["mu"]));
        close(&row.to_string(), found, number(&row["R"]), tolerance);
    }
}
