//! Hosts for the tests: they start a run, keep the device alive and collect what it says.
#![allow(dead_code, reason = "each test uses a part")]

use helio_link::{Connection, Event, LossReport, PipeEnd, Transport, TransportError};
use helio_timetag::{SlotBatch, Slotter, SlotterConfig, TagBatch, TagDecoder, Window};
use helio_units::{FineTicks, SlotIndex, Ticks};
use helio_virt::{Step, VirtBench, VirtConfig};
use helio_wire::{Configure, DeviceMessage, Health, HostMessage, Stream};
use std::num::NonZeroU16;
use std::sync::Barrier;
use std::time::Duration;

/// Silence after which a host beats by the wall clock.
pub const SILENCE: Duration = Duration::from_millis(200);
pub const SPACING: u16 = 64;

pub fn configure() -> Configure {
    Configure {
        slot_ticks: 30,
        sync_spacing: SPACING,
        sync_seed: 0x1357_9bdf,
        intensity_weights: [2867, 819, 410, 0],
        key_basis_weight: 2048,
        random_swap: true,
        burst_slots: 0,
        slot_clock: helio_bench::SlotClockMode::Sync,
        gate: None,
    }
}

pub fn slotter(channels: usize) -> Slotter {
    let config = SlotterConfig {
        delays: vec![FineTicks(0); channels],
        window: Window { centre: 1 << 31, half_width: FineTicks::from_ticks(Ticks(3)) },
        hold_off: FineTicks::from_ticks(Ticks(150)),
        sync_spacing: NonZeroU16::new(SPACING),
        slack: Ticks(150_000),
    };
    Slotter::new(config).unwrap()
}

/// A host that runs its device once and collects what it says.
pub struct Host<T> {
    pub connection: Connection<T>,
    pub collected: Collected,
    /// What the device is told.
    pub configure: Configure,
}

pub struct Collected {
    /// Code by slot; `None` where no setting came.
    pub settings: Vec<Option<u8>>,
    pub bits_per_slot: Option<u8>,
    pub slots: SlotBatch,
    pub health: Health,
    pub end: Option<SlotIndex>,
    pub tags: u64,
    /// Ticks in holes and slots without settings, as told.
    pub missing: (u64, u64),
    pub losses: LossReport,
    batch: TagBatch,
    decoder: TagDecoder,
    slotter: Slotter,
    answered: Option<u32>,
}

impl Collected {
    pub fn new(channels: usize) -> Collected {
        Collected {
            settings: Vec::new(),
            bits_per_slot: None,
            slots: SlotBatch::default(),
            health: Health::default(),
            end: None,
            tags: 0,
            missing: (0, 0),
            losses: LossReport::default(),
            batch: TagBatch::default(),
            decoder: TagDecoder::new(),
            slotter: slotter(channels),
            answered: None,
        }
    }

    /// The last command that was answered.
    pub fn answered(&self) -> Option<u32> {
        self.answered
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Message(_, message) => self.message(&message),
            Event::Lost { stream: Stream::Tags, .. } => self.decoder.frames_lost(&mut self.batch),
            Event::MissingTicks { from, to } => self.missing.0 += to.0 - from.0,
            Event::MissingSlots { from, to } => self.missing.1 += to.0 - from.0,
            Event::Lost { .. } | Event::BadFrame(_) => {}
            Event::Replugged | Event::Rebooted { .. } | Event::Unknown(_) => panic!("{event:?}"),
        }
        self.slotter.push(&self.batch, &mut self.slots);
        helio_timetag::Buffer::clear(&mut self.batch);
    }

    fn message(&mut self, message: &DeviceMessage<'_>) {
        match message {
            DeviceMessage::Hello { command, .. } | DeviceMessage::Ack { command, .. } => {
                self.answered = self.answered.max(Some(*command));
            }
            DeviceMessage::Error { code, detail, .. } => panic!("refused: {code:?} {detail}"),
            DeviceMessage::Health(health) => self.health = *health,
            DeviceMessage::Stopped { end, .. } => self.end = Some(*end),
            DeviceMessage::Settings(settings) => {
                let end = settings.first.0 as usize + usize::from(settings.count);
                self.bits_per_slot = Some(settings.bits_per_slot);
                if self.settings.len() < end {
                    self.settings.resize(end, None);
                }
                for (slot, code) in settings.iter() {
                    let entry = &mut self.settings[slot.0 as usize];
                    assert_eq!(*entry, None, "slot {} has two settings", slot.0);
                    *entry = Some(code);
                }
            }
            DeviceMessage::Tags(tags) => {
                self.tags += u64::from(tags.count);
                self.decoder.push(message, &mut self.batch);
            }
            _ => self.decoder.push(message, &mut self.batch),
        }
    }
}

