//! A block of made-up slots, and its sifting in the slow obvious way: one detection at a time, with
//! variable-length gaps and whole bits. The oracle of the fast way, and what benches compare it to.

#![allow(dead_code, reason = "each program uses a part of this")]

pub mod entropy;
pub mod naive;

use helio_distill::parameters::Parameters;
use helio_distill::sifting::Run;
use helio_keys::{SeededEntropy, SimulatedDevices};
use helio_timetag::Detection;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// How a block's slots are drawn.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// Chance that a slot has a detection, after the hold-off.
    pub click: f64,
    /// Chance of the key basis at Alice and at Bob.
    pub key_basis: [f64; 2],
    /// Share of each intensity among the detections.
    pub intensities: [f64; 3],
    /// Chance that Bob's bit is wrong where the bases agree, and of a double click.
    pub errors: f64,
    pub doubles: f64,
    /// Slots without a detection after each.
    pub hold_off: u64,
}

impl Draw {
    pub const EXAMPLE: Draw = Draw {
        click: 0.01,
        key_basis: [0.9, 0.9],
        intensities: [0.7, 0.2, 0.1],
        errors: 0.02,
        doubles: 0.003,
        hold_off: 0,
    };
}

/// What the two devices report of one block.
pub struct Data {
    pub first: u64,
    pub slots: u64,
    /// 4 bits a slot.
    pub alice: Vec<u8>,
    /// 2 bits a slot.
    pub bob: Vec<u8>,
    pub detections: Vec<Detection>,
}

impl Data {
    pub fn alice(&self) -> [Run<'_>; 1] {
        [Run { first: self.first, count: self.slots, packed: &self.alice }]
    }

    pub fn bob(&self) -> [Run<'_>; 1] {
        [Run { first: self.first, count: self.slots, packed: &self.bob }]
    }
}

/// Uniform in [0, 1).
fn unit(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Draws block `block`. Slots without a detection keep a setting of zeros.
pub fn draw(parameters: &Parameters, block: u64, draw: &Draw, seed: u64) -> Data {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let slots = u64::from(parameters.slots_per_block);
    let mut data = Data {
        first: parameters.first_slot(block),
        slots,
        alice: vec![0; slots.div_ceil(2) as usize],
        bob: vec![0; slots.div_ceil(4) as usize],
        detections: Vec::new(),
    };
    let mut next = 0;
    loop {
        // Geometric: so many slots without a click come before it.
        let gap = ((1.0 - unit(&mut random)).ln() / (1.0 - draw.click).ln()) as u64;
        let offset = next + gap;
        if offset >= slots {
            return data;
        }
        next = offset + 1;
        let slot = data.first + offset;
        if slot.is_multiple_of(u64::from(parameters.sync_spacing)) {
            continue;
        }
        next += draw.hold_off;
        let (alice_test, bob_test) =
            (unit(&mut random) >= draw.key_basis[0], unit(&mut random) >= draw.key_basis[1]);
        let kind = unit(&mut random) * draw.intensities.iter().sum::<f64>();
        let [brightest, middle, _] = draw.intensities;
        let intensity = u8::from(kind >= brightest) + u8::from(kind >= brightest + middle);
        let (bits, chance) = (random.next_u64(), unit(&mut random));
        let (bit, swap, other) = (bits & 1 == 1, bits & 2 == 2, bits & 4 == 4);
        let said = if alice_test == bob_test { bit ^ (chance < draw.errors) } else { other };
        let both = unit(&mut random) < draw.doubles;
        let mask = if both { 3 } else { 1 << u8::from(said != swap) };
        let nibble = intensity << 2 | u8::from(alice_test) << 1 | u8::from(bit);
        data.alice[(offset / 2) as usize] |= nibble << (4 * (offset % 2));
        let setting = u8::from(swap) << 1 | u8::from(bob_test);
        data.bob[(offset / 4) as usize] |= setting << (2 * (offset % 4));
        data.detections.push(Detection { slot, mask });
    }
}

pub fn coins(seed: u64) -> SeededEntropy {
    let devices = SimulatedDevices::declared(true, true).expect("both are simulated");
    SeededEntropy::new(devices, seed, "coins")
}
