//! Every kind of message of a real talk is read and written again to the same bytes: one content has
//! one encoding, so that both transcripts say the same.

use std::collections::BTreeSet;

use helio_distill::{Context, Kind, Role, inspect, rewrite};

use crate::channel::{Link, Slots, emit};
use crate::pair::{Pair, carry};

/// What the stations of this block know of it: Bob's bases, and how many test bits match.
fn known(slots: &Slots) -> (Vec<bool>, usize) {
    let place = |slot: u64| (slot - slots.first) as usize;
    let bob = |slot: u64| slots.bob[place(slot) / 4] >> (2 * (place(slot) % 4)) & 1 == 1;
    let alice = |slot: u64| slots.alice[place(slot) / 2] >> (4 * (place(slot) % 2)) & 2 == 2;
    let clicks = || slots.detections.iter().map(|d| d.slot);
    (clicks().map(bob).collect(), clicks().filter(|&slot| bob(slot) && alice(slot)).count())
}

/// All messages of a block that both end, and of one whose last tag is lost.
fn messages(slots: u32, seed: u64) -> (Pair, Vec<Vec<u8>>) {
    let mut pair = Pair::new(slots, seed);
    let mut heard = Vec::new();
    let mut tags = 0;
    let mut line = |from: Role, index, message: Vec<u8>| {
        heard.push(message.clone());
        let kind = inspect(&message).expect("a message").kind;
        tags += usize::from(kind == Kind::Tag);
        // The second block's tag of Bob does not arrive.
        if kind == Kind::Tag && tags == 4 { Vec::new() } else { carry(from, index, message) }
    };
    pair.connect(&mut line);
    pair.block(0, Link::GOOD, &mut line);
    pair.block(1, Link::GOOD, &mut line);
    pair.wait(&mut line);
    pair.connect(&mut line);
    pair.block(2, Link::GOOD, &mut |from, _, message| match inspect(&message) {
        // Silence in the middle of a block: a hint leaves.
        Some(seen) if seen.kind == Kind::Sift => Vec::new(),
        _ => vec![(from.other(), message)],
    });
    pair.wait(&mut line);
    (pair, heard)
}

#[test]
fn each_message_is_written_again_as_it_was() {
    let mut kinds = BTreeSet::new();
    for (slots, seed) in [(20_000, 31), (1_000_000, 33)] {
        let (pair, heard) = messages(slots, seed);
        for message in heard {
            let seen = inspect(&message).expect("a message");
            let block = seen.block.unwrap_or(0);
            let (first, count) = (pair.parameters.first_slot(block), u64::from(slots));
            let (test_basis, tests) =
                known(&emit(&pair.parameters, Link::GOOD, seed, first, count));
            let context = Context { parameters: &pair.parameters, test_basis: &test_basis, tests };
            assert_eq!(rewrite(&message, &context).as_ref(), Ok(&message), "{:?}", seen.kind);
            if !matches!(seen.kind, Kind::Abort | Kind::Reconcile) {
                let cut = rewrite(&message[..message.len() - 1], &context);
                assert!(seen.kind == Kind::Amplify || cut.is_err(), "{:?}", seen.kind);
            }
            kinds.insert(seen.kind as u8);
        }
    }
    assert_eq!(kinds, (0..14).collect(), "every kind occurs");
}
