use super::*;
use crate::bound::Acceptance;

#[test]
fn each_field_that_differs_is_named_and_changes_the_canonical_bytes() {
    let base = Parameters::example();
    let calibrated = |delta2| DetectorMatch::Calibrated {
        delta1: 0.009,
        delta2,
        id: "c1".into(),
        date: "2026-11-01".into(),
        device: "b7".into(),
        valid_days: 365,
    };
    type Change = (&'static str, fn(&mut Parameters));
    let changes: [Change; 15] = [
        ("session", |p| p.session.0[3] = 1),
        ("mu (1e-9 photons a pulse)", |p| p.mu_nano[1] += 1),
        ("intensity weights / 4096", |p| p.intensity_weights.swap(0, 1)),
        ("intensity uncertainty (ppm)", |p| p.intensity_uncertainty_ppm = Some(0)),
        ("Alice's key-basis weight / 4096", |p| p.alice_key_weight -= 1),
        ("Bob's key-basis weight / 4096", |p| p.bob_key_weight -= 1),
        ("slots per block", |p| p.slots_per_block += 1),
        ("sync spacing", |p| p.sync_spacing = 32),
        ("receiver", |p| p.receiver = Receiver::Passive),
        ("hold-off (ps)", |p| p.hold_off_ps += 1),
        ("window (ps)", |p| p.window_ps += 1),
        ("clock bound (slots)", |p| p.clock_bound_slots = 7),
        ("epsilon total", |p| p.epsilon_total = 2e-10),
        ("QBER margin (ppm)", |p| p.qber_margin_ppm = 1000),
        ("receiver", |p| p.receiver = Receiver::Active { random_swap: false }),
    ];
    for (name, change) in changes {
        let mut other = base.clone();
        change(&mut other);
        let found = base.differences(&other);
        assert!(found.iter().any(|d| d.field == name), "{name}: {found:?}");
        assert_ne!(base.canonical_bytes(), other.canonical_bytes());
    }
    let (a, b) = (
        Parameters { detectors: calibrated(0.004), ..base.clone() },
        Parameters { detectors: calibrated(0.005), ..base.clone() },
    );
    assert_eq!(a.differences(&b).len(), 1);
    // Calibrated against assumed: the six values, the kind and the split of ε.
    assert_eq!(a.differences(&base).len(), 8);
    assert!(base.differences(&base).is_empty());
}

#[test]
fn words_of_the_other_station_stay_on_their_line() {
    let mine = Parameters::example().fields();
    let mut theirs = mine.clone();
    theirs[1].value = "0\n2026 all is well\x1b[2J".into();
    theirs.push(HelloField { name: "a\rb".into(), value: "c".into() });
    let found = differences(&mine, &theirs);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|d| !d.to_string().contains(char::is_control)), "{found:?}");
}

#[test]
fn levels_fit_to_the_last_digit_or_not() {
    let p = Parameters::example();
    let [a, b, c] = p.mu_nano;
    for fourth in [0, 7] {
        assert_eq!(p.fits_levels(&[a, b, c, fourth]), Ok(()));
    }
    for levels in [[a + 1, b, c, 0], [a, b - 1, c, 0], [a, b, 0, c], [b, a, c, 0], [0; 4]] {
        let why = p.fits_levels(&levels).expect_err("they differ");
        assert!(why.to_string().contains(&levels[0].to_string()), "{why}");
    }
}

/// A run with one decoy.
fn one_decoy() -> Parameters {
    let accept = Acceptance { single_photons: 9, phase_error_nano: 8, lambda_max: 7 };
    Parameters {
        bound: BoundChoice::Wiesemann(accept),
        mu_nano: [500_000_000, 150_000_000, 0],
        intensity_weights: [3072, 1024, 0],
        ..Parameters::example()
    }
}

#[test]
fn a_run_with_one_decoy_has_two_intensities_and_its_acceptance_in_the_bytes() {
    let base = one_decoy();
    assert_eq!(base.check(), Ok(()));
    assert_eq!(base.fits_levels(&[500_000_000, 150_000_000, 77, 0]), Ok(()));
    assert!(base.fits_levels(&[500_000_000, 150_000_001, 77, 0]).is_err());
    let accept = |change: fn(&mut Acceptance)| {
        let BoundChoice::Wiesemann(mut accept) = base.bound else { panic!("one decoy") };
        change(&mut accept);
        Parameters { bound: BoundChoice::Wiesemann(accept), ..base.clone() }
    };
    for (name, other) in [
        ("single photons at least", accept(|a| a.single_photons += 1)),
        ("phase error at most (1e-9)", accept(|a| a.phase_error_nano += 1)),
        ("leak (bits)", accept(|a| a.lambda_max += 1)),
    ] {
        let found = base.differences(&other);
        assert!(matches!(&found[..], [d] if d.field == name), "{name}: {found:?}");
        assert_ne!(base.canonical_bytes(), other.canonical_bytes());
    }
    assert!(base.differences(&Parameters::example()).iter().any(|d| d.field == "bound"));
}

#[test]
fn one_decoy_is_refused_with_a_third_intensity_or_a_calibration() {
    let third = Parameters { mu_nano: [5, 2, 1], ..one_decoy() };
    let chosen = Parameters { intensity_weights: [3072, 1000, 24], ..one_decoy() };
    for bad in [third, chosen] {
        assert!(matches!(bad.check(), Err(BadParameter::ThirdIntensity("wiesemann"))));
    }
    let detectors = DetectorMatch::Calibrated {
        delta1: 0.009,
        delta2: 0.004,
        id: "c1".into(),
        date: "2026-11-01".into(),
        device: "b7".into(),
        valid_days: 365,
    };
    let measured = Parameters { detectors, ..one_decoy() };
    assert!(matches!(measured.check(), Err(BadParameter::MismatchNotCovered("wiesemann"))));
}

#[test]
fn unusable_parameters_are_refused() {
    assert_eq!(Parameters::example().check(), Ok(()));
    type Change = fn(&mut Parameters);
    let changes: [Change; 8] = [
        |p| p.intensity_weights = [4096, 0, 0],
        |p| p.intensity_weights[0] += 1,
        |p| p.alice_key_weight = 4096,
        |p| p.bob_key_weight = 0,
        |p| p.sync_spacing = 1,
        |p| p.slots_per_block = 0,
        |p| p.epsilon_total = f64::NAN,
        |p| p.mu_nano = [1, 2, 3],
    ];
    for change in changes {
        let mut bad = Parameters::example();
        change(&mut bad);
        assert!(bad.check().is_err(), "{bad:?}");
    }
}
