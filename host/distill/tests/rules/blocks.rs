//! Blocks: fixed ranges of slots, spoken of only when they are over.

use helio_distill::{BlockReport, Event, Fault, Kind, Role, inspect};

use crate::channel::{Link, emit};
use crate::pair::{Pair, Store, carry, parameters};

const SLOTS: u32 = 300_000;
const N: u64 = SLOTS as u64;

fn reports(pair: &Pair, role: Role) -> Vec<BlockReport> {
    let of = |(r, event): &(Role, Event)| match event {
        Event::BlockDone(report) if *r == role => Some(report.as_ref().clone()),
        _ => None,
    };
    pair.events.iter().filter_map(of).collect()
}

/// Blocks 1: a block without clicks, one with hardly any, one with many: each is its own range of
/// slots and ends by itself. What one lacks is not taken from the next, and what one has does not
/// lengthen another.
#[test]
fn blocks_are_never_extended_cut_or_merged_because_of_their_counts() {
    let links = [
        Link::GOOD,
        Link { eta: 0.0, dark: 0.0, misalignment: 0.0 },
        Link { eta: 0.002, dark: 1e-6, misalignment: 0.01 },
        Link { eta: 1.0, dark: 1e-4, misalignment: 0.01 },
        Link::GOOD,
    ];
    let mut pair = Pair::with(parameters(SLOTS), 91, Store::default(), Store::default());
    let mut ranges = Vec::new();
    let mut record = |from, index, bytes: Vec<u8>| {
        let seen = inspect(&bytes).expect("an honest message");
        if seen.kind == Kind::Detections {
            let slot = u64::from_le_bytes(bytes[24..32].try_into().expect("eight bytes"));
            ranges.push((seen.block.expect("a block"), slot));
        }
        carry(from, index, bytes)
    };
    pair.connect(&mut record);
    for (block, link) in links.into_iter().enumerate() {
        pair.block(block as u64, link, &mut record);
    }
    assert_eq!(pair.faults, []);
    let expected: Vec<(u64, u64)> = (0..5).map(|b| (b, (b + 1) * N)).collect();
    assert_eq!(ranges, expected, "each is announced once, at its own end");
    for role in [Role::Alice, Role::Bob] {
        let reports = reports(&pair, role);
        assert_eq!(reports.len(), 5);
        for (block, (report, link)) in reports.iter().zip(links).enumerate() {
            let block = block as u64;
            let spacing = u64::from(pair.parameters.sync_spacing);
            let emitted = emit(&pair.parameters, link, pair.seed, block * N, N);
            let clicks = emitted.detections.iter().filter(|c| !c.slot.is_multiple_of(spacing));
            assert_eq!((report.id.block, report.slots), (block, N));
            assert_eq!(report.announced.detections, clicks.count() as u64, "block {block}");
            assert_eq!((report.lost_slots, report.announced.without_setting), (0, 0));
        }
    }
}

/// Blocks 2, at Bob: nothing about a block leaves before its last slot has been recorded, however
/// much of it is there.
#[test]
fn bob_says_nothing_of_a_block_before_its_last_slot_is_recorded() {
    let mut pair = Pair::with(parameters(SLOTS), 92, Store::default(), Store::default());
    pair.connect(&mut carry);
    let contact = pair.carried;
    let slots = emit(&pair.parameters, Link::GOOD, 92, 0, N);
    pair.alice.push_settings(0, N, &slots.alice).unwrap();
    pair.bob.push_settings(0, N, &slots.bob).unwrap();
    pair.bob.push_detections(&slots.detections).unwrap();
    for reached in [1, N / 2, N - 1] {
        // What clicked after `reached` is there already; what did not click may still come.
        let _ = pair.bob.reached(reached);
        pair.pump(&mut carry);
        assert_eq!(pair.carried, contact, "Bob spoke at slot {reached} of {N}");
    }
    pair.bob.reached(N).unwrap();
    pair.pump(&mut carry);
    assert!(pair.carried > contact + 2, "{:?}", pair.faults);
}

/// Blocks 2, from the other side: Alice takes no announcement that left before the block's end by
/// Bob's own clock, and burns the block.
#[test]
fn alice_refuses_an_announcement_from_before_the_blocks_end() {
    let mut pair = Pair::with(parameters(SLOTS), 93, Store::default(), Store::default());
    pair.connect(&mut carry);
    let mut early = |from, index, mut bytes: Vec<u8>| {
        if inspect(&bytes).is_some_and(|seen| seen.kind == Kind::Detections) {
            bytes[24..32].copy_from_slice(&(N - 1).to_le_bytes());
        }
        carry(from, index, bytes)
    };
    pair.block(0, Link::GOOD, &mut early);
    let told = |(role, fault): &(Role, Fault)| {
        *role == Role::Alice && matches!(fault, Fault::AnnouncedTooEarly { block: 0, .. })
    };
    assert!(pair.faults.iter().any(told), "{:?}", pair.faults);
    pair.wait(&mut carry);
    assert_eq!(pair.common_key(0), None);
}

/// Messages 2, the clock bound: Bob takes Alice's disclosure only if it left `clock_bound_slots`
/// after the end of the block, not merely after the end.
#[test]
fn a_disclosure_within_the_clock_bound_is_refused() {
    const N: u64 = 1_000_000;
    let bound = 700;
    for (slot, fits) in [(N, false), (N + bound - 1, false), (N + bound, true)] {
        let mut parameters = parameters(N as u32);
        parameters.clock_bound_slots = bound as u32;
        let mut pair = Pair::with(parameters, 94, Store::default(), Store::default());
        pair.connect(&mut carry);
        let slots = emit(&pair.parameters, Link::GOOD, 94, 0, N);
        pair.feed(&slots);
        pair.alice.lost_settings(N..N + bound).unwrap();
        let mut stated = |from, index, mut bytes: Vec<u8>| {
            if inspect(&bytes).is_some_and(|seen| seen.kind == Kind::Sift) {
                bytes[24..32].copy_from_slice(&slot.to_le_bytes());
            }
            carry(from, index, bytes)
        };
        pair.pump(&mut stated);
        let early = |(_, fault): &(Role, Fault)| matches!(fault, Fault::DisclosedTooEarly { .. });
        assert_eq!(pair.faults.iter().any(early), !fits, "slot {slot}: {:?}", pair.faults);
        assert_eq!(pair.common_key(0).is_some(), fits, "slot {slot}: {:?}", pair.faults);
    }
}
