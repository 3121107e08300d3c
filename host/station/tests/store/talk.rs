//! Two stations talk, each with its memory on disk; they stop, start again, and talk on.

use std::path::Path;

use helio_distill::release::{BlockId, BlockState, StationStore};
use helio_distill::{Kind, Role, alice, bob, certificate};

use crate::channel::{Link, emit};
use crate::pair::{Pair, carry, entropy, local, parameters};
use crate::support::{Store, identity, pairing};

fn make(folder: &Path, role: Role) -> Store {
    Store::create(folder, &identity(role), &pairing(5)).expect("a new station")
}

fn reopen(folder: &Path, role: Role) -> Store {
    Store::open(folder, Some(&identity(role))).expect("the station opens")
}

/// A pair whose pads come from its folders.
fn pair(a: Store, b: Store, seed: u64) -> Pair<Store> {
    let p = parameters(1_000_000);
    let (pads_a, pads_b) = (a.pad_book().expect("pads"), b.pad_book().expect("pads"));
    Pair {
        alice: alice::Session::new(p.clone(), local(), pads_a, entropy(seed, "alice"), a)
            .expect("good"),
        bob: bob::Session::new(p.clone(), local(), pads_b, entropy(seed, "bob"), b).expect("good"),
        parameters: p,
        now_ns: 1,
        carried: 0,
        events: Vec::new(),
        faults: Vec::new(),
        seed,
    }
}

/// The key of a block is the same on both disks and its length follows from its certificate.
fn check_common(a: &Store, b: &Store, id: BlockId) {
    let keys = [a, b].map(|s| s.usable(id).expect("readable").expect("usable"));
    assert!(bool::from(keys[0].bits().ct_eq(keys[1].bits())), "{id}");
    let papers = [a, b].map(|s| s.certificate(id).expect("readable").expect("there"));
    assert_eq!(papers[0].public, papers[1].public);
    assert_eq!(certificate::recompute(&papers[0].public), Ok(keys[0].len() as u64));
}

#[test]
fn keys_agree_across_a_restart_of_both() {
    let (fa, fb) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (fa, fb) = (fa.path(), fb.path());
    let mut first = pair(make(fa, Role::Alice), make(fb, Role::Bob), 31);
    first.connect(&mut carry);
    first.block(0, Link::GOOD, &mut carry);
    // Bob's tag of block 1 is lost: he can use the key, Alice does not know that he has it.
    let slots = emit(&first.parameters, Link::GOOD, 31, 1_000_000, 1_000_000);
    first.feed(&slots);
    first.pump(&mut |from, index, message| {
        let lost = from == Role::Bob && is_tag(&message);
        if lost { Vec::new() } else { carry(from, index, message) }
    });
    assert_eq!(first.states(0), [Some(BlockState::Usable); 2], "{:?}", first.faults);
    assert_eq!(first.states(1), [Some(BlockState::Pending), Some(BlockState::Usable)]);
    let (zero, one, two) = (first.id(0), first.id(1), first.id(2));
    drop(first);

    let (a, b) = (reopen(fa, Role::Alice), reopen(fb, Role::Bob));
    check_common(&a, &b, zero);
    let mut second = pair(a, b, 32);
    second.alice.lost_settings(0..2_000_000).expect("noted");
    second.bob.lost_settings(0..2_000_000).expect("noted");
    second.bob.reached(2_000_000).expect("noted");
    second.connect(&mut carry);
    second.wait(&mut carry);
    assert_eq!(second.states(1), [Some(BlockState::Usable); 2], "{:?}", second.faults);
    second.block(2, Link::GOOD, &mut carry);
    assert_eq!(second.states(2), [Some(BlockState::Usable); 2], "{:?}", second.faults);
    drop(second);

    let (a, b) = (reopen(fa, Role::Alice), reopen(fb, Role::Bob));
    for id in [zero, one, two] {
        check_common(&a, &b, id);
    }
    // Each station spent what the other verified.
    let (wa, wb) = (a.watermarks().expect("readable"), b.watermarks().expect("readable"));
    assert_eq!((wa.out_block, wa.out_recovery), (wb.in_block, wb.in_recovery));
    assert!(wa.out_block >= 3 && wb.out_block >= 3);
    assert!(a.epsilon_spent().expect("readable") >= 3e-10);
}

/// The kind is the second byte of an envelope.
fn is_tag(message: &[u8]) -> bool {
    message.get(1) == Some(&(Kind::Tag as u8))
}
