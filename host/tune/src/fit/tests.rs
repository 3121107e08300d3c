//! Curves from known truths.

use super::*;
use proptest::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A Gaussian deviate by the sum of twelve uniform ones.
fn gaussian(rng: &mut Xoshiro256PlusPlus) -> f64 {
    (0..12).map(|_| (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64).sum::<f64>() - 6.0
}

fn points(curve: Curve, truth: &[f64; 4], span: (f64, f64), sigma: f64, seed: u64) -> Vec<Point> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..21)
        .map(|i| {
            let x = span.0 + (span.1 - span.0) * f64::from(i) / 20.0;
            let y = curve.value(truth, x) + sigma * gaussian(&mut rng);
            Point { x, y: Measured::new(y, sigma) }
        })
        .collect()
}

const CASES: [(Curve, [f64; 4], (f64, f64)); 7] = [
    (Curve::Window { width: 40.0 }, [3.0, 1e-5, 0.05, 4.0], (-45.0, 50.0)),
    (Curve::Parabola, [1.3, 5.0, -2.0, 0.0], (-1.0, 4.0)),
    (Curve::Gaussian, [-20.0, 100.0, 4000.0, 15.0], (-80.0, 60.0)),
    (Curve::Gaussian, [7.0, 100.0, -80.0, 2.0], (0.0, 12.0)),
    (Curve::SineSquared { per_unit: 1.0 }, [0.095, 0.01, 0.98, 1.0], (-0.6, 0.8)),
    (Curve::SineSquared { per_unit: 1.0 }, [0.4, 0.5, -0.45, 1.0], (-1.5, 1.5)),
    (Curve::FreeSineSquared, [2.1, 0.02, 0.9, 0.6], (-1.0, 6.0)),
];

#[test]
fn the_truth_lies_within_the_stated_error_as_often_as_it_should() {
    for (curve, truth, span) in CASES {
        let (mut within, mut chi2) = (0, 0.0);
        for seed in 0..200 {
            let height = truth[2].abs().max(curve.value(&truth, span.0).abs());
            let points = points(curve, &truth, span, 0.02 * height, seed);
            let fit = fit(curve, curve.kind(&truth), &points).unwrap();
            within += u32::from(fit.extremum.sigmas_from(truth[0]) < 1.0);
            chi2 += fit.chi2_per_freedom / 200.0;
            assert!(fit.extremum.sigmas_from(truth[0]) < 5.0, "{curve:?} {fit:?}");
            assert_eq!(fit.kind(), curve.kind(&truth));
        }
        // 68 % of 200, and a little more as errors are not made smaller by a lucky χ².
        assert!((115..=170).contains(&within), "{curve:?}: {within}");
        assert!((chi2 - 1.0).abs() < 0.1, "{curve:?}: {chi2}");
    }
}

#[test]
fn what_shows_no_extremum_is_refused() {
    let flat: Vec<Point> =
        (0..9).map(|i| Point { x: f64::from(i), y: Measured::new(3.0, 1.0) }).collect();
    assert_eq!(fit(Curve::Parabola, Extremum::Maximum, &flat[..3]), Err(NoFit::TooFew(3, 4)));
    let bad = [Point { x: f64::NAN, y: Measured::new(1.0, 1.0) }; 9];
    assert_eq!(fit(Curve::Gaussian, Extremum::Maximum, &bad), Err(NoFit::BadPoint));
    for curve in [Curve::Parabola, Curve::Gaussian, Curve::SineSquared { per_unit: 1.0 }] {
        if let Ok(fit) = fit(curve, Extremum::Minimum, &flat) {
            assert!(fit.extremum.error > 1.0, "{fit:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_points_end_in_a_curve_or_a_reason(
        values in prop::collection::vec((any::<f64>(), any::<f64>(), any::<f64>()), 0..20),
        which in 0usize..7,
    ) {
        let points: Vec<Point> =
            values.iter().map(|&(x, y, e)| Point { x, y: Measured::new(y, e) }).collect();
        if let Ok(fit) = fit(CASES[which].0, Extremum::Minimum, &points) {
            prop_assert!(fit.extremum.value.is_finite() && fit.extremum.error > 0.0);
        }
    }
}
