//! What a block's slots hold, without optics: settings are drawn, Bob clicks with a given
//! probability and errs with a given probability.

use helio_distill::parameters::Parameters;
use helio_timetag::Detection;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Transmission and noise of a link.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Probability that one photon is detected.
    pub eta: f64,
    /// Probability of a dark count per detector and slot.
    pub dark: f64,
    /// Probability that a photon goes to the wrong detector.
    pub misalignment: f64,
}

impl Link {
    pub const GOOD: Link = Link { eta: 0.6, dark: 1e-5, misalignment: 0.01 };
}

/// The data of consecutive slots, as the devices report them.
pub struct Slots {
    pub first: u64,
    pub count: u64,
    /// 4 bits a slot.
    pub alice: Vec<u8>,
    /// 2 bits a slot.
    pub bob: Vec<u8>,
    pub detections: Vec<Detection>,
}

/// Draws `count` slots from `first` on.
pub fn emit(parameters: &Parameters, link: Link, seed: u64, first: u64, count: u64) -> Slots {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ first << 20);
    let thresholds = parameters.intensity_weights.map(u32::from);
    // Click thresholds of the right and the wrong detector for each intensity, and in the other
    // basis, where both are alike; out of 2³².
    let clicks = parameters.mu_nano.map(|mu| {
        let photons = link.eta * mu as f64 / 1e9;
        let click = |share: f64| {
            let p = 1.0 - (1.0 - link.dark) * (-photons * share).exp();
            (p * 4_294_967_296.0) as u64
        };
        [click(1.0 - link.misalignment), click(link.misalignment), click(0.5)]
    });
    let mut slots = Slots {
        first,
        count,
        alice: vec![0; count.div_ceil(2) as usize],
        bob: vec![0; count.div_ceil(4) as usize],
        detections: Vec::new(),
    };
    for i in 0..count {
        if (first + i).is_multiple_of(u64::from(parameters.sync_spacing)) {
            continue;
        }
        let draw = random.next_u64();
        let twelve = |shift: u32| (draw >> shift) as u32 & 0xFFF;
        let intensity = match twelve(0) {
            w if w < thresholds[0] => 0,
            w if w < thresholds[0] + thresholds[1] => 1,
            _ => 2u8,
        };
        let alice_test = twelve(12) >= u32::from(parameters.alice_key_weight);
        let bob_test = twelve(24) >= u32::from(parameters.bob_key_weight);
        let (bit, swap) = (draw >> 36 & 1 == 1, draw >> 37 & 1 == 1);
        let nibble = intensity << 2 | u8::from(alice_test) << 1 | u8::from(bit);
        slots.alice[(i / 2) as usize] |= nibble << (4 * (i % 2));
        let setting = u8::from(swap) << 1 | u8::from(bob_test);
        slots.bob[(i / 4) as usize] |= setting << (2 * (i % 4));

        let [right, wrong, other] = clicks[usize::from(intensity)];
        let chance = random.next_u64();
        let (a, b) = (chance & 0xFFFF_FFFF, chance >> 32);
        let (right, wrong) =
            if alice_test == bob_test { (a < right, b < wrong) } else { (a < other, b < other) };
        // The detector that means Alice's bit is `bit xor swap`.
        let means = u8::from(bit != swap);
        let mask = u8::from(right) << means | u8::from(wrong) << (1 - means);
        if mask != 0 {
            slots.detections.push(Detection { slot: first + i, mask });
        }
    }
    slots
}
