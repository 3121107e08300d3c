//! Intercept and resend: what an eavesdropper does to errors and key, and that the model knows.

use helio_sim::Path;
use helio_station::bench::{RunOutcome, Scenario, run};
use helio_tests::support::{Joined, expected, record};
use helio_units::{Decibel, Picoseconds};

/// A bright link with evenly chosen bases, so that a few million slots tell a rate to 0.1 %.
fn bright(intercepted: f64) -> Scenario {
    Scenario {
        path: Path::Fixed { loss: Decibel(1.0), delay: Picoseconds(5_000_000) },
        key_weights: [2048; 2],
        slots_per_block: 20_000_000,
        blocks: 1,
        intercepted,
        ..Scenario::default()
    }
}

#[test]
fn who_intercepts_all_makes_a_quarter_of_errors_in_each_basis() {
    let (quiet, tapped) = (bright(0.0), bright(1.0));
    let without = Joined::of(&record(&quiet), &quiet);
    let with = Joined::of(&record(&tapped), &tapped);
    for (basis, (before, after)) in without.0.into_iter().zip(with.0).enumerate() {
        assert!(before.bits > 400_000 && after.bits > 400_000, "{before:?} {after:?}");
        let expected = 0.25 + before.rate() / 2.0;
        println!("basis {basis}: {:.4} without, {:.4} with", before.rate(), after.rate());
        assert!((after.rate() - expected).abs() < 0.003, "{} for {expected}", after.rate());
    }
    let outcome = run(&tapped, None, |_| {}).expect("the run comes to its end");
    assert!(outcome.keys_equal());
    assert_eq!((outcome.alice.key_bits, outcome.bob.key_bits), (0, 0));
    agrees(&tapped, &outcome);
}

/// The block's counts are the model's within five standard deviations, its key within 10 %.
fn agrees(scenario: &Scenario, outcome: &RunOutcome) {
    let prospect = expected(scenario);
    let [report] = &outcome.bob.reports[..] else { panic!("one block") };
    let counts = &report.announced.counts;
    // Slots before Bob's first lock are not part of the model.
    let kept = 1.0 - report.lost_slots as f64 / report.slots as f64;
    let lists = [
        ("n_key", counts.n_key, prospect.counts.n_key),
        ("n_test", counts.n_test, prospect.counts.n_test),
        ("m_test", counts.m_test, prospect.counts.m_test),
    ];
    for (name, found, model) in lists {
        for (k, (found, model)) in found.into_iter().zip(model).enumerate() {
            let model = model * kept;
            let sigmas = (found as f64 - model) / model.max(1.0).sqrt();
            println!("{name}[{k}]: {found}, model {model:.0}, {sigmas:+.1} standard deviations");
            // Beyond counting statistics the model is good to half a percent.
            let allowed = 5.0 * model.max(1.0).sqrt() + 0.005 * model;
            assert!((found as f64 - model).abs() < allowed, "{name}[{k}]: {found} for {model}");
        }
    }
    let (made, model) = (outcome.alice.key_bits as f64, prospect.length.ell as f64);
    println!("key: {made}, model {model}");
    assert!((made - model).abs() <= 0.1 * model, "{made} bits for {model}");
}

#[test]
fn who_intercepts_some_costs_key_as_the_model_says() {
    let path =
        Path::Fibre { length_km: 10.0, attenuation_per_km: Decibel(0.2), group_index: 1.468 };
    let quiet = Scenario { path, slots_per_block: 60_000_000, blocks: 1, ..Scenario::default() };
    let tapped = Scenario { intercepted: 0.1, ..quiet.clone() };
    let mut made = [0; 2];
    for (bits, scenario) in made.iter_mut().zip([&quiet, &tapped]) {
        let outcome = run(scenario, None, |_| {}).expect("the run comes to its end");
        assert!(outcome.keys_equal());
        agrees(scenario, &outcome);
        *bits = outcome.alice.key_bits;
    }
    let [without, with] = made;
    assert!(with > 0 && with < without, "{with} of {without}");
}
