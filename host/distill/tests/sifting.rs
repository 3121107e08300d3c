//! Sifting: the fast way gives what the slow obvious way gives, and its messages lie within 5 % of
//! their entropy.
//!
//! `cargo test -p helio-distill --test sifting -- --nocapture` prints the sizes.

mod sifting_support;

use std::ops::Range;

use helio_distill::parameters::{Parameters, Receiver};
use helio_distill::sifting::{AliceBlock, BobBlock, Run};
use helio_keys::SecretBits;
use helio_timetag::Detection;
use proptest::prelude::*;
use sifting_support::{Data, Draw, coins, draw, entropy, naive};

fn bits(of: &SecretBits) -> Vec<bool> {
    of.iter().collect()
}

/// Both ways over one block; everything that leaves them is the same. Gives the bytes of the three
/// messages and their entropies in bits.
fn both_ways(
    parameters: &Parameters,
    block: u64,
    detections: &[Detection],
    [alice_runs, bob_runs]: [&[Run<'_>]; 2],
    dropped: &[Range<u64>],
    hold_off: u64,
) -> [(usize, f64); 3] {
    let slow_bob = naive::measure(parameters, block, detections, bob_runs, dropped, &mut coins(1));
    let first = parameters.first_slot(block);
    let slow_alice = naive::look_up(first, alice_runs, &slow_bob.offsets, &slow_bob.test_basis);
    let (slow_key, slow_errors) = naive::compare(&slow_bob, &slow_alice);
    let expected = naive::gather(
        parameters.slots_per_block,
        &slow_bob.offsets,
        &slow_bob.test_basis,
        &slow_alice,
        &slow_errors,
    );
    // The old coding of the oracle goes round, so that the bench compares like with like.
    let heard = naive::hear(&naive::announce(&slow_bob));
    assert_eq!(heard, (slow_bob.offsets.clone(), slow_bob.test_basis.clone()));
    let again = naive::hear_answer(&naive::answer(&slow_alice), &slow_bob.test_basis);
    assert_eq!(again.intensities, slow_alice.intensities);

    let mut bob = BobBlock::new(parameters, block, detections, bob_runs).expect("in order");
    dropped.iter().for_each(|range| bob.drop_slots(range.clone()));
    let bob = bob.measure(&mut coins(1)).expect("never fails");
    assert_eq!(bob.detections(), slow_bob.offsets.len());
    let announcement = bob.announce();
    let alice = AliceBlock::new(parameters, block, alice_runs).expect("in order");
    let (answer, alice) =
        alice.hear(&announcement).expect("Bob's own").answer().expect("known settings");
    assert!(bits(&alice.key) == slow_alice.key, "Alice's key");
    let bob = bob.hear(&answer).expect("Alice's own");
    assert!(bits(&bob.key) == slow_key, "Bob's key");
    assert_eq!(bob.announced, expected);
    assert_eq!(alice.hear(&bob.test_result).expect("Bob's own"), expected);

    let tests = slow_alice.test_bits.len() as u64;
    let by_detector = bob.by_detector.iter().map(|d| (d.test.errors, d.test.bits));
    let sum = by_detector.fold((0, 0), |(e, b), (errors, bits)| (e + errors, b + bits));
    assert_eq!(sum, (slow_errors.iter().filter(|e| **e).count() as u64, tests));
    [
        (announcement.len(), entropy::announcement(parameters, block, hold_off, &slow_bob)),
        (answer.len(), entropy::answer(&slow_bob, &slow_alice)),
        // Less the byte that says that no declaration follows.
        (bob.test_result.len() - 1, entropy::errors(&slow_errors)),
    ]
}

/// Runs of settings with holes: `data` without the slots of `lost`, which begin and end at whole
/// bytes.
fn with_holes<'a>(
    data: &Data,
    packed: &'a [u8],
    per_byte: u64,
    lost: &[Range<u64>],
) -> Vec<Run<'a>> {
    let mut runs = Vec::new();
    let mut from = 0;
    let end = data.slots..data.slots;
    for hole in lost.iter().chain([&end]) {
        let bytes = &packed[(from / per_byte) as usize..];
        runs.push(Run { first: data.first + from, count: hole.start - from, packed: bytes });
        from = hole.end;
    }
    runs
}

