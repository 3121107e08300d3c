//! Runs on bad cables at a desk: time passes whatever the hosts do, and what can be seen from the
//! hosts' side and from the light is looked at. (`crate::faults` looks at both sides of the cable.)

use super::Figures;
use crate::case::Skip;
use crate::desk::Desk;
use crate::faults::{Controller, Note, Way, bits};
use helio_firmware::Event;
use helio_link::fault::Faulty;
use helio_rig::{Hand, Light, Plan};
use helio_wire::Role;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

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

type Host<D> = Controller<Faulty<<D as Desk>::Cable, Way, Way>>;

struct Run<'a, D: Desk> {
    desk: &'a mut D,
    rng: ChaCha8Rng,
    hosts: [Option<Host<D>>; 2],
    notes: [Vec<Note>; 2],
    stalled: [u32; 2],
    generation: u16,
    deeds: u32,
}

pub(super) fn bad_cables<D: Desk>(desk: &mut D) -> Figures {
    let runs = desk.effort().faults;
    let (mut sum, mut deeds, mut tags) = ([0; 2], 0, 0);
    for seed in 1..=u64::from(runs) {
        if !desk.rebuild(Plan { seed, ..Plan::default() }) {
            break;
        }
        let mut run = Run {
            desk,
            rng: ChaCha8Rng::seed_from_u64(seed),
            hosts: [None, None],
            notes: [Vec::new(), Vec::new()],
            stalled: [0; 2],
            generation: 1,
            deeds: 0,
        };
        run.play();
        let [alice, bob] = &run.notes;
        let [right, wrong] = bits(alice, bob);
        sum = [sum[0] + right, sum[1] + wrong];
        deeds += run.deeds;
        tags += bob.iter().filter(|note| matches!(note, Note::Tag { .. })).count();
    }
    let [bits, errors] = sum;
    if bits == 0 {
        let reason = "cables cannot be spoilt and boards not be reset from here";
        return Err(Skip::off_the_table(reason, "bad_cables"));
    }
    assert!(errors * 20 < bits, "{errors} of {bits} bits are wrong");
    Ok(format!("{runs} runs, {deeds} deeds, {tags} tags, {bits} bits, {errors} errors"))
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
        for role in ROLES {
            self.unplug(role);
        }
    }

    fn lay(&mut self, hand: Hand) -> Light {
        self.desk.lay(hand).expect("a bench that can be put up anew can be touched")
    }

    fn plug(&mut self, role: Role) {
        let ways = [0, 1].map(|_| Way::new(&mut self.rng));
        let [inwards, outwards] = ways;
        let cable = Faulty::new(self.desk.plug(role), inwards, outwards);
        self.hosts[usize::from(role.code())] = Some(Controller::new(cable));
    }

    fn unplug(&mut self, role: Role) {
        let at = usize::from(role.code());
        if let Some(mut host) = self.hosts[at].take() {
            host.hear();
            self.notes[at].extend(host.take());
        }
        self.desk.unplug(role);
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
    }
}
