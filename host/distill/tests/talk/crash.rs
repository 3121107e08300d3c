//! A station that crashes at any write of its memory, before or after the write took effect, and
//! comes back: the keys never differ and no pad is used twice.

use helio_distill::release::BlockState;
use helio_distill::{Role, alice, bob};

use crate::channel::{Link, emit};
use crate::disk::{Disk, Fuse};
use crate::pair::{Pair, book, carry, entropy, local, parameters};

/// A run with a crash of one station; it restarts from its disk. Returns the writes it made.
fn crash(who: Role, fuse: Option<u32>, after: bool) -> u32 {
    let what = format!("{who} crashes at write {fuse:?}, after {after}");
    let disks = [Disk::default(), Disk::default()];
    disks[who as usize].set_fuse(fuse.map(|writes| Fuse { writes, after, dies: true }));
    let p = parameters(1_000_000);
    let mut pair = Pair::with(p.clone(), 21, disks[0].clone(), disks[1].clone());
    pair.connect(&mut carry);
    pair.block(0, Link::GOOD, &mut carry);
    let writes = disks[who as usize].writes();

    // The station starts anew: nothing but its disk is left.
    let disk = disks[who as usize].clone();
    disk.revive();
    match who {
        Role::Alice => {
            let random = entropy(22, "alice");
            pair.alice =
                alice::Session::new(p.clone(), local(), book(who, 1), random, disk).unwrap();
            pair.alice.lost_settings(0..1_000_000).unwrap();
        }
        Role::Bob => {
            let random = entropy(22, "bob");
            pair.bob = bob::Session::new(p.clone(), local(), book(who, 1), random, disk).unwrap();
            pair.bob.lost_settings(0..1_000_000).unwrap();
            pair.bob.reached(1_000_000).unwrap();
        }
    }
    pair.connect(&mut carry);
    pair.wait(&mut carry);
    assert!(pair.alice.is_open() && pair.bob.is_open(), "{what}: {:?}", pair.faults);

    let states = pair.states(0);
    let [a, b] = &disks;
    let (a, b) = (a.kept(), b.kept());
    match states {
        [Some(BlockState::Usable), Some(BlockState::Usable)] => {
            let (a, b) = (a.usable(pair.id(0)).unwrap(), b.usable(pair.id(0)).unwrap());
            assert!(bool::from(a.0.bits().ct_eq(b.0.bits())), "{what}");
        }
        [None | Some(BlockState::Burnt), None | Some(BlockState::Burnt)] => {
            assert!(fuse.is_some(), "{what}: {:?}", pair.faults);
        }
        _ => panic!("{what}: {states:?} {:?}", pair.faults),
    }
    drop((a, b));
    // The next block makes a key.
    let slots = emit(&p, Link::GOOD, 23, 1_000_000, 1_000_000);
    pair.feed(&slots);
    pair.pump(&mut carry);
    assert_eq!(pair.states(1), [Some(BlockState::Usable); 2], "{what}: {:?}", pair.faults);
    writes
}

#[test]
fn a_crash_at_any_write_of_alice_leaves_equal_keys_or_none() {
    let writes = crash(Role::Alice, None, false);
    assert!(writes >= 10, "{writes} writes");
    for write in 0..writes {
        crash(Role::Alice, Some(write), false);
        crash(Role::Alice, Some(write), true);
    }
}

#[test]
fn a_crash_at_any_write_of_bob_leaves_equal_keys_or_none() {
    let writes = crash(Role::Bob, None, false);
    assert!(writes >= 10, "{writes} writes");
    for write in 0..writes {
        crash(Role::Bob, Some(write), false);
        crash(Role::Bob, Some(write), true);
    }
}
