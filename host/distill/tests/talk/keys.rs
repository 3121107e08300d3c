//! Keys over honest lines.

use std::collections::VecDeque;

use helio_distill::bound::Ledger;
use helio_distill::pads::{Purpose, Way};
use helio_distill::parameters::Receiver;
use helio_distill::release::{BlockState, StationStore};
use helio_distill::{
    BlockReport, Event, Fault, Kind, Local, NoKeyReason, Role, certificate, inspect,
};
use helio_timetag::SlotBatch;

use crate::channel::{Link, emit};
use crate::pair::{Pair, Store, carry, envelope, local, parameters};

fn reports(pair: &Pair) -> Vec<&BlockReport> {
    pair.events
        .iter()
        .filter_map(|(_, e)| if let Event::BlockDone(r) = e { Some(r.as_ref()) } else { None })
        .collect()
}

#[test]
fn a_block_ends_in_one_key_on_both_sides() {
    let mut pair = Pair::new(1_000_000, 1);
    pair.connect(&mut carry);
    pair.block(0, Link::GOOD, &mut carry);
    assert_eq!(pair.faults, []);
    let bits = pair.common_key(0).expect("a key");
    assert!(bits > 500, "{bits}");
    assert_eq!(pair.states(0), [Some(BlockState::Usable); 2]);

    let (_, kept) = pair.alice.store().usable(pair.id(0)).unwrap();
    assert_eq!(certificate::recompute(&kept.public), Ok(bits));
    // A certificate that claims more, or charges less, does not stand.
    let mut forged = kept.public.clone();
    forged.length += 1;
    assert!(certificate::recompute(&forged).is_err());
    let mut forged = kept.public.clone();
    forged.lambda_max -= 1;
    forged.length += 1;
    assert!(certificate::recompute(&forged).is_err());
    let mut forged = kept.public.clone();
    forged.announced.counts.m_test[0] /= 2;
    assert!(certificate::recompute(&forged).is_err());

    type Change = fn(&mut certificate::PublicPart);
    let changes: [(&str, Change); 5] = [
        ("bound.phi", |c| c.bound.phi /= 2.0),
        ("epsilon.sampling", |c| {
            let Ledger::Composed(parts) = &mut c.epsilon else { panic!("two decoys") };
            parts.sampling /= 2.0;
        }),
        ("epsilon_total", |c| c.epsilon_total /= 2.0),
        ("epsilon_auth", |c| c.epsilon_auth /= 2.0),
        ("assumptions", |c| c.assumptions.retain(|a| !a.contains("source assumed ideal"))),
    ];
    for (name, change) in changes {
        let mut forged = kept.public.clone();
        change(&mut forged);
        let why = certificate::recompute(&forged);
        assert!(
            matches!(&why, Err(certificate::BadCertificate::Differs(all)) if all[0].field == name),
            "{name}: {why:?}"
        );
    }

    let reports = reports(&pair);
    let [a, b] = reports[..] else { panic!("two reports") };
    assert_eq!(a.fingerprint, b.fingerprint);
    assert!(a.fingerprint.is_some());
    assert_eq!((a.announced.clone(), a.length), (b.announced.clone(), bits));
    // Only Bob knows the key basis' errors.
    let (bob, alice) = if a.role == Role::Bob { (a, b) } else { (b, a) };
    assert!(alice.key_qber.is_none());
    let qber = bob.key_qber.unwrap();
    assert!(qber.rate.unwrap() > 0.005 && qber.rate.unwrap() < 0.03, "{qber:?}");
    assert!(bob.f_charged.unwrap() >= bob.f_alice.unwrap());
    let spent: f64 = bob.breakdown.iter().map(|(_, bits)| bits).sum();
    assert!((spent - bob.sifted_key as f64).abs() < 1.0);
    assert_eq!(bob.announced.bins.len(), 20);
    assert_eq!(bob.announced.bins.iter().map(|b| b.bits).sum::<u64>(), bob.sifted_test);
}

