//! Every level does what the loop over single records does.

use super::*;
use crate::Counts;
use crate::levels::aloud;
use crate::picoquant::record::{Layout, RecordType};
use crate::stream::Decode;
use proptest::prelude::*;

/// A word of a kind that is rare among all numbers, for layouts with and without a special bit.
fn word() -> impl Strategy<Value = u32> {
    let time = 0..1u32 << TIME_BITS;
    prop_oneof![
        6 => any::<u32>().prop_map(|w| w & 0x7FFF_FFFF),
        3 => prop_oneof![0..4u32, 120..140u32].prop_map(|count| FIRST_OVERFLOW | count),
        1 => time.clone().prop_map(|count| FIRST_OVERFLOW | count),
        1 => (0..20u32, time).prop_map(|(bits, time)| 1 << 31 | bits << TIME_BITS | time),
        2 => Just(0xF000_0000),
        1 => any::<u32>(),
    ]
}

/// Mostly photons, as at high rates, or any mixture.
fn words() -> impl Strategy<Value = Vec<u32>> {
    let bright = prop_oneof![30 => 0..1u32 << 31, 1 => word()];
    prop_oneof![prop::collection::vec(word(), 0..200), prop::collection::vec(bright, 0..200)]
}

fn decoded(
    kind: RecordType,
    level: Level,
    base: u64,
    words: &[u32],
) -> (Chunk, Counts, u64, Option<String>) {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut decoder = Decoder::at_level(Layout::Typed(kind), level, base);
    let mut chunk = Chunk::default();
    let fault = decoder.decode(&bytes, 7, true, &mut chunk).err().map(|err| format!("{err:?}"));
    (chunk, decoder.counts(), decoder.base, fault)
}

#[test]
fn the_levels_that_this_test_compares_are_told() {
    let all: Vec<Level> = Level::all().collect();
    let has = |name: &str| all.iter().any(|level| format!("{level:?}").starts_with(name));
    let (have, have_not): (Vec<&str>, Vec<&str>) =
        ["Avx512", "Avx2", "Single"].into_iter().partition(|name| has(name));
    let skipped = if have_not.is_empty() { "none".into() } else { have_not.join(" and ") };
    aloud("T2 records", &format!("{}; SKIPPED: {skipped}", have.join(", ")));
    assert!(has("Single") && have.len() == all.len(), "a level that is not told: {all:?}");
}

proptest! {
    #[test]
    fn every_level_reads_the_same(
        words in words(),
        base in prop_oneof![
            Just(0),
            any::<u64>().prop_map(|base| base % (u64::MAX - (1 << 28))),
            (0..1u64 << 60).prop_map(|below| u64::MAX - (1 << 28) - below),
        ],
        kind in prop_oneof![
            Just(RecordType::PicoHarp300T2),
            Just(RecordType::HydraHarpV1T2),
            Just(RecordType::HydraHarpV2T2),
            Just(RecordType::GenericT2),
        ],
    ) {
        let expected = decoded(kind, Level::Single, base, &words);
        for level in Level::all() {
            prop_assert_eq!(&decoded(kind, level, base, &words), &expected, "{:?}", level);
        }
    }
}
