//! The main job to its end: two stations over USB distill the key that two in one process distill.

use crate::desk::UsbDesk;
use helio_distill::bound::BoundChoice;
use helio_distill::pads::PadBook;
use helio_distill::parameters::{CodeChoice, DetectorMatch, Parameters, Receiver, SessionId};
use helio_distill::{Event as Talk, Local, MemoryStore, Role as Side, alice, bob};
use helio_hil::{DEPTH, Desk, InProcess, Setup, Stations, configure};
use helio_keys::{EntropySource, RandomLabel, SeededEntropy, Simulated, SimulatedDevices};
use helio_sim::{BenchConfig, Path};
use helio_timetag::{SlotBatch, SlotterConfig, Window};
use helio_units::{Decibel, FineTicks, MeanPhotons, Picoseconds, SlotIndex, Ticks};
use helio_virt::VirtConfig;
use helio_wire::{Configure, Role};
use std::num::NonZeroU16;
use zeroize::Zeroizing;

/// Full width of the window around mid-slot, in ticks: 40 ns.
const WINDOW_TICKS: u64 = 6;
/// Slots within so many ticks of a click are dropped: 100 ns.
const HOLD_OFF_TICKS: u64 = 15;
/// How far Alice's count may be ahead of the light: flight time and player, in slots.
const CLOCK_BOUND_SLOTS: u32 = 5_025;
/// The intensities and choices of `helio`'s default link; this one is shorter and brighter.
const MU_NANO: [u64; 3] = [627_800_000, 273_400_000, 500_000];
const INTENSITY_WEIGHTS: [u16; 3] = [1035, 2057, 1004];
const KEY_WEIGHTS: [u16; 2] = [3028; 2];
const SLOTS_PER_BLOCK: u32 = 2_000_000;
const SLOTS: u64 = (SLOTS_PER_BLOCK + CLOCK_BOUND_SLOTS) as u64;
/// Ticks of a slot, on both devices.
const SLOT_TICKS: u32 = 30;
/// Each such slot is public.
const SPACING: u16 = 64;
const SEED: u64 = 7;
/// Bits of a setting: state and intensity of Alice's, basis and swap of Bob's.
const SETTING_BITS: [usize; 2] = [4, 2];

/// A bench on a short, bright link.
fn bench(seed: u64) -> BenchConfig {
    let mut bench = BenchConfig { seed, slot_ticks: SLOT_TICKS, ..BenchConfig::default() };
    for (level, nano) in bench.source.levels.iter_mut().zip(MU_NANO) {
        *level = MeanPhotons::new(nano as f64 / 1e9).expect("a mean photon number");
    }
    bench.source.level_count = 3;
    bench.channel.path = Path::Fixed { loss: Decibel(0.0), delay: Picoseconds(5_000_000) };
    bench.channel.rotation_rad = 0.05;
    for detector in &mut bench.receiver.detectors {
        detector.efficiency = 0.8;
        detector.dark_rate_hz = 100.0;
        detector.delay = Picoseconds(0);
    }
    bench
}

/// How Bob's tags become slots. A tag is on average half a tick early.
fn slotter() -> SlotterConfig {
    SlotterConfig {
        delays: vec![FineTicks(-(1 << 31)); 2],
        window: Window {
            centre: 1 << 31,
            half_width: FineTicks::from_ticks(Ticks(WINDOW_TICKS / 2)),
        },
        hold_off: FineTicks::from_ticks(Ticks(HOLD_OFF_TICKS)),
        sync_spacing: NonZeroU16::new(SPACING),
        slack: Ticks(u64::from(SLOT_TICKS) * 64),
    }
}

fn parameters(seed: u64) -> Parameters {
    let mut session = [0; 16];
    session[..8].copy_from_slice(&seed.to_le_bytes());
    Parameters {
        session: SessionId(session),
        bound: BoundChoice::Varlen2d,
        mu_nano: MU_NANO,
        intensity_weights: INTENSITY_WEIGHTS,
        intensity_uncertainty_ppm: Some(0),
        alice_key_weight: KEY_WEIGHTS[0],
        bob_key_weight: KEY_WEIGHTS[1],
        slots_per_block: SLOTS_PER_BLOCK,
        sync_spacing: SPACING,
        receiver: Receiver::Active { random_swap: true },
        hold_off_ps: 100_000,
        window_ps: 40_000,
        clock_bound_slots: CLOCK_BOUND_SLOTS,
        // The two simulated detectors are equal.
        detectors: DetectorMatch::AssumedMatched,
        epsilon_total: 1e-10,
        code: CodeChoice::ON_A_SHORT_LINE,
        qber_margin_ppm: 0,
    }
}

/// What both hosts' data come to.
struct Heard {
    /// Setting of each slot, Alice's and Bob's.
    settings: [Vec<Option<u8>>; 2],
    slots: SlotBatch,
    tags: u64,
    end: Option<SlotIndex>,
}

