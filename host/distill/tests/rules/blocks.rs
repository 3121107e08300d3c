//! Blocks: fixed ranges of slots, spoken of only when they are over.

use helio_distill::announced::Announced;
use helio_distill::bound::{Acceptance, BoundChoice};
use helio_distill::parameters::Parameters;
use helio_distill::{BlockReport, Event, Fault, Kind, Role, bob, inspect};

use crate::channel::{Link, emit};
use crate::pair::{Pair, Store, book, carry, entropy, local, parameters};

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

/// Blocks 3: key and test slots are treated the same. With both stations' bases exchanged in every
/// slot the same slots are announced and lost, and what was counted in one basis is counted in the
/// other.
#[test]
fn which_slots_are_kept_does_not_depend_on_their_bases() {
    let parameters = parameters(SLOTS);
    let run = |exchange: bool| {
        let mut slots = emit(&parameters, Link::GOOD, 95, 0, N);
        if exchange {
            slots.alice.iter_mut().for_each(|two| *two ^= 0b0010_0010);
            slots.bob.iter_mut().for_each(|four| *four ^= 0b0101_0101);
        }
        let (store_a, store_b) = (Store::default(), Store::default());
        let mut pair = Pair::with(parameters.clone(), 95, store_a, store_b);
        pair.connect(&mut carry);
        // Slots that either device has no data for are left out the same way.
        let a = pair.alice.push_settings(0, 5_000, &slots.alice);
        pair.note(Role::Alice, a);
        let a = pair.alice.lost_settings(5_000..6_000);
        pair.note(Role::Alice, a);
        let a = pair.alice.push_settings(6_000, N - 6_000, &slots.alice[3_000..]);
        pair.note(Role::Alice, a);
        let b = pair.bob.push_detections(&slots.detections);
        pair.note(Role::Bob, b);
        let b = pair.bob.push_settings(0, N, &slots.bob);
        pair.note(Role::Bob, b);
        let b = pair.bob.reached(N);
        pair.note(Role::Bob, b);
        pair.pump(&mut carry);
        assert_eq!(pair.faults, []);
        reports(&pair, Role::Bob).remove(0).announced
    };
    let (plain, exchanged) = (run(false), run(true));
    assert!(plain.without_setting > 100, "{plain:?}");
    let kept = |a: &Announced| (a.detections, a.without_setting, a.mismatched);
    assert_eq!(kept(&plain), kept(&exchanged));
    assert_eq!(plain.counts.n_key, exchanged.counts.n_test);
    assert_eq!(plain.counts.n_test, exchanged.counts.n_key);
}

/// Blocks 3 and 5: what is changed in the middle of a run, by one station that comes back with another
/// window, hold-off, intensity or bound, ends the contact with its name, and no block of the run is
/// talked about until it is as agreed.
#[test]
fn a_setting_that_is_changed_in_mid_run_makes_no_further_block() {
    type Change = fn(&mut Parameters);
    let changes: [(&str, Change); 9] = [
        ("window (ps)", |p| p.window_ps += 1),
        ("hold-off (ps)", |p| p.hold_off_ps -= 1),
        ("sync spacing", |p| p.sync_spacing += 1),
        ("slots per block", |p| p.slots_per_block += 64),
        ("mu (1e-9 photons a pulse)", |p| p.mu_nano[1] += 1),
        ("intensity weights / 4096", |p| p.intensity_weights = [1637, 1639, 820]),
        ("Bob's key-basis weight / 4096", |p| p.bob_key_weight += 1),
        ("QBER margin (ppm)", |p| p.qber_margin_ppm += 1),
        ("bound", |p| {
            let accept = Acceptance { single_photons: 1, phase_error_nano: 0, lambda_max: 0 };
            p.bound = BoundChoice::Wiesemann(accept);
            p.mu_nano[2] = 0;
            p.intensity_weights = [2048, 2048, 0];
        }),
    ];
    for (name, change) in changes {
        let mut pair = Pair::with(parameters(SLOTS), 96, Store::default(), Store::default());
        pair.connect(&mut carry);
        pair.block(0, Link::GOOD, &mut carry);
        assert_eq!((pair.faults.len(), reports(&pair, Role::Alice).len()), (0, 1));
        let mut changed = pair.parameters.clone();
        change(&mut changed);
        let come_back = |pair: &mut Pair, p: &Parameters| {
            let (pads, random) = (book(Role::Bob, 1), entropy(97, "bob, again"));
            let bob = bob::Session::new(p.clone(), local(), pads, random, Store::default());
            pair.bob = bob.expect("parameters that a run could be made with");
        };
        come_back(&mut pair, &changed);
        pair.connect(&mut carry);
        for role in [Role::Alice, Role::Bob] {
            let told = pair.faults.iter().any(|(r, fault)| {
                let Fault::ParametersDiffer(all) = fault else { return false };
                *r == role && all.iter().any(|d| d.field == name)
            });
            assert!(told, "{name} at {role}: {:?}", pair.faults);
        }
        let first = u64::from(changed.slots_per_block);
        let lost = pair.bob.lost_settings(0..first);
        pair.note(Role::Bob, lost);
        let b = pair.bob.reached(first);
        pair.note(Role::Bob, b);
        pair.block(1, Link::GOOD, &mut carry);
        assert_eq!(reports(&pair, Role::Alice).len(), 1, "{name}: another block was talked about");
        assert_eq!(pair.states(1)[0], None, "{name}");
    }
}
