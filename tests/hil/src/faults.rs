//! Whole runs on a bad cable, without threads and without a clock: cables that corrupt, drop,
//! double, delay and stall, that are pulled; boards that are reset, contacts that open.
//!
//! [`run`] asserts after every step of half a millisecond, and at the end:
//!
//! - light leaves only while the interlock lets it, and never later than 251 ms after the last
//!   heartbeat that reached the sender whole; after a pulled cable, an open contact or a reset not
//!   in the next step;
//! - every tag that the receiver's device sent has come to its host or lies in a hole that the host
//!   was told of; what the device itself had no room for, it has counted;
//! - between the first and the last slot of a run that a host has heard of, every setting that its
//!   device sent has come, or the host knows that it is missing;
//! - the host makes no tag, no setting and no detection that was not there: what it finds in a slot
//!   is what it would have found on a good cable, and nothing in a slot that a hole touches.

mod cable;
mod controller;
mod ledger;
mod side;

pub(crate) use cable::Way;
pub(crate) use controller::Controller;
pub(crate) use ledger::bits;
pub(crate) use side::Side;

use cable::{HostEnd, Line};
use helio_bench::InterlockState;
use helio_firmware::Event;
use helio_rig::{Plan, Rig};
use helio_wire::Role;
use ledger::Ledger;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Steps of a run: a second of device time.
const STEPS: u32 = 2_000;
/// Steps before the first fault: the stations come to work.
const CALM: u32 = 100;
/// Ticks of 251 ms.
const DARK_BY: u64 = 37_650_000;
const ROLES: [Role; 2] = [Role::Alice, Role::Bob];
const BOARD: &str = "faults";

/// What happened in a run, or in several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs.
    pub runs: u64,
    /// Cables pulled, boards reset, contacts opened, stalls.
    pub deeds: [u64; 4],
    /// Bytes damaged, chunks dropped or doubled, chunks delayed.
    pub damage: [u64; 3],
    /// Tags sent by the devices, those that came, and those that the devices lost and counted.
    pub tags: [u64; 3],
    /// Detections of numbered slots at the host, and on a good cable.
    pub detections: [u64; 2],
    /// Slots with a bit at both stations, and those that differ.
    pub bits: [u64; 2],
    /// Runs begun by the hosts.
    pub begun: u64,
}

impl Tally {
    /// Both together.
    pub fn add(&mut self, other: &Tally) {
        fn sum<const N: usize>(mine: &mut [u64; N], theirs: &[u64; N]) {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
        }
        self.runs += other.runs;
        self.begun += other.begun;
        sum(&mut self.deeds, &other.deeds);
        sum(&mut self.damage, &other.damage);
        sum(&mut self.tags, &other.tags);
        sum(&mut self.detections, &other.detections);
        sum(&mut self.bits, &other.bits);
    }
}

/// One run.
///
/// # Panics
/// Where an assertion of the module's documentation does not hold.
pub fn run(seed: u64) -> Tally {
    Bench::new(seed).play()
}

struct Bench {
    rig: Rig,
    lines: [Line; 2],
    hosts: [Controller<HostEnd>; 2],
    ledger: Ledger,
    rng: ChaCha8Rng,
    /// Number of the run that both hosts want.
    generation: u16,
    tally: Tally,
}

impl Bench {
    fn new(seed: u64) -> Bench {
        let plan = Plan { seed, ..Plan::default() };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let rig = Rig::new(plan.bench(), BOARD).expect("the plan is valid");
        let lines = ROLES.map(|_| Line::new(&mut rng));
        let hosts = [0, 1].map(|at| Controller::new(lines[at].host_end()));
        let (ledger, tally) = (Ledger::new(), Tally { runs: 1, ..Tally::default() });
        Bench { rig, lines, hosts, ledger, rng, generation: 1, tally }
    }

