//! Properties of the model; its numbers are checked against references in `tests/`.

use super::*;

fn plan() -> BlockPlan {
    BlockPlan {
        slots: 10_000_000,
        sync_fraction: 1.0 / 64.0,
        decoy: Decoy { mu: [0.5, 0.1, 0.001], p: [0.7, 0.2, 0.1] },
        key_basis: [0.9, 0.9],
    }
}

fn channel() -> Channel {
    Channel {
        loss: Decibel(10.0),
        misalignment: [0.01, 0.02],
        dark_probability: 1e-6,
        ..Channel::IDEAL
    }
}

#[test]
fn an_eavesdropper_adds_a_quarter_of_her_share_and_keeps_the_gain() {
    let quiet = expected_counts(&channel(), &plan()).unwrap();
    for f in [0.1, 0.5, 1.0] {
        let tapped = Channel { intercepted: f, ..channel() };
        let tapped = expected_counts(&tapped, &plan()).unwrap();
        let expected = (1.0 - f) * quiet.qber_key() + f * (0.25 + quiet.qber_key() / 2.0);
        assert!((tapped.qber_key() - expected).abs() < 1e-3, "{f}: {}", tapped.qber_key());
        assert!((tapped.sifted() / quiet.sifted() - 1.0).abs() < 0.02);
    }
}

#[test]
fn bases_share_the_slots_by_their_probabilities() {
    let even = Channel { misalignment: [0.01; 2], ..channel() };
    let counts = expected_counts(&even, &plan()).unwrap();
    let test: f64 = counts.n_test.iter().sum();
    assert!((counts.sifted() / test - 81.0).abs() < 1e-9);
}

#[test]
fn a_hold_off_costs_every_intensity_the_same_share() {
    let free = expected_counts(&channel(), &plan()).unwrap();
    let held = Channel { dead_slots: 10.0, ..channel() };
    let held = expected_counts(&held, &plan()).unwrap();
    assert!(held.live < 1.0);
    for k in 0..3 {
        assert!((held.n_key[k] / free.n_key[k] - held.live).abs() < 1e-12);
    }
}

#[test]
fn clicks_out_of_the_window_and_in_sync_slots_silence_detectors_too() {
    let held = Channel { dead_slots: 10.0, dark_probability: 0.01, ..channel() };
    let all = expected_counts(&held, &plan()).unwrap();
    let narrow = Channel { in_window: 0.5, ..held };
    let narrow = expected_counts(&narrow, &plan()).unwrap();
    assert_eq!(narrow.live, all.live);
    assert!(narrow.n_key[0] < 0.8 * all.n_key[0]);

    let mostly_sync = BlockPlan { sync_fraction: 0.999_999, ..plan() };
    let dark = expected_counts(&held, &mostly_sync).unwrap();
    let per_slot = 0.02 - 0.01 * 0.01;
    assert!((dark.live - 1.0 / (1.0 + 10.0 * per_slot)).abs() < 1e-6, "{}", dark.live);
}

#[test]
fn what_is_out_of_range_is_named() {
    let bad = Channel { efficiency: 1.5, ..channel() };
    let error = expected_counts(&bad, &plan()).unwrap_err();
    assert!(matches!(error, ModelError::Range { field: "efficiency", .. }));
    let bad = BlockPlan { key_basis: [0.9, f64::NAN], ..plan() };
    assert!(expected_counts(&channel(), &bad).is_err());
}

#[test]
fn a_leak_model_that_is_not_a_number_is_refused() {
    let epsilon = Epsilon::split(1e-10, false);
    let broken =
        expected_length(&channel(), &plan(), &epsilon, &Mismatch::MATCHED, |_, _| f64::NAN);
    assert!(matches!(broken, Err(ModelError::Bound(Refusal::Leak { .. }))));
}
