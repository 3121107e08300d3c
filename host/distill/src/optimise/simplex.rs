//! Nelder–Mead: a maximum without derivatives. Deterministic.

/// Parameters of a search, as many as dimensions.
pub(super) type Point = Vec<f64>;

/// Climbs from `start`, first steps of `step` in each direction, until the values of the simplex
/// agree within `tolerance` or `evaluations` are spent.
pub(super) fn climb(
    start: &[f64],
    step: f64,
    tolerance: f64,
    evaluations: u32,
    mut value: impl FnMut(&[f64]) -> f64,
) -> (Point, f64) {
    let mut corners = vec![(start.to_vec(), value(start))];
    for i in 0..start.len() {
        let mut corner = start.to_vec();
        corner[i] += step;
        let height = value(&corner);
        corners.push((corner, height));
    }
    let mut spent = corners.len() as u32;
    loop {
        corners.sort_by(|a, b| b.1.total_cmp(&a.1));
        let (best, worst) = (corners[0].1, corners[corners.len() - 1].1);
        if spent >= evaluations || best - worst <= tolerance {
            return corners.swap_remove(0);
        }
        let (lowest, _) = corners.pop().unwrap_or_default();
        let next_lowest = corners[corners.len() - 1].1;
        let centre = mean(&corners);
        // The lowest corner through the centre of the others: reflected, stretched or drawn in.
        let mut along = |factor: f64| {
            spent += 1;
            let point = between(&centre, &lowest, -factor);
            let height = value(&point);
            (point, height)
        };
        let reflected = along(1.0);
        let replacement = if reflected.1 > best {
            let stretched = along(2.0);
            if stretched.1 > reflected.1 { stretched } else { reflected }
        } else if reflected.1 > next_lowest {
            reflected
        } else {
            along(if reflected.1 > worst { 0.5 } else { -0.5 })
        };
        if replacement.1 > worst {
            corners.push(replacement);
            continue;
        }
        corners.push((lowest, worst));
        let top = corners[0].0.clone();
        for (corner, height) in &mut corners[1..] {
            *corner = between(&top, corner, 0.5);
            *height = value(corner);
            spent += 1;
        }
    }
}

fn mean(corners: &[(Point, f64)]) -> Point {
    let share = 1.0 / corners.len() as f64;
    let along = |i| corners.iter().map(|(corner, _): &(Point, f64)| corner[i] * share).sum();
    (0..corners[0].0.len()).map(along).collect()
}

/// `from + factor (to - from)`.
fn between(from: &[f64], to: &[f64], factor: f64) -> Point {
    from.iter().zip(to).map(|(a, b)| a + factor * (b - a)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_top_of_a_curved_ridge() {
        // Rosenbrock's valley, upside down.
        let ridge = |x: &[f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            -(a * a + 100.0 * b * b)
        };
        let (top, height) = climb(&[-1.2, 1.0], 0.5, 1e-14, 1000, ridge);
        assert!(height > -1e-9, "{height}");
        assert!((top[0] - 1.0).abs() < 1e-4 && (top[1] - 1.0).abs() < 1e-4);
    }

    #[test]
    fn stays_out_of_forbidden_ground() {
        let half_plane = |x: &[f64]| if x[0] < 0.0 { f64::NEG_INFINITY } else { -x[0] };
        let (top, _) = climb(&[3.0, 1.0], 0.5, 1e-9, 500, half_plane);
        assert!(top[0] >= 0.0 && top[0] < 0.1, "{top:?}");
    }
}
