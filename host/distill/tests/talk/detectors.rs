//! Error rates by detector: right for a receiver with one bad detector, and in no message.

use helio_distill::{DetectorErrors, Event, Role};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::channel::{Link, Slots, emit};
use crate::pair::{Pair, carry, parameters};

const SLOTS: u32 = 1_200_000;
const LINK: Link = Link { eta: 0.7, dark: 1e-6, misalignment: 0.002 };

/// Clicks of which detector 1 alone takes some that detector 0 should have had.
fn one_bad_detector() -> Slots {
    let mut slots = emit(&parameters(SLOTS), LINK, 71, 0, u64::from(SLOTS));
    let mut random = ChaCha8Rng::seed_from_u64(72);
    for detection in &mut slots.detections {
        if detection.mask == 1 && random.next_u64().is_multiple_of(50) {
            detection.mask = 2;
        }
    }
    slots
}

/// The detectors exchanged, and every swap with them: all bits stay as they are.
fn exchanged(mut slots: Slots) -> Slots {
    slots.bob.iter_mut().for_each(|byte| *byte ^= 0b1010_1010);
    for detection in &mut slots.detections {
        detection.mask = (detection.mask & 1) << 1 | detection.mask >> 1;
    }
    slots
}

/// Errors and bits in the test and in the key basis, of detector 0, detector 1 and double clicks,
/// counted by somebody who knows all settings. A double click's bit is drawn: no errors of it here.
fn truth(slots: &Slots) -> [[(u64, u64); 3]; 2] {
    let mut counts = [[(0, 0); 3]; 2];
    for detection in &slots.detections {
        let at = (detection.slot - slots.first) as usize;
        let alice = slots.alice[at / 2] >> (4 * (at % 2)) & 0xF;
        let bob = slots.bob[at / 4] >> (2 * (at % 4)) & 3;
        let (alice_test, bit) = (alice & 2 != 0, alice & 1 != 0);
        let (swap, bob_test) = (bob & 2 != 0, bob & 1 != 0);
        if alice_test != bob_test {
            continue;
        }
        let (row, wrong) = match detection.mask {
            1 => (0, swap != bit),
            2 => (1, swap == bit),
            _ => (2, false),
        };
        let (errors, bits) = &mut counts[usize::from(!alice_test)][row];
        *errors += u64::from(wrong);
        *bits += 1;
    }
    counts
}

type Said = Vec<(Role, Vec<u8>)>;

fn run(slots: &Slots) -> (Pair, Said, Vec<DetectorErrors>) {
    let mut pair = Pair::new(SLOTS, 73);
    let mut said = Vec::new();
    let mut record = |from, index, message: Vec<u8>| {
        said.push((from, message.clone()));
        carry(from, index, message)
    };
    pair.connect(&mut record);
    pair.feed(slots);
    pair.pump(&mut record);
    assert!(pair.common_key(0).is_some(), "{:?}", pair.faults);
    let mut lines = Vec::new();
    for (role, event) in &pair.events {
        match event {
            Event::BlockDone(report) if *role == Role::Bob => lines.clone_from(&report.by_detector),
            Event::BlockDone(report) => assert_eq!(report.by_detector, [], "Alice has none"),
            _ => {}
        }
    }
    (pair, said, lines)
}

#[test]
fn a_bad_detector_is_named_and_no_message_tells_of_it() {
    let slots = one_bad_detector();
    let [test, key] = truth(&slots);
    let (pair, said, lines) = run(&slots);
    assert_eq!(lines.iter().map(|l| l.detector).collect::<Vec<_>>(), [Some(0), Some(1), None]);
    for (row, line) in lines.iter().enumerate() {
        let key_rate = line.key.expect("a key was made");
        assert_eq!((line.test.bits, key_rate.bits), (test[row].1, key[row].1), "row {row}");
        if row < 2 {
            assert_eq!((line.test.errors, key_rate.errors), (test[row].0, key[row].0), "row {row}");
        }
    }
    let [good, bad, double] = &lines[..] else { panic!("three lines") };
    assert!(bad.test.low > 2.0 * good.test.high, "{good:?} {bad:?}");
    assert!(bad.key.unwrap().low > 2.0 * good.key.unwrap().high, "{good:?} {bad:?}");
    // A drawn bit is wrong half the time.
    assert!(double.test.bits > 20, "{double:?}");
    assert!(double.test.low < 0.5 && double.test.high > 0.5, "{double:?}");
    // The lines add up to what the report says of both bases.
    let report = pair.events.iter().find_map(|(role, e)| match e {
        Event::BlockDone(report) if *role == Role::Bob => Some(report),
        _ => None,
    });
    let report = report.expect("the block ended");
    let sum = |f: fn(&DetectorErrors) -> u64| lines.iter().map(f).sum::<u64>();
    assert_eq!(sum(|l| l.test.errors), report.test_qber.errors);
    assert_eq!(sum(|l| l.key.unwrap().errors), report.key_qber.unwrap().errors);

    // With the detectors exchanged every byte that is said and every certificate stays the same,
    // so that nothing in them depends on which detector clicked.
    let (other, said_there, lines_there) = run(&exchanged(slots));
    assert!(said == said_there, "a message tells of the detectors");
    assert!(lines_there[0].key == lines[1].key && lines_there[1].test == lines[0].test);
    let papers = [&pair, &other].map(|p| p.bob.store().usable(p.id(0)).expect("a key").1.clone());
    assert_eq!(papers[0], papers[1]);
    assert_eq!(report.fingerprint, reports_fingerprint(&other));
}

fn reports_fingerprint(pair: &Pair) -> Option<String> {
    pair.events.iter().find_map(|(_, e)| match e {
        Event::BlockDone(report) => report.fingerprint.clone(),
        _ => None,
    })
}

/// A block that gives no key tells its test basis all the same.
#[test]
fn a_block_without_key_tells_the_test_basis_by_detector() {
    let mut pair = Pair::new(200_000, 74);
    pair.connect(&mut carry);
    pair.block(0, Link { eta: 0.5, dark: 1e-5, misalignment: 0.25 }, &mut carry);
    let report = pair.events.iter().find_map(|(role, e)| match e {
        Event::BlockDone(report) if *role == Role::Bob => Some(report),
        _ => None,
    });
    let report = report.expect("the block ended");
    assert!(report.no_key.is_some() && report.by_detector.len() == 3);
    assert!(report.by_detector.iter().all(|line| line.key.is_none()));
    let bits: u64 = report.by_detector.iter().map(|line| line.test.bits).sum();
    assert_eq!(bits, report.sifted_test);
}
