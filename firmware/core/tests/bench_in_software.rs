//! Both devices on the simulated bench: what their frames say must be what the light did.

use std::collections::HashMap;

use helio_bench::{Edge, InterlockState, SlotTiming, TripCause};
use helio_firmware::{Alice, AliceParts, Bob, BobParts, Identity, Transmit, text};
use helio_sim::{BenchConfig, SimPlayer, SimRandom, World};
use helio_units::{FineTicks, Hertz, SlotIndex};
use helio_wire::{
    Arrival, Capabilities, Configure, Decoder, DeviceMessage, Header, HostMessage, MAX_FRAME,
    SequenceTracker, Stream, decode_device, encode_host,
};

const SLOTS_A_MS: usize = 5000;

/// A cable that the host empties after each turn.
#[derive(Default)]
struct Cable(Vec<u8>);

impl Transmit for Cable {
    fn space(&self) -> usize {
        (1 << 20) - self.0.len()
    }
    fn send(&mut self, frame: &[u8]) {
        self.0.extend_from_slice(frame);
    }
}

/// One device's host: commands out, everything that matters kept.
#[derive(Default)]
struct Host {
    nonce: u32,
    sequence: u32,
    commands: Vec<u8>,
    cable: Cable,
    decoder: Decoder,
    arrivals: SequenceTracker,
    settings: HashMap<u64, u8>,
    /// Clicks by slot, as detector masks.
    clicks: HashMap<u64, u8>,
    timing: Option<SlotTiming>,
    marks: Vec<SlotTiming>,
    stopped: Option<SlotIndex>,
    refused: u32,
}

impl Host {
    fn new(nonce: u32) -> Host {
        Host { nonce, ..Host::default() }
    }

    fn command(&mut self, message: HostMessage) {
        let header = Header {
            stream: Stream::Control,
            boot_nonce: self.nonce,
            epoch: 0,
            sequence: self.sequence,
        };
        self.sequence += 1;
        let mut frame = [0; MAX_FRAME];
        let length = encode_host(&header, &message, &mut frame).unwrap();
        self.commands.extend_from_slice(&frame[..length]);
    }

    fn read(&mut self) {
        let mut decoder = std::mem::take(&mut self.decoder);
        decoder.push(&std::mem::take(&mut self.cable.0), |frame| {
            let (header, message) = decode_device(frame.unwrap()).unwrap();
            let arrival = self.arrivals.account(&header);
            assert!(matches!(arrival, Arrival::First | Arrival::InOrder));
            match message {
                DeviceMessage::Settings(batch) => {
                    for (slot, code) in batch.iter() {
                        let before = self.settings.insert(slot.0, code);
                        assert_eq!(before, None, "{slot:?} has two settings");
                    }
                }
                DeviceMessage::Tags(batch) => batch.iter().for_each(|edge| self.click(edge)),
                DeviceMessage::SlotMark(timing) => {
                    self.timing = Some(timing);
                    self.marks.push(timing);
                }
                DeviceMessage::LockLost { .. } => self.timing = None,
                DeviceMessage::Stopped { end, .. } => self.stopped = Some(end),
                DeviceMessage::Error { .. } => self.refused += 1,
                DeviceMessage::Gap { .. } => panic!("nothing is lost here"),
                _ => {}
            }
        });
        self.decoder = decoder;
    }

    fn click(&mut self, edge: Edge) {
        let Some(timing) = self.timing else { return };
        let middle = FineTicks(FineTicks::from_ticks(edge.tick).0 + (1 << 31));
        let slots = (middle.0 - timing.start.0).div_euclid(timing.period.0);
        let slot = (i128::from(timing.slot.0) + slots) as u64;
        *self.clicks.entry(slot).or_default() |= 1 << edge.channel;
    }
}

fn identity(nonce: u32) -> Identity {
    Identity {
        board: text("bench in software"),
        serial: text("0"),
        boot_nonce: nonce,
        tick_length: BenchConfig::default().tick_length,
        max_slot_rate: Hertz(5_000_000),
        capabilities: Capabilities::SIMULATED,
    }
}

fn configure() -> Configure {
    Configure {
        slot_ticks: 30,
        sync_spacing: 64,
        sync_seed: 0x2468_ACE1,
        intensity_weights: [2900, 1000, 196, 0],
        key_basis_weight: 2048,
        random_swap: true,
        burst_slots: 0,
        slot_clock: helio_bench::SlotClockMode::Sync,
        gate: None,
    }
}

