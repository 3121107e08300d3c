//! All levels against definitions and against each other.

use super::*;
use proptest::prelude::*;

/// A reproducible sequence of words (SplitMix64).
fn some_words(count: usize, seed: u64) -> Vec<u64> {
    (0..count as u64)
        .map(|i| {
            let x = (seed << 32 | i).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            x ^ x >> 31
        })
        .collect()
}

/// Multiplication in GF(2^64) by the definition.
fn multiply(a: u64, b: u64) -> u64 {
    (0..64).rev().fold(0, |sum: u64, bit| {
        sum << 1 ^ if sum >> 63 == 1 { 0x1b } else { 0 } ^ if b >> bit & 1 == 1 { a } else { 0 }
    })
}

fn inner(a: &[u64], b: &[u64]) -> u64 {
    a.iter().zip(b).fold(0, |sum, (a, b)| sum ^ multiply(*a, *b))
}

/// The novel basis polynomial X_j at a point: the product of s_i over the bits of j.
fn novel(j: usize, point: u64) -> u64 {
    let mut s = point;
    (0..usize::BITS - j.leading_zeros()).fold(1, |product, i| {
        let value = if j >> i & 1 == 1 { multiply(product, s) } else { product };
        s ^= multiply(s, s);
        value
    })
}

#[test]
fn the_portable_level_is_always_there_and_last() {
    let names: Vec<_> = Level::available().map(Level::name).collect();
    assert_eq!(names.last(), Some(&"portable"));
    assert_eq!(names.first(), Some(&Level::best().name()));
    println!("levels of this processor: {names:?}");
}

#[test]
fn products_are_the_fields_at_every_level() {
    let extremes = [0, 1, !0, 1 << 63, 0x1b, 0xf << 60, 0x8421_0842_1084_2108, 0x1f << 59];
    let (a, b): (Vec<u64>, Vec<u64>) =
        extremes.iter().flat_map(|a| extremes.iter().map(move |b| (*a, *b))).unzip();
    let (a, b) = ([a, some_words(64, 1)].concat(), [b, some_words(64, 2)].concat());
    for level in Level::available() {
        let mut sum = vec![0x55; a.len()];
        level.multiply_add(&mut sum, &a, &b);
        for (i, sum) in sum.iter().enumerate() {
            assert_eq!(sum ^ 0x55, multiply(a[i], b[i]), "{level:?} {:x} {:x}", a[i], b[i]);
        }
    }
}

#[test]
fn a_conversion_keeps_the_polynomial() {
    for log in [5, 6, 7, 8, 9] {
        let powers = some_words(1 << log, 7);
        let halves: Vec<u32> = powers.iter().map(|w| *w as u32).collect();
        for level in Level::available() {
            let mut converted = halves.clone();
            Basis::ToNovel.convert_halves(level, &mut converted);
            for point in some_words(3, 9) {
                let horner = |sum, c: &u32| multiply(sum, point) ^ u64::from(*c);
                let value = halves.iter().rev().fold(0, horner);
                let terms = converted.iter().enumerate();
                let novel =
                    terms.fold(0, |sum, (j, c)| sum ^ multiply(u64::from(*c), novel(j, point)));
                assert_eq!(novel, value, "2^{log} coefficients, {level:?}");
            }
        }
    }
}

/// ⟨C⁻ᵀs, C·x⟩ = ⟨s, x⟩ and ⟨Cᵀy, x⟩ = ⟨y, C·x⟩, also where a conversion is done in parts.
#[test]
fn conversions_are_transposes_of_each_other() {
    for log in [5, 6, 10, 15, 16, 17, 18] {
        let count = 1 << log;
        let halves = |seed| some_words(count, seed).iter().map(|w| *w as u32).collect::<Vec<_>>();
        let wide = |halves: &[u32]| halves.iter().map(|h| u64::from(*h)).collect::<Vec<_>>();
        let (x, s, y) = (halves(1), halves(2), some_words(count, 3));
        let mut first: Option<(Vec<u32>, Vec<u32>, Vec<u64>)> = None;
        for level in Level::available() {
            let (mut cx, mut cs, mut cy) = (x.clone(), s.clone(), y.clone());
            Basis::ToNovel.convert_halves(level, &mut cx);
            Basis::InverseTransposed.convert_halves(level, &mut cs);
            Basis::Transposed.convert_words(level, &mut cy);
            let all = (cx, cs, cy);
            if let Some(first) = &first {
                assert!(*first == all, "2^{log}, {level:?}");
                continue;
            }
            let (cx, cs, cy) = &all;
            assert_eq!(inner(&wide(cs), &wide(cx)), inner(&wide(&s), &wide(&x)), "2^{log}");
            assert_eq!(inner(cy, &wide(&x)), inner(&y, &wide(cx)), "2^{log}");
            first = Some(all);
        }
    }
}

#[test]
fn a_transform_takes_the_values_on_its_block() {
    const LEN: usize = 64;
    let x = some_words(LEN, 4);
    for block in [0, 1, 5, 300, 70_000] {
        for level in Level::available() {
            let mut values = x.clone();
            transform(level, Pass::Evaluate, &mut values, block);
            let mut expected: Vec<u64> = (0..LEN)
                .map(|p| {
                    let point = cantor::point(block * LEN + p);
                    let terms = x.iter().enumerate();
                    terms.fold(0, |sum, (j, c)| sum ^ multiply(*c, novel(j, point)))
                })
                .collect();
            // The order is the level's own.
            values.sort_unstable();
            expected.sort_unstable();
            assert_eq!(values, expected, "block {block}, {level:?}");
        }
    }
}

/// ⟨F⁻ᵀs, F·x⟩ = ⟨s, x⟩ and ⟨Fᵀy, x⟩ = ⟨y, F·x⟩ at every size of the recursion.
#[test]
fn passes_are_transposes_of_each_other() {
    for log in 6..=15 {
        for block in [0, 1, 6] {
            let words = |seed| some_words(1 << log, seed);
            let (x, s, y) = (words(1), words(2), words(3));
            for level in Level::available() {
                let (mut fx, mut fs, mut fy) = (x.clone(), s.clone(), y.clone());
                transform(level, Pass::Evaluate, &mut fx, block);
                transform(level, Pass::Spread, &mut fs, block);
                transform(level, Pass::Gather, &mut fy, block);
                assert_eq!(inner(&fs, &fx), inner(&s, &x), "2^{log}, block {block}, {level:?}");
                assert_eq!(inner(&fy, &x), inner(&y, &fx), "2^{log}, block {block}, {level:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The polyval crate is the oracle.
    #[test]
    fn polyval_is_the_crates_at_every_level(
        key in any::<[u8; 16]>(),
        blocks in proptest::collection::vec(any::<u128>(), 0..200),
        cut in any::<prop::sample::Index>(),
    ) {
        use ::polyval::{Polyval, universal_hash::UniversalHash};
        let mut oracle = Polyval::new(&key.into());
        blocks.iter().for_each(|block| oracle.update(&[block.to_le_bytes().into()]));
        let expected = u128::from_le_bytes(oracle.finalize().into());
        let words: Vec<u64> = blocks.iter().flat_map(|b| [*b as u64, (*b >> 64) as u64]).collect();
        let (head, tail) = words.split_at(2 * cut.index(blocks.len() + 1));
        for level in Level::available() {
            let mut powers = Powers::new(level, u128::from_le_bytes(key));
            let state = evaluate(&mut powers, 0, head);
            prop_assert_eq!(evaluate(&mut powers, state, tail), expected, "{:?}", level);
        }
    }
}
