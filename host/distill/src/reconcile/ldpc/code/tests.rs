use super::*;
use crate::reconcile::ldpc::ensemble::TABLE;

fn shape(z: usize, rows: usize, columns: usize, ensemble: usize) -> Shape {
    Shape { z, rows, columns, ensemble: &TABLE[ensemble] }
}

#[test]
fn no_cycle_of_four_and_even_rows() {
    for shape in [shape(768, 28, 165, 3), shape(1216, 24, 53, 7), shape(640, 32, 340, 1)] {
        let code = QcCode::new(shape);
        let z = shape.z;
        let dense = |row: &[Circulant]| {
            let mut shifts = vec![None; shape.columns];
            row.iter().for_each(|c| assert!(shifts[c.column].replace(c.shift).is_none()));
            shifts
        };
        let rows: Vec<_> = code.rows().iter().map(|row| dense(row)).collect();
        assert_eq!(rows.len(), shape.rows + shape.rows / 2);
        for a in 0..rows.len() {
            for b in 0..a {
                let pairs = rows[a].iter().zip(&rows[b]);
                let mut differences: Vec<usize> =
                    pairs.filter_map(|(x, y)| Some(minus(z, (*x)?, (*y)?))).collect();
                differences.sort_unstable();
                assert!(differences.windows(2).all(|w| w[0] != w[1]), "{shape:?}: {a}, {b}");
            }
        }
        let degrees: Vec<usize> = code.rows()[..shape.rows].iter().map(Vec::len).collect();
        let asked = shape.ensemble.column_degrees(shape.rows, shape.columns);
        assert_eq!(degrees.iter().sum::<usize>(), asked.iter().sum::<usize>());
        let (min, max) = (degrees.iter().min(), degrees.iter().max());
        assert!(max.unwrap() - min.unwrap() <= 1, "{degrees:?}");
    }
}

#[test]
fn the_staircase_has_no_cycle() {
    let shape = shape(768, 28, 165, 3);
    let code = QcCode::new(shape);
    let degrees = shape.ensemble.column_degrees(28, 165);
    let staircase = degrees.iter().filter(|degree| **degree == 2).count();
    assert!(staircase > 15 && staircase < 28, "{staircase}");
    for column in 0..staircase {
        let rows = (0..28).filter(|r| code.rows()[*r].iter().any(|c| c.column == column));
        assert_eq!(rows.collect::<Vec<_>>(), [column, column + 1]);
    }
}

/// Brute force over the lifted graph: no two light bits touch two common chains.
#[test]
fn light_bits_share_at_most_one_chain() {
    let shape = Shape { z: 1536, rows: 28, columns: 100, ensemble: &TABLE[4] };
    let code = QcCode::new(shape);
    let degrees = shape.ensemble.column_degrees(28, 100);
    let staircase = degrees.iter().filter(|degree| **degree == 2).count();
    let z = shape.z;
    // Chains by joining the two checks of each staircase bit.
    let mut chain: Vec<usize> = (0..28 * z).collect();
    for column in 0..staircase {
        let shift = |row: usize| {
            code.rows()[row].iter().find(|c| c.column == column).expect("an entry").shift
        };
        for bit in 0..z {
            let [above, below] = [column, column + 1].map(|r| r * z + minus(z, bit, shift(r)));
            chain[below] = chain[above];
        }
    }
    let mut pairs = std::collections::HashSet::new();
    for column in (staircase..100).filter(|j| degrees[*j] <= LIGHT) {
        for bit in 0..z {
            let mut touched = Vec::new();
            for (r, row) in code.rows()[..=staircase].iter().enumerate() {
                let of_column = row.iter().filter(|c| c.column == column);
                touched.extend(of_column.map(|c| chain[r * z + minus(z, bit, c.shift)]));
            }
            touched.sort_unstable();
            for (i, a) in touched.iter().enumerate() {
                for b in &touched[..i] {
                    assert!(a != b && pairs.insert((*b, *a)), "column {column}, bit {bit}");
                }
            }
        }
    }
    assert!(pairs.len() > 50 * z);
}

/// The oracle: bit by bit.
#[test]
fn the_syndrome_is_the_sum_of_the_shifted_columns() {
    let code = QcCode::new(shape(192, 20, 60, 6));
    let frame: Vec<u64> = (0..code.frame_words() as u64)
        .map(|i| (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .collect();
    let bit = |words: &[u64], i: usize| words[i / 64] >> (i % 64) & 1;
    let syndrome = code.syndrome(frame.iter().copied(), 0..30);
    for (r, row) in code.rows().iter().enumerate() {
        for i in 0..192 {
            let sum = row
                .iter()
                .map(|c| (c.column, (i / 64 + c.shift / 64) % 3, (i + c.shift) % 64))
                .fold(0, |acc, (column, word, l)| acc ^ bit(&frame, 192 * column + 64 * word + l));
            assert_eq!(bit(&syndrome, r * 192 + i), sum);
        }
    }
    assert_eq!(code.syndrome(frame.iter().copied(), 20..23), syndrome[20 * 3..23 * 3]);
}

/// The claim of the module docs: with punctured bits that are drawn, a syndrome over all rows and
/// the punctured bits' values tell what the checks that are sent instead tell.
#[test]
fn a_masked_check_and_its_mask_are_the_check() {
    let shape = shape(192, 20, 60, 6);
    let code = QcCode::new(shape);
    let mut draw = Draw::new(5);
    let frame: Vec<u64> = (0..code.frame_words()).map(|_| draw.next()).collect();
    let all = code.syndrome(frame.iter().copied(), 0..shape.all_rows());
    let punctured: Vec<u64> = (0..all.len() - 20 * 3).map(|_| draw.next()).collect();
    // The mother code's syndrome: H₀x, then H₁x with the punctured bits, each in its own check.
    let of_mother: Vec<u64> = all
        .iter()
        .enumerate()
        .map(|(i, word)| word ^ i.checked_sub(20 * 3).map_or(0, |i| punctured[i]))
        .collect();
    assert_eq!(of_mother[..20 * 3], code.syndrome(frame.iter().copied(), 0..20));
    let told = of_mother[20 * 3..].iter().zip(&punctured).map(|(check, mask)| check ^ mask);
    assert_eq!(told.collect::<Vec<_>>(), code.syndrome(frame.iter().copied(), 20..30));
}

#[test]
fn shifts_are_a_commutative_group() {
    let z = 320;
    let mut draw = Draw::new(2);
    for _ in 0..1000 {
        let [a, b, c] = [(); 3].map(|()| draw.below(z as u64) as usize);
        assert_eq!(plus(z, plus(z, a, b), c), plus(z, a, plus(z, c, b)));
        assert_eq!(minus(z, plus(z, a, b), b), a);
        assert!(plus(z, a, b) < z && minus(z, a, b) < z);
    }
}
