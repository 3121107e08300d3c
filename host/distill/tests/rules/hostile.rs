//! Floods, impossible lengths and strangers at every step of a block: typed errors that name the
//! other station, bounded memory, no key.

use helio_distill::release::BlockState;
use helio_distill::{Blame, Fault, Kind, Role, inspect};

use crate::channel::{Link, Slots, emit};
use crate::pair::{self, Pair, Store, book, carry, entropy, local, parameters};

const ENVELOPE: usize = 32;
/// About the smallest block that gives a key under the real bound, on a nearly perfect link.
const SLOTS: u32 = 240_000;
const LINK: Link = Link { eta: 1.0, dark: 1e-7, misalignment: 0.001 };

fn small() -> helio_distill::parameters::Parameters {
    let p = parameters(SLOTS);
    helio_distill::parameters::Parameters { mu_nano: [900_000_000, 300_000_000, 1_000_000], ..p }
}

fn slots() -> Slots {
    emit(&small(), LINK, 131, 0, u64::from(SLOTS))
}

fn open_pair() -> Pair {
    let mut pair = Pair::with(small(), 131, Store::default(), Store::default());
    pair.connect(&mut carry);
    assert!(pair.alice.is_open() && pair.bob.is_open());
    pair
}

/// The most address space that this process ever had, in MiB; `None` where the system does not tell.
/// Memory that a length makes a program ask for counts although it is never touched.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmPeak:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}

/// Asserts that no more than this was asked for since `before`.
fn bounded(before: Option<u64>, what: &str) {
    match (before, peak_mib()) {
        // Other tests of this program run at the same time, each in about 100 MiB.
        (Some(before), Some(after)) => assert!(after - before < 2048, "{what}: {after} MiB"),
        _ => println!("skipped: this system does not tell how much memory a program had"),
    }
}

fn nothing_is_usable(pair: &Pair) -> bool {
    let usable = |(_, state)| state == BlockState::Usable;
    !pair.alice.store().blocks().any(usable) && !pair.bob.store().blocks().any(usable)
}

fn clean_messages() -> Vec<(Kind, usize)> {
    let mut lengths = Vec::new();
    let mut pair = open_pair();
    pair.feed(&slots());
    pair.pump(&mut |from, index, bytes: Vec<u8>| {
        lengths.push((inspect(&bytes).expect("honest").kind, bytes.len()));
        carry(from, index, bytes)
    });
    assert!(pair.common_key(0).is_some(), "{:?}", pair.faults);
    lengths
}

