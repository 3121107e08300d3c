//! The hosts of a desk, on one thread.

use crate::desk::Desk;
use crate::host::{Answer, Host, configure};
use helio_bench::InterlockState;
use helio_rig::{Hand, Light, Plan};
use helio_timetag::SlotterConfig;
use helio_wire::{Configure, HostMessage, Role};
use std::time::{Duration, Instant};

/// How long, by the wall clock, a device may take to do what it must; only a hang takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// One look at a cable.
const GLANCE: Duration = Duration::from_millis(1);

/// What is told to devices before a run, and how tags become slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Alice's and Bob's.
    pub configure: [Configure; 2],
    /// How Bob's tags become slots, if not as the suite's.
    pub slotter: Option<SlotterConfig>,
}

/// The hosts of all devices of a desk, and the desk.
pub struct Stations<'a, D: Desk> {
    /// Where they stand.
    pub desk: &'a mut D,
    setup: Setup,
    hosts: [Option<Host<D::Cable>>; 2],
    nonce: u32,
    epoch: u16,
}

impl<'a, D: Desk> Stations<'a, D> {
    /// On a new bench where that can be, on what stands there otherwise; greeted.
    ///
    /// # Panics
    /// On silence, as all methods.
    pub fn new(desk: &'a mut D, plan: Plan) -> Stations<'a, D> {
        desk.rebuild(plan);
        let configure = [configure(plan.slot_ticks); 2];
        Stations::on(desk, Setup { configure, slotter: None })
    }

    /// On what stands there; greeted.
    pub fn on(desk: &'a mut D, setup: Setup) -> Stations<'a, D> {
        let mut stations = Stations { desk, setup, hosts: [None, None], nonce: 0, epoch: 0 };
        for role in stations.roles() {
            stations.plug(role);
        }
        stations
    }

    /// Who stands here.
    pub fn roles(&self) -> Vec<Role> {
        self.desk.roles().to_vec()
    }

    /// Plugs a cable in and greets: the device is safe, whatever it was before.
    pub fn plug(&mut self, role: Role) {
        self.reopen(role);
        let answer = self.ask(role, HostMessage::Hello);
        assert_eq!(answer, Answer::Hello, "{role:?} does not greet");
        let facts = self.host(role).heard.facts.clone().expect("it has just said so");
        assert_eq!(facts.role, role, "{facts:?} stands in the other one's place");
    }

    /// Plugs a cable in, or opens it again, without a word.
    pub fn reopen(&mut self, role: Role) {
        let mut host = Host::new(self.desk.plug(role));
        if let Some(config) = &self.setup.slotter {
            host.heard.slot_as(config.clone());
        }
        self.hosts[at(role)] = Some(host);
    }

    /// A host ends, and its cable stays where it is.
    pub fn leave(&mut self, role: Role) {
        self.hosts[at(role)] = None;
    }

    /// Pulls a cable.
    pub fn unplug(&mut self, role: Role) {
        if self.hosts[at(role)].take().is_some() {
            self.desk.unplug(role);
        }
    }

    /// The host of a device that is plugged in.
    pub fn host(&mut self, role: Role) -> &mut Host<D::Cable> {
        self.hosts[at(role)].as_mut().expect("its cable is plugged in")
    }

    /// Takes what has come on every cable.
    pub fn pump(&mut self) {
        let mut came = false;
        for host in self.hosts.iter_mut().flatten() {
            came |= host.receive(Duration::ZERO).expect("the cable holds");
        }
        if !came && let Some(host) = self.hosts.iter_mut().flatten().next() {
            host.receive(GLANCE).expect("the cable holds");
        }
    }

    /// Pumps until `done`.
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let begun = Instant::now();
        while !done(self) {
            assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
            self.pump();
        }
    }

    /// Pumps for so long by the wall clock.
    pub fn idle(&mut self, time: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.pump();
        }
    }

    /// Sends a command and waits for its answer.
    pub fn ask(&mut self, role: Role, message: HostMessage) -> Answer {
        let command = self.host(role).send(&message).expect("the cable holds");
        let what = format!("the answer of {role:?} to {message:?}");
        self.until(&what, |all| all.host(role).heard.answer(command).is_some());
        self.host(role).heard.answer(command).expect("it has just come")
    }

    /// Sends a command that must be obeyed.
    pub fn obey(&mut self, role: Role, message: HostMessage) -> helio_units::Ticks {
        match self.ask(role, message) {
            Answer::Ack(tick) => tick,
            answer => panic!("{role:?} to {message:?}: {answer:?}"),
        }
    }

    /// Configures and arms all devices.
    pub fn arm(&mut self) {
        for role in self.roles() {
            self.obey(role, HostMessage::Configure(self.setup.configure[at(role)]));
        }
        // Alice last: hers is the nonce that a test may try again.
        for role in self.roles().into_iter().rev() {
            self.rearm(role);
        }
    }

    /// Arms one device with a fresh nonce.
    pub fn rearm(&mut self, role: Role) {
        self.nonce += 1;
        let nonce = self.nonce;
        self.obey(role, HostMessage::Arm { nonce });
    }

    /// The nonce that armed last.
    pub fn last_nonce(&self) -> u32 {
        self.nonce
    }

    /// Starts a run of so many slots (0: until told) on all devices that are armed.
    pub fn start(&mut self, slots: u64) {
        self.epoch += 1;
        let epoch = self.epoch;
        for role in self.roles() {
            self.host(role).heard.begin();
        }
        for role in self.roles() {
            self.obey(role, HostMessage::Start { epoch, slots });
        }
    }

    /// Waits until all devices have ended their run.
    pub fn finish(&mut self) {
        for role in self.roles() {
            self.until("the end of a run", |all| all.host(role).heard.end.is_some());
            self.host(role).heard.finish();
        }
    }

    /// Disarms a device whose run has ended; the health report of that change counts all of it.
    pub fn disarm(&mut self, role: Role) {
        self.obey(role, HostMessage::Disarm);
        self.until("health", |all| all.host(role).heard.health.interlock == InterlockState::Safe);
    }

    /// Does something at the bench.
    pub fn lay(&mut self, hand: Hand) -> Option<Light> {
        self.desk.lay(hand)
    }
}

fn at(role: Role) -> usize {
    usize::from(role.code())
}
