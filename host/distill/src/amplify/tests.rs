use super::*;
use helio_keys::{EntropySource, SeededEntropy, SimulatedDevices};
use proptest::prelude::*;

#[path = "../../benches/support/karatsuba.rs"]
mod karatsuba;

fn random(len: usize, seed: u64) -> SecretBits {
    let devices = SimulatedDevices::declared(true, true).expect("both simulated");
    SeededEntropy::new(devices, seed, "amplify").bits(len).expect("never fails")
}

/// The definition, bit by bit.
fn by_definition(x: &SecretBits, seed: &SecretBits, output: usize) -> SecretBits {
    let tail = x.len() - output;
    SecretBits::from_bits((0..output).map(|i| {
        (0..tail).fold(x.get(i), |sum, j| sum ^ (x.get(output + j) & seed.get(i + tail - 1 - j)))
    }))
}

#[test]
fn every_level_is_the_matrix() {
    let sizes = [1, 2, 3, 31, 32, 33, 63, 64, 65, 127, 128, 129, 191, 320, 777, 1024, 1500, 2049];
    for (s, &n) in sizes.iter().enumerate() {
        for output in sizes.iter().copied().chain([n - 1, n / 2, n / 3]).filter(|o| *o <= n) {
            let x = random(n, s as u64);
            let seed = random(seed_bits(n, output), 1000 + output as u64);
            let expected = by_definition(&x, &seed, output);
            for level in Level::available() {
                let fast = amplify_at(level, &x, &seed, output).expect("fits");
                assert_eq!(fast.len(), output);
                assert!(bool::from(fast.ct_eq(&expected)), "{n} to {output} bits, {level:?}");
            }
        }
    }
}

fn check_all_levels(
    n: usize,
    output: usize,
    seed: u64,
    expected: impl Fn(&SecretBits, &SecretBits) -> SecretBits,
) {
    let x = random(n, seed);
    let seed = random(seed_bits(n, output), seed ^ 1 << 40);
    let expected = expected(&x, &seed);
    for level in Level::available() {
        let fast = amplify_at(level, &x, &seed, output).expect("fits");
        assert_eq!(fast.len(), output);
        assert!(bool::from(fast.ct_eq(&expected)), "{n} to {output} bits, {level:?}");
    }
}

