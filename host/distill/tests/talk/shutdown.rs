//! Stations that are told to stop: the block in progress goes on to its end or ends at once, and the
//! invariants of the release hold whatever else happens.

use std::collections::VecDeque;

use helio_distill::release::{BlockState, StationStore};
use helio_distill::{Effect, Fault, Kind, Role, inspect};

use crate::channel::Slots;
use crate::chaos::{Dice, FAULTS, harm};
use crate::world::{Pads, World, blocks};

const PADS: Pads = Pads { all: 256, reserve: 224 };
const ROLES: [Role; 2] = [Role::Alice, Role::Bob];
/// Fewer than the messages of a block; the tests check it.
const SURELY: usize = 9;

/// Block 0 is talked about and `count` of its messages have arrived; `false` if it has fewer.
fn after(slots: &[Slots], count: usize) -> (World<'_>, bool) {
    let mut world = World::new(slots, PADS, 41);
    world.connect();
    world.deliver_all();
    world.feed();
    for _ in 0..count {
        let waits = |role: &Role| !world.lines[*role as usize].is_empty();
        match ROLES.into_iter().find(waits) {
            Some(role) => world.deliver(role),
            None => return (world, false),
        }
    }
    (world, true)
}

/// Both machines run again: nothing is open, and a block makes a key.
fn goes_on(world: &mut World<'_>, what: &str) {
    ROLES.iter().for_each(|&role| world.crash(role));
    world.settle();
    let block = world.fed as u64;
    world.feed();
    world.deliver_all();
    assert!(world.usable(Role::Alice).contains(&block), "{what}: {:?}", world.pair.faults);
    assert!(world.usable(Role::Bob).contains(&block), "{what}: {:?}", world.pair.faults);
}

#[test]
fn winding_down_ends_the_block_in_progress_with_its_key_and_begins_no_other() {
    let slots = blocks(41, 3);
    for role in ROLES {
        for count in 0.. {
            let what = format!("{role} winds down after message {count}");
            let (mut world, more) = after(&slots, count);
            if !more {
                assert!(count > SURELY, "{count} messages");
                break;
            }
            assert!(ROLES.iter().any(|&r| !world.is_idle(r)) || count > SURELY, "{what}");
            world.wind_down(role);
            world.deliver_all();
            // Only what Alice has not heard of is no block in progress of hers.
            let refused = role == Role::Alice && count == 0;
            let state = if refused { [None, Some(BlockState::Burnt)] } else { USABLE };
            assert_eq!(world.pair.states(0), state, "{what}: {:?}", world.pair.faults);
            if refused {
                assert_eq!(world.pair.faults[0], (Role::Alice, Fault::NotWanted(0)));
                assert_eq!(world.pair.faults[0].1.effect(), Effect::Ignored);
            }
            // The next block is not begun, by whoever runs on.
            let spent = world.disks[Role::Bob as usize].epsilon_spent();
            world.feed();
            world.deliver_all();
            world.wait();
            world.deliver_all();
            assert!(ROLES.iter().all(|&r| world.is_idle(r)), "{what}");
            assert!(!world.usable(Role::Alice).contains(&1), "{what}");
            let again = world.disks[Role::Bob as usize].epsilon_spent();
            // Bob learns of it by one announcement, and not by one for each block.
            let learns = role == Role::Alice && !refused;
            assert_eq!(spent != again, learns, "{what}");
            goes_on(&mut world, &what);
        }
    }
}

/// Whoever is on the line can say once, without authority, that Alice stops: that passes.
#[test]
fn a_forged_word_that_alice_stops_holds_for_a_while_only() {
    let slots = blocks(53, 3);
    let (mut other, _) = after(&slots, 0);
    other.wind_down(Role::Alice);
    other.deliver_all();
    let is_hint = |(to, m): &&(Role, Vec<u8>)| {
        *to == Role::Bob && inspect(m).is_some_and(|m| m.kind == Kind::Abort)
    };
    let forged = other.sent.iter().find(is_hint).expect("a hint").1.clone();

    let mut world = World::new(&slots, PADS, 53);
    world.connect();
    world.deliver_all();
    world.hand(Role::Bob, &forged);
    world.feed();
    world.deliver_all();
    assert!(world.usable(Role::Bob).is_empty(), "not believed at all");
    (0..4).for_each(|_| world.wait());
    world.deliver_all();
    assert!(world.usable(Role::Bob).contains(&0), "{:?}", world.pair.faults);
    assert!(world.usable(Role::Alice).contains(&0), "{:?}", world.pair.faults);
}

