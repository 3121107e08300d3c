//! The order of a block's messages, and what must be fresh in each.

use std::collections::HashSet;

use helio_distill::{Fault, Kind, Role};

use crate::channel::{Link, emit};
use crate::pair::{Pair, carry, parameters};
use crate::words::{Said, first, places, run};

const SLOTS: u32 = 1_000_000;
const BODY: usize = 32;

fn said(seed: u64) -> Vec<Said> {
    let slots = emit(&parameters(SLOTS), Link::GOOD, seed, 0, u64::from(SLOTS));
    let (pair, said) = run(&slots, seed);
    assert!(pair.common_key(0).is_some(), "{:?}", pair.faults);
    said
}

/// Messages 3 to 8: declarations before the first word of reconciliation, the verification key after
/// the last of it, the seed after the verdict, the tags after all: Alice's, then Bob's.
#[test]
fn each_step_comes_after_what_it_must_not_know_of() {
    let said = said(101);
    let one = |kind| match places(&said, kind)[..] {
        [at] => at,
        ref all => panic!("{kind:?} was said {} times", all.len()),
    };
    let reconcile = places(&said, Kind::Reconcile);
    let (begin, end) = (reconcile[0], reconcile[reconcile.len() - 1]);
    let order = [
        one(Kind::Detections),
        one(Kind::Sift),
        one(Kind::TestResult),
        one(Kind::Declaration),
        begin,
        end + 1,
        one(Kind::VerifyKey) + 1,
        one(Kind::Verdict) + 1,
        one(Kind::Amplify) + 1,
        places(&said, Kind::Tag)[0] + 1,
        places(&said, Kind::Tag)[1] + 1,
    ];
    assert!(order.windows(2).all(|pair| pair[0] < pair[1]), "{order:?}");
    // Each number once, over both directions.
    let of_block: Vec<&Said> = said.iter().filter(|s| s.seen.block == Some(0)).collect();
    assert!(of_block.iter().enumerate().all(|(i, s)| s.seen.sequence == i as u32));
    let tags: Vec<Role> = places(&said, Kind::Tag).iter().map(|&i| said[i].from).collect();
    assert_eq!(tags, [Role::Alice, Role::Bob], "one tag a direction");
}

/// Messages 6 and 7: the point of the verification hash and the seed of the last one are drawn anew
/// for each block, and are not what an earlier block's were.
#[test]
fn verification_point_and_seed_are_fresh_for_each_block() {
    let mut pair = Pair::new(SLOTS, 102);
    let (mut points, mut seeds) = (Vec::new(), Vec::new());
    let mut record = |from, index, bytes: Vec<u8>| {
        match helio_distill::inspect(&bytes).expect("an honest message").kind {
            Kind::VerifyKey => points.push(bytes[BODY..BODY + 16].to_vec()),
            Kind::Amplify => seeds.push(bytes[BODY..].to_vec()),
            _ => {}
        }
        carry(from, index, bytes)
    };
    pair.connect(&mut record);
    for block in 0..3 {
        pair.block(block, Link::GOOD, &mut record);
        assert!(pair.common_key(block).is_some(), "{:?}", pair.faults);
    }
    assert_eq!((points.len(), seeds.len()), (3, 3));
    assert_eq!(points.iter().collect::<HashSet<_>>().len(), 3);
    // Seeds of different length are different; compare what they have in common.
    let common = seeds.iter().map(Vec::len).min().expect("three") - 8;
    let heads: HashSet<_> = seeds.iter().map(|seed| &seed[8..common]).collect();
    assert_eq!(heads.len(), 3);
    for seed in &seeds {
        let ones: u32 = seed[8..].iter().map(|byte| byte.count_ones()).sum();
        let share = f64::from(ones) / (8.0 * (seed.len() - 8) as f64);
        assert!((0.48..0.52).contains(&share), "{share} of the seed's bits are set");
    }
}

/// Messages 6 and 7, forced: a verification key or a seed that comes before the strings are fixed is
/// refused, and the block ends without a key.
#[test]
fn a_key_or_seed_that_comes_too_early_is_refused() {
    let honest = said(103);
    for kind in [Kind::VerifyKey, Kind::Amplify, Kind::Tag] {
        let early = first(&honest, kind);
        let slots = emit(&parameters(SLOTS), Link::GOOD, 103, 0, u64::from(SLOTS));
        let mut pair = Pair::new(SLOTS, 103);
        pair.connect(&mut carry);
        pair.feed(&slots);
        // In place of Alice's declaration, with its number.
        let mut swapped = false;
        pair.pump(&mut |from, index, bytes| {
            let seen = helio_distill::inspect(&bytes).expect("an honest message");
            if seen.kind != Kind::Declaration || swapped {
                return carry(from, index, bytes);
            }
            swapped = true;
            let mut forged = early.bytes.clone();
            forged[12..16].copy_from_slice(&seen.sequence.to_le_bytes());
            carry(from, index, forged)
        });
        assert!(swapped);
        let unexpected = |(role, fault): &(Role, Fault)| {
            *role == Role::Bob && matches!(fault, Fault::Unexpected { kind: k, .. } if *k == kind)
        };
        assert!(pair.faults.iter().any(unexpected), "{kind:?}: {:?}", pair.faults);
        pair.wait(&mut carry);
        assert_eq!(pair.common_key(0), None);
    }
}