/// The run on a desk on which the bench stands.
fn heard<D: Desk>(desk: &mut D) -> Heard {
    let [a, b, c] = INTENSITY_WEIGHTS;
    let of = |key_basis_weight| Configure {
        sync_spacing: SPACING,
        intensity_weights: [a, b, c, 0],
        key_basis_weight,
        ..configure(SLOT_TICKS)
    };
    let setup = Setup { configure: KEY_WEIGHTS.map(of), slotter: Some(slotter()) };
    let mut all = Stations::on(desk, setup);
    all.arm();
    all.start(SLOTS);
    all.finish();
    for role in all.roles() {
        all.host(role).assert_nothing_lost();
    }
    let settings = [Role::Alice, Role::Bob].map(|role| all.host(role).heard.settings.clone());
    let bob = &mut all.host(Role::Bob).heard;
    assert_eq!((bob.lost, bob.of_run().lost_edges), (0, 0));
    Heard { settings, slots: std::mem::take(&mut bob.slots), tags: bob.tags, end: bob.end }
}

/// Runs of slots with settings: first slot, count, and their codes of so many bits in a row.
fn packed(settings: &[Option<u8>], bits: usize) -> Vec<(u64, u64, Vec<u8>)> {
    let mut runs: Vec<(u64, u64, Vec<u8>)> = Vec::new();
    for (slot, code) in (0..).zip(settings) {
        let Some(code) = code else { continue };
        if runs.last().is_none_or(|(first, count, _)| first + count != slot) {
            runs.push((slot, 0, Vec::new()));
        }
        let Some((_, count, bytes)) = runs.last_mut() else { continue };
        let at = *count as usize * bits;
        bytes.resize((at + bits).div_ceil(8), 0);
        bytes[at / 8] |= code << (at % 8);
        *count += 1;
    }
    runs
}

type Alice = alice::Session<SeededEntropy, MemoryStore<Simulated>>;
type Bob = bob::Session<SeededEntropy, MemoryStore<Simulated>>;

/// Length and fingerprint of the key that two stations distill.
fn key(heard: &Heard) -> (u64, String) {
    let devices = SimulatedDevices::declared(true, true).expect("both are simulated");
    let entropy = |stream: &str| SeededEntropy::new(devices, SEED, stream);
    let pads = |side| {
        let mut secret = Zeroizing::new(vec![0; 128 * 64]);
        entropy("pre-shared secret").fill(&mut secret).expect("a generator does not fail");
        PadBook::new(secret, side, 64).expect("the secret is long enough")
    };
    let local = || Local::new(RandomLabel::Seeded);
    let store = MemoryStore::default;
    let (pads_a, pads_b) = (pads(Side::Alice), pads(Side::Bob));
    let alice = Alice::new(parameters(SEED), local(), pads_a, entropy("alice"), store());
    let bob = Bob::new(parameters(SEED), local(), pads_b, entropy("bob"), store());
    let (mut alice, mut bob) = (alice.expect("good parameters"), bob.expect("good parameters"));
    alice.connect(1).expect("contact");
    bob.connect(1).expect("contact");
    talk(&mut alice, &mut bob);
    let [of_alice, of_bob] = [0, 1].map(|i| packed(&heard.settings[i], SETTING_BITS[i]));
    for (first, count, packed) in of_alice {
        alice.push_settings(first, count, &packed).expect("in order");
    }
    bob.push_batch(&heard.slots).expect("in order");
    for (first, count, packed) in of_bob {
        bob.push_settings(first, count, &packed).expect("in order");
    }
    talk(&mut alice, &mut bob);
    let done = |event| if let Talk::BlockDone(report) = event { Some(report) } else { None };
    let of_alice = std::iter::from_fn(|| alice.poll_event()).find_map(done).expect("Alice's block");
    let of_bob = std::iter::from_fn(|| bob.poll_event()).find_map(done).expect("Bob's block");
    assert_eq!((of_alice.length, &of_alice.fingerprint), (of_bob.length, &of_bob.fingerprint));
    (of_alice.length, of_alice.fingerprint.unwrap_or_default())
}

fn talk(alice: &mut Alice, bob: &mut Bob) {
    loop {
        let (to_bob, to_alice) = (alice.poll_message(), bob.poll_message());
        if to_bob.is_none() && to_alice.is_none() {
            return;
        }
        if let Some(message) = to_alice {
            alice.handle(2, &message).expect("Alice understands");
        }
        if let Some(message) = to_bob {
            bob.handle(2, &message).expect("Bob understands");
        }
    }
}

/// Both over the cable, and both without.
pub fn same_key(desk: &mut UsbDesk) -> String {
    let config = || VirtConfig { bench: bench(SEED), link_depth: DEPTH };
    desk.rebuild_as(config());
    let over_usb = heard(desk);
    let mut inside = InProcess::new();
    inside.rebuild_as(config());
    let inside = heard(&mut inside);
    for (side, (usb, inside)) in over_usb.settings.iter().zip(&inside.settings).enumerate() {
        assert!(usb == inside, "settings of device {side}");
    }
    assert!(over_usb.slots.detections == inside.slots.detections, "detections");
    assert!(over_usb.slots.dropped == inside.slots.dropped, "slots that are dropped");
    assert_eq!((over_usb.tags, over_usb.end), (inside.tags, inside.end));
    let (length, fingerprint) = key(&over_usb);
    assert_eq!((length, fingerprint.clone()), key(&inside), "the keys");
    assert!(length > 0, "a key is left");
    let (tags, detections) = (over_usb.tags, over_usb.slots.detections.len());
    format!("{tags} tags, {detections} detections and a key of {length} bits, {fingerprint}")
}