    fn play(mut self) -> Tally {
        for step in 0..STEPS {
            let calm = !(CALM..STEPS - CALM).contains(&step);
            for line in &mut self.lines {
                line.calm = calm;
            }
            if !calm {
                self.misfortune();
            }
            self.hosts_turn();
            for role in ROLES {
                self.device_turn(role);
            }
            self.shine();
        }
        self.end()
    }

    fn chance(&mut self, in_so_many: u64) -> bool {
        self.rng.next_u64().is_multiple_of(in_so_many)
    }

    /// A few a run.
    fn misfortune(&mut self) {
        for role in ROLES {
            let at = usize::from(role.code());
            if self.chance(3_000) {
                self.tally.deeds[0] += 1;
                let heard = self.hosts[at].take();
                self.ledger.side(role).close(heard);
                self.lines[at].cut(&mut self.rng);
                self.hosts[at] = Controller::new(self.lines[at].host_end());
                self.generation += 1;
                self.rig.signal(role, Event::LinkReset);
                self.dark_after(role);
                self.lines[at].reset();
            } else if self.chance(4_000) {
                self.tally.deeds[1] += 1;
                self.rig.reboot(role, BOARD);
                self.lines[at].reset();
                self.ledger.side(role).rebooted();
                self.dark_after(role);
            } else if self.chance(5_000) {
                self.tally.deeds[2] += 1;
                self.rig.signal(role, Event::ContactOpen);
                self.dark_after(role);
            } else if self.chance(2_000) {
                self.tally.deeds[3] += 1;
                // Up to 0.4 s: longer than a silence that the interlock bears.
                self.lines[at].stalled = (self.rng.next_u64() % 800) as u32;
            }
        }
    }

    /// The very next turn makes it dark.
    fn dark_after(&mut self, role: Role) {
        self.device_turn(role);
        assert_ne!(self.rig.interlock(role), InterlockState::Emitting, "{role:?}");
        assert!(!self.rig.is_running(role), "{role:?}");
    }

    fn hosts_turn(&mut self) {
        let alice_runs = self.hosts[0].runs(self.generation);
        for (at, host) in self.hosts.iter_mut().enumerate() {
            // Bob looks for the sync of the run that is on, not of one before.
            let may_start = at == 0 || alice_runs;
            host.turn(self.generation, may_start);
        }
        if self.hosts.iter_mut().fold(false, |lost, host| lost | host.has_lost_its_run()) {
            self.generation += 1;
        }
    }

    fn device_turn(&mut self, role: Role) {
        let line = &mut self.lines[usize::from(role.code())];
        let rx = line.deliver();
        self.ledger.note_commands(role, &rx, self.rig.now(role));
        let before = line.queue.bytes.len();
        self.rig.turn(role, &rx, &mut line.queue);
        self.ledger.side(role).note_frames(&line.queue.bytes[before..]);
        line.carry();
    }

    fn shine(&mut self) {
        let before = self.rig.light().pulses;
        let allowed = self.rig.interlock(Role::Alice) == InterlockState::Emitting;
        let now = self.rig.now(Role::Alice).0;
        self.rig.step();
        if self.rig.light().pulses != before {
            assert!(allowed, "light at {now} without the interlock");
            let alive = self.ledger.alive().0;
            let end = self.rig.now(Role::Alice).0;
            assert!(end - alive <= DARK_BY, "light at {end}, last heartbeat at {alive}");
        }
    }

    fn end(mut self) -> Tally {
        // Pulled for good: the devices say what is left to say.
        for role in ROLES {
            let at = usize::from(role.code());
            self.lines[at].stalled = 0;
            self.lines[at].queue.bytes.clear();
            self.rig.signal(role, Event::LinkReset);
            self.dark_after(role);
            self.hosts[at].hear();
            let heard = self.hosts[at].take();
            self.ledger.side(role).close(heard);
            for (total, n) in self.tally.damage.iter_mut().zip(self.lines[at].damage()) {
                *total += n;
            }
        }
        let counters = self.rig.bob.counters();
        self.tally.begun = u64::from(self.generation);
        self.ledger.settle(&counters, &mut self.tally);
        self.tally
    }
}
