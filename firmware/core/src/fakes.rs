//! Parts of a bench for the tests: no physics, everything recorded.

extern crate std;
mod player;

use crate::cable::Transmit;
use crate::identity::{Identity, text};
use helio_bench::*;
use helio_units::*;
use helio_wire::*;
pub use player::FakePlayer;
use std::collections::VecDeque;
use std::string::String;
use std::vec::Vec;

/// Reproducible noise (splitmix64).
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Noise {
        Noise(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ 0x1234_5678_9ABC_DEF1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In `0..n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// In [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Of variance 1: the sum of twelve uniform numbers, whose tails end at 6.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// The laser: its enable line, with the time of each change left to the test.
#[derive(Default)]
pub struct FakeSource {
    pub enabled: bool,
    pub delays: Vec<(Polarization, Picoseconds)>,
}

pub const LEVELS: [MeanPhotons; 3] =
    [MeanPhotons::new(0.5).unwrap(), MeanPhotons::new(0.1).unwrap(), MeanPhotons::VACUUM];

impl PulseSource for FakeSource {
    fn max_trigger_rate(&self) -> Hertz {
        Hertz(10_000_000)
    }
    fn levels(&self) -> &[MeanPhotons] {
        &LEVELS
    }
    fn delay_range(&self) -> Option<(Picoseconds, Picoseconds)> {
        Some((Picoseconds(-5_000), Picoseconds(5_000)))
    }
    fn set_delay(&mut self, state: Polarization, delay: Picoseconds) {
        self.delays.push((state, delay));
    }
    fn statement(&self) -> SourceStatement {
        SourceStatement {
            phase: PhaseRandomisation::AssumedIdeal,
            intensity_uncertainty: Some(0.02),
        }
    }
    fn set_enabled(&mut self, on: bool) {
        self.enabled = on;
    }
    fn is_enabled(&self) -> bool {
        self.enabled
    }
}

pub struct FakeModulator;

impl Modulator for FakeModulator {
    fn settling_time(&self) -> Picoseconds {
        Picoseconds(50_000)
    }
}

pub struct FakeRandom {
    pub noise: Noise,
    pub faulty: bool,
}

impl FakeRandom {
    pub fn new(seed: u64) -> FakeRandom {
        FakeRandom { noise: Noise::new(seed), faulty: false }
    }
}

impl RandomSource for FakeRandom {
    fn class(&self) -> RandomClass {
        RandomClass::Seeded
    }
    fn name(&self) -> &str {
        "splitmix64 (test)"
    }
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomFault> {
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.noise.next().to_le_bytes()[..chunk.len()]);
        }
        if self.faulty { Err(RandomFault) } else { Ok(()) }
    }
}

/// Gives the edges that a test has put in, in order.
pub struct FakeEdges {
    pub channels: u8,
    pub queue: VecDeque<Edge>,
    pub reached: Ticks,
    pub loss: Option<Loss>,
    pub references: VecDeque<Ticks>,
    pub references_lost: u32,
}

impl FakeEdges {
    pub fn new(detectors: u8) -> FakeEdges {
        let queue = VecDeque::new();
        FakeEdges {
            channels: detectors + 1,
            queue,
            reached: Ticks(0),
            loss: None,
            references: VecDeque::new(),
            references_lost: 0,
        }
    }
}

impl EdgeSource for FakeEdges {
    fn channels(&self) -> u8 {
        self.channels
    }
    fn tick_length(&self) -> TickLength {
        TickLength::CYCLE_150_MHZ
    }
    fn drain(&mut self, out: &mut [Edge]) -> Drained {
        let edges = out.len().min(self.queue.len());
        for (slot, edge) in out.iter_mut().zip(self.queue.drain(..edges)) {
            *slot = edge;
        }
        let reached = self.queue.front().map_or(self.reached, |next| next.tick);
        Drained { edges, reached, loss: self.loss.take() }
    }
    fn drain_reference(&mut self, out: &mut [Ticks]) -> ReferenceEdges {
        let edges = out.len().min(self.references.len());
        for (slot, tick) in out.iter_mut().zip(self.references.drain(..edges)) {
            *slot = tick;
        }
        ReferenceEdges { edges, lost: std::mem::take(&mut self.references_lost) }
    }
}

#[derive(Default)]
pub struct FakeClock {
    pub now: Ticks,
    pub steered: Vec<SlotTiming>,
    pub too_late: u32,
    /// So many orders are refused although they are early enough.
    pub refuse: u32,
}

impl SlotClock for FakeClock {
    fn steer(&mut self, timing: SlotTiming) -> Result<(), SteerError> {
        if self.refuse > 0 || timing.start.floor() <= self.now {
            self.refuse = self.refuse.saturating_sub(1);
            self.too_late += 1;
            return Err(SteerError::TooLate { now: self.now });
        }
        self.steered.push(timing);
        Ok(())
    }
}

/// A cable that holds so many bytes until the host takes them.
pub struct Cable {
    pub capacity: usize,
    pub bytes: Vec<u8>,
}

impl Cable {
    pub fn new() -> Cable {
        Cable { capacity: 1 << 20, bytes: Vec::new() }
    }
}

impl Transmit for Cable {
    fn space(&self) -> usize {
        self.capacity.saturating_sub(self.bytes.len())
    }
    fn send(&mut self, frame: &[u8]) {
        assert!(frame.len() <= self.space(), "a frame without room for it");
        self.bytes.extend_from_slice(frame);
    }
}

/// A message of the device, on its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    Hello(u32, Role, Capabilities, u8),
    Ack(u32, Ticks),
    Error(u32, ErrorCode, u32),
    Health(Health),
    Log(String),
    /// Base, edges, reached.
    Tags(Ticks, Vec<Edge>, Ticks),
    Gap(Loss),
    Mark(SlotTiming),
    LockLost(Ticks),
    /// Input, lost before it, edges.
    Clock(ClockInput, u32, Vec<Ticks>),
    Settings(SlotIndex, Vec<u8>),
    Stopped(SlotIndex, Ticks),
    /// Index, value, name, access.
    Value(u32, u16, i64, String, Access),
    Telemetry(Ticks, Vec<(u16, i64)>),
}

/// The host's end of the cable: makes commands, reads frames, checks their sequences.
pub struct Host {
    pub nonce: u32,
    pub sequence: u32,
    decoder: Decoder,
    arrivals: SequenceTracker,
    /// Of each batch of settings.
    pub sources: Vec<SettingsSource>,
    /// Tags that were marked.
    pub early: u64,
}

pub const NONCE: u32 = 0xB007_0001;

impl Host {
    /// A host that has heard the device's nonce already.
    pub fn new() -> Host {
        let arrivals = SequenceTracker::new();
        let (nonce, sources) = (NONCE, Vec::new());
        Host { nonce, sequence: 0, decoder: Decoder::new(), arrivals, sources, early: 0 }
    }

    /// The frame of a command.
    pub fn command(&mut self, message: HostMessage<'_>) -> Vec<u8> {
        let sequence = self.sequence;
        self.sequence += 1;
        let header = Header { stream: Stream::Control, boot_nonce: self.nonce, epoch: 0, sequence };
        let mut frame = [0; MAX_FRAME];
        let length = encode_host(&header, &message, &mut frame).unwrap();
        frame[..length].to_vec()
    }

    /// Takes everything off the cable.
    pub fn read(&mut self, cable: &mut Cable) -> Vec<(Header, Said)> {
        let mut said = Vec::new();
        let Host { decoder, arrivals, sources, early, .. } = self;
        decoder.push(&std::mem::take(&mut cable.bytes), |frame| {
            let (header, message) = decode_device(frame.unwrap()).unwrap();
            let arrival = arrivals.account(&header);
            assert!(matches!(arrival, Arrival::First | Arrival::InOrder), "{arrival:?}");
            if let DeviceMessage::Settings(batch) = message {
                sources.push(batch.source);
            }
            if let DeviceMessage::Tags(batch) = message {
                *early += batch.early();
            }
            said.push((header, own(message)));
        });
        said
    }
}

fn own(message: DeviceMessage<'_>) -> Said {
    match message {
        DeviceMessage::Hello { command, hello } => {
            assert_eq!(hello.firmware, env!("CARGO_PKG_VERSION"));
            Said::Hello(command, hello.role, hello.capabilities, hello.channels)
        }
        DeviceMessage::Ack { command, tick } => Said::Ack(command, tick),
        DeviceMessage::Error { command, code, detail } => Said::Error(command, code, detail),
        DeviceMessage::Health(health) => Said::Health(health),
        DeviceMessage::Log { text, .. } => Said::Log(text.into()),
        DeviceMessage::Tags(batch) => Said::Tags(batch.base, batch.iter().collect(), batch.reached),
        DeviceMessage::Gap { from, to, lost } => Said::Gap(Loss { from, to, lost }),
        DeviceMessage::SlotMark(timing) => Said::Mark(timing),
        DeviceMessage::LockLost { tick } => Said::LockLost(tick),
        DeviceMessage::ClockEdges(edges) => {
            Said::Clock(edges.input, edges.lost, edges.iter().collect())
        }
        DeviceMessage::Settings(batch) => {
            Said::Settings(batch.first, batch.iter().map(|(_, code)| code).collect())
        }
        DeviceMessage::Stopped { end, tick } => Said::Stopped(end, tick),
        DeviceMessage::Value { command, index, value, entry } => {
            Said::Value(command, index, value, entry.name.into(), entry.access)
        }
        DeviceMessage::Telemetry(telemetry) => {
            Said::Telemetry(telemetry.tick, telemetry.iter().collect())
        }
    }
}

pub fn identity() -> Identity {
    Identity {
        board: text("desk"),
        serial: text("0001"),
        boot_nonce: NONCE,
        tick_length: TickLength::CYCLE_150_MHZ,
        max_slot_rate: Hertz(5_000_000),
        capabilities: Capabilities::SIMULATED,
    }
}

/// 5 MHz, the defaults of a run.
pub fn configure() -> Configure {
    Configure {
        slot_ticks: 30,
        sync_spacing: 64,
        sync_seed: 0x1357_9BDF,
        intensity_weights: [2900, 1000, 196, 0],
        key_basis_weight: 3687,
        random_swap: true,
        burst_slots: 0,
        slot_clock: SlotClockMode::Sync,
        gate: None,
    }
}

/// Ticks in a millisecond.
pub const MS: u64 = 150_000;