#[test]
fn every_level_is_the_karatsuba_product_around_powers_of_two() {
    for log in 12..=20 {
        let n = 1 << log;
        let near = [n - 65, n - 1, n, n + 1, n + 97];
        for (i, n) in near.into_iter().enumerate() {
            // Half, little and nearly all of it out, in turns for the long ones.
            let outputs = [n / 2, n / 11, n - n / 7];
            let outputs = if log < 16 { &outputs[..] } else { &outputs[i % 3..][..1] };
            for output in outputs.iter().copied() {
                check_all_levels(n, output, log, |x, s| karatsuba::amplify(x, s, output));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_karatsuba_oracle_is_the_matrix((n, output) in sizes(1200), seed in any::<u64>()) {
        let x = random(n, seed);
        let seed = random(seed_bits(n, output), !seed);
        let oracle = karatsuba::amplify(&x, &seed, output);
        prop_assert!(bool::from(oracle.ct_eq(&by_definition(&x, &seed, output))));
    }

    #[test]
    fn every_level_is_the_karatsuba_product((n, output) in sizes(70_000), seed in any::<u64>()) {
        check_all_levels(n, output, seed, |x, s| karatsuba::amplify(x, s, output));
    }
}

/// Input and output bits, with every ratio of them.
fn sizes(most: usize) -> impl Strategy<Value = (usize, usize)> {
    (1..most).prop_flat_map(|n| (Just(n), 1..=n))
}

/// Sums of output bits by words of the seed, one shifted copy for each bit: ⟨r, y⟩ = ⟨r, x′⟩ +
/// ⟨Tᵀr, x″⟩, where column j of T has s[i − j + m − 1] in row i. In memory that runs backwards in
/// j, the row for output bit i is the m seed bits from bit i on.
fn projection(
    reversed_tail: &SecretBits,
    seed: &SecretBits,
    x: &SecretBits,
    rows: &[usize],
) -> bool {
    let words = reversed_tail.words().len();
    let mut sum = vec![0; words];
    for &row in rows {
        let (at, shift) = (row / 64, row % 64);
        let from = &seed.words()[at..];
        for (i, sum) in sum.iter_mut().enumerate() {
            let low = from[i] >> shift;
            let high = from.get(i + 1).map_or(0, |word| word << 1 << (63 - shift));
            *sum ^= low | high;
        }
    }
    // Bits beyond the tail meet zeros of the tail.
    let product = sum.iter().zip(reversed_tail.words()).fold(0, |acc, (a, b)| acc ^ a & b);
    rows.iter().fold(product.count_ones() % 2 == 1, |sum, &row| sum ^ x.get(row))
}

/// 10^8 bits: sums of random output bits from all over the output and of runs of them across the
/// bounds of pieces, against a path that knows no transform and no pieces.
#[test]
fn a_hundred_million_bits_by_random_projections() {
    const N: usize = 100_000_000;
    const OUTPUT: usize = 50_000_123;
    let (x, seed) = (random(N, 8), random(seed_bits(N, OUTPUT), 9));
    let tail = N - OUTPUT;
    let mut backwards: Vec<u64> =
        x.slice(OUTPUT..N).words().iter().rev().map(|w| w.reverse_bits()).collect();
    // Reversed words begin with the unused bits of the last one.
    let unused = 64 * backwards.len() - tail;
    backwards.push(0);
    let reversed = SecretBits::from_words(backwards, tail + unused).slice(unused..tail + unused);
    assert_eq!((reversed.get(0), reversed.get(tail - 1)), (x.get(N - 1), x.get(OUTPUT)));

    let draws = random(64 * 200, 10);
    let draw = |i: usize| draws.words()[i] as usize % OUTPUT;
    let mut projections: Vec<Vec<usize>> =
        (0..4).map(|p| (0..48).map(|i| draw(48 * p + i)).collect()).collect();
    projections.extend((0..4).map(|i| vec![draw(192 + i)]));
    projections.extend([vec![0], vec![31], vec![32], vec![OUTPUT - 1]]);
    // Pieces have at least 64 chunks of 32 bits, and their bounds are multiples of them.
    projections.extend(
        [1 << 24, 2 << 24, 1 << 25, 3 << 23].map(|bound: usize| (bound - 36..bound + 4).collect()),
    );
    let expected: Vec<bool> =
        projections.iter().map(|rows| projection(&reversed, &seed, &x, rows)).collect();
    // As many as not: a projection that is always zero would show nothing.
    let ones = expected.iter().filter(|bit| **bit).count();
    assert!((1..expected.len()).contains(&ones), "{ones} of {}", expected.len());

    let mut first: Option<SecretBits> = None;
    for level in Level::available() {
        let y = amplify_at(level, &x, &seed, OUTPUT).expect("fits");
        for (rows, expected) in projections.iter().zip(&expected) {
            let sum = rows.iter().fold(false, |sum, &row| sum ^ y.get(row));
            assert_eq!(sum, *expected, "{level:?}, {} output bits from {}", rows.len(), rows[0]);
        }
        match &first {
            Some(first) => assert!(bool::from(first.ct_eq(&y)), "{level:?} differs"),
            None => first = Some(y),
        }
    }
}

#[test]
fn a_single_input_bit_reads_out_the_matrix_column() {
    let (n, output) = (300, 130);
    let (tail, seed) = (n - output, random(seed_bits(n, output), 5));
    for j in [0, 1, 63, 64, tail - 2, tail - 1] {
        let mut x = SecretBits::zeros(n);
        x.set(output + j, true);
        let column = amplify(&x, &seed, output).expect("fits");
        let start = tail - 1 - j;
        assert!(bool::from(column.ct_eq(&seed.slice(start..start + output))));
    }
    let mut x = SecretBits::zeros(n);
    x.set(77, true);
    let column = amplify(&x, &seed, output).expect("fits");
    assert!(column.get(77) && column.count_ones() == 1);
}

#[test]
fn wrong_lengths_are_refused() {
    let x = random(100, 1);
    for (seed, output) in [(98, 51), (100, 51), (0, 1), (1, 0), (99, 100)] {
        let result = amplify(&x, &random(seed, 2), output);
        assert!(matches!(result, Err(AmplifyError::SeedLength { .. })), "{seed} {output}");
    }
    let result = amplify(&x, &random(200, 2), 101);
    assert!(matches!(result, Err(AmplifyError::OutputTooLong { input: 100, output: 101 })));
    assert!(amplify(&x, &SecretBits::new(), 0).expect("nothing").is_empty());
    assert!(amplify(&SecretBits::new(), &SecretBits::new(), 0).expect("nothing").is_empty());
    let whole = amplify(&x, &SecretBits::new(), 100).expect("the identity");
    assert!(bool::from(whole.ct_eq(&x)));
}