/// Runs both devices until both have stopped or the time is over; gives the hosts and the last
/// state of Alice's interlock.
fn run(
    config: BenchConfig,
    slots: u64,
    milliseconds: u64,
    beats: u64,
) -> (Host, Host, InterlockState) {
    let mut world = World::new(config).unwrap();
    let parts = AliceParts {
        source: world.source(),
        modulator: world.alice_modulator(),
        player: SimPlayer::<5000>::new(),
        random: SimRandom::new(1, 0),
    };
    let mut alice = Alice::new(identity(0xA11CE), parts);
    let parts = BobParts {
        modulator: world.bob_modulator(),
        player: SimPlayer::<5000>::new(),
        edges: world.edges::<16384>(),
        clock: world.slot_clock(),
        random: SimRandom::new(1, 1),
    };
    let mut bob = Bob::new(identity(0xB0B), parts);
    let (mut alice_host, mut bob_host) = (Host::new(0xA11CE), Host::new(0xB0B));
    for ms in 0..milliseconds {
        for (host, begins) in [(&mut bob_host, 1), (&mut alice_host, 3)] {
            if ms == begins {
                host.command(HostMessage::Configure(configure()));
                host.command(HostMessage::Arm { nonce: 1 });
                host.command(HostMessage::Start { epoch: 1, slots });
            }
            if ms % 100 == 0 && ms < beats {
                host.command(HostMessage::Heartbeat);
            }
        }
        let (a, b) = (world.alice_now(), world.bob_now());
        let rx = std::mem::take(&mut alice_host.commands);
        alice.poll(a, &rx, &mut alice_host.cable);
        alice.run(a, &mut alice_host.cable);
        let rx = std::mem::take(&mut bob_host.commands);
        bob.poll(b, &rx, &mut bob_host.cable);
        bob.run(b, &mut bob_host.cable);
        alice_host.read();
        bob_host.read();
        let (at_alice, at_bob) = (alice.parts_mut(), bob.parts_mut());
        world.step(
            at_alice.player,
            at_alice.source,
            at_bob.player,
            at_bob.clock,
            at_bob.edges,
            SLOTS_A_MS,
        );
    }
    (alice_host, bob_host, alice.interlock())
}

/// Errors and total of the pulses of the brightest level that Bob measured in Alice's basis and
/// that made one click.
fn errors(alice: &Host, bob: &Host) -> (u32, u32) {
    let (mut wrong, mut total) = (0, 0);
    for (slot, mask) in &bob.clicks {
        let (Some(sent), Some(setting)) = (alice.settings.get(slot), bob.settings.get(slot)) else {
            continue;
        };
        let sync = slot.is_multiple_of(u64::from(configure().sync_spacing));
        let bright = sent >> 2 == 0;
        let same_basis = sent >> 1 & 1 == setting & 1;
        if sync || !bright || !same_basis || mask.count_ones() != 1 {
            continue;
        }
        let swap = setting >> 1;
        let bit = (mask >> 1) ^ swap;
        total += 1;
        wrong += u32::from(bit != sent & 1);
    }
    (wrong, total)
}

#[test]
fn both_stations_agree_on_slots_bases_and_bits() {
    for (offset_ppm, seed) in [(0.0, 1), (80.0, 2), (-100.0, 3)] {
        let mut config = BenchConfig { seed, ..BenchConfig::default() };
        config.clock.offset_ppm = offset_ppm;
        config.clock.drift_ppb_per_s = 10.0;
        let slots = 2_000_000;
        let (alice, bob, interlock) = run(config, slots, 450, u64::MAX);
        assert_eq!((alice.refused, bob.refused), (0, 0));
        assert_eq!(interlock, InterlockState::Armed);
        assert_eq!(alice.stopped, Some(SlotIndex(slots)));
        assert_eq!(bob.stopped, Some(SlotIndex(slots)));
        assert_eq!(alice.settings.len() as u64, slots);
        let first = bob.marks[0].slot.0;
        assert!(first < 100_000, "locked at slot {first}");
        assert_eq!(bob.settings.len() as u64, slots - first);
        let (wrong, total) = errors(&alice, &bob);
        assert!(total > 2000, "{total} clicks");
        let qber = f64::from(wrong) / f64::from(total);
        assert!(qber < 0.03, "QBER {qber} at {offset_ppm} ppm");
    }
}

#[test]
fn light_ends_with_the_hosts() {
    let (alice, _, interlock) = run(BenchConfig::default(), 0, 600, 150);
    assert_eq!(interlock, InterlockState::Tripped(TripCause::HeartbeatLost));
    let end = alice.stopped.unwrap().0;
    // The last heartbeat went out at 100 ms, the run began at 3 ms.
    let dark_after = end / SLOTS_A_MS as u64 + 3 - 100;
    assert!((248..=251).contains(&dark_after), "{dark_after} ms");
}
