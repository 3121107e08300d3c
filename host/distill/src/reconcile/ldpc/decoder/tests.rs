use super::*;
use crate::reconcile::draw::Draw;
use crate::reconcile::ldpc::code::{Shape, plus};
use crate::reconcile::ldpc::ensemble::TABLE;

/// The slow, obvious decoder: one check after the other in plain integers.
fn slowly(code: &QcCode, syndrome: &[u64], known_from: usize) -> (Option<u32>, Vec<bool>) {
    let z = code.shape().z;
    let bits = code.shape().columns * z;
    let curve = code.shape().ensemble.curve;
    let prior = i32::from(code.shape().ensemble.prior);
    let clip = |x: i32| x.clamp(-128, 127);
    let mut posteriors: Vec<i32> =
        (0..bits).map(|i| if i < known_from { prior } else { 127 }).collect();
    let checks: Vec<(Vec<usize>, bool)> = (0..64 * syndrome.len())
        .map(|check| {
            let row = &code.rows()[check / z];
            let inputs = row.iter().map(|c| c.column * z + plus(z, check % z, c.shift));
            (inputs.collect(), syndrome[check / 64] >> (check % 64) & 1 == 1)
        })
        .collect();
    let mut messages: Vec<Vec<i32>> = checks.iter().map(|(bits, _)| vec![0; bits.len()]).collect();
    let satisfied = |posteriors: &[i32]| {
        let parity = |bits: &[usize]| bits.iter().filter(|b| posteriors[**b] < 0).count() % 2 == 1;
        checks.iter().all(|(bits, set)| parity(bits) == *set)
    };
    let staircase = z * code.shape().ensemble.staircase(code.shape().rows, code.shape().columns);
    let mut settled = 0;
    let mut part = 2048;
    for iteration in 0..=60 {
        if satisfied(&posteriors) {
            return (Some(iteration), posteriors.iter().map(|p| *p < 0).collect());
        }
        if iteration == 60 {
            break;
        }
        settled = if part < 16 { settled + 1 } else { 0 };
        if settled == 4 {
            posteriors[..staircase].iter_mut().for_each(|p| *p = clip(*p - prior));
        }
        for (of_row, messages) in checks.chunks(z).zip(messages.chunks_mut(z)) {
            let reduced = curve.linear * part / 4096 + curve.square * (part * part / 4096) / 4096;
            let weight = (128 - reduced).max(32);
            let mut odd = 0;
            for ((bits, set), messages) in of_row.iter().zip(messages) {
                let inputs: Vec<i32> =
                    bits.iter().zip(&*messages).map(|(b, m)| clip(posteriors[*b] - *m)).collect();
                let negative = inputs.iter().filter(|x| **x < 0).count();
                odd += i32::from((negative % 2 == 1) != *set);
                for (i, bit) in bits.iter().enumerate() {
                    let others = || inputs.iter().enumerate().filter(|(j, _)| *j != i);
                    // A value stands for itself and a half: a magnitude is an odd number of halves.
                    let least = others().map(|(_, x)| (2 * x + 1).abs()).min().unwrap_or(255);
                    let others_odd = others().filter(|(_, x)| **x < 0).count() % 2 == 1;
                    let scaled = ((least * weight + 128) / 256).min(32);
                    messages[i] = if others_odd != *set { -scaled } else { scaled };
                    posteriors[*bit] = clip(inputs[i] + messages[i]);
                }
            }
            part += (odd * 4096 / z as i32 - part) / 8;
        }
    }
    (None, Vec::new())
}

fn code(z: usize, rows: usize, columns: usize, ensemble: usize) -> QcCode {
    QcCode::new(Shape { z, rows, columns, ensemble: &TABLE[ensemble] })
}

/// An error pattern of a code's length with its last bits known.
fn pattern(code: &QcCode, qber: f64, known_from: usize, seed: u64) -> Vec<u64> {
    let mut draw = Draw::new(seed);
    let mut words = vec![0; code.frame_words()];
    for i in 0..known_from {
        let error = (draw.next() as f64) < qber * 2f64.powi(64);
        words[i / 64] |= u64::from(error) << (i % 64);
    }
    words
}

#[test]
fn every_instruction_set_gives_the_bits_of_the_slow_decoder() {
    let (mut found, mut failed) = (0, 0);
    for (z, rows, columns, ensemble, qber) in [
        (64, 20, 90, 1, 0.012),
        (192, 16, 60, 2, 0.035),
        (128, 24, 50, 3, 0.08),
        (64, 20, 90, 1, 0.03),
    ] {
        let code = code(z, rows, columns, ensemble);
        for seed in 0..6 {
            // With the core alone, then with some rows of the extension.
            let used = if seed % 2 == 0 { rows } else { rows + 3 };
            let known_from = columns * z - [0, 1, 37, 64][seed as usize % 4];
            let errors = pattern(&code, qber, known_from, seed);
            let syndrome = code.syndrome(errors.iter().copied(), 0..used);
            let (iterations, of_slow) = slowly(&code, &syndrome, known_from);
            for level in Level::available() {
                let mut decoder = Decoder::at(level, &code);
                let of_fast = decoder.decode(&syndrome, known_from);
                assert_eq!(of_fast, iterations, "{level:?} {z} {seed}");
                if of_fast.is_some() {
                    let bit = |i: usize, word: u64| word >> (i % 64) & 1 == 1;
                    let words: Vec<u64> = decoder.errors().collect();
                    let bits = (0..64 * words.len()).map(|i| bit(i, words[i / 64]));
                    assert_eq!(bits.collect::<Vec<_>>(), of_slow, "{level:?} {z} {seed}");
                    assert_eq!(words, errors);
                    found += 1;
                } else {
                    failed += 1;
                }
            }
        }
    }
    // Each of them does the same.
    let levels = Level::available().len();
    assert!(found > 8 * levels && failed > 2 * levels, "{found} {failed} of {levels} levels");
}

#[test]
fn messages_saturate_alike_where_nothing_converges() {
    let code = code(64, 20, 90, 3);
    let mut draw = Draw::new(9);
    let noise: Vec<u64> =
        (0..code.syndrome(std::iter::empty(), 0..20).len()).map(|_| draw.next()).collect();
    let posteriors: Vec<Vec<i8>> = Level::available()
        .into_iter()
        .map(|level| {
            let mut decoder = Decoder::at(level, &code);
            assert_eq!(decoder.decode(&noise, 90 * 64), None);
            // How often a word stands is a matter of the level.
            let words = decoder.state.posteriors.chunks(64 * level.copies());
            words.flat_map(|word| word[..64].to_vec()).collect()
        })
        .collect();
    assert!(posteriors.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_pattern_with_errors_in_known_bits_is_none() {
    let code = code(128, 24, 50, 7);
    let known_from = 49 * 128 - 5;
    let mut errors = pattern(&code, 0.02, 50 * 128, 3);
    errors[2 * 50 - 1] |= 1 << 9;
    let syndrome = code.syndrome(errors.iter().copied(), 0..36);
    for level in Level::available() {
        let mut decoder = Decoder::at(level, &code);
        assert!(decoder.decode(&syndrome, 50 * 128).is_some());
        assert_eq!(decoder.decode(&syndrome, known_from), None);
    }
}

#[test]
fn signs_are_the_sign_bits() {
    let mut draw = Draw::new(1);
    for _ in 0..100 {
        let bytes: [i8; 64] = std::array::from_fn(|_| draw.next() as i8);
        let slowly = (0..64).filter(|i| bytes[*i] < 0).fold(0, |acc, i| acc | 1u64 << i);
        assert_eq!(signs(&bytes), slowly);
    }
}
