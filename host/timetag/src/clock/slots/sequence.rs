//! The public sequence that says which sync slots are bright: x³¹ + x²⁸ + 1 (PRBS31 of ITU-T O.150,
//! without its inversion).

const MASK: u32 = (1 << 31) - 1;

/// From so many steps on a jump is less work.
const FAR: u64 = 1 << 15;

/// The state after this one; its lowest bit is the bit of the sequence.
#[inline]
const fn step(state: u32) -> u32 {
    let bit = (state >> 30 ^ state >> 27) & 1;
    (state << 1 | bit) & MASK
}

/// A matrix over GF(2), by columns, times a vector.
fn times(matrix: &[u32; 31], vector: u32) -> u32 {
    let columns = matrix.iter().enumerate().filter(|(bit, _)| vector >> bit & 1 != 0);
    columns.fold(0, |sum, (_, column)| sum ^ column)
}

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
        self.state = step(self.state);
        self.position += 1;
        self.state & 1 != 0
    }

    /// Goes on to a position ahead, however far, in microseconds.
    pub fn skip_to(&mut self, position: u64) {
        let mut steps = position.saturating_sub(self.position);
        if steps >= FAR {
            // A step is linear over GF(2): 2ⁿ steps are its matrix, squared n times.
            let mut matrix: [u32; 31] = core::array::from_fn(|bit| step(1 << bit));
            while steps > 0 {
                if steps & 1 != 0 {
                    self.state = times(&matrix, self.state);
                }
                matrix = matrix.map(|column| times(&matrix, column));
                steps >>= 1;
            }
            self.position = position;
        }
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
        for far in [FAR - 1, FAR, FAR + 1, 1_234_567] {
            let (mut stepped, mut jumped) = (later, later);
            (0..far).for_each(|_| _ = stepped.next_bit());
            jumped.skip_to(later.position() + far);
            assert_eq!(jumped, stepped);
        }
        // Its period, and as far as a position goes.
        let mut round = whole;
        round.skip_to(2_000 + u64::from(MASK));
        assert_eq!(round.state, whole.state);
        round.skip_to(u64::MAX);
        assert_eq!(round.position(), u64::MAX);
        assert_eq!((SyncSequence::new(0), SyncSequence::new(1 << 31)), (None, None));
    }
}
