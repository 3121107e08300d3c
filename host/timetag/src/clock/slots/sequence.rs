//! The public sequence that says which sync slots are bright: x³¹ + x²⁸ + 1 (PRBS31 of ITU-T O.150,
//! without its inversion).

const MASK: u32 = (1 << 31) - 1;

/// A generator of the sequence at some position. The same as in the devices' firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncSequence {
    state: u32,
    position: u64,
}

impl SyncSequence {
    /// At position 0 of a run with this seed; `None` for 0 and for more than 31 bits.
    pub const fn new(seed: u32) -> Option<SyncSequence> {
        if seed == 0 || seed > MASK {
            None
        } else {
            Some(SyncSequence { state: seed, position: 0 })
        }
    }

    /// The position whose bit comes next.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Whether the slot of this position is bright; goes on to the next one.
    #[inline]
    pub const fn next_bit(&mut self) -> bool {
        let bit = (self.state >> 30 ^ self.state >> 27) & 1;
        self.state = (self.state << 1 | bit) & MASK;
        self.position += 1;
        bit != 0
    }

    /// Goes on to a position ahead, a step each.
    pub fn skip_to(&mut self, position: u64) {
        while self.position < position {
            self.next_bit();
        }
    }

    /// The next bits, packed as in [`SyncPlan::bits`](super::SyncPlan::bits).
    pub fn take(&mut self, bits: usize) -> Vec<u64> {
        let mut words = vec![0u64; bits.div_ceil(64)];
        for at in 0..bits {
            words[at / 64] |= u64::from(self.next_bit()) << (at % 64);
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_follow_the_recurrence_and_can_be_cut_anywhere() {
        let mut whole = SyncSequence::new(77).unwrap();
        let bits: Vec<bool> = (0..2_000).map(|_| whole.next_bit()).collect();
        assert!((31..2_000).all(|n| bits[n] == (bits[n - 31] ^ bits[n - 28])));
        let mut later = SyncSequence::new(77).unwrap();
        later.skip_to(100);
        let words = later.take(130);
        assert!((0..130).all(|n| (words[n / 64] >> (n % 64) & 1 == 1) == bits[100 + n]));
        assert_eq!(later.position(), 230);
        assert_eq!((SyncSequence::new(0), SyncSequence::new(1 << 31)), (None, None));
    }
}
