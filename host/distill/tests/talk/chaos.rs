//! A thousand runs over several blocks in which anything may happen at any step: messages lost,
//! repeated, reordered, delayed, altered; machines that crash between steps or at a write; memory
//! that fails once; contacts cut. Each run is a function of its seed.

use helio_distill::Role;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::channel::Slots;
use crate::disk::Fuse;
use crate::world::{Pads, World, blocks};

const RUNS: u64 = 1_000;
/// Blocks under faults; one more follows on a line that carries.
const BLOCKS: usize = 3;
const THREADS: u64 = 2;
const PADS: Pads = Pads { all: 512, reserve: 480 };

#[derive(Default)]
struct Tally {
    runs: u64,
    keys_under_faults: u64,
    keys_after: u64,
    settled_late: u64,
    /// Steps with two blocks in flight at a station.
    overlaps: u64,
    faults: [u64; FAULTS],
    contacts: usize,
}

pub const FAULTS: usize = 10;
const NAMES: [&str; FAULTS] = [
    "lost",
    "repeated",
    "reordered",
    "delayed",
    "altered",
    "crashed",
    "crashed at a write",
    "write failed",
    "cut",
    "silent",
];

pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0.next_u64() % n
    }

    pub fn role(&mut self) -> Role {
        if self.below(2) == 0 { Role::Alice } else { Role::Bob }
    }
}

/// One fault of the given kind; `false` if there was nothing it could happen to.
pub fn harm(world: &mut World<'_>, kind: usize, dice: &mut Dice) -> bool {
    let role = dice.role();
    let line = &mut world.lines[role as usize];
    let waiting = line.len() as u64;
    match NAMES[kind] {
        "lost" => return line.pop_front().is_some(),
        "repeated" => {
            // Any message of the past, of this contact or an earlier one.
            let Some(at) = (world.sent.len() as u64).checked_sub(1) else { return false };
            let age = dice.below(at.min(12) + 1);
            let (to, message) = world.sent[(at - age) as usize].clone();
            world.hand(to, &message);
        }
        "reordered" => {
            let Some(line) = world.lines.iter_mut().find(|line| line.len() > 1) else {
                return false;
            };
            line.swap(0, 1);
        }
        "delayed" if waiting > 0 => {
            // The other direction and what comes later overtake it.
            let message = line.remove(0).expect("one waits");
            if world.lines[role.other() as usize].is_empty() {
                world.wait();
            } else {
                world.deliver(role.other());
            }
            world.lines[role as usize].push_back(message);
        }
        "altered" if waiting > 0 => {
            let message = &mut line[0];
            if dice.below(4) == 0 {
                let length = dice.below(message.len() as u64);
                message.truncate(length as usize);
            } else {
                let at = dice.below(message.len() as u64) as usize;
                message[at] ^= 1 << dice.below(8);
            }
        }
        "crashed" => world.crash(role),
        "crashed at a write" | "write failed" => {
            let (writes, after) = (dice.below(6) as u32, dice.below(2) == 0);
            world.set_fuse(role, Fuse { writes, after, dies: NAMES[kind] != "write failed" });
        }
        "cut" => world.connect(),
        "silent" => world.wait(),
        _ => return false,
    }
    true
}

fn run(slots: &[Slots], seed: u64, tally: &mut Tally) {
    let mut dice = Dice::new(seed);
    // From a line with a fault now and then to one on which hardly a block survives.
    let per_mille = [20, 60, 150, 300][(seed % 4) as usize];
    let mut world = World::new(slots, PADS, seed);
    world.connect();
    for _ in 0..200 {
        if dice.below(1_000) < per_mille {
            let kind = dice.below(FAULTS as u64) as usize;
            tally.faults[kind] += u64::from(harm(&mut world, kind, &mut dice));
            continue;
        }
        tally.overlaps += u64::from(world.progress(dice.role()).blocks.len() > 1);
        if world.fed < BLOCKS && dice.below(6) == 0 {
            // The next block is over before this one is done with.
            world.feed();
            continue;
        }
        let role = dice.role();
        let waits = |r: Role| !world.lines[r as usize].is_empty();
        match [role, role.other()].into_iter().find(|&r| waits(r)) {
            Some(role) => world.deliver(role),
            None if !world.is_open(Role::Alice) || !world.is_open(Role::Bob) => world.connect(),
            None if world.fed < BLOCKS => world.feed(),
            None => break,
        }
    }
    let before = world.usable(Role::Alice).len();
    let contacts = world.settle();
    tally.contacts = tally.contacts.max(contacts);
    let keys = world.usable(Role::Alice).len();
    tally.settled_late += (keys - before) as u64;
    tally.keys_under_faults += keys as u64;
    // Work goes on: the next block makes a key on both sides.
    world.feed();
    world.deliver_all();
    let after = world.usable(Role::Alice).len();
    assert_eq!(after, world.usable(Role::Bob).len());
    assert!(after > keys, "no key after the faults: {:?}", world.pair.faults);
    tally.keys_after += 1;
    tally.runs += 1;
}

#[test]
fn a_thousand_runs_of_chaos_leave_equal_keys_and_no_pad_used_twice() {
    let slots: Vec<Vec<Slots>> = (0..4).map(|seed| blocks(seed, BLOCKS as u64 + 1)).collect();
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let work = |thread: u64, slots: &[Vec<Slots>]| {
            let mut tally = Tally::default();
            for seed in (thread..RUNS).step_by(THREADS as usize) {
                let slots = &slots[(seed / 4 % 4) as usize];
                let one = std::panic::AssertUnwindSafe(|| run(slots, seed, &mut tally));
                // The seed repeats the run.
                let result = std::panic::catch_unwind(one);
                assert!(result.is_ok(), "run {seed} failed, see above");
            }
            tally
        };
        let threads: Vec<_> = (0..THREADS)
            .map(|t| {
                scope.spawn({
                    let slots = &slots;
                    move || work(t, slots)
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().expect("every run holds")).collect()
    });
    let sum = |f: fn(&Tally) -> u64| tallies.iter().map(f).sum::<u64>();
    let (runs, keys, late) =
        (sum(|t| t.runs), sum(|t| t.keys_under_faults), sum(|t| t.settled_late));
    let contacts = tallies.iter().map(|t| t.contacts).max().unwrap_or(0);
    println!(
        "{runs} runs: {keys} keys under faults, {late} of them usable only after recovery, {} keys \
         after; at most {contacts} clean contacts to settle",
        sum(|t| t.keys_after)
    );
    for (kind, name) in NAMES.iter().enumerate() {
        let times = tallies.iter().map(|t| t.faults[kind]).sum::<u64>();
        println!("  {name}: {times}");
        assert!(times > 100, "{name} hardly ever happened");
    }
    assert_eq!((runs, sum(|t| t.keys_after)), (RUNS, RUNS));
    assert!(keys >= RUNS / 2 && late >= 10, "{keys} keys, {late} late");
    let overlaps = sum(|t| t.overlaps);
    assert!(overlaps > 10 * RUNS, "two blocks in flight at {overlaps} steps only");
}
