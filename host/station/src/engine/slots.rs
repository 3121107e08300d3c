//! One block's settings and clicks, drawn directly from the channel model: no optics, no time tags.
//!
//! Drawn once, before any clock runs, and used for every block of a run: cut into equal pieces, which
//! each block takes in another order by rotation. So the frames of reconciliation meet other errors in
//! each block, while every block has the same counts.

use helio_distill::channel_model::Channel;
use helio_distill::parameters::Parameters;
use helio_timetag::Detection;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Slots of a piece, about: what both devices hand over at once.
const PIECE: u64 = 1 << 18;
/// Fewest pieces of a block that can be cut into so many.
const FEWEST: u64 = 16;

/// The data of one block.
pub(crate) struct Slots {
    /// 4 bits a slot.
    alice: Vec<u8>,
    /// 2 bits a slot.
    bob: Vec<u8>,
    /// Rising offsets from the block's first slot.
    offsets: Vec<u32>,
    masks: Vec<u8>,
    /// How many clicks lie before each piece, and how many there are: looked up for each piece that is
    /// handed over.
    before: Vec<usize>,
    slots: u64,
    piece: u64,
}

/// One piece, to be handed over as the slots from `first` on.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'a> {
    pub count: u64,
    pub alice: &'a [u8],
    pub bob: &'a [u8],
    offsets: &'a [u32],
    masks: &'a [u8],
    begins: u64,
}

impl Piece<'_> {
    /// The piece's clicks, when its first slot is `first`.
    pub fn clicks(&self, first: u64) -> impl Iterator<Item = Detection> + '_ {
        let begins = self.begins;
        let both = self.offsets.iter().zip(self.masks);
        both.map(move |(&offset, &mask)| Detection {
            slot: first + (u64::from(offset) - begins),
            mask,
        })
    }
}

impl Slots {
    /// Draws a block.
    pub fn draw(parameters: &Parameters, channel: &Channel, seed: u64) -> Slots {
        let slots = u64::from(parameters.slots_per_block);
        let spacing = u64::from(parameters.sync_spacing);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let [bright, decoy, _] = parameters.intensity_weights.map(u32::from);
        let eta = channel.transmittance();
        // Click thresholds of the right and the wrong detector for each intensity, and in the other
        // basis, where both are alike; out of 2³².
        let thresholds = parameters.mu_nano.map(|mu| {
            let photons = eta * mu as f64 / 1e9;
            let click = |share: f64| {
                let none = (1.0 - channel.dark_probability) * (-photons * share).exp();
                ((1.0 - none) * 4_294_967_296.0) as u64
            };
            let wrong = channel.misalignment[0];
            [click(1.0 - wrong), click(wrong), click(0.5)]
        });
        let mut block = Slots {
            alice: vec![0; slots.div_ceil(2) as usize],
            bob: vec![0; slots.div_ceil(4) as usize],
            offsets: Vec::new(),
            masks: Vec::new(),
            before: Vec::new(),
            slots,
            piece: PIECE.min(slots / FEWEST).next_multiple_of(spacing).max(spacing),
        };
        for i in 0..slots {
            if i % spacing == 0 {
                continue;
            }
            let draw = random.next_u64();
            let twelve = |shift: u32| (draw >> shift) as u32 & 0xFFF;
            let intensity = match twelve(0) {
                w if w < bright => 0,
                w if w < bright + decoy => 1,
                _ => 2u8,
            };
            let alice_test = twelve(12) >= u32::from(parameters.alice_key_weight);
            let bob_test = twelve(24) >= u32::from(parameters.bob_key_weight);
            let (bit, swap) = (draw >> 36 & 1 == 1, draw >> 37 & 1 == 1);
            let nibble = intensity << 2 | u8::from(alice_test) << 1 | u8::from(bit);
            block.alice[(i / 2) as usize] |= nibble << (4 * (i % 2));
            let setting = u8::from(swap) << 1 | u8::from(bob_test);
            block.bob[(i / 4) as usize] |= setting << (2 * (i % 4));

            let [right, wrong, other] = thresholds[usize::from(intensity)];
            let chance = random.next_u64();
            let (a, b) = (chance & 0xFFFF_FFFF, chance >> 32);
            let (right, wrong) = match alice_test == bob_test {
                true => (a < right, b < wrong),
                false => (a < other, b < other),
            };
            // The detector that means Alice's bit is `bit xor swap`.
            let means = u8::from(bit != swap);
            let mask = u8::from(right) << means | u8::from(wrong) << (1 - means);
            if mask != 0 {
                block.offsets.push(i as u32);
                block.masks.push(mask);
            }
        }
        block.offsets.shrink_to_fit();
        block.masks.shrink_to_fit();
        let before = |slot: u64| block.offsets.partition_point(|&o| u64::from(o) < slot);
        block.before = (0..=block.pieces()).map(|i| before(i * block.piece)).collect();
        block
    }

