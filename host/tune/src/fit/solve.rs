//! Small systems of linear equations.

/// Solves the upper left `size` equations by elimination with pivoting; `None` if they have no one
/// solution.
pub(super) fn solve(matrix: &[[f64; 4]; 4], vector: &[f64; 4], size: usize) -> Option<[f64; 4]> {
    let (mut a, mut b) = (*matrix, *vector);
    let scale = (0..size).map(|i| a[i][i].abs()).fold(0.0, f64::max);
    for column in 0..size {
        let pivot =
            (column..size).max_by(|i, j| a[*i][column].abs().total_cmp(&a[*j][column].abs()))?;
        a.swap(column, pivot);
        b.swap(column, pivot);
        let head = a[column][column];
        if !head.is_finite() || head.abs() <= scale * 1e-300 || head == 0.0 {
            return None;
        }
        for row in column + 1..size {
            let factor = a[row][column] / head;
            let above = a[column];
            (column..size).for_each(|k| a[row][k] -= factor * above[k]);
            b[row] -= factor * b[column];
        }
    }
    let mut x = [0.0; 4];
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|k| a[row][k] * x[k]).sum();
        x[row] = (b[row] - known) / a[row][row];
    }
    x.iter().all(|v| v.is_finite()).then_some(x)
}

/// The inverse of the upper left `size` rows and columns.
pub(super) fn inverse(matrix: &[[f64; 4]; 4], size: usize) -> Option<[[f64; 4]; 4]> {
    let mut inverse = [[0.0; 4]; 4];
    for column in 0..size {
        let mut unit = [0.0; 4];
        unit[column] = 1.0;
        let solved = solve(matrix, &unit, size)?;
        (0..size).for_each(|row| inverse[row][column] = solved[row]);
    }
    Some(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved_and_singular_ones_refused() {
        let matrix = [[0.0, 2.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0], [2.0, 0.0, 3.0, 0.0], [0.0; 4]];
        let x = solve(&matrix, &[7.0, 3.0, 11.0, 0.0], 3).unwrap();
        assert!((x[0] - 1.0).abs() < 1e-12 && (x[1] - 2.0).abs() < 1e-12, "{x:?}");
        assert!((x[2] - 3.0).abs() < 1e-12);
        let inverse = inverse(&matrix, 3).unwrap();
        for (i, row) in matrix.iter().enumerate().take(3) {
            let entry = |j: usize| -> f64 { (0..3).map(|k| row[k] * inverse[k][j]).sum() };
            for j in 0..3 {
                assert!((entry(j) - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
        }
        assert_eq!(solve(&[[1.0; 4]; 4], &[1.0; 4], 2), None);
    }
}