impl<T: Transport> Host<T> {
    pub fn new(transport: T, channels: usize) -> Host<T> {
        Host {
            connection: Connection::new(transport),
            collected: Collected::new(channels),
            configure: configure(),
        }
    }

    /// Receives once; beats if there was nothing.
    pub fn receive(&mut self) {
        match self.hear() {
            Ok(()) => {}
            Err(TransportError::TimedOut) => self.connection.beat().unwrap(),
            Err(error) => panic!("{error}"),
        }
    }

    /// Receives once, and does not beat over silence.
    pub fn hear(&mut self) -> Result<(), TransportError> {
        let collected = &mut self.collected;
        self.connection.receive(SILENCE, |event| collected.event(event))
    }

    /// Receives what is there, without waiting.
    pub fn hear_now(&mut self) -> Result<(), TransportError> {
        let collected = &mut self.collected;
        self.connection.receive(Duration::ZERO, |event| collected.event(event))
    }

    /// Takes what comes, without a heartbeat, until nothing comes any more.
    pub fn listen_only(&mut self) {
        let (mut chunk, long) = (Vec::new(), 5 * SILENCE);
        while self.connection.transport().receive(&mut chunk, long).is_ok() {}
    }

    /// Sends a command and waits for its answer.
    pub fn command(&mut self, message: &HostMessage<'_>) {
        let number = self.connection.send(message).unwrap();
        while self.collected.answered < Some(number) {
            self.receive();
        }
    }

    /// A run of so many slots; then unplugs, together with the other host.
    fn run_once(mut self, slots: u64, heard: &Barrier) -> Collected {
        self.run(slots);
        heard.wait();
        self.collected.losses = *self.connection.losses();
        self.collected
    }

    pub fn start(&mut self, slots: u64) {
        self.command(&HostMessage::Hello);
        let configure = HostMessage::Configure(self.configure);
        self.command(&configure);
        self.command(&HostMessage::Arm { nonce: 17 });
        self.command(&HostMessage::Start { epoch: 1, slots });
    }

    fn run(&mut self, slots: u64) {
        self.start(slots);
        while self.collected.end.is_none() {
            self.receive();
        }
        self.collected.slotter.flush(&mut self.collected.slots);
    }
}

/// Runs both hosts and the bench, each on its thread, for so many slots.
pub fn run<A: Transport + Send, B: Transport + Send>(
    config: VirtConfig,
    slots: u64,
    wrap_alice: impl FnOnce(PipeEnd) -> A,
    wrap_bob: impl FnOnce(PipeEnd) -> B,
) -> (Collected, Collected, VirtBench) {
    let channels = usize::from(config.bench.receiver.kind.detectors());
    let (bench, alice, bob) = VirtBench::new(config).unwrap();
    let alice = Host::new(wrap_alice(alice), 1);
    let bob = Host::new(wrap_bob(bob), channels);
    run_hosts(bench, alice, bob, slots)
}

/// The same of hosts that know already what they are to do.
pub fn run_hosts<A: Transport + Send, B: Transport + Send>(
    mut bench: VirtBench,
    alice: Host<A>,
    bob: Host<B>,
    slots: u64,
) -> (Collected, Collected, VirtBench) {
    // Both links stay open until both hosts have heard the end.
    let heard = Barrier::new(2);
    std::thread::scope(|scope| {
        let alice = scope.spawn(|| alice.run_once(slots, &heard));
        let bob = scope.spawn(|| bob.run_once(slots, &heard));
        while !matches!(bench.step(), Step::Unplugged(_)) {}
        (alice.join().unwrap(), bob.join().unwrap(), bench)
    })
}