/// Loss and error rate from nothing to hopeless: the keys never differ, every length follows from
/// its certificate, and enough blocks end in a key for this to mean something.
#[test]
fn keys_agree_over_many_links() {
    let (mut keys, mut no_key) = (0, 0);
    for seed in 0..220u64 {
        let link = Link {
            eta: 0.9 * 0.85f64.powi((seed % 11) as i32 / 2),
            dark: 1e-6 * 10f64.powi((seed % 3) as i32),
            misalignment: 0.003 * (seed % 8) as f64,
        };
        let mut pair = Pair::new(1_200_000, 1000 + seed);
        pair.connect(&mut carry);
        pair.block(0, link, &mut carry);
        let [a, b] = pair.states(0);
        assert_eq!(a, b, "seed {seed}: {:?}", pair.faults);
        match pair.common_key(0) {
            Some(bits) => {
                keys += 1;
                assert_eq!(pair.faults, [], "seed {seed}");
                let (_, kept) = pair.bob.store().usable(pair.id(0)).unwrap();
                assert_eq!(certificate::recompute(&kept.public), Ok(bits));
            }
            None => {
                no_key += 1;
                assert_eq!(a, Some(BlockState::Burnt), "seed {seed}");
            }
        }
    }
    println!("{keys} keys, {no_key} blocks without");
    assert!(keys >= 100 && no_key >= 10, "{keys} keys, {no_key} blocks without");
}

#[test]
fn blocks_follow_each_other_and_queue() {
    let mut pair = Pair::new(1_000_000, 3);
    // Two blocks are over before there is contact.
    for block in 0..2 {
        let n = 1_000_000;
        pair.feed(&emit(&pair.parameters, Link::GOOD, 3, block * n, n));
    }
    pair.connect(&mut carry);
    pair.block(2, Link::GOOD, &mut carry);
    for block in 0..3 {
        assert!(pair.common_key(block).is_some(), "block {block}: {:?}", pair.faults);
    }
    let id = pair.id(0);
    let (first, _) = pair.alice.store_mut().take(id).unwrap();
    let second = pair.id(1);
    let (second, _) = pair.alice.store_mut().take(second).unwrap();
    assert!(
        first.bits().len() != second.bits().len() || !bool::from(first.bits().ct_eq(second.bits()))
    );
    assert!(pair.alice.store_mut().take(id).is_none(), "delivered once");
}

/// The same blocks with one, two, four of them talked about at a time: the same keys, and as many talks
/// beside each other as may be.
#[test]
fn blocks_in_flight_change_the_order_of_the_work_and_no_key() {
    let keys = [1, 2, 4].map(|blocks_in_flight| {
        let local = Local { blocks_in_flight, max_blocks: 5, ..local() };
        let (alice, bob) = (Store::default(), Store::default());
        let mut pair = Pair::of(parameters(1_000_000), &local, 3, alice, bob);
        for block in 0..5 {
            pair.feed(&emit(&pair.parameters, Link::GOOD, 3, block * 1_000_000, 1_000_000));
        }
        pair.connect(&mut |_, _, _| Vec::new());
        // Both stations at once, a message each.
        let (mut lines, mut most) = ([VecDeque::new(), VecDeque::new()], [0, 0]);
        pair.alice.connect(1).unwrap();
        pair.bob.connect(1).unwrap();
        loop {
            let talks = [pair.alice.progress().blocks, pair.bob.progress().blocks];
            assert!(talks.iter().all(|talks| talks.is_sorted_by_key(|talk| talk.block)));
            most = std::array::from_fn(|i| most[i].max(talks[i].len()));
            lines[1].extend(std::iter::from_fn(|| pair.alice.poll_message()));
            lines[0].extend(std::iter::from_fn(|| pair.bob.poll_message()));
            if lines.iter().all(VecDeque::is_empty) {
                break;
            }
            if let Some(message) = lines[0].pop_front() {
                pair.alice.handle(2, &message).unwrap();
            }
            if let Some(message) = lines[1].pop_front() {
                pair.bob.handle(2, &message).unwrap();
            }
        }
        assert_eq!(most, [blocks_in_flight; 2]);
        (0..5).for_each(|block| assert!(pair.common_key(block).is_some(), "block {block}"));
        let key =
            |block| pair.alice.store().usable(pair.id(block)).expect("common").0.fingerprint();
        [0, 1, 2, 3, 4].map(key)
    });
    assert!(keys.iter().all(|of_run| *of_run == keys[0]), "{keys:?}");
}

