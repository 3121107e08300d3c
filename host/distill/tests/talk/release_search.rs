//! Every history of the release with a bounded number of faults, with the real sessions: messages
//! delivered in every order, and at every point a message lost, repeated or overtaken, a machine
//! that stops (between steps or at any write), a line that breaks, a silence.
//!
//! Sessions hold secrets and cannot be copied, so a state is reached by replaying the steps that
//! lead to it. Two orders of steps that tell each station the same and leave the same on the lines
//! lead to one state ([`World::digest`]). The first search begins with Bob's verdict on its way to
//! Alice; a replay runs the whole block. The second begins from disks that the first one
//! found, with both machines starting anew, and allows more faults.

use std::collections::{BTreeMap, HashSet};

use helio_distill::release::BlockState;
use helio_distill::{Kind, Role, inspect};

use crate::channel::Slots;
use crate::disk::Fuse;
use crate::world::{Pads, World, blocks};

/// Faults from Bob's verdict on.
const FAULTS_IN_THE_EXCHANGE: usize = 1;
/// Faults after both have started anew.
const FAULTS_IN_THE_RECOVERY: usize = 2;
const PADS: Pads = Pads { all: 64, reserve: 48 };
const THREADS: usize = 2;
const ROLES: [Role; 2] = [Role::Alice, Role::Bob];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Deliver(Role),
    Lose(Role),
    /// Delivered, and still on its way.
    Repeat(Role),
    /// The second message on the line arrives first.
    Overtake(Role),
    /// The machine stops between two steps; both connect.
    Crash(Role),
    /// The machine stops while it handles the next message, when so many of its writes were done;
    /// nothing that it would have said leaves; both connect.
    CrashAt(Role, u32, u32),
    /// The line breaks; both connect.
    Cut,
    /// Both wait in vain.
    Silence,
}

impl Step {
    fn is_fault(self) -> bool {
        !matches!(self, Step::Deliver(_))
    }
}

fn enabled(world: &World<'_>) -> Vec<Step> {
    let mut steps = vec![Step::Cut, Step::Silence];
    for role in ROLES {
        steps.push(Step::Crash(role));
        match world.lines[role as usize].len() {
            0 => continue,
            1 => {}
            _ => steps.push(Step::Overtake(role)),
        }
        steps.extend([Step::Deliver(role), Step::Lose(role), Step::Repeat(role)]);
    }
    steps
}

/// Takes a step; gives the writes that the station asked of its disk.
fn take(world: &mut World<'_>, step: Step) -> u32 {
    match step {
        Step::Deliver(role) => {
            let before = world.disks[role as usize].writes();
            world.deliver(role);
            return world.disks[role as usize].writes() - before;
        }
        Step::Lose(role) => drop(world.lines[role as usize].pop_front()),
        Step::Repeat(role) => {
            if let Some(message) = world.lines[role as usize].front().cloned() {
                world.hand(role, &message);
            }
        }
        Step::Overtake(role) => {
            world.lines[role as usize].swap(0, 1);
            world.deliver(role);
        }
        Step::Crash(role) => {
            world.crash(role);
            world.connect();
        }
        Step::CrashAt(role, done, writes) => {
            let after = done == writes;
            world.set_fuse(role, Fuse { writes: done - u32::from(after), after, dies: true });
            world.deliver(role);
            world.connect();
        }
        Step::Cut => world.connect(),
        Step::Silence => world.wait(),
    }
    0
}

type States = [Option<BlockState>; 2];

#[derive(Default)]
struct Found {
    transitions: usize,
    states: usize,
    /// How often each pair of states of the block was seen, before and after clean recovery.
    seen: BTreeMap<String, usize>,
    settled: BTreeMap<String, usize>,
    /// One way to each pair.
    paths: BTreeMap<String, Vec<Step>>,
    contacts: usize,
    /// Steps of the longest history.
    longest: usize,
}

fn name(states: States) -> String {
    let [a, b] = states.map(|s| s.map_or("none".to_owned(), |s| format!("{s:?}").to_lowercase()));
    format!("{a}/{b}")
}

struct Child {
    path: Vec<Step>,
    digest: [u64; 2],
    states: States,
    settled: States,
    contacts: usize,
}

/// All that can happen after `path`, each with the outcome of a clean recovery from there. When no
/// fault is left, messages are only delivered, in every order.
fn expand<'a>(start: &dyn Fn() -> World<'a>, path: &[Step], faults_left: bool) -> Vec<Child> {
    let replay = || {
        let mut world = start();
        path.iter().for_each(|&step| {
            take(&mut world, step);
        });
        world
    };
    let mut children = Vec::new();
    let mut steps = enabled(&replay());
    if !faults_left {
        steps.retain(|step| !step.is_fault());
    }
    while let Some(step) = steps.pop() {
        let mut world = replay();
        let writes = take(&mut world, step);
        if let Step::Deliver(role) = step
            && writes > 0
            && faults_left
        {
            steps.extend((0..=writes).map(|done| Step::CrashAt(role, done, writes)));
        }
        let path = [path, &[step]].concat();
        let (digest, states) = (world.digest(), world.pair.states(0));
        // The invariants were checked on the way; from here clean contacts settle everything.
        let contacts = world.settle();
        let settled = world.pair.states(0);
        children.push(Child { path, digest, states, settled, contacts });
    }
    children
}

