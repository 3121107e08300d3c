//! Runs on bad cables at a desk, where time passes whatever the hosts do. The cable of the desk is
//! sound, and is spoilt behind the port from which the host reads: so what the device has sent is known,
//! and each tag, setting and detection of the host is compared with it, and the device's own count
//! with that. (`crate::faults` sees both ends without a desk between them.)

use super::Figures;
use crate::case::Skip;
use crate::desk::Desk;
use crate::faults::{Controller, Side, Tally, Way, bits};
use helio_firmware::Event;
use helio_link::fault::Faulty;
use helio_link::{Transport, TransportError};
use helio_rig::{Hand, Light, Plan};
use helio_units::Ticks;
use helio_wire::Role;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Rounds of a run, and the steps of half a millisecond in one.
const ROUNDS: u32 = 80;
const STEPS: u32 = 10;
/// Rounds before the first fault.
const CALM: u32 = 12;
/// Ticks of a millisecond.
const MS: u64 = 150_000;
/// The last words on the cable are heard up to 120 ms later; 251 ms after them it is dark.
const DARK_BY: u64 = (120 + 251) * MS;
const ROLES: [Role; 2] = [Role::Alice, Role::Bob];

/// Most steps for which Bob's next health report is waited for: one comes each half second.
const REPORTS: u32 = 20;
const REPORT_STEPS: u32 = 100;
/// By the wall clock, for the last tags to come; only a loss takes so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The desk's cable, where what comes out of the device is seen before anything happens to it.
struct Tap<T> {
    cable: T,
    came: Rc<RefCell<Vec<u8>>>,
}

impl<T: Transport> Transport for Tap<T> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.cable.send(bytes)
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        self.cable.receive(chunk, timeout)?;
        self.came.borrow_mut().extend_from_slice(chunk);
        Ok(())
    }
}

type Host<D> = Controller<Faulty<Tap<<D as Desk>::Cable>, Way, Way>>;

struct Run<'a, D: Desk> {
    desk: &'a mut D,
    rng: ChaCha8Rng,
    hosts: [Option<Host<D>>; 2],
    came: [Rc<RefCell<Vec<u8>>>; 2],
    sides: [Side; 2],
    stalled: [u32; 2],
    generation: u16,
    deeds: u32,
    /// Bob's time at the end, after which nothing more is done.
    silent: Ticks,
}

pub(super) fn bad_cables<D: Desk>(desk: &mut D) -> Figures {
    let runs = desk.effort().faults;
    let (mut tally, mut deeds, mut exact) = (Tally::default(), 0, 0);
    for seed in 1..=u64::from(runs) {
        if !desk.rebuild(Plan { seed, ..Plan::default() }) {
            let reason = "cables cannot be spoilt and boards not be reset from here";
            return Err(Skip::off_the_table(reason, "bad_cables"));
        }
        let mut run = Run {
            desk,
            rng: ChaCha8Rng::seed_from_u64(seed),
            hosts: [None, None],
            came: Default::default(),
            sides: [Side::new(), Side::new()],
            stalled: [0; 2],
            generation: 1,
            deeds: 0,
            silent: Ticks(0),
        };
        run.play();
        let mut of_it = Tally { runs: 1, ..Tally::default() };
        exact += u32::from(run.settle(&mut of_it));
        tally.add(&of_it);
        deeds += run.deeds;
    }
    let [bits, errors] = tally.bits;
    let [sent, came, lost] = tally.tags;
    // Bad cables, not cut ones.
    assert!(
        bits > 0 && exact > 0 && came * 2 > sent,
        "{bits} bits, {came} of {sent} tags, {exact}"
    );
    assert!(errors * 20 < bits, "{errors} of {bits} bits are wrong");
    Ok(format!(
        "{runs} runs, {deeds} deeds; {sent} tags sent, {came} came, the others told, {lost} lost by the \
         device and counted, its count right to the tag in {exact} boots without a pulled cable; {bits} \
         bits, {errors} errors"
    ))
}

