//! Proofs of contact that never arrive, and proofs that somebody forges, until the two stations'
//! counters are far apart: contact is made again as long as pads are left, and no pad serves twice.

use helio_distill::pads::{INDEX_WINDOW, Purpose};
use helio_distill::parameters::PROTOCOL_VERSION;
use helio_distill::release::StationStore;
use helio_distill::{Fault, Kind, Role, inspect};

use crate::world::{Pads, World, blocks};

const PADS: Pads = Pads { all: 256, reserve: 224 };
const ROLES: [Role; 2] = [Role::Alice, Role::Bob];

/// A contact in which no proof of `from` arrives.
fn without_proof(world: &mut World<'_>, from: &[Role]) {
    world.connect();
    for _ in 0..4 {
        for &role in from {
            let proof = |m: &Vec<u8>| inspect(m).is_some_and(|m| m.kind == Kind::ContactProof);
            world.lines[role.other() as usize].retain(|m| !proof(m));
        }
        ROLES.iter().for_each(|&role| world.deliver(role));
    }
    assert!(!ROLES.iter().all(|&role| world.is_open(role)));
}

/// The next Hello to `victim` names `index` as the sender's next pad, and a proof with that index
/// follows whose tag is guessed.
fn forge(world: &mut World<'_>, victim: Role, index: u64) {
    world.connect();
    let from = victim.other();
    let mut hello = world.lines[victim as usize].pop_front().expect("a Hello");
    let counters = world.watermarks(from);
    // As they stand in a Hello, one after the other.
    let known: Vec<u8> =
        [counters.out_block, counters.out_recovery, counters.in_block, counters.in_recovery]
            .into_iter()
            .flat_map(u64::to_le_bytes)
            .collect();
    let at = hello.windows(32).position(|w| w == known).expect("the counters") + 8;
    hello[at..at + 8].copy_from_slice(&index.to_le_bytes());
    // Nothing that would make the victim skip pads of its own.
    hello[at + 16..at + 24].fill(0);
    let mut proof = vec![PROTOCOL_VERSION, Kind::ContactProof as u8, from as u8, 0];
    proof.extend_from_slice(&u64::MAX.to_le_bytes());
    proof.extend_from_slice(&[0; 20]);
    proof.extend_from_slice(&index.to_le_bytes());
    proof.extend_from_slice(&[0xA5; 16]);
    assert_eq!(inspect(&proof).expect("a proof").pad, Some((Purpose::Recovery, index)));
    world.lines.iter_mut().for_each(|line| line.clear());
    world.hand(victim, &hello);
    world.hand(victim, &proof);
    assert!(!world.is_open(victim), "a guess made contact");
    world.lines.iter_mut().for_each(|line| line.clear());
}

fn ahead(world: &World<'_>, role: Role) -> Vec<u64> {
    world.disks[role as usize].burnt_ahead(Purpose::Recovery).unwrap()
}

#[test]
fn any_number_of_lost_proofs_is_made_up_for() {
    let slots = blocks(81, 1);
    for (from, times) in [
        (&[Role::Alice][..], 15),
        (&[Role::Alice], 16),
        (&[Role::Alice], 40),
        (&[Role::Bob], 40),
        (&ROLES, 17),
        (&ROLES, 60),
    ] {
        let mut world = World::new(&slots, PADS, 81);
        (0..times).for_each(|_| without_proof(&mut world, from));
        world.pair.faults.clear();
        assert_eq!(world.settle(), 1, "{from:?} {times}: {:?}", world.pair.faults);
        for role in ROLES {
            let (here, there) = (world.watermarks(role), world.watermarks(role.other()));
            assert_eq!(here.in_recovery, there.out_recovery, "the watermark follows the proof");
            assert!(ahead(&world, role).is_empty(), "what it passed is forgotten");
        }
        world.feed();
        world.deliver_all();
        assert_eq!(world.usable(Role::Alice), [0], "{from:?} {times}: {:?}", world.pair.faults);
    }
}

