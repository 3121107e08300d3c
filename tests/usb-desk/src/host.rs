//! A host of one board: commands and their answers, and what a run has brought.

use crate::desk::PATIENCE;
use helio_link::{Connection, Event, Transport, TransportError};
use helio_timetag::{Buffer, SlotBatch, Slotter, SlotterConfig, TagBatch, TagDecoder};
use helio_units::SlotIndex;
use helio_wire::{Configure, DeviceMessage, ErrorCode, Health, HostMessage, Role, Stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How a command was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Hello(u32),
    Ack,
    Refused(ErrorCode, u32),
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// First slot, count and packed codes, as they came.
    pub settings: Vec<(u64, u64, Vec<u8>)>,
    /// Of a setting.
    pub bits: u8,
    /// Detections and dropped slots.
    pub slots: SlotBatch,
    pub tags: u64,
    /// Tags before this tick are here, or in a gap, or in a hole that the cable made.
    pub reached: u64,
    /// Tags that the board itself says it has lost.
    pub lost: u64,
    /// Holes that the cable made.
    pub missing_ticks: u64,
    pub missing_slots: u64,
    pub end: Option<SlotIndex>,
    pub health: Health,
}

impl Heard {
    /// Grows with all that comes.
    fn count(&self) -> u64 {
        self.reached + self.settings.len() as u64
    }

    /// Setting of each slot, where there is one.
    pub fn codes(&self, slots: u64) -> Vec<Option<u8>> {
        let mut codes = vec![None; slots as usize];
        for (first, count, packed) in &self.settings {
            let bits = usize::from(self.bits);
            for i in 0..*count {
                let bit = i as usize * bits;
                let code = packed[bit / 8] >> (bit % 8) & ((1 << bits) - 1);
                if let Some(entry) = codes.get_mut((first + i) as usize) {
                    *entry = Some(code);
                }
            }
        }
        codes
    }
}

struct Ear {
    heard: Heard,
    answers: Vec<(u32, Answer)>,
    tags: TagBatch,
    decoder: TagDecoder,
    slotter: Slotter,
}

pub struct Host<T> {
    pub connection: Connection<T>,
    ear: Ear,
    spoke: Instant,
    /// The other station has failed: simulated light waits for both.
    stop: Arc<AtomicBool>,
}

impl<T: Transport> Host<T> {
    pub fn new(transport: T, slotter: SlotterConfig) -> Host<T> {
        let ear = Ear {
            heard: Heard::default(),
            answers: Vec::new(),
            tags: TagBatch::default(),
            decoder: TagDecoder::new(),
            slotter: Slotter::new(slotter).expect("the window is possible"),
        };
        Host {
            connection: Connection::new(transport),
            ear,
            spoke: Instant::now(),
            stop: Arc::default(),
        }
    }

    /// Takes what comes within the time, and beats in silence.
    pub fn receive(&mut self, timeout: Duration) -> Result<(), TransportError> {
        let Host { connection, ear, spoke, stop } = self;
        if stop.load(Ordering::Relaxed) {
            return Err(TransportError::TimedOut);
        }
        match connection.receive(timeout, |event| ear.event(&event)) {
            Ok(()) | Err(TransportError::TimedOut) => {}
            Err(error) => return Err(error),
        }
        // Nobody beats who has not been greeted.
        if connection.nonce() > Some(0) && spoke.elapsed() > Duration::from_millis(50) {
            *spoke = Instant::now();
            connection.beat()?;
        }
        Ok(())
    }

    /// Sends a command and waits for its answer.
    pub fn ask(&mut self, message: &HostMessage) -> Result<Answer, TransportError> {
        let command = self.connection.send(message)?;
        self.answer_to(command)
    }

    pub fn answer_to(&mut self, command: u32) -> Result<Answer, TransportError> {
        let begun = Instant::now();
        loop {
            self.receive(Duration::from_millis(10))?;
            let mut answers = self.ear.answers.drain(..);
            if let Some((_, answer)) = answers.find(|(to, _)| *to == command) {
                return Ok(answer);
            }
            if begun.elapsed() > PATIENCE {
                return Err(TransportError::TimedOut);
            }
        }
    }

    /// Greets, clears whatever trip there is, and starts a run.
    pub fn start(&mut self, role: Role, plan: &Plan, epoch: u16) -> Result<(), TransportError> {
        let hello = self.ask(&HostMessage::Hello)?;
        assert!(matches!(hello, Answer::Hello(_)), "{role:?}: {hello:?}");
        // One of them is it, if any.
        for code in 1..=7 {
            let cause = helio_bench::TripCause::from_code(code).expect("a cause");
            self.ask(&HostMessage::Clear { cause })?;
        }
        self.begin(role, plan, epoch)
    }

    /// As [`Host::start`], of a device that is safe.
    pub fn begin(&mut self, role: Role, plan: &Plan, epoch: u16) -> Result<(), TransportError> {
        self.ear.heard = Heard::default();
        assert_eq!(self.ask(&HostMessage::Disarm)?, Answer::Ack, "{role:?} is safe");
        let configure = plan.configure(role);
        let done = self.ask(&HostMessage::Configure(configure))?;
        assert_eq!(done, Answer::Ack, "{role:?} is configured");
        if role == Role::Alice {
            let nonce = u32::from(epoch) << 16 | plan.seed as u32 & 0xffff;
            assert_eq!(self.ask(&HostMessage::Arm { nonce })?, Answer::Ack, "armed");
        }
        let start = HostMessage::Start { epoch, slots: plan.slots };
        assert_eq!(self.ask(&start)?, Answer::Ack, "{role:?} is started");
        Ok(())
    }