impl<D: Desk> Run<'_, D> {
    fn play(&mut self) {
        for role in ROLES {
            self.plug(role);
        }
        for round in 0..ROUNDS {
            if round > CALM {
                self.misfortune();
            }
            self.hosts_turn();
            self.lay(Hand::Pass(STEPS));
        }
        // Silence.
        let from = self.lay(Hand::Light).alice_now.0;
        let light = self.lay(Hand::Pass(1_000));
        assert!(light.until.0 <= from + DARK_BY, "silent since {from}, {light:?}");
        self.silent = light.bob_now;
        self.report();
    }

    /// Until all that Bob had to say has come, with a health report of after the silence.
    fn report(&mut self) {
        for _ in 0..REPORTS {
            self.hear();
            if self.sides[1].boot.health.now >= self.silent {
                break;
            }
            self.lay(Hand::Pass(REPORT_STEPS));
        }
        let begun = Instant::now();
        while self.is_reported() && !self.balances() && begun.elapsed() < PATIENCE {
            self.hear();
        }
    }

    /// Whether all that Bob's last report counts was sent on a cable that was not pulled.
    fn is_reported(&self) -> bool {
        let boot = &self.sides[1].boot;
        boot.health.now >= self.silent && boot.swallowed == 0 && !boot.pulled
    }

    fn balances(&self) -> bool {
        let boot = &self.sides[1].boot;
        boot.health.edges == boot.tags + boot.health.lost_edges
    }

    /// Compares; whether Bob's own count was to be right to the tag.
    fn settle(&mut self, tally: &mut Tally) -> bool {
        let (exact, boot) = (self.is_reported(), self.sides[1].boot);
        let health = boot.health;
        assert!(self.balances() || !exact, "an edge comes or is counted: {boot:?}");
        if health.now >= self.silent {
            assert!(boot.lost <= health.lost_edges, "{boot:?}");
            // A pulled cable has swallowed the others.
            assert!(boot.tags + health.lost_edges <= health.edges, "{boot:?}");
        }
        for (side, host) in self.sides.iter_mut().zip(&mut self.hosts) {
            if let Some(host) = host {
                side.close(host.take());
            }
            side.settle(tally);
            // One at each end of a cable, at most.
            let ends = 2 * (self.deeds + 1);
            assert!(side.torn <= u64::from(ends), "{} pieces of frames", side.torn);
        }
        tally.tags[2] += health.lost_edges;
        let [alice, bob] = [0, 1].map(|at: usize| self.sides[at].heard());
        tally.bits = bits(&alice, &bob);
        exact
    }

    fn lay(&mut self, hand: Hand) -> Light {
        self.desk.lay(hand).expect("a bench that can be put up anew can be touched")
    }

    fn plug(&mut self, role: Role) {
        let ways = [0, 1].map(|_| Way::new(&mut self.rng));
        let [inwards, outwards] = ways;
        let at = usize::from(role.code());
        let tap = Tap { cable: self.desk.plug(role), came: self.came[at].clone() };
        self.hosts[at] = Some(Controller::new(Faulty::new(tap, inwards, outwards)));
    }

    fn unplug(&mut self, role: Role) {
        let at = usize::from(role.code());
        if let Some(mut host) = self.hosts[at].take() {
            host.hear();
            self.note();
            self.sides[at].close(host.take());
        }
        self.desk.unplug(role);
    }

    fn hear(&mut self) {
        self.hosts.iter_mut().flatten().for_each(Controller::hear);
        self.note();
    }

    /// What came out of the devices.
    fn note(&mut self) {
        for (side, came) in self.sides.iter_mut().zip(&self.came) {
            side.note_frames(&std::mem::take(&mut *came.borrow_mut()));
        }
    }

    fn chance(&mut self, in_so_many: u64) -> bool {
        self.rng.next_u64().is_multiple_of(in_so_many)
    }

    fn misfortune(&mut self) {
        for role in ROLES {
            if self.chance(100) {
                self.unplug(role);
                self.dark(role, Hand::Light);
                self.plug(role);
                self.generation += 1;
            } else if self.chance(130) {
                self.dark(role, Hand::Reboot(role));
            } else if self.chance(165) {
                self.dark(role, Hand::Signal(role, Event::ContactOpen));
            } else if self.chance(100) {
                self.stalled[usize::from(role.code())] = (self.rng.next_u64() % 80) as u32;
            } else {
                continue;
            }
            self.deeds += 1;
        }
    }

    /// At Alice, it is dark a millisecond after this.
    fn dark(&mut self, role: Role, hand: Hand) {
        let from = self.lay(hand).alice_now.0;
        let light = self.lay(Hand::Pass(STEPS));
        assert!(role == Role::Bob || light.until.0 <= from + MS, "{hand} at {from}: {light:?}");
    }

    fn hosts_turn(&mut self) {
        let generation = self.generation;
        let alice_runs = self.hosts[0].as_ref().is_some_and(|host| host.runs(generation));
        let mut lost = false;
        for (at, host) in self.hosts.iter_mut().enumerate() {
            let Some(host) = host else { continue };
            if self.stalled[at] > 0 {
                self.stalled[at] -= 1;
                continue;
            }
            host.turn(generation, at == 0 || alice_runs);
            lost |= host.has_lost_its_run();
        }
        if lost {
            self.generation += 1;
        }
        self.note();
    }
}