/// A forged index far ahead burns that one pad: durably, once, and without moving the watermark.
#[test]
fn a_forged_index_far_ahead_burns_one_pad() {
    let slots = blocks(83, 1);
    for victim in ROLES {
        let mut world = World::new(&slots, PADS, 83);
        world.settle();
        let before = world.watermarks(victim).in_recovery;
        let far = before + 3 * INDEX_WINDOW;
        for (guess, index) in [far, far + 7, far].into_iter().enumerate() {
            forge(&mut world, victim, index);
            let fault = world.pair.faults.pop().expect("refused").1;
            if guess < 2 {
                assert_eq!(fault, Fault::ContactTag);
            } else {
                // The second guess with a pad is not looked at: it could be the right one.
                assert_eq!(fault, Fault::PadIndex { index: far, expected: before });
            }
        }
        assert_eq!(ahead(&world, victim), [far, far + 7]);
        assert_eq!(world.watermarks(victim).in_recovery, before);
        // Beyond the pool there is nothing to burn.
        for index in [PADS.reserve, u64::MAX] {
            forge(&mut world, victim, index);
        }
        assert_eq!(ahead(&world, victim), [far, far + 7]);
        let left = world.progress(victim).budget.expect("memory").recovery_pads_left;
        assert!(left <= PADS.reserve - before - 2, "{left} left");
        // It outlives the machine.
        world.crash(victim);
        forge(&mut world, victim, far);
        let (_, fault) = world.pair.faults.pop().expect("refused");
        assert!(matches!(fault, Fault::PadIndex { .. }), "{fault:?}");

        // The true station comes to those pads after many contacts: each costs one more.
        world.pair.faults.clear();
        let mut failed = 0;
        while world.watermarks(victim.other()).out_recovery < far + 10 {
            world.connect();
            world.deliver_all();
            failed += usize::from(!ROLES.iter().all(|&role| world.is_open(role)));
        }
        assert_eq!(failed, 2, "{:?}", world.pair.faults);
        assert!(ahead(&world, victim).is_empty(), "the watermark has passed them");
        world.settle();
    }
}

/// Guesses within the window at both stations, until each has burnt more than the other may skip on
/// an unproven word: both would wait for the other's proof for good.
#[test]
fn guesses_at_both_stations_do_not_make_them_wait_for_each_other() {
    let slots = blocks(85, 1);
    let mut world = World::new(&slots, PADS, 85);
    world.settle();
    for _ in 0..3 {
        for victim in ROLES {
            let next = world.watermarks(victim).in_recovery;
            forge(&mut world, victim, next + INDEX_WINDOW - 1);
        }
    }
    for role in ROLES {
        let (here, there) = (world.watermarks(role), world.watermarks(role.other()));
        assert!(here.in_recovery > there.out_recovery + INDEX_WINDOW, "no case to look at");
    }
    let mut contacts = 0;
    while !ROLES.iter().all(|&role| world.is_open(role)) {
        contacts += 1;
        assert!(contacts <= 4, "{:?}", world.pair.faults);
        world.connect();
        world.deliver_all();
    }
    world.feed();
    world.deliver_all();
    assert_eq!(world.usable(Role::Bob), [0]);
}

/// Tags of blocks that never arrive: the contact ends when so many are missing that only a new one
/// makes up for them, and then blocks make keys again.
#[test]
fn lost_tags_of_many_blocks_end_the_contact_and_the_next_one_makes_up_for_them() {
    use helio_distill::pads::Way;
    let slots = blocks(87, 2);
    let mut world = World::new(&slots, PADS, 87);
    world.settle();
    // As if Alice had made so many tags in this contact.
    let next = world.watermarks(Role::Alice).out_block + INDEX_WINDOW;
    world.disks[0].spend_pads(Way::Out, Purpose::Block, next).expect("memory");
    world.feed();
    world.deliver_all();
    assert!(!world.is_open(Role::Bob), "{:?}", world.pair.faults);
    let bobs = |(role, fault): &(Role, Fault)| {
        *role == Role::Bob && matches!(fault, Fault::PadIndex { .. })
    };
    assert!(world.pair.faults.iter().any(bobs), "{:?}", world.pair.faults);
    world.settle();
    world.feed();
    world.deliver_all();
    assert_eq!(world.usable(Role::Alice), [1], "{:?}", world.pair.faults);
}
