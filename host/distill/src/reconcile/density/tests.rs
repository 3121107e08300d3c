use super::*;
use crate::reconcile::ldpc::ensemble::TABLE;

fn density(of: &[(i32, f64)]) -> Density {
    let mut density = [0.0; GRID];
    of.iter().for_each(|(x, p)| density[(x + MOST as i32) as usize] += p);
    density
}

#[test]
fn sums_saturate_and_lose_nothing() {
    let a = density(&[(-120, 0.25), (3, 0.25), (100, 0.5)]);
    let b = density(&[(-30, 0.5), (30, 0.5)]);
    let sum = saturating_sum(&a, &b);
    let expected =
        density(&[(-127, 0.125), (-90, 0.125), (-27, 0.125), (33, 0.125), (70, 0.25), (127, 0.25)]);
    assert!(sum.iter().zip(&expected).all(|(x, y)| (x - y).abs() < 1e-12));
}

/// Against all combinations of three inputs.
#[test]
fn the_smallest_input_and_the_sign_are_as_counted() {
    let inputs = [(-5, 0.1), (-2, 0.1), (2, 0.3), (5, 0.5)];
    let found = smallest_inputs(&density(&inputs), 4.0);
    let mut counted = vec![(0.0, 0.0); MOST + 1];
    for a in inputs {
        for b in inputs {
            for c in inputs {
                let least = [a.0, b.0, c.0].map(i32::abs).into_iter().min().unwrap_or(0) as usize;
                let probability = a.1 * b.1 * c.1;
                match a.0.signum() * b.0.signum() * c.0.signum() {
                    1 => counted[least].0 += probability,
                    _ => counted[least].1 += probability,
                }
            }
        }
    }
    let near =
        |(a, b): (&(f64, f64), &(f64, f64))| (a.0 - b.0).abs() < 1e-12 && (a.1 - b.1).abs() < 1e-12;
    assert!(found.iter().zip(&counted).all(near));
}

/// A code of columns of weight 3 and rows of 6 decodes with Gallager's min-sum less than belief
/// propagation's 8.4 % (Richardson and Urbanke), and the quantised decoder not much less.
#[test]
fn a_regular_code_has_its_threshold() {
    let decodes = |qber: f64| {
        let mut evolution = Evolution::new(&[(3, 1.0)], qber, 9);
        evolution.run(0.5 / binary_entropy(qber), 500).is_some()
    };
    assert!(decodes(0.077));
    assert!(!decodes(0.0842));
}

/// The checked-in table is what evolution says of its ensembles.
#[test]
fn thresholds_and_curves_of_the_table_are_computed_again() {
    for ensemble in TABLE {
        let degrees = ensemble.fractions();
        let mut evolution = Evolution::new(&degrees, ensemble.qber, ensemble.prior);
        let threshold = evolution.threshold(ITERATIONS);
        assert!((threshold - ensemble.threshold).abs() < 1.5e-3, "{}: {threshold}", ensemble.qber);
        evolution.run(threshold + MARGIN, ITERATIONS);
        assert_eq!(evolution.curve(), ensemble.curve, "{}", ensemble.qber);
    }
}
