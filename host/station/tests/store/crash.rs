//! A station that is killed at any moment: what it was told to be durable is there afterwards, and
//! nothing half. A kill leaves the operating system alive, so this shows the order of the writes;
//! that they reach the platter is `fsync`'s word, which no test without a power switch can check.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use helio_distill::Role;
use helio_distill::pads::{Purpose, Watermarks, Way};
use helio_distill::release::{BlockState, StationStore};
use helio_station::store::Pairing;

use crate::support::{Store, certificate, entropy, id, identity, key, open};

const FOLDER: &str = "HELIO_TEST_STORE_TO_CRASH";
const DONE: &str = "HELIO_TEST_STORE_STEPS_DONE";
const KILLS: u64 = 30;
/// Steps of a block's life.
const PER_BLOCK: u64 = 4;

/// Step `step` of an endless life: per block held, a pad spent, ε recorded, and the block before
/// the last released, burnt or left.
fn act(store: &mut Store, step: u64) {
    let (block, done) = (step / PER_BLOCK, "the disk is sound");
    match step % PER_BLOCK {
        0 => store.hold(id(block), key(block), certificate()).expect(done),
        1 => store.spend_pads(Way::Out, Purpose::Block, block + 1).expect(done),
        2 => store.record_epsilon((block + 1) as f64 * 1e-10).expect(done),
        _ => match block.checked_sub(2) {
            Some(old) if old % 3 == 0 => store.release(id(old)).expect(done),
            Some(old) if old % 3 == 1 => store.burn(id(old)).expect(done),
            _ => {}
        },
    }
}

#[derive(Debug, Default, PartialEq)]
struct Memory {
    watermarks: Watermarks,
    epsilon: f64,
    states: Vec<BlockState>,
    pending: Vec<u64>,
}

/// What must be remembered after so many steps.
fn foreseen(steps: u64) -> Memory {
    let mut memory = Memory::default();
    for step in 0..steps {
        let block = step / PER_BLOCK;
        match step % PER_BLOCK {
            0 => memory.states.push(BlockState::Pending),
            1 => memory.watermarks.out_block = block + 1,
            2 => memory.epsilon = (block + 1) as f64 * 1e-10,
            _ => match block.checked_sub(2) {
                Some(old) if old % 3 == 0 => memory.states[old as usize] = BlockState::Usable,
                Some(old) if old % 3 == 1 => memory.states[old as usize] = BlockState::Burnt,
                _ => {}
            },
        }
    }
    let states = memory.states.iter().enumerate();
    let pending = states.filter(|(_, state)| **state == BlockState::Pending);
    memory.pending = pending.map(|(block, _)| block as u64).collect();
    memory
}

/// What is remembered. Every usable key is whole.
fn remembered(store: &Store) -> Memory {
    let states: Vec<BlockState> =
        (0..).map_while(|block| store.state(id(block)).expect("readable")).collect();
    for block in (0..states.len() as u64).filter(|&b| states[b as usize] == BlockState::Usable) {
        let kept = store.usable(id(block)).expect("whole").expect("usable");
        assert!(bool::from(kept.bits().ct_eq(key(block).bits())), "block {block}");
    }
    Memory {
        watermarks: store.watermarks().expect("readable"),
        epsilon: store.epsilon_spent().expect("readable"),
        pending: store.pending().expect("readable").iter().map(|id| id.block).collect(),
        states,
    }
}

/// Not a test by itself: the process that is killed. It tells each step that returned.
#[test]
fn child() {
    let (Ok(folder), Ok(done)) = (std::env::var(FOLDER), std::env::var(DONE)) else { return };
    let mut store = open(Path::new(&folder));
    let mut step = done.parse().expect("a number");
    certificate();
    // Past the harness, which would keep it until the end.
    let mut out = std::io::stdout();
    writeln!(out, "ready").and_then(|()| out.flush()).expect("the pipe is there");
    loop {
        act(&mut store, step);
        writeln!(out, "step {step}").and_then(|()| out.flush()).expect("the pipe is there");
        step += 1;
    }
}

#[test]
fn after_a_kill_all_that_was_reported_is_there_and_nothing_half() {
    let folder = tempfile::tempdir().expect("a folder");
    let pairing = Pairing::fresh(&mut entropy(1), 4000, 24).expect("sound");
    drop(Store::create(folder.path(), &identity(Role::Alice), &pairing).expect("new"));
    let (mut done, mut unreported) = (0, 0);
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "crash::child"])
            .env(FOLDER, folder.path())
            .env(DONE, done.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        lines.find(|l| l.as_ref().is_ok_and(|l| l.ends_with("ready"))).expect("ready").expect("ok");
        // From 0 to 150 ms, spread without a pattern: many phases of many steps.
        std::thread::sleep(Duration::from_micros(kill * 47_911 % 150_000));
        child.kill().expect("killed");
        child.wait().expect("gone");
        let reported = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("step ")?.parse::<u64>().ok())
            .last()
            .map_or(done, |last| last + 1);
        let store = open(folder.path());
        let memory = remembered(&store);
        if memory == foreseen(reported) {
            done = reported;
        } else {
            assert_eq!(memory, foreseen(reported + 1), "kill {kill} after {reported} steps");
            done = reported + 1;
            unreported += 1;
        }
    }
    println!("{KILLS} kills, {done} steps; {unreported} ended between a step and its report");
    assert!(done > KILLS, "{done} steps in {KILLS} lives");
}
