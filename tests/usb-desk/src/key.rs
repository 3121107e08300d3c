//! The main job: two stations over USB make what two in one process make, to the bit.

use crate::desk::{DEPTH, Desk};
use crate::host::{Heard, Host, Plan, SLOT_TICKS, SPACING, run};
use helio_distill::bound::BoundChoice;
use helio_distill::pads::PadBook;
use helio_distill::parameters::{CodeChoice, DetectorMatch, Parameters, Receiver, SessionId};
use helio_distill::{Event as Talk, Local, MemoryStore, Role as Side, alice, bob};
use helio_keys::{EntropySource, RandomLabel, SeededEntropy, Simulated, SimulatedDevices};
use helio_sim::{BenchConfig, Path};
use helio_timetag::{SlotterConfig, Window};
use helio_units::{Decibel, FineTicks, MeanPhotons, Picoseconds, Ticks};
use helio_virt::{Step, VirtBench, VirtConfig};
use helio_wire::Role;
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

/// A bench on a short, bright link.
pub fn bench(seed: u64) -> BenchConfig {
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
pub fn slotter() -> SlotterConfig {
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

/// The same run without a cable.
pub fn in_process(config: BenchConfig, plan: &Plan) -> [Heard; 2] {
    let virt = VirtConfig { bench: config, link_depth: DEPTH };
    let (mut bench, alice, bob) = VirtBench::new(virt).expect("the bench can be made");
    let pump = std::thread::spawn(move || while !matches!(bench.step(), Step::Unplugged(_)) {});
    let mut hosts = [alice, bob].map(|end| Host::new(end, slotter()));
    let [a, b] = &mut hosts;
    let heard = run([a, b], plan, 1).map(|heard| heard.expect("no cable, no fault"));
    drop(hosts);
    pump.join().expect("the bench does not panic");
    heard
}

/// Sifted bits: slot, whether it is the key basis, Alice's bit, Bob's click mask and swap.
pub fn sifted(heard: &[Heard; 2], slots: u64) -> Vec<(u64, u8, u8, u8)> {
    let [alice, bob] = [&heard[0], &heard[1]].map(|heard| heard.codes(slots));
    let detections = &heard[1].slots.detections;
    let bits = detections.iter().filter_map(|detection| {
        let slot = detection.slot as usize;
        let (sent, measured) = ((*alice.get(slot)?)?, (*bob.get(slot)?)?);
        (sent >> 1 & 1 == measured & 1).then_some((detection.slot, sent, measured, detection.mask))
    });
    bits.collect()
}

type Alice = alice::Session<SeededEntropy, MemoryStore<Simulated>>;
type Bob = bob::Session<SeededEntropy, MemoryStore<Simulated>>;

/// Length and fingerprint of the key that two stations distill.
pub fn key(heard: &[Heard; 2], seed: u64) -> (u64, String) {
    let devices = SimulatedDevices::declared(true, true).expect("both are simulated");
    let entropy = |stream: &str| SeededEntropy::new(devices, seed, stream);
    let pads = |side| {
        let mut secret = Zeroizing::new(vec![0; 128 * 64]);
        entropy("pre-shared secret").fill(&mut secret).expect("a generator does not fail");
        PadBook::new(secret, side, 64).expect("the secret is long enough")
    };
    let local = || Local::new(RandomLabel::Seeded);
    let store = MemoryStore::default;
    let (pads_a, pads_b) = (pads(Side::Alice), pads(Side::Bob));
    let alice = Alice::new(parameters(seed), local(), pads_a, entropy("alice"), store());
    let bob = Bob::new(parameters(seed), local(), pads_b, entropy("bob"), store());
    let (mut alice, mut bob) = (alice.expect("good parameters"), bob.expect("good parameters"));
    alice.connect(1).expect("contact");
    bob.connect(1).expect("contact");
    talk(&mut alice, &mut bob);
    for (first, count, packed) in &heard[0].settings {
        alice.push_settings(*first, *count, packed).expect("in order");
    }
    bob.push_batch(&heard[1].slots).expect("in order");
    for (first, count, packed) in &heard[1].settings {
        bob.push_settings(*first, *count, packed).expect("in order");
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
pub fn main_job(desk: &mut Desk) -> String {
    let seed = 7;
    let [a, b, c] = INTENSITY_WEIGHTS;
    let slots = u64::from(SLOTS_PER_BLOCK + CLOCK_BOUND_SLOTS);
    let plan = Plan { seed, slots, intensity_weights: [a, b, c, 0], key_weights: KEY_WEIGHTS };
    desk.rebuild(bench(seed));
    desk.plug_both();
    let mut hosts = [Role::Alice, Role::Bob].map(|role| Host::new(desk.open(role), slotter()));
    let [alice, bob] = &mut hosts;
    let over_usb = run([alice, bob], &plan, 1).map(|heard| heard.expect("the cables hold"));
    drop(hosts);
    let inside = in_process(bench(seed), &plan);
    for (side, (usb, inside)) in over_usb.iter().zip(&inside).enumerate() {
        assert_eq!(usb.settings, inside.settings, "settings of device {side}");
        assert_eq!(usb.slots.detections, inside.slots.detections, "detections of device {side}");
        assert_eq!(usb.slots.dropped, inside.slots.dropped, "slots that device {side} drops");
        assert_eq!((usb.tags, usb.lost, usb.end), (inside.tags, inside.lost, inside.end));
    }
    let bits = sifted(&over_usb, slots);
    assert_eq!(bits, sifted(&inside, slots));
    assert!(bits.len() > 100_000, "{} sifted bits", bits.len());
    let (length, fingerprint) = key(&over_usb, seed);
    assert_eq!((length, fingerprint.clone()), key(&inside, seed), "the keys");
    assert!(length > 0, "a key is left");
    format!("{} sifted bits and a key of {length} bits, {fingerprint}", bits.len())
}