/// With pads for one block more, or ε for one, the second in flight waits for the first; none of them
/// finds nothing left at its tag.
#[test]
fn what_is_left_for_one_block_is_not_promised_to_two() {
    let blocks = crate::pair::PADS as u64 - crate::pair::RESERVE;
    for (pads, epsilon) in [(1, 0.0), (5, 1e-6 - 1.5e-10)] {
        let (mut alice, mut bob) = (Store::default(), Store::default());
        for (store, way) in [(&mut alice, Way::Out), (&mut bob, Way::In)] {
            store.spend_pads(way, Purpose::Block, blocks - pads).unwrap();
            store.record_epsilon(epsilon).unwrap();
        }
        let mut pair = Pair::with(parameters(1_000_000), 3, alice, bob);
        for block in 0..2 {
            pair.feed(&emit(&pair.parameters, Link::GOOD, 3, block * 1_000_000, 1_000_000));
        }
        pair.connect(&mut carry);
        assert!(pair.common_key(0).is_some(), "{:?}", pair.faults);
        assert_eq!(pair.common_key(1), None);
        let (_, fault) = pair.faults.first().expect("the second cannot be afforded");
        assert!(matches!(fault, Fault::PadsEmpty(_) | Fault::EpsilonSpent { .. }), "{fault:?}");
    }
}

/// A block that fails takes no other one with it.
#[test]
fn a_block_that_fails_leaves_the_next_in_flight_alone() {
    let mut pair = Pair::new(1_000_000, 3);
    for block in 0..2 {
        pair.feed(&emit(&pair.parameters, Link::GOOD, 3, block * 1_000_000, 1_000_000));
    }
    let mut harmed = false;
    pair.connect(&mut |from, index, mut message| {
        let seen = inspect(&message).expect("a station's own");
        if seen.kind == Kind::Sift && seen.block == Some(0) {
            harmed = true;
            message.truncate(40);
        }
        carry(from, index, message)
    });
    assert!(harmed);
    assert_eq!(pair.common_key(0), None);
    assert!(pair.common_key(1).is_some(), "{:?}", pair.faults);
}

/// A later block that ends while an earlier one waits for Alice's slots takes none of its settings, and
/// an announcement that is refused ends nothing.
#[test]
fn an_earlier_block_that_waits_for_slots_keeps_its_settings() {
    let n = 1_000_000;
    let mut pair = Pair::new(n as u32, 3);
    pair.connect(&mut carry);
    let blocks = [0, 1].map(|block| emit(&pair.parameters, Link::GOOD, 3, block * n, n));
    pair.alice.push_settings(0, 600_000, &blocks[0].alice[..300_000]).unwrap();
    for slots in &blocks {
        pair.bob.push_settings(slots.first, slots.count, &slots.bob).unwrap();
        pair.bob.push_detections(&slots.detections).unwrap();
        pair.bob.reached(slots.first + slots.count).unwrap();
    }
    pair.pump(&mut carry);
    assert_eq!(pair.alice.progress().blocks.len(), 2, "both are announced");
    let far = envelope(Kind::Detections as u8, Role::Bob, 1 << 63, 0, u64::MAX);
    assert_eq!(pair.alice.handle(5, &far), Err(Fault::FutureBlock(1 << 63)));
    assert_eq!(pair.alice.progress().blocks.len(), 2, "both are there still");
    let mut abort = envelope(Kind::Abort as u8, Role::Bob, 1, 0, 2 * n);
    abort.push(0);
    assert!(pair.alice.handle(5, &abort).is_err());
    pair.alice.push_settings(600_000, 400_000, &blocks[0].alice[300_000..]).unwrap();
    pair.pump(&mut carry);
    assert!(pair.common_key(0).is_some(), "{:?}", pair.faults);
}

