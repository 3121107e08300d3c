//! What a person sees of a session, at every message of a block.

use helio_distill::{ContactState, Role};

use crate::world::{Pads, World, blocks};

const PADS: Pads = Pads { all: 64, reserve: 24 };
const ROLES: [Role; 2] = [Role::Alice, Role::Bob];

#[test]
fn progress_follows_contact_steps_pads_and_epsilon() {
    let slots = blocks(61, 2);
    let mut world = World::new(&slots, PADS, 61);
    for role in ROLES {
        let seen = world.progress(role);
        assert_eq!((seen.contact, seen.blocks, seen.slot), (ContactState::Closed, vec![], 0));
        let budget = seen.budget.expect("memory does not fail");
        assert_eq!((budget.block_pads_left, budget.block_pads), (40, 40));
        assert_eq!((budget.recovery_pads_left, budget.recovery_pads), (24, 24));
        assert_eq!((budget.epsilon_spent, budget.epsilon_limit), (0.0, 1e-6));
    }
    // A block that is over before there is contact waits.
    world.feed();
    for role in ROLES {
        let seen = world.progress(role);
        assert_eq!((seen.blocks_waiting, seen.blocks), (1, vec![]), "{role}");
        assert_eq!(seen.slot, u64::from(crate::world::SLOTS));
    }
    // Alice needs her settings, Bob has made bits of his.
    assert_eq!(ROLES.map(|role| world.progress(role).blocks_of_settings), [1, 0]);
    world.connect();
    assert!(ROLES.iter().all(|&r| world.progress(r).contact == ContactState::Greeting));

    let mut steps: [Vec<(&str, u64)>; 2] = Default::default();
    while world.lines.iter().any(|line| !line.is_empty()) {
        for role in ROLES {
            world.pair.now_ns += 1_000;
            world.deliver(role);
            let now = world.pair.now_ns;
            let Some(&block) = world.progress(role).blocks.first() else { continue };
            assert_eq!(block.block, 0);
            let list = &mut steps[role as usize];
            match list.last() {
                Some(last) if *last == (block.step, block.since_ns) => {}
                // A new step begins with the message that brought it.
                last => {
                    assert_eq!(block.since_ns, now, "{last:?} {block:?}");
                    list.push((block.step, block.since_ns));
                }
            }
        }
    }
    let names = steps.map(|list| list.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
    let [alice, bob] = names;
    let all = [
        "waiting for the test results",
        "reconciling",
        "waiting for the verdict",
        "waiting for Bob's tag",
    ];
    assert_eq!(alice, all);
    assert_eq!((bob[0], bob[bob.len() - 1]), ("waiting for the bases", "waiting for Alice's tag"));

    world.wind_down(Role::Bob);
    for role in ROLES {
        let seen = world.progress(role);
        assert_eq!((seen.blocks_waiting, seen.blocks.len(), seen.blocks_of_settings), (0, 0, 0));
        assert_eq!((seen.contact, seen.winding_down), (ContactState::Open, role == Role::Bob));
        let budget = seen.budget.expect("memory does not fail");
        assert_eq!((budget.block_pads_left, budget.recovery_pads_left), (39, 23));
        assert!(budget.epsilon_spent > 1e-10 && budget.epsilon_spent < 1.1e-10);
        let json = serde_json::to_value(&seen).expect("plain data");
        assert_eq!(json["contact"], "open");
        assert_eq!(json["budget"]["block_pads_left"], 39);
    }
    // What cannot be known is not made up.
    helio_distill::release::StationStore::void_pads(&mut world.disks[0]).expect("written");
    assert_eq!(world.progress(Role::Alice).budget, None);
}