    /// Goes on until the run has ended.
    pub fn finish(&mut self) -> Result<Heard, TransportError> {
        let begun = Instant::now();
        while self.ear.heard.end.is_none() {
            if begun.elapsed() > 4 * PATIENCE {
                return Err(TransportError::TimedOut);
            }
            self.receive(Duration::from_millis(10))?;
        }
        Ok(self.ear.take())
    }

    /// As [`Host::finish`], where the end itself may be lost: nothing comes for a while, either.
    pub fn finish_or_silence(&mut self) -> Result<(), TransportError> {
        let mut came = (Instant::now(), self.ear.heard.count());
        while self.ear.heard.end.is_none() && came.0.elapsed() < Duration::from_secs(2) {
            self.receive(Duration::from_millis(10))?;
            if self.ear.heard.count() != came.1 {
                came = (Instant::now(), self.ear.heard.count());
            }
        }
        Ok(())
    }

    /// What came, however the run has ended.
    pub fn so_far(&mut self) -> Heard {
        self.ear.take()
    }

    /// What came so far.
    pub fn heard(&self) -> &Heard {
        &self.ear.heard
    }
}

impl Ear {
    fn take(&mut self) -> Heard {
        self.slotter.flush(&mut self.heard.slots);
        std::mem::take(&mut self.heard)
    }

    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Message(_, message) => self.message(message),
            Event::Lost { stream: Stream::Tags, .. } => self.decoder.frames_lost(&mut self.tags),
            Event::MissingTicks { from, to } => self.heard.missing_ticks += to.0 - from.0,
            Event::MissingSlots { from, to } => self.heard.missing_slots += to.0 - from.0,
            _ => {}
        }
        self.slotter.push(&self.tags, &mut self.heard.slots);
        self.tags.clear();
    }

    fn message(&mut self, message: &DeviceMessage<'_>) {
        self.decoder.push(message, &mut self.tags);
        match message {
            DeviceMessage::Hello { command, hello } => {
                let answer = Answer::Hello(hello.tick_length.denominator());
                self.answers.push((*command, answer));
            }
            DeviceMessage::Ack { command, .. } => self.answers.push((*command, Answer::Ack)),
            DeviceMessage::Error { command, code, detail } => {
                self.answers.push((*command, Answer::Refused(*code, *detail)));
            }
            DeviceMessage::Settings(batch) => {
                let entry = (batch.first.0, u64::from(batch.count), batch.packed.to_vec());
                self.heard.settings.push(entry);
                self.heard.bits = batch.bits_per_slot;
            }
            DeviceMessage::Tags(batch) => {
                self.heard.tags += u64::from(batch.count);
                self.heard.reached = self.heard.reached.max(batch.reached.0);
            }
            DeviceMessage::Gap { lost, .. } => self.heard.lost += lost,
            DeviceMessage::Stopped { end, .. } => self.heard.end = Some(*end),
            DeviceMessage::Health(health) => self.heard.health = *health,
            _ => {}
        }
    }
}

/// A run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub slots: u64,
    pub intensity_weights: [u16; 4],
    /// Alice's and Bob's.
    pub key_weights: [u16; 2],
}

/// Ticks of a slot, on both devices.
pub const SLOT_TICKS: u32 = 30;
/// Each such slot is public.
pub const SPACING: u16 = 64;

impl Plan {
    pub fn configure(&self, role: Role) -> Configure {
        Configure {
            slot_ticks: SLOT_TICKS,
            sync_spacing: SPACING,
            sync_seed: 0x1357_9bdf,
            intensity_weights: self.intensity_weights,
            key_basis_weight: self.key_weights[usize::from(role.code())],
            random_swap: true,
            burst_slots: 0,
            slot_clock: helio_bench::SlotClockMode::Sync,
            gate: None,
        }
    }

    /// A short run.
    pub fn short(seed: u64, slots: u64) -> Plan {
        let intensity_weights = [2867, 819, 410, 0];
        Plan { seed, slots, intensity_weights, key_weights: [2048; 2] }
    }
}

/// Both hosts, a thread each, from the first word to the end of the run. Both links stay open
/// until both runs are over.
pub fn run<T: Transport + Send>(
    hosts: [&mut Host<T>; 2],
    plan: &Plan,
    epoch: u16,
) -> [Result<Heard, TransportError>; 2] {
    both(hosts, |host, role| {
        host.start(role, plan, epoch)?;
        host.finish()
    })
}

/// The same with another course of things. A host that fails ends the other one's wait.
pub fn both<T: Transport + Send, O: Send>(
    hosts: [&mut Host<T>; 2],
    course: impl Fn(&mut Host<T>, Role) -> Result<O, TransportError> + Sync,
) -> [Result<O, TransportError>; 2] {
    let [alice, bob] = hosts;
    let (stop, running, course) = (Arc::<AtomicBool>::default(), AtomicU32::new(2), &course);
    let running = &running;
    std::thread::scope(|scope| {
        let threads = [(alice, Role::Alice), (bob, Role::Bob)].map(|(host, role)| {
            host.stop = Arc::clone(&stop);
            scope.spawn(move || {
                let outcome = course(host, role);
                host.stop.fetch_or(outcome.is_err(), Ordering::Relaxed);
                running.fetch_sub(1, Ordering::Relaxed);
                // Light waits for this host too until the other one is through.
                while outcome.is_ok()
                    && running.load(Ordering::Relaxed) > 0
                    && host.receive(Duration::from_millis(10)).is_ok()
                {}
                outcome
            })
        });
        threads.map(|thread| thread.join().expect("a host does not panic"))
    })
}
