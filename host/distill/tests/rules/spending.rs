//! Pads and the ledger of ε: what each attempt costs, whoever spoils it.

use helio_distill::ledger::{EPSILON_LIMIT, epsilon_auth};
use helio_distill::pads::Watermarks;
use helio_distill::release::StationStore;
use helio_distill::{Kind, MAX_TAGGED_WORDS, Role, inspect};

use crate::channel::Link;
use crate::pair::{Pair, carry};

const SLOTS: u32 = 1_000_000;

fn spent(pair: &Pair, role: Role) -> f64 {
    let spent = match role {
        Role::Alice => pair.alice.store().epsilon_spent(),
        Role::Bob => pair.bob.store().epsilon_spent(),
    };
    spent.expect("memory does not fail")
}

/// Pads 2: ε_auth = tags · (L_max + 1)/2^128.
#[test]
fn the_price_of_a_tag_is_that_of_its_polynomial() {
    for tags in [1u64, 2, 7, 1 << 20] {
        let exact = tags as f64 * (MAX_TAGGED_WORDS + 1) as f64 * 2f64.powi(-128);
        assert_eq!(epsilon_auth(tags), exact);
    }
    assert!(epsilon_auth(2) < 1e-29);
}

/// Pads 2: the sum counts every tag that is made or verified, those of contact and those that fail
/// too, and the whole ε of a block that is begun, whatever becomes of it.
#[test]
fn the_ledger_counts_contact_failed_tags_and_failed_blocks() {
    let tag = epsilon_auth(1);
    let near = |found: f64, expected: f64| (found - expected).abs() <= 1e-9 * expected;
    let mut pair = Pair::new(SLOTS, 111);
    pair.connect(&mut carry);
    for role in [Role::Alice, Role::Bob] {
        assert!(near(spent(&pair, role), 2.0 * tag), "{role}: {:e}", spent(&pair, role));
    }
    // Bob's tag of the block is forged: the block fails at its last step.
    let before = [spent(&pair, Role::Alice), spent(&pair, Role::Bob)];
    let mut forge = |from, index, mut bytes: Vec<u8>| {
        let seen = inspect(&bytes).expect("a message");
        if seen.kind == Kind::Tag && seen.from == Role::Bob {
            *bytes.last_mut().expect("a tag") ^= 1;
        }
        carry(from, index, bytes)
    };
    pair.block(0, Link::GOOD, &mut forge);
    for (role, before) in [Role::Alice, Role::Bob].into_iter().zip(before) {
        let cost = spent(&pair, role) - before;
        assert!(cost >= pair.parameters.epsilon_total + 2.0 * tag, "{role}: {cost:e}");
        assert!(cost < 1.001 * pair.parameters.epsilon_total, "{role}: {cost:e}");
    }
    // A block without key costs as much: that it failed tells of it.
    let before = spent(&pair, Role::Alice);
    pair.connect(&mut carry);
    pair.block(1, Link { eta: 0.5, dark: 1e-5, misalignment: 0.25 }, &mut carry);
    assert_eq!(pair.common_key(1), None);
    assert!(spent(&pair, Role::Alice) - before >= pair.parameters.epsilon_total);
    assert!(EPSILON_LIMIT == 1e-6 && pair.parameters.epsilon_total == 1e-10);
}

/// Pads 1: a receiver verifies once for each index and burns the pad, pass or fail; every tag that is
/// made takes the next pad of its own pool.
#[test]
fn a_pad_is_burnt_whether_its_tag_passes_or_fails() {
    for forged in [false, true] {
        let mut pair = Pair::new(SLOTS, 112);
        pair.connect(&mut carry);
        let before = [Role::Alice, Role::Bob].map(|role| pair.watermarks(role));
        let mut line = |from, index, mut bytes: Vec<u8>| {
            let seen = inspect(&bytes).expect("a message");
            if forged && seen.kind == Kind::Tag && seen.from == Role::Alice {
                bytes[40] ^= 1;
            }
            carry(from, index, bytes)
        };
        pair.block(0, Link::GOOD, &mut line);
        let after = [Role::Alice, Role::Bob].map(|role| pair.watermarks(role));
        let used = |i: usize| {
            let [was, is]: [&Watermarks; 2] = [&before[i], &after[i]];
            (is.out_block - was.out_block, is.in_block - was.in_block)
        };
        let expected = if forged { [(1, 0), (0, 1)] } else { [(1, 1), (1, 1)] };
        assert_eq!([used(0), used(1)], expected, "forged: {forged}; {:?}", pair.faults);
        assert_eq!(pair.common_key(0).is_some(), !forged);
    }
}
