//! Self-synchronisation: from heard bits to the state of the generator.

use crate::prbs::{Prbs31, REGISTER_BITS, following, heard};

/// Predictions in a row that prove a state. A wrong state survives them with probability 2⁻³².
pub const PREDICTIONS: u32 = 32;

/// The last bits heard.
#[derive(Clone, Copy, Debug)]
pub struct Bits {
    register: u32,
    filled: u32,
    correct: u32,
}

impl Bits {
    /// Nothing heard yet.
    pub fn new() -> Bits {
        Bits { register: 0, filled: 0, correct: 0 }
    }

    /// One more bit; the generator that continues the sequence, once it is proven.
    pub fn hear(&mut self, bit: bool) -> Option<Prbs31> {
        if self.filled < REGISTER_BITS {
            self.filled += 1;
        } else if self.register != 0 && (following(self.register) != 0) == bit {
            self.correct += 1;
        } else {
            self.correct = 0;
        }
        self.register = heard(self.register, bit);
        if self.correct >= PREDICTIONS { Prbs31::new(self.register) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_three_right_bits_prove_the_state() {
        let mut sender = Prbs31::new(12345).unwrap();
        let mut bits = Bits::new();
        for _ in 0..62 {
            assert_eq!(bits.hear(sender.next_bit()), None);
        }
        assert_eq!(bits.hear(sender.next_bit()), Some(sender));
    }

    #[test]
    fn a_wrong_bit_starts_the_count_anew() {
        let mut sender = Prbs31::new(12345).unwrap();
        let mut bits = Bits::new();
        for _ in 0..50 {
            bits.hear(sender.next_bit());
        }
        bits.hear(!sender.next_bit());
        // The wrong bit has to leave the register before predictions hold again.
        let mut needed = 0;
        loop {
            needed += 1;
            if bits.hear(sender.next_bit()) == Some(sender) {
                break;
            }
        }
        assert_eq!(needed, REGISTER_BITS + PREDICTIONS);
    }

    #[test]
    fn darkness_and_constant_light_prove_nothing() {
        for bit in [false, true] {
            let mut bits = Bits::new();
            assert!((0..10_000).all(|_| bits.hear(bit).is_none()));
        }
    }
}
