//! Bytes from an enemy: typed errors, bounded memory, no key, no panic.

use helio_distill::release::StationStore;
use helio_distill::{Blame, MAX_MESSAGE_BYTES, Role};
use proptest::prelude::*;

use crate::channel::{Link, emit};
use crate::pair::{self, Pair, carry};

const SLOTS: u32 = 20_000;

/// An open contact in the middle of a block: Bob has announced, Alice waits for her own slots.
fn in_the_middle() -> (Pair, Vec<Vec<u8>>) {
    let mut pair = Pair::new(SLOTS, 31);
    let mut heard = Vec::new();
    let mut record = |from, index, message: Vec<u8>| {
        heard.push(message.clone());
        carry(from, index, message)
    };
    pair.connect(&mut record);
    let slots = emit(&pair.parameters, Link::GOOD, 31, 0, u64::from(SLOTS));
    pair.bob.push_settings(0, slots.count, &slots.bob).unwrap();
    pair.bob.push_detections(&slots.detections).unwrap();
    pair.bob.reached(slots.count).unwrap();
    pair.pump(&mut record);
    (pair, heard)
}

fn envelope(kind: u8, from: Role, block: u64, sequence: u32) -> Vec<u8> {
    pair::envelope(kind, from, block, sequence, u64::from(SLOTS))
}

fn nothing_is_usable(pair: &Pair) {
    assert!(
        pair.alice.store().blocks().all(|(_, s)| s != helio_distill::release::BlockState::Usable)
    );
    assert!(
        pair.bob.store().blocks().all(|(_, s)| s != helio_distill::release::BlockState::Usable)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_refused(messages in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..120), 1..10)
    ) {
        let (mut pair, _) = in_the_middle();
        for message in &messages {
            let _ = pair.alice.handle(2, message);
            let _ = pair.bob.handle(2, message);
        }
        nothing_is_usable(&pair);
    }

    #[test]
    fn any_body_behind_a_good_envelope_is_refused(
        messages in proptest::collection::vec(
            (0u8..15, 0u64..3, 0u32..4, proptest::collection::vec(any::<u8>(), 0..100)), 1..12)
    ) {
        let (mut pair, _) = in_the_middle();
        for (kind, block, sequence, body) in &messages {
            let block = if *block == 2 { u64::MAX } else { *block };
            let to_alice = [envelope(*kind, Role::Bob, block, *sequence), body.clone()].concat();
            let to_bob = [envelope(*kind, Role::Alice, block, *sequence), body.clone()].concat();
            let _ = pair.alice.handle(2, &to_alice);
            let _ = pair.bob.handle(2, &to_bob);
        }
        pair.pump(&mut carry);
        nothing_is_usable(&pair);
    }
}

#[test]
fn a_million_tiny_messages_leave_nothing_behind() {
    let (mut pair, _) = in_the_middle();
    let mut messages = vec![vec![], vec![1], vec![0; 32], vec![0xFF; 40]];
    messages.extend((0..14).map(|kind| envelope(kind, Role::Alice, 0, 1)));
    messages.extend((0..14).map(|kind| envelope(kind, Role::Alice, 1 << 40, 0)));
    let (mut answers, mut events) = (0, 0);
    let spent = pair.bob.store().watermarks().unwrap();
    for i in 0..1_000_000 {
        let _ = pair.bob.handle(3, &messages[i % messages.len()]);
        while pair.bob.poll_message().is_some() {
            answers += 1;
        }
        while pair.bob.poll_event().is_some() {
            events += 1;
        }
    }
    assert!(answers <= 2 && events <= 4, "{answers} answers, {events} events");
    assert_eq!(pair.bob.store().watermarks().unwrap(), spent, "no pad was spent on noise");
    nothing_is_usable(&pair);
}

#[test]
fn huge_counts_are_refused_at_once() {
    for count in [1u64 << 63, u64::MAX, 1 << 32, 20_001] {
        let mut pair = Pair::new(SLOTS, 31);
        pair.connect(&mut carry);
        let mut message = envelope(2, Role::Bob, 0, 0);
        let mut value = count;
        while value >= 0x80 {
            message.push(value as u8 | 0x80);
            value >>= 7;
        }
        message.push(value as u8);
        message.extend_from_slice(&[0; 64]);
        let fault = pair.alice.handle(2, &message).unwrap_err();
        assert_eq!(fault.blame(), Blame::OtherStation);
        assert!(fault.to_string().contains("count"), "{fault}");
    }
    let mut pair = Pair::new(SLOTS, 31);
    pair.connect(&mut carry);
    let long = vec![1; MAX_MESSAGE_BYTES + 1];
    assert!(pair.alice.handle(2, &long).is_err());
}

/// All that was said in one run means nothing in the next, nor a second time in the same.
#[test]
fn replayed_messages_are_refused_or_ignored() {
    let slots = 1_000_000;
    let mut recorded = Vec::new();
    let mut pair = Pair::new(slots, 33);
    let mut record = |from: Role, index, message: Vec<u8>| {
        recorded.push((from.other(), message.clone()));
        carry(from, index, message)
    };
    pair.connect(&mut record);
    pair.block(0, Link::GOOD, &mut record);
    let bits = pair.common_key(0).expect("a key");
    for (to, message) in &recorded {
        let _ = match to {
            Role::Alice => pair.alice.handle(9, message),
            Role::Bob => pair.bob.handle(9, message),
        };
    }
    pair.pump(&mut carry);
    assert_eq!(pair.common_key(0), Some(bits));
    // The same stations after a reconnection.
    pair.connect(&mut carry);
    for (to, message) in &recorded {
        let _ = match to {
            Role::Alice => pair.alice.handle(9, message),
            Role::Bob => pair.bob.handle(9, message),
        };
    }
    pair.pump(&mut carry);
    assert_eq!(pair.common_key(0), Some(bits));
    assert_eq!(pair.alice.store().blocks().count(), 1);
    // Fresh stations with the same secret hear an old greeting.
    let mut fresh = Pair::new(slots, 34);
    fresh.alice.connect(1).unwrap();
    for (to, message) in &recorded {
        if *to == Role::Alice {
            let _ = fresh.alice.handle(9, message);
        }
    }
    assert!(!fresh.alice.is_open());
}