/// Lengths of 2^63, of 2^64 - 1 and of 2^32 in the place of any number of any message of a block, as
/// eight bytes and as a number of variable length.
#[test]
fn no_length_in_any_message_makes_a_station_ask_for_memory() {
    let lengths = clean_messages();
    let first = small().session;
    let mut kinds = std::collections::BTreeSet::new();
    let before = peak_mib();
    let mut count = 0;
    for (at, &(kind, length)) in lengths.iter().enumerate() {
        let body = length - ENVELOPE;
        // The numbers of a message stand at its beginning; the rest is looked at in a few places.
        let places = (0..body.min(12)).chain([body / 3, body / 2, body.saturating_sub(9)]);
        for place in places {
            let value: u64 = [1 << 63, u64::MAX, 1 << 32][count % 3];
            let number = match count / 3 % 2 {
                0 => value.to_le_bytes().to_vec(),
                _ => varint(value),
            };
            count += 1;
            let mut pair = open_pair();
            pair.feed(&slots());
            let mut index_of_block = 0;
            pair.pump(&mut |from, index, mut bytes: Vec<u8>| {
                if index_of_block == at {
                    let begin = (ENVELOPE + place).min(bytes.len());
                    let end = (begin + number.len()).min(bytes.len());
                    bytes.splice(begin..end, number.iter().copied());
                }
                index_of_block += 1;
                carry(from, index, bytes)
            });
            pair.wait(&mut carry);
            pair.wait(&mut carry);
            let what = format!("{kind:?}, byte {place} of {body}");
            kinds.insert(kind as u8);
            let states = pair.states(0);
            // Where the last message was the altered one, the authenticated question settles it.
            let last = at + 1 == lengths.len();
            assert!(
                last || states == [Some(BlockState::Burnt); 2] || nothing_is_usable(&pair),
                "{what}"
            );
            // An announcement of other slots is one that a station could make: half of its bits are
            // wrong, both see it in the test basis and come to no key.
            let moved = kind == Kind::Detections && pair.both_without_key();
            assert!(moved || !pair.faults.is_empty(), "{what} went unnoticed");
            for (_, fault) in &pair.faults {
                assert_eq!(fault.blame(), Blame::OtherStation, "{what}: {fault}");
                let told = fault.to_string();
                let named = ["other station", "verification tags differ", "became longer", "anew"];
                assert!(named.iter().any(|n| told.contains(n)), "{what}: {told}");
            }
        }
    }
    assert_eq!(kinds.len(), 9, "all nine kinds of a block: {kinds:?}");
    assert_eq!(first, small().session);
    bounded(before, "impossible lengths");
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn envelope(kind: u8, from: Role, block: u64, sequence: u32) -> Vec<u8> {
    pair::envelope(kind, from, block, sequence, u64::from(SLOTS))
}

/// A million tiny messages at either station, before contact and in the middle of a block: hardly an
/// answer, hardly an event, no pad, no ε, no memory.
#[test]
fn a_million_tiny_messages_at_any_time_leave_nothing_behind() {
    let before = peak_mib();
    for (role, open) in
        [(Role::Alice, true), (Role::Bob, true), (Role::Alice, false), (Role::Bob, false)]
    {
        let mut pair = match open {
            true => open_pair(),
            false => Pair::with(small(), 132, Store::default(), Store::default()),
        };
        if open {
            // Alice waits for Bob's test results, Bob for Alice's disclosure.
            pair.feed(&slots());
            let stop = if role == Role::Alice { Kind::TestResult } else { Kind::Sift };
            pair.pump(&mut |from, index, bytes: Vec<u8>| {
                let kind = inspect(&bytes).expect("honest").kind;
                if kind as u8 >= stop as u8 { vec![] } else { carry(from, index, bytes) }
            });
        }
        let mut messages = vec![vec![], vec![1], vec![0; 31], vec![0; 32], vec![0xFF; 40]];
        for block in [0, 1, 1 << 40, u64::MAX] {
            messages.extend((1..15).map(|kind| envelope(kind, role.other(), block, 1)));
            messages.extend((0..15).map(|kind| envelope(kind, role, block, 0)));
        }
        let marks = |pair: &Pair| (pair.watermarks(role), pair.states(0));
        let (was, mut answers, mut events, mut typed) = (marks(&pair), 0, 0, 0);
        for i in 0..1_000_000 {
            let message = &messages[i % messages.len()];
            let heard = match role {
                Role::Alice => pair.alice.handle(3, message),
                Role::Bob => pair.bob.handle(3, message),
            };
            if let Err(fault) = heard {
                typed += 1;
                assert_eq!(fault.blame(), Blame::OtherStation, "{fault}");
            }
            while pair.alice.poll_message().or_else(|| pair.bob.poll_message()).is_some() {
                answers += 1;
            }
            while pair.alice.poll_event().or_else(|| pair.bob.poll_event()).is_some() {
                events += 1;
            }
        }
        assert!(answers <= 4 && events <= 6, "{role}: {answers} answers, {events} events");
        assert!(typed > 500_000, "{role}: {typed} typed errors");
        assert_eq!(marks(&pair).0, was.0, "{role}: pads were spent on noise");
        assert!(nothing_is_usable(&pair));
    }
    bounded(before, "a million tiny messages, four times");
}

/// A second peer with a secret of its own speaks between the two at every step. It makes no contact,
/// gets no key and spoils at most the block in progress; the next one is made.
#[test]
fn a_second_peer_in_the_middle_of_a_block_gets_nothing() {
    // What a stranger with the same parameters and another secret says, up to his own tag.
    let mut other = Pair::with(small(), 777, Store::default(), Store::default());
    for (role, seed) in [(Role::Alice, "alice"), (Role::Bob, "bob")] {
        let (p, pads, random) = (small(), book(role, 9), entropy(777, seed));
        match role {
            Role::Alice => {
                other.alice =
                    helio_distill::alice::Session::new(p, local(), pads, random, Store::default())
                        .unwrap();
            }
            Role::Bob => {
                other.bob =
                    helio_distill::bob::Session::new(p, local(), pads, random, Store::default())
                        .unwrap();
            }
        }
    }
    let mut strange: Vec<(Role, Vec<u8>)> = Vec::new();
    let mut record = |from: Role, index, bytes: Vec<u8>| {
        strange.push((from.other(), bytes.clone()));
        carry(from, index, bytes)
    };
    other.connect(&mut record);
    other.feed(&emit(&small(), LINK, 778, 0, u64::from(SLOTS)));
    other.pump(&mut record);
    assert!(other.common_key(0).is_some(), "{:?}", other.faults);

    let count = clean_messages().len();
    let mut spoilt = 0;
    for at in 0..count {
        let mut pair = open_pair();
        pair.feed(&slots());
        let mut nth = 0;
        pair.pump(&mut |from, index, bytes: Vec<u8>| {
            let mut out = Vec::new();
            if nth == at {
                // All that the stranger has to say, to both.
                out.extend(strange.iter().cloned());
            }
            nth += 1;
            out.extend(carry(from, index, bytes));
            out
        });
        pair.wait(&mut carry);
        pair.wait(&mut carry);
        assert!(!pair.faults.is_empty(), "step {at}");
        for (_, fault) in &pair.faults {
            let fits = fault.blame() == Blame::OtherStation || matches!(fault, Fault::ContactTag);
            assert!(fits, "step {at}: {fault}");
        }
        spoilt += usize::from(pair.common_key(0).is_none());
        pair.faults.clear();
        pair.now_ns += 1_000_000;
        pair.connect(&mut carry);
        let states = pair.states(0);
        assert_eq!(states[0], states[1], "step {at}: {:?}", pair.faults);
        let next = emit(&small(), LINK, 131, u64::from(SLOTS), u64::from(SLOTS));
        pair.feed(&next);
        pair.pump(&mut carry);
        assert!(pair.common_key(1).is_some(), "step {at}: {:?}", pair.faults);
    }
    println!("{spoilt} of {count} blocks were spoilt by a stranger's words");
}
