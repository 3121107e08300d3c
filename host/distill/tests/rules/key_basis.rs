//! The key basis stays at home: no message holds its bits, and nothing that is declared depends on
//! them.

use std::collections::HashSet;

use helio_distill::certificate::Certificate;
use helio_distill::{Kind, Role};

use crate::channel::{Link, Slots, emit};
use crate::pair::{Pair, parameters};
use crate::words::{Said, first, places, run};

const SLOTS: u32 = 1_000_000;

fn slots() -> Slots {
    emit(&parameters(SLOTS), Link::GOOD, 81, 0, u64::from(SLOTS))
}

/// Alice's four bits and Bob's two of a slot.
fn settings(slots: &Slots, at: usize) -> (u8, u8) {
    (slots.alice[at / 2] >> (4 * (at % 2)) & 0xF, slots.bob[at / 4] >> (2 * (at % 4)) & 3)
}

/// Whether both chose the key basis.
fn is_key(slots: &Slots, at: usize) -> bool {
    let (alice, bob) = settings(slots, at);
    alice & 2 == 0 && bob & 1 == 0
}

fn exchange(mask: u8) -> u8 {
    (mask & 1) << 1 | mask >> 1
}

/// Every key-basis bit inverted, at Alice and at Bob: all errors stay where they were.
fn inverted(mut slots: Slots) -> Slots {
    for at in 0..slots.count as usize {
        if settings(&slots, at).0 & 2 == 0 {
            slots.alice[at / 2] ^= 1 << (4 * (at % 2));
        }
    }
    let clicks = std::mem::take(&mut slots.detections);
    slots.detections = clicks
        .into_iter()
        .map(|mut click| {
            if is_key(&slots, click.slot as usize) {
                click.mask = exchange(click.mask);
            }
            click
        })
        .collect();
    slots
}

/// More errors in the key basis: one single click in `every` at the other detector.
fn more_errors(mut slots: Slots, every: usize) -> Slots {
    let mut count = 0;
    let clicks = std::mem::take(&mut slots.detections);
    slots.detections = clicks
        .into_iter()
        .map(|mut click| {
            if click.mask != 3 && is_key(&slots, click.slot as usize) {
                count += 1;
                if count % every == 0 {
                    click.mask = exchange(click.mask);
                }
            }
            click
        })
        .collect();
    assert!(count > 5_000, "{count} key-basis clicks");
    slots
}

/// What is announced, disclosed and declared before the reconciliation.
const BEFORE: [Kind; 4] = [Kind::Detections, Kind::Sift, Kind::TestResult, Kind::Declaration];

fn assert_same_words(a: &[Said], b: &[Said], what: &str) {
    for kind in BEFORE {
        assert!(first(a, kind).bytes == first(b, kind).bytes, "{what}: {kind:?} tells of the key");
    }
}

fn certificate(pair: &Pair, role: Role) -> Certificate {
    let store = if role == Role::Alice { pair.alice.store() } else { pair.bob.store() };
    store.usable(pair.id(0)).expect("a key").1.clone()
}

/// Messages 2 and 3: inverting every key-basis bit, and adding errors to the key basis, changes no
/// byte of what is announced, disclosed and declared: not the slots, not the intensities, not the
/// test results, not λ_max, code or length. Certificates: the public part stays the same too, while
/// the private one counts the errors.
#[test]
fn what_is_declared_depends_on_announced_data_alone() {
    let mut with_keys = 0;
    for seed in 82..88 {
        let (base, said) = run(&slots(), seed);
        let (other, said_inverted) = run(&inverted(slots()), seed);
        assert_same_words(&said, &said_inverted, "inverted bits");
        // The strings did differ: so does what follows.
        let reconcile = |said: &[Said]| first(said, Kind::Reconcile).bytes.clone();
        assert_ne!(reconcile(&said), reconcile(&said_inverted));
        let (noisy, said_noisy) = run(&more_errors(slots(), 500), seed);
        assert_same_words(&said, &said_noisy, "more errors");
        let pairs = [&base, &other, &noisy];
        // A frame that does not decode burns a block now and then.
        if pairs.iter().any(|pair| pair.common_key(0).is_none()) {
            continue;
        }
        with_keys += 1;
        let [quiet, inverted, loud] = pairs.map(|pair| certificate(pair, Role::Bob));
        assert!(loud.private.key_basis_errors > quiet.private.key_basis_errors);
        assert_eq!(loud.public, quiet.public, "seed {seed}");
        assert_eq!(inverted.public, quiet.public, "seed {seed}");
        for pair in pairs {
            let alice = certificate(pair, Role::Alice);
            assert_eq!(alice.public, quiet.public, "seed {seed}");
            assert_eq!(alice.private.key_basis_errors, None, "seed {seed}");
        }
    }
    assert!(with_keys >= 2, "{with_keys} of 6");
}

