//! The public sync sequence: the m-sequence of x³¹ + x²⁸ + 1 (PRBS31 of ITU-T O.150, without its
//! inversion).
//!
//! It is public and not random: it numbers sync slots, it hides nothing.

/// Length of the register, in bits.
pub const REGISTER_BITS: u32 = 31;

/// Period of the sequence.
pub const PERIOD: u32 = MASK;

/// Longest run of equal bits in the sequence; the longest run of zeros is one shorter.
pub const LONGEST_RUN: u32 = REGISTER_BITS;

const MASK: u32 = (1 << REGISTER_BITS) - 1;

/// A generator of the sequence. Its state is the last 31 bits, the newest in bit 0: whoever has
/// heard 31 bits without an error knows all that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prbs31 {
    state: u32,
}

impl Prbs31 {
    /// From the 31 bits that precede the first one; `None` for the all-zero state, from which
    /// only zeros follow, and for a state of more than 31 bits.
    pub const fn new(state: u32) -> Option<Prbs31> {
        if state == 0 || state > MASK { None } else { Some(Prbs31 { state }) }
    }

    /// The last 31 bits, the newest in bit 0.
    pub const fn state(self) -> u32 {
        self.state
    }

    /// The next bit.
    #[inline]
    pub const fn next_bit(&mut self) -> bool {
        let bit = following(self.state);
        self.state = (self.state << 1 | bit) & MASK;
        bit != 0
    }

    /// The next `count` bits, at most 28, the earliest in the highest place of the low `count`
    /// bits. 28 new bits depend on old ones only, so that they cost one exclusive-or.
    #[inline]
    pub const fn next_bits(&mut self, count: u32) -> u32 {
        debug_assert!(count <= 28);
        let bits = ((self.state >> 3 ^ self.state) & 0x0FFF_FFFF) >> (28 - count);
        self.state = (self.state << count | bits) & MASK;
        bits
    }

    /// Steps until the state is `target`, at most `limit` steps; the number of steps taken if it
    /// was reached. Otherwise the generator has taken exactly `limit` steps, so that a search can
    /// go on later.
    pub const fn step_to(&mut self, target: u32, limit: u32) -> Option<u32> {
        let mut steps = 0;
        while self.state != target {
            if steps == limit {
                return None;
            }
            self.state = (self.state << 1 | following(self.state)) & MASK;
            steps += 1;
        }
        Some(steps)
    }
}

/// The bit that follows 31 given ones: bit n is the exclusive-or of bits n − 31 and n − 28.
#[inline]
pub const fn following(state: u32) -> u32 {
    (state >> 30 ^ state >> 27) & 1
}

/// The register after one more heard bit, whether it fits the sequence or not.
#[inline]
pub const fn heard(state: u32, bit: bool) -> u32 {
    (state << 1 | bit as u32) & MASK
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    /// The recurrence as it stands in the recommendation, over a plain list of bits.
    fn reference(seed: u32, count: usize) -> Vec<bool> {
        let mut bits: Vec<bool> = (0..31).rev().map(|i| seed >> i & 1 == 1).collect();
        for n in 31..31 + count {
            bits.push(bits[n - 31] ^ bits[n - 28]);
        }
        bits.split_off(31)
    }

    #[test]
    fn follows_the_recurrence() {
        for seed in [1, 0x7FFF_FFFF, 0x1234_5678, 0x4000_0000] {
            let mut prbs = Prbs31::new(seed).unwrap();
            let bits: Vec<bool> = (0..5000).map(|_| prbs.next_bit()).collect();
            assert_eq!(bits, reference(seed, 5000));
        }
        assert_eq!(Prbs31::new(0), None);
        assert_eq!(Prbs31::new(1 << 31), None);
    }

    #[test]
    fn batches_are_the_same_sequence() {
        let mut single = Prbs31::new(0x2A5A_1234).unwrap();
        let mut batch = single;
        for count in (0..=28).chain([28, 28, 5, 1]) {
            let bits = batch.next_bits(count);
            for i in (0..count).rev() {
                assert_eq!(bits >> i & 1 == 1, single.next_bit());
            }
            assert_eq!(batch, single);
        }
    }

    #[test]
    fn thirty_one_heard_bits_give_the_state() {
        let mut sender = Prbs31::new(77).unwrap();
        let mut register = 0x5555_5555 & MASK;
        for _ in 0..31 {
            register = heard(register, sender.next_bit());
        }
        assert_eq!(register, sender.state());
        for _ in 0..100 {
            let expected = following(register) == 1;
            assert_eq!(expected, sender.next_bit());
            register = heard(register, expected);
        }
    }

    #[test]
    fn a_search_can_be_cut_anywhere() {
        let seed = Prbs31::new(0x0BAD_CAFE).unwrap();
        let mut target = seed;
        (0..10_000).for_each(|_| {
            target.next_bit();
        });
        for chunk in [1, 7, 333, 10_000] {
            let (mut search, mut steps) = (seed, 0);
            loop {
                match search.step_to(target.state(), chunk) {
                    Some(n) => break steps += n,
                    None => steps += chunk,
                }
            }
            assert_eq!(steps, 10_000);
        }
    }

    #[test]
    fn no_run_is_longer_than_stated() {
        let mut prbs = Prbs31::new(MASK).unwrap();
        let (mut run, mut last, mut longest) = (0, true, 0);
        for _ in 0..2_000_000 {
            let bit = prbs.next_bit();
            run = if bit == last { run + 1 } else { 1 };
            last = bit;
            longest = longest.max(run);
        }
        assert!(longest <= LONGEST_RUN, "a run of {longest}");
    }
}
