//! Somebody on the line who wants a key, or wants the pads to end.

use helio_distill::pads::Purpose;
use helio_distill::release::{BlockState, StationStore};
use helio_distill::{Blame, Fault, Kind, Role};

use crate::channel::Slots;
use crate::world::{Pads, World, blocks};

const PADS: Pads = Pads { all: 64, reserve: 12 };

fn delivered(slots: &[Slots], seed: u64, to: Role, kind: Kind) -> Vec<u8> {
    let mut world = World::new(slots, PADS, seed);
    world.connect();
    world.deliver_all();
    world.feed();
    world.deliver_all();
    let fits = |(receiver, m): &&(Role, Vec<u8>)| *receiver == to && m[1] == kind as u8;
    world.sent.iter().find(fits).expect("it was said").1.clone()
}

/// Messages of another run between the same stations, with the same pads, in place of the true
/// ones: the block is burnt on both sides and each station names the line.
#[test]
fn messages_of_another_run_in_place_of_the_true_ones_give_no_key() {
    let slots = blocks(1, 1);
    let other = blocks(2, 1);
    for (to, kind) in [
        (Role::Alice, Kind::Detections),
        (Role::Bob, Kind::Sift),
        (Role::Alice, Kind::TestResult),
        (Role::Bob, Kind::Reconcile),
        (Role::Bob, Kind::VerifyKey),
        (Role::Bob, Kind::Amplify),
        (Role::Bob, Kind::Tag),
    ] {
        let swapped = delivered(&other, 77, to, kind);
        let mut world = World::new(&slots, PADS, 78);
        world.connect();
        world.deliver_all();
        world.feed();
        let mut done = false;
        while world.lines.iter().any(|line| !line.is_empty()) {
            for role in [Role::Alice, Role::Bob] {
                let front = world.lines[role as usize].front_mut().filter(|_| role == to && !done);
                if let Some(message) = front.filter(|m| m[1] == kind as u8) {
                    assert_ne!(*message, swapped, "the runs must differ");
                    message.clone_from(&swapped);
                    done = true;
                }
                world.deliver(role);
            }
        }
        assert!(done, "{kind:?} was never said");
        world.wait();
        world.deliver_all();
        assert!(world.usable(Role::Alice).is_empty() && world.usable(Role::Bob).is_empty());
        let faults = &world.pair.faults;
        assert!(!faults.is_empty() && faults.iter().all(|(_, f)| f.blame() == Blame::OtherStation));
        world.settle();
        assert_eq!(world.pair.states(0), [Some(BlockState::Burnt); 2], "{kind:?}");
    }
}

/// Somebody spoils every block at its last step, which costs most: a pad for each tag, and one each
/// for the question and the answer after it. New blocks end while enough of the reserve is left to
/// settle the last of them.
#[test]
fn an_attacker_who_drains_pads_stops_the_stations_with_a_reserve_that_still_settles() {
    let slots = blocks(3, 4);
    let pads = Pads { all: 16, reserve: 6 };
    let mut world = World::new(&slots, pads, 3);
    world.connect();
    world.deliver_all();
    for _ in 0..slots.len() {
        world.feed();
        while world.lines.iter().any(|line| !line.is_empty()) {
            let tag = |m: &&mut Vec<u8>| m[1] == Kind::Tag as u8;
            if let Some(message) = world.lines[Role::Bob as usize].front_mut().filter(tag) {
                let last = message.len() - 1;
                message[last] ^= 1;
            }
            world.deliver(Role::Bob);
            world.deliver(Role::Alice);
        }
    }
    let stopped = Fault::PadsEmpty(Purpose::Recovery);
    assert!(world.pair.faults.iter().any(|(_, f)| *f == stopped), "{:?}", world.pair.faults);
    assert!(world.usable(Role::Alice).is_empty() && world.usable(Role::Bob).is_empty());
    for (disk, role) in world.disks.iter().zip([Role::Alice, Role::Bob]) {
        let spent = world.watermarks(role).out_recovery;
        assert!(spent + 2 <= pads.reserve, "{role} has spent {spent} of {}", pads.reserve);
        assert_eq!(disk.pending(), Ok(Vec::new()), "{role} was left with an open block");
    }
    // One more clean contact is possible.
    world.settle();
}