fn search<'a>(start: &(dyn Fn() -> World<'a> + Sync), faults: usize, found: &mut Found) {
    let mut known = HashSet::from([start().digest()]);
    let mut frontier = vec![Vec::new()];
    for faults_left in (0..=faults).rev() {
        let mut after_a_fault = Vec::new();
        while !frontier.is_empty() {
            let share = frontier.len().div_ceil(THREADS);
            let children: Vec<Child> = std::thread::scope(|scope| {
                let work = |paths: &[Vec<Step>]| -> Vec<Child> {
                    paths.iter().flat_map(|path| expand(start, path, faults_left > 0)).collect()
                };
                let workers: Vec<_> =
                    frontier.chunks(share).map(|paths| scope.spawn(move || work(paths))).collect();
                workers.into_iter().flat_map(|w| w.join().expect("every state holds")).collect()
            });
            frontier.clear();
            for child in children {
                found.transitions += 1;
                found.contacts = found.contacts.max(child.contacts);
                *found.settled.entry(name(child.settled)).or_default() += 1;
                if !known.insert(child.digest) {
                    continue;
                }
                found.longest = found.longest.max(child.path.len());
                *found.seen.entry(name(child.states)).or_default() += 1;
                found.paths.entry(name(child.states)).or_insert_with(|| child.path.clone());
                let faulty = child.path.last().is_some_and(|step| step.is_fault());
                if faulty { &mut after_a_fault } else { &mut frontier }.push(child.path);
            }
        }
        frontier = after_a_fault;
    }
    found.states += known.len();
}

/// Contact made, all blocks talked about up to Bob's verdict on the last one, which is on its way.
fn about_to_hold(slots: &[Slots]) -> World<'_> {
    let mut world = World::new(slots, PADS, 5);
    world.connect();
    world.deliver_all();
    slots.iter().for_each(|_| world.feed());
    let last = slots.len() as u64 - 1;
    let verdict = |m: &Vec<u8>| {
        let seen = inspect(m).expect("a station's own");
        seen.kind == Kind::Verdict && seen.block == Some(last)
    };
    while !world.lines[Role::Alice as usize].iter().any(verdict) {
        ROLES.iter().for_each(|&role| world.deliver(role));
    }
    world
}

#[test]
fn every_short_history_of_the_release_keeps_the_invariants() {
    let slots = blocks(5, 1);
    let began = std::time::Instant::now();
    let mut exchange = Found::default();
    let start = || about_to_hold(&slots);
    search(&start, FAULTS_IN_THE_EXCHANGE, &mut exchange);
    report("exchange", FAULTS_IN_THE_EXCHANGE, &exchange, began);

    // The same with a second block in flight: its messages stand between those of the first.
    let (two, began) = (blocks(5, 2), std::time::Instant::now());
    let mut beside = Found::default();
    search(&|| about_to_hold(&two), FAULTS_IN_THE_EXCHANGE, &mut beside);
    report("two in flight", FAULTS_IN_THE_EXCHANGE, &beside, began);

    let began = std::time::Instant::now();
    let mut recovery = Found::default();
    // From these two every other pair with a pending key is reached on the way. Where Bob holds
    // nothing the block can only burn: one fault less.
    for (pair, faults) in
        [("pending/none", FAULTS_IN_THE_RECOVERY - 1), ("pending/pending", FAULTS_IN_THE_RECOVERY)]
    {
        let path = &exchange.paths[pair];
        let mut origin = start();
        path.iter().for_each(|&step| {
            take(&mut origin, step);
        });
        let snapshot = origin.snapshot();
        let restart = || {
            let mut world = snapshot.start();
            world.connect();
            world
        };
        search(&restart, faults, &mut recovery);
    }
    report("recovery", FAULTS_IN_THE_RECOVERY, &recovery, began);
    // The search is worth something only if it saw what the protocol is there for.
    for pair in ["pending/none", "pending/pending", "pending/usable", "usable/usable"] {
        assert!(exchange.seen.contains_key(pair), "{pair} was never reached");
        assert!(beside.seen.contains_key(pair), "{pair} was never reached with two in flight");
        assert!(recovery.seen.contains_key(pair), "{pair} was never reached in recovery");
    }
    for found in [&exchange, &beside, &recovery] {
        let usable = found.settled.get("usable/usable").copied().unwrap_or(0);
        assert!(usable > 0 && usable < found.transitions);
    }
}

fn report(what: &str, faults: usize, found: &Found, began: std::time::Instant) {
    let Found { states, transitions, contacts, longest, .. } = found;
    println!(
        "{what}: up to {faults} faults, {states} states, {transitions} transitions, up to {longest} \
         steps; at most {contacts} clean contacts to settle; {:?}",
        began.elapsed()
    );
    println!("  alice/bob reached {:?}", found.seen);
    println!("  alice/bob after clean recovery {:?}", found.settled);
}