#[test]
fn alice_answers_only_after_her_own_last_slot() {
    let mut parameters = parameters(1_000_000);
    parameters.clock_bound_slots = 500;
    let mut pair = Pair::with(parameters.clone(), 4, Store::default(), Store::default());
    pair.connect(&mut carry);
    let slots = emit(&parameters, Link::GOOD, 4, 0, 1_000_000);
    pair.alice.push_settings(0, 900_000, &slots.alice[..450_000]).unwrap();
    pair.bob.push_settings(0, 1_000_000, &slots.bob).unwrap();
    pair.bob.push_detections(&slots.detections).unwrap();
    pair.bob.reached(1_000_000).unwrap();
    pair.pump(&mut carry);
    assert_eq!((pair.states(0), pair.carried), ([None; 2], 5), "Bob announced, Alice waits");
    pair.alice.push_settings(900_000, 100_000, &slots.alice[450_000..]).unwrap();
    pair.pump(&mut carry);
    assert_eq!(pair.states(0), [None; 2], "the clock bound is not over");
    pair.alice.lost_settings(1_000_000..1_000_500).unwrap();
    pair.pump(&mut carry);
    assert!(pair.common_key(0).is_some(), "{:?}", pair.faults);
}

#[test]
fn lost_slots_are_left_out_on_both_sides() {
    let mut pair = Pair::new(1_000_000, 5);
    pair.connect(&mut carry);
    let slots = emit(&pair.parameters, Link::GOOD, 5, 0, 1_000_000);
    // Alice's device lost 10 000 slots, Bob's settings 8 000, his clicks 20 000.
    pair.alice.push_settings(0, 100_000, &slots.alice[..50_000]).unwrap();
    pair.alice.push_settings(110_000, 890_000, &slots.alice[55_000..]).unwrap();
    pair.bob.push_settings(0, 200_000, &slots.bob[..50_000]).unwrap();
    pair.bob.push_settings(208_000, 792_000, &slots.bob[52_000..]).unwrap();
    pair.bob.push_dropped(300_000..320_000);
    pair.bob.push_detections(&slots.detections).unwrap();
    pair.bob.reached(1_000_000).unwrap();
    pair.pump(&mut carry);
    assert!(pair.common_key(0).is_some(), "{:?}", pair.faults);
    for report in reports(&pair) {
        let lost = if report.role == Role::Alice { 10_000 } else { 28_000 };
        assert_eq!(report.lost_slots, lost);
        assert!(report.announced.without_setting > 500);
    }
}

/// A detection that cannot be drops what follows it in its batch, whatever clicked there.
#[test]
fn slots_after_a_refused_detection_make_no_key() {
    let mut pair = Pair::new(1_000_000, 5);
    pair.connect(&mut carry);
    let slots = emit(&pair.parameters, Link::GOOD, 5, 0, 1_000_000);
    pair.alice.push_settings(0, 1_000_000, &slots.alice).unwrap();
    pair.bob.push_settings(0, 1_000_000, &slots.bob).unwrap();
    let mut detections = slots.detections.clone();
    let bad = detections.partition_point(|d| d.slot < 700_000);
    detections[bad].mask = 4;
    let before = detections[bad - 1].slot;
    let batch = SlotBatch { detections, reached: 1_000_000, ..SlotBatch::default() };
    assert!(pair.bob.push_batch(&batch).is_err());
    pair.pump(&mut carry);
    let reports = reports(&pair);
    let report = reports.iter().find(|r| r.role == Role::Bob).expect("the block ended");
    assert_eq!(report.lost_slots, 999_999 - before);
    assert!(report.announced.detections <= bad as u64);
}