    /// How many pieces a block has.
    pub fn pieces(&self) -> u64 {
        self.slots.div_ceil(self.piece)
    }

    /// The `index`th piece that block `block` takes.
    pub fn piece(&self, block: u64, index: u64) -> Piece<'_> {
        // The last one may be shorter: it stays where it is. An odd step meets other frames each time.
        let whole = self.slots / self.piece;
        let index = if index < whole { (index + 5 * (block % whole)) % whole } else { index };
        let (begins, ends) = (index * self.piece, ((index + 1) * self.piece).min(self.slots));
        let clicks = self.before[index as usize]..self.before[index as usize + 1];
        let bytes = |per: u64| (begins / per) as usize..ends.div_ceil(per) as usize;
        Piece {
            count: ends - begins,
            alice: &self.alice[bytes(2)],
            bob: &self.bob[bytes(4)],
            offsets: &self.offsets[clicks.clone()],
            masks: &self.masks[clicks],
            begins,
        }
    }

    /// Bytes that the block takes.
    pub fn bytes(&self) -> usize {
        let bits = self.alice.capacity() + self.bob.capacity();
        bits + 4 * self.offsets.capacity() + self.masks.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_units::Decibel;

    use crate::engine::link::{Link, Wanted};
    use helio_distill::parameters::CodeChoice;

    #[test]
    fn a_block_is_what_the_model_expects_and_each_rotation_is_whole() {
        let wanted = Wanted {
            qber: 0.02,
            loss: Decibel(3.0),
            sifted_bits: 100_000.0,
            epsilon_total: 1e-10,
            code: CodeChoice::Ldpc,
            bound: helio_distill::bound::Bound::Varlen2d,
            seed: 3,
        };
        let link = Link::design(&wanted).unwrap();
        let slots = Slots::draw(&link.parameters, &link.channel, 3);
        let code = |i: u64| {
            let four = slots.alice[(i / 2) as usize] >> (4 * (i % 2)) & 15;
            let two = slots.bob[(i / 4) as usize] >> (2 * (i % 4)) & 3;
            (four, two)
        };
        let (mut sifted, mut wrong) = (0.0, 0.0);
        for (&offset, &mask) in slots.offsets.iter().zip(&slots.masks) {
            assert_ne!(offset % u32::from(link.parameters.sync_spacing), 0, "a public slot");
            let (four, two) = code(u64::from(offset));
            if four & 2 == 0 && two & 1 == 0 {
                sifted += 1.0;
                let bit = (mask == 2) != (two & 2 != 0);
                // A double click is a random bit.
                wrong += if mask == 3 { 0.5 } else { f64::from(bit != (four & 1 != 0)) };
            }
        }
        let expected = link.prospect.counts.sifted();
        assert!((sifted - expected).abs() < 5.0 * expected.sqrt(), "{sifted} {expected}");
        assert!((wrong / sifted / 0.02 - 1.0).abs() < 0.15, "{}", wrong / sifted);

        for block in [0, 1, 7] {
            let (mut slot, mut clicks, mut last) = (0, 0, None);
            for index in 0..slots.pieces() {
                let piece = slots.piece(block, index);
                for click in piece.clicks(slot) {
                    assert!(Some(click.slot) > last && click.slot < slot + piece.count);
                    assert_ne!(click.slot % 64, 0);
                    last = Some(click.slot);
                    clicks += 1;
                }
                assert_eq!(piece.alice.len() as u64, piece.count.div_ceil(2));
                slot += piece.count;
            }
            assert_eq!(slot, u64::from(link.parameters.slots_per_block));
            assert_eq!(clicks, slots.offsets.len());
        }
    }
}
