//! The hosts of a desk, on one thread.

use crate::desk::Desk;
use crate::host::{Answer, Host, configure, in_ticks};
use helio_bench::{InterlockState, SettingsSource, SlotClockMode, TripCause};
use helio_rig::{Hand, Light, Plan};
use helio_timetag::SlotterConfig;
use helio_units::TickLength;
use helio_wire::{Configure, ErrorCode, HostMessage, Role};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long, by the wall clock, a device may take to do what it must; only a hang takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// One look at a cable.
const GLANCE: Duration = Duration::from_millis(1);

/// What is told to devices before a run, and how tags become slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Alice's and Bob's; slots in cycles of 150 MHz, whatever the device's own tick.
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
    /// Slots of the run, 0 if it does not end by itself.
    slots: u64,
    /// Whether Bob's device has no slot clock: its tags have no slots.
    free: bool,
}

/// One that no host of this device has used lately: on a real desk, others came before.
fn fresh_nonce() -> u32 {
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();
    let seed = || AtomicU32::new(RandomState::new().build_hasher().finish() as u32);
    NEXT.get_or_init(seed).fetch_add(1, Ordering::Relaxed)
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

    /// On what stands there; greeted, and dark and safe whatever was done to it before.
    pub fn on(desk: &'a mut D, setup: Setup) -> Stations<'a, D> {
        let hosts = [None, None];
        let mut stations =
            Stations { desk, setup, hosts, nonce: 0, epoch: 0, slots: 0, free: false };
        for role in stations.roles() {
            stations.plug(role);
            stations.make_safe(role);
        }
        stations
    }

    /// Ends whatever a host before this one has left.
    fn make_safe(&mut self, role: Role) {
        let clear = TripCause::ALL.map(|cause| HostMessage::Clear { cause });
        let source = HostMessage::Source(SettingsSource::Own);
        let messages = [&[HostMessage::Stop, source], &clear[..], &[HostMessage::Disarm]].concat();
        for message in messages {
            let answer = self.ask(role, message);
            let over = Answer::Refused(ErrorCode::WrongState, 0);
            assert!(matches!(answer, Answer::Ack(_)) || answer == over, "{role:?}: {answer:?}");
        }
        // Another run's number than that of the device's last one.
        self.epoch = self.epoch.max(self.host(role).connection.epoch());
    }

    /// Length of a slot, in cycles of 150 MHz.
    pub fn slot_cycles(&self) -> u32 {
        self.desk.slot_cycles(self.setup.configure[0].slot_ticks)
    }

    /// Length of a slot, in seconds.
    pub fn slot_s(&self) -> f64 {
        f64::from(self.slot_cycles()) * TickLength::CYCLE_150_MHZ.as_ps_f64() * 1e-12
    }

    /// Whether Bob's tags have slots: his device, once armed, has a slot clock and a sender.
    pub fn has_slots(&self) -> bool {
        self.desk.roles().len() == 2 && !self.free
    }

    /// Whether somebody, or something, stands by to do what is asked at the bench.
    pub fn is_attended(&mut self) -> bool {
        self.lay(Hand::Light).is_some()
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
            self.configure(role);
        }
        // Alice last: hers is the nonce that a test may try again.
        for role in self.roles().into_iter().rev() {
            self.rearm(role);
        }
    }

    fn configure(&mut self, role: Role) {
        let tick = self.host(role).heard.facts.as_ref().expect("it has greeted").tick_length;
        let asked = self.setup.configure[at(role)];
        let configure = Configure { slot_ticks: in_ticks(self.slot_cycles(), tick), ..asked };
        match self.ask(role, HostMessage::Configure(configure)) {
            Answer::Ack(_) => {}
            Answer::Refused(ErrorCode::OutOfRange, Configure::AT_SLOT_CLOCK) => {
                self.free = true;
                let configure = Configure { slot_clock: SlotClockMode::Free, ..configure };
                self.obey(role, HostMessage::Configure(configure));
            }
            answer => panic!("{role:?} to {configure:?}: {answer:?}"),
        }
    }

    /// Arms one device with a fresh nonce. One whose generator is too slow for the slots expands its
    /// bytes.
    pub fn rearm(&mut self, role: Role) {
        self.nonce = fresh_nonce();
        let arm = HostMessage::Arm { nonce: self.nonce };
        match self.ask(role, arm) {
            Answer::Ack(_) => {}
            Answer::Refused(ErrorCode::SlotTooShort, 1..) => {
                self.obey(role, HostMessage::Source(SettingsSource::Expanded));
                self.obey(role, arm);
            }
            answer => panic!("{role:?} is not armed: {answer:?}"),
        }
    }

    /// The nonce that armed last.
    pub fn last_nonce(&self) -> u32 {
        self.nonce
    }

    /// Starts a run of so many slots (0: until told) on all devices that are armed.
    pub fn start(&mut self, slots: u64) {
        // Never 0.
        self.epoch = self.epoch % u16::MAX + 1;
        self.slots = slots;
        let epoch = self.epoch;
        for role in self.roles() {
            // With what its device has counted before.
            self.until("health of an armed device", |all| {
                all.host(role).heard.health.interlock == InterlockState::Armed
            });
            self.host(role).heard.begin();
        }
        for role in self.roles() {
            self.obey(role, HostMessage::Start { epoch, slots });
        }
    }

    /// Waits until all devices have ended their run.
    pub fn finish(&mut self) {
        for role in self.roles() {
            if role == Role::Bob && self.slots > 0 && !self.has_slots() {
                self.end_unnumbered();
            }
            self.until("the end of a run", |all| all.host(role).heard.end.is_some());
            self.host(role).heard.finish();
        }
    }

    /// Without slots Bob's device does not know where a run ends.
    fn end_unnumbered(&mut self) {
        if self.roles().len() == 1 {
            self.idle(Duration::from_secs_f64(self.slots as f64 * self.slot_s()));
        }
        self.obey(Role::Bob, HostMessage::Stop);
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