#[test]
fn a_passive_receiver_is_measured_and_makes_no_key() {
    let mut parameters = parameters(100_000);
    parameters.receiver = Receiver::Passive;
    let mut pair = Pair::with(parameters.clone(), 6, Store::default(), Store::default());
    pair.connect(&mut carry);
    let mut slots = emit(&parameters, Link::GOOD, 6, 0, 100_000);
    for (i, d) in slots.detections.iter_mut().enumerate() {
        d.mask <<= 2 * (i % 2);
    }
    pair.feed(&slots);
    pair.pump(&mut carry);
    assert_eq!(pair.faults, []);
    for report in reports(&pair) {
        assert_eq!((report.no_key, report.length), (Some(NoKeyReason::PassiveReceiver), 0));
        assert!(report.sifted_test > 1000);
    }
    assert_eq!(pair.states(0), [Some(BlockState::Burnt); 2]);
}

#[test]
fn hopeless_blocks_end_before_reconciliation_and_empty_ones_do_too() {
    for link in [
        Link { eta: 0.0, dark: 0.0, misalignment: 0.0 },
        Link { eta: 0.5, dark: 1e-5, misalignment: 0.25 },
        Link { eta: 0.01, dark: 1e-5, misalignment: 0.01 },
    ] {
        let mut pair = Pair::new(200_000, 7);
        pair.connect(&mut carry);
        pair.block(0, link, &mut carry);
        assert_eq!(pair.faults, []);
        // Four messages of contact, then detections, bases, test results.
        assert_eq!(pair.carried, 7);
        assert_eq!(pair.states(0), [Some(BlockState::Burnt); 2]);
        assert!(reports(&pair).iter().all(|r| r.reason.is_some() && r.length == 0));
    }
}

#[test]
fn a_station_that_falls_behind_drops_the_oldest_blocks_and_keeps_bounded_memory() {
    let mut pair = Pair::new(10_000, 8);
    for block in 0..50 {
        pair.feed(&emit(&pair.parameters, Link::GOOD, 8, block * 10_000, 10_000));
    }
    let dropped = |role| {
        let lengths = pair.events.iter().map(|(r, e)| match e {
            Event::BlocksDropped(blocks) if *r == role => blocks.end - blocks.start,
            _ => 0,
        });
        lengths.sum::<u64>()
    };
    assert_eq!((dropped(Role::Alice), dropped(Role::Bob)), (46, 46));
    pair.connect(&mut carry);
    assert_eq!(pair.faults, []);
    assert_eq!(pair.states(49), [Some(BlockState::Burnt); 2]);
    assert_eq!(pair.states(45), [None; 2]);
}

/// A device whose slot numbers jump takes neither time nor memory.
#[test]
fn wild_slot_numbers_of_the_own_device_are_survived() {
    let mut pair = Pair::new(10_000, 9);
    pair.alice.push_settings(1 << 62, 100, &[0; 50]).unwrap();
    pair.bob.reached(1 << 62).unwrap();
    pair.bob.push_settings(1 << 62, 100, &[0; 25]).unwrap();
    pair.bob.reached(u64::MAX).unwrap();
    pair.connect(&mut carry);
    assert!(pair.alice.is_open() && pair.bob.is_open());
    assert!(pair.events.len() < 20, "{}", pair.events.len());
    assert!(pair.bob.push_settings(5, 4, &[0]).is_err());
    let late = [helio_timetag::Detection { slot: 5, mask: 1 }];
    assert!(pair.bob.push_detections(&late).is_err());
}

#[test]
fn certificate_and_report_survive_json() {
    let mut pair = Pair::new(1_000_000, 1);
    pair.connect(&mut carry);
    pair.block(0, Link::GOOD, &mut carry);
    let (_, kept) = pair.bob.store().usable(pair.id(0)).expect("a key");
    let text = serde_json::to_string(kept).unwrap();
    let read: certificate::Certificate = serde_json::from_str(&text).unwrap();
    assert_eq!(&read, kept);
    assert_eq!(certificate::recompute(&read.public), Ok(kept.public.length));
    for report in reports(&pair) {
        let text = serde_json::to_string(report).unwrap();
        assert_eq!(&serde_json::from_str::<BlockReport>(&text).unwrap(), report);
    }
}