/// A few ranges in order that begin and end at multiples of four.
fn holes(slots: u64) -> impl Strategy<Value = Vec<Range<u64>>> {
    proptest::collection::vec(0..slots / 4, 0..8).prop_map(|mut cuts| {
        cuts.sort_unstable();
        cuts.dedup();
        cuts.as_chunks::<2>().0.iter().map(|[from, to]| 4 * from..4 * to).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_fast_way_gives_what_the_slow_way_gives(
        block in 0u64..5,
        click in prop_oneof![Just(0.003), Just(0.1), Just(0.6)],
        hold_off in 0u64..20,
        sync_spacing in 2u16..80,
        passive in any::<bool>(),
        [alice_lost, bob_lost, dropped] in [holes(4001), holes(4001), holes(4001)],
        seed in any::<u64>(),
    ) {
        let receiver =
            if passive { Receiver::Passive } else { Receiver::Active { random_swap: true } };
        let slots_per_block = 4001;
        let parameters =
            Parameters { slots_per_block, sync_spacing, receiver, ..Parameters::example() };
        let how = Draw { click, hold_off, key_basis: [0.6, 0.7], doubles: 0.1, ..Draw::EXAMPLE };
        let mut data = draw(&parameters, block, &how, seed);
        if passive {
            // Any of the fifteen masks.
            let mix = |slot: u64| slot.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60;
            data.detections.iter_mut().for_each(|d| d.mask = (mix(d.slot) as u8).max(1));
        }
        let alice = with_holes(&data, &data.alice, 2, &alice_lost);
        let bob = with_holes(&data, &data.bob, 4, &bob_lost);
        let dropped: Vec<_> =
            dropped.iter().map(|r| data.first + r.start..data.first + r.end).collect();
        both_ways(&parameters, block, &data.detections, [&alice, &bob], &dropped, hold_off);
    }
}

/// The three messages of a block and their sum lie within 5 % of their entropy, and a few bytes: a
/// count and a broken byte for each list.
fn sizes_of(slots_per_block: u32, how: &Draw) -> String {
    let parameters = Parameters { slots_per_block, ..Parameters::example() };
    let data = draw(&parameters, 1, how, 5);
    let runs = [&data.alice()[..], &data.bob()];
    let messages = both_ways(&parameters, 1, &data.detections, runs, &[], how.hold_off);
    let whole = messages.iter().fold((0, 0.0), |(b, e), (bytes, bits)| (b + bytes, e + bits));
    let mut line = format!(
        "{slots_per_block:>9} {:>9} {:>4} {:>8}",
        how.click,
        how.key_basis[0],
        data.detections.len()
    );
    for ((bytes, bits), spare) in messages.into_iter().chain([whole]).zip([12, 20, 6, 38]) {
        let over = (bytes * 8) as f64 / bits.max(1.0);
        line += &format!(" {bytes:>9} {over:>7.4}");
        assert!(bytes as f64 <= 1.05 * bits / 8.0 + f64::from(spare), "{line}: {bits} bits");
    }
    line
}

/// Shares of the intensities among the detections: as the example sends them, as it receives them,
/// and the same of the demo.
const INTENSITIES: [[f64; 3]; 4] = [
    [2867.0, 819.0, 410.0],
    [0.5 * 2867.0, 0.1 * 819.0, 0.0005 * 410.0],
    [22.8, 51.8, 25.4],
    [0.6144 * 22.8, 0.2647 * 51.8, 0.0005 * 25.4],
];

#[test]
fn messages_lie_within_5_percent_of_their_entropy() {
    println!(
        "{:>9} {:>9} {:>4} {:>8} {:>17} {:>17} {:>17} {:>17}",
        "slots", "click", "key", "clicks", "announcement", "answer", "errors", "all (bytes, ratio)"
    );
    let clicks = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6];
    for (click, slots) in
        clicks.into_iter().zip([1 << 20, 1 << 23, 1 << 26, 1 << 26, 100_000_000, 100_000_000])
    {
        for (i, key) in [0.5, 0.62, 0.737, 0.9, 0.95].into_iter().enumerate() {
            let intensities = INTENSITIES[i % 4];
            let how = Draw { click, key_basis: [key; 2], intensities, ..Draw::EXAMPLE };
            println!("{}", sizes_of(slots, &how));
        }
    }
    // The largest, at both losses that rates are stated for.
    for click in [1e-2, 1e-4] {
        println!("{}", sizes_of(100_000_000, &Draw { click, ..Draw::EXAMPLE }));
    }
}

#[test]
fn every_bias_of_bases_and_intensities_lies_within_5_percent() {
    for key in (50..=95).step_by(3) {
        for intensities in INTENSITIES {
            let key_basis = [f64::from(key) / 100.0, 1.45 - f64::from(key) / 100.0];
            println!("{}", sizes_of(1 << 22, &Draw { key_basis, intensities, ..Draw::EXAMPLE }));
        }
    }
}

#[test]
fn tiny_blocks_and_hold_offs_lie_within_5_percent() {
    for slots in [1, 2, 65, 1000, 30_000] {
        for click in [0.1, 0.01, 0.001] {
            sizes_of(slots, &Draw { click, ..Draw::EXAMPLE });
        }
    }
    for (click, hold_off) in [(0.1, 10), (0.01, 100), (0.01, 1000), (1e-3, 100), (1e-4, 50_000)] {
        println!("{}", sizes_of(1 << 24, &Draw { click, hold_off, ..Draw::EXAMPLE }));
    }
}