/// Messages 3 and 4: so many errors in the key basis that reconciliation cannot succeed. What was
/// declared still does not know of them, and the block is dropped, not shortened.
#[test]
fn errors_that_only_the_key_basis_has_end_the_block_and_change_no_word_before() {
    let (_, said) = run(&slots(), 83);
    let (pair, said_bad) = run(&more_errors(slots(), 12), 83);
    assert_same_words(&said, &said_bad, "many errors");
    assert_eq!(pair.common_key(0), None);
    assert!(!pair.faults.is_empty());
}

/// Alice's sifted key as the rules define it: her bits of slots that clicked, were kept and were
/// measured in the key basis by both.
fn sifted(slots: &Slots) -> Vec<bool> {
    let spacing = u64::from(parameters(SLOTS).sync_spacing);
    let kept = slots.detections.iter().filter(|c| !c.slot.is_multiple_of(spacing));
    kept.filter(|c| is_key(slots, c.slot as usize))
        .map(|c| settings(slots, c.slot as usize).0 & 1 != 0)
        .collect()
}

/// Bits of bytes, from the lowest or from the highest of each.
fn bits(bytes: &[u8], lowest_first: bool) -> Vec<bool> {
    let bit = |byte: u8, i: u32| byte >> (if lowest_first { i } else { 7 - i }) & 1 == 1;
    bytes.iter().flat_map(|&byte| (0..8).map(move |i| bit(byte, i))).collect()
}

/// All runs of 64 bits.
fn windows(bits: &[bool]) -> impl Iterator<Item = u64> {
    let mut last = 0u64;
    bits.iter().enumerate().filter_map(move |(i, &bit)| {
        last = last << 1 | u64::from(bit);
        (i >= 63).then_some(last)
    })
}

/// Messages 2: no 64 bits in a row of the sifted key, nor of the finished one, stand in any message
/// of the run, in any alignment or order of bits.
#[test]
fn no_message_of_a_run_holds_bits_of_the_key_basis() {
    let slots = slots();
    let (pair, said) = run(&slots, 84);
    assert!(pair.common_key(0).is_some(), "{:?}", pair.faults);
    let sifted = sifted(&slots);
    let certificate = certificate(&pair, Role::Alice);
    assert_eq!(sifted.len() as u64, certificate.public.announced.counts.sifted());
    let (key, _) = pair.alice.store().usable(pair.id(0)).expect("a key");
    let key: Vec<bool> = (0..key.bits().len()).map(|i| key.bits().get(i)).collect();
    let secret: HashSet<u64> = windows(&sifted).chain(windows(&key)).collect();
    assert!(secret.len() > 20_000, "{} runs of 64 bits", secret.len());
    let mut looked_at = 0;
    for message in &said {
        for lowest_first in [true, false] {
            let bits = bits(&message.bytes, lowest_first);
            looked_at += bits.len();
            let found = windows(&bits).any(|window| secret.contains(&window));
            assert!(!found, "{:?} of {} holds key bits", message.seen.kind, message.from);
        }
    }
    assert!(looked_at > 500_000, "{looked_at} bits");
    // The search does find what is there: 80 key bits behind three others.
    let mut planted = vec![true; 3];
    planted.extend(&sifted[1000..1080]);
    assert!(windows(&planted).any(|window| secret.contains(&window)));
    assert!(!windows(&bits(&said[0].bytes, true)).any(|window| secret.contains(&window)));
    assert_eq!(places(&said, Kind::Sift).len(), 1);
}