const USABLE: [Option<BlockState>; 2] = [Some(BlockState::Usable); 2];

#[test]
fn aborting_at_any_message_leaves_equal_keys_or_none() {
    let slots = blocks(43, 2);
    let mut unresolved = 0;
    for role in ROLES {
        for count in 0.. {
            let what = format!("{role} aborts after message {count}");
            let (mut world, more) = after(&slots, count);
            if !more {
                break;
            }
            let was_idle = world.is_idle(role);
            world.abort(role);
            let other = role.other();
            let last = world.lines[other as usize].back().and_then(|m| inspect(m));
            let hinted = last.is_some_and(|m| m.kind == Kind::Abort && m.block == Some(0));
            assert_eq!(hinted, !was_idle, "{what}");
            let asked = |line: &VecDeque<Vec<u8>>| {
                line.iter().any(|m| inspect(m).is_some_and(|m| m.kind == Kind::ResolveAsk))
            };
            assert!(!asked(&world.lines[Role::Bob as usize]), "{what}: asked before it stopped");
            if !was_idle {
                let stopped = Fault::ShuttingDown(0);
                assert!(stopped.to_string().contains("this station is shutting down"));
                assert_eq!(stopped.effect(), Effect::Block);
            }
            unresolved += usize::from(world.pair.states(0)[0] == Some(BlockState::Pending));
            world.deliver_all();
            world.wait();
            world.deliver_all();
            assert!(ROLES.iter().all(|&r| world.is_idle(r)), "{what}: {:?}", world.pair.faults);
            goes_on(&mut world, &what);
            let told = world.pair.faults.iter().find(|(r, _)| *r == other);
            if let Some((_, fault @ Fault::GivenUp { .. })) = told {
                assert!(fault.to_string().contains("it is shutting down"), "{fault}");
            }
        }
    }
    assert!(unresolved >= 2, "the last step was never hit");
}

/// Everything that may happen to lines and machines, and stations that stop in between.
#[test]
fn stations_that_stop_among_other_faults_keep_the_invariants() {
    const RUNS: u64 = 200;
    let slots = blocks(47, 4);
    let (mut keys, mut aborts, mut blocks_cut) = (0, 0, 0);
    for seed in 0..RUNS {
        let mut dice = Dice::new(seed);
        let mut world = World::new(&slots, PADS, seed);
        world.connect();
        for _ in 0..120 {
            match dice.below(1_000) {
                0..60 => {
                    let kind = dice.below(FAULTS as u64) as usize;
                    harm(&mut world, kind, &mut dice);
                }
                60..75 => world.wind_down(dice.role()),
                // The next block is over while this one is talked about.
                110..250 if world.fed < 3 => world.feed(),
                75..95 => {
                    let role = dice.role();
                    aborts += 1;
                    blocks_cut += usize::from(!world.is_idle(role));
                    world.abort(role);
                }
                95..110 => world.crash(dice.role()),
                _ => {
                    let role = dice.role();
                    let waits = |r: &Role| !world.lines[*r as usize].is_empty();
                    match [role, role.other()].into_iter().find(waits) {
                        Some(role) => world.deliver(role),
                        None if !ROLES.iter().all(|&r| world.is_open(r)) => world.connect(),
                        None if world.fed < 3 => world.feed(),
                        None => {}
                    }
                }
            }
        }
        goes_on(&mut world, &format!("run {seed}"));
        keys += world.usable(Role::Alice).len() - 1;
    }
    println!("{RUNS} runs: {aborts} aborts, {blocks_cut} in a block; {keys} keys in spite of it");
    assert!(keys > 50 && blocks_cut > 50, "{keys} keys, {blocks_cut} blocks cut");
}

/// A station that stopped asks nothing until the next contact, and then it does.
#[test]
fn a_stopped_alice_settles_at_the_next_contact_of_the_same_session() {
    let slots = blocks(53, 1);
    let (mut world, _) = after(&slots, 0);
    while world.pair.states(0)[0] != Some(BlockState::Pending) {
        ROLES.iter().for_each(|&role| world.deliver(role));
    }
    // Her tag has left; his does not arrive.
    world.deliver(Role::Bob);
    world.lines[Role::Alice as usize].clear();
    world.abort(Role::Alice);
    let before = world.sent.len();
    for _ in 0..3 {
        world.deliver_all();
        world.wait();
    }
    assert_eq!(world.sent.len(), before, "she asked");
    assert_eq!(world.pair.states(0), [Some(BlockState::Pending), Some(BlockState::Usable)]);
    world.settle();
    assert_eq!(world.pair.states(0), USABLE);
}
