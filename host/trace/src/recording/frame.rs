//! The code of times: frames of up to 1024 gaps, each coded by itself after the one before it.
//!
//! Gaps of unrelated light have an exponential distribution. A Rice code (a Golomb code whose
//! divisor is a power of two; R. F. Rice, JPL 79-22, 1979) is within 0.03 to 0.1 bits of its entropy,
//! and its two halves are what vector instructions are good at: low bits of a fixed width side by
//! side, eight of them in as many bytes as the width has bits, and quotients in unary, whose sum so far
//! is the place of a one less its number, so that only the low bits need a running sum. Of the crates,
//! `bitpacking` packs 32-bit values by the widest of 256, which costs 3.40 bytes a photon of the
//! measured light where this costs 3.20; `stream-vbyte` needs whole bytes, 4.2.
//!
//! What few gaps would make long in unary (a pause, a burst) are exceptions: their quotient stands
//! apart. All sums are modulo 2⁶⁴ and a gap may be negative, so that any ticks in any order are kept
//! as they are; that costs nothing where they are in order.

use super::bits::{FRAME, Level, MAX_QUOTIENT, MAX_UNARY, Places, SLACK, Values, WIDEST};
use super::bits::{is_filled_up, packed_bytes};
use super::cursor::{Cursor, put_signed, put_varint};

/// What is worked with, for one frame at a time.
#[derive(Debug)]
pub(super) struct Coder {
    pub(super) level: Level,
    pub(super) values: Box<Values>,
    places: Box<Places>,
    exceptions: Vec<(u16, u64)>,
}

/// The tick from which the first gap of a list is counted: so that it is as long as the second.
pub(super) fn base(ticks: &[u64]) -> u64 {
    match *ticks {
        [] => 0,
        [only] => only,
        [first, second, ..] => first.wrapping_sub(second.wrapping_sub(first)),
    }
}

impl Coder {
    pub(super) fn new(level: Level) -> Coder {
        Coder {
            level,
            values: Box::new([0; FRAME]),
            places: Box::new([0; FRAME + SLACK]),
            exceptions: Vec::new(),
        }
    }

    /// Appends the code of 1 to [`FRAME`] ticks; the gap of the first is from `before`.
    pub(super) fn put_ticks(&mut self, ticks: &[u64], before: u64, out: &mut Vec<u8>) {
        let (count, level) = (ticks.len(), self.level);
        let (least, most) = level.gaps(ticks, before, &mut self.values);
        let span = most.wrapping_sub(least) as u64;
        let last = ticks.last().copied().unwrap_or(before);
        let above =
            last.wrapping_sub(before).wrapping_sub((least as u64).wrapping_mul(count as u64));
        let mut width = width_of_mean(above as f64 / count as f64);
        self.exceptions.clear();
        let sum = match span >> width > MAX_QUOTIENT {
            false => level.lower(&mut self.values, count, least, width),
            true => {
                level.lower(&mut self.values, count, least, 0);
                width = cheapest_width(&self.values[..count]);
                self.set_apart(count, width)
            }
        };
        out.push(width as u8);
        out.extend((self.exceptions.len() as u16).to_le_bytes());
        out.extend((sum as u16).to_le_bytes());
        put_signed(least, out);
        level.pack(&self.values, count, width, out);
        level.put_unary(&self.values, count, width, sum as usize, out);
        for (index, quotient) in &self.exceptions {
            out.extend(index.to_le_bytes());
            put_varint(*quotient, out);
        }
    }

    /// Takes large quotients out of the values; gives the sum of the others.
    fn set_apart(&mut self, count: usize, width: u32) -> u64 {
        let mut sum = 0;
        for (index, value) in self.values[..count].iter_mut().enumerate() {
            let quotient = *value >> width;
            if quotient > MAX_QUOTIENT {
                self.exceptions.push((index as u16, quotient));
                *value &= (1 << width) - 1;
            } else {
                sum += quotient;
            }
        }
        sum
    }

    /// Reads the code of `count` ticks, at most [`FRAME`], after `before`; they stand at the
    /// beginning of `values` then. `None` where it is no such code.
    pub(super) fn ticks(
        &mut self,
        count: usize,
        before: u64,
        from: &mut Cursor<'_>,
    ) -> Option<u64> {
        let (width, exceptions) = (u32::from(from.u8()?), from.u16()?);
        let (sum, least) = (usize::from(from.u16()?), from.signed()?);
        let bits = count + sum;
        if width > WIDEST || bits > MAX_UNARY {
            return None;
        }
        let (level, values) = (self.level, &mut self.values);
        let packed = from.take(packed_bytes(count, width))?;
        level.unpack(packed, count, width, values);
        let unary = from.take(bits.div_ceil(8))?;
        let ones = level.ones(unary, bits, &mut self.places);
        // The last quotient ends the unary part, or the sum of all would be another one.
        let ends = ones == count && usize::from(self.places[count - 1]) + 1 == bits;
        if !ends || !is_filled_up(packed, count * width as usize) || !is_filled_up(unary, bits) {
            return None;
        }
        level.ticks(values, &self.places, count, width, least, before);
        let (mut done, mut more, mut free) = (0, 0u64, 0);
        for _ in 0..exceptions {
            let (index, quotient) = (usize::from(from.u16()?), from.varint()?);
            if !(free..count).contains(&index) {
                return None;
            }
            free = index + 1;
            let between = values[..count].get_mut(done..index)?;
            between.iter_mut().for_each(|tick| *tick = tick.wrapping_add(more));
            (done, more) = (index, more.wrapping_add(quotient << width));
        }
        if more != 0 {
            values[done..count].iter_mut().for_each(|tick| *tick = tick.wrapping_add(more));
        }
        values[..count].last().copied()
    }
}

/// The best width for an exponential distribution of this mean: A. Kiely, “Selecting the Golomb
/// parameter in Rice coding”, IPN Progress Report 42-159, 2004, eq. 8.
fn width_of_mean(mean: f64) -> u32 {
    /// ln φ, the golden ratio.
    const LN_PHI: f64 = 0.481_211_825_059_603_4;
    let ratio = LN_PHI / (1.0 / mean).ln_1p();
    // A cast of what is not a number or below zero is zero.
    let width = if ratio.is_finite() { 1.0 + ratio.log2().floor() } else { f64::from(WIDEST) };
    (width as u32).min(WIDEST)
}

/// The width at which these values are short, where a few are much longer than the others.
fn cheapest_width(values: &[u64]) -> u32 {
    let mut lengths = [0u64; 65];
    for value in values {
        lengths[64 - value.leading_zeros() as usize] += 1;
    }
    let cost = |width: u32| {
        let each = |(length, count): (usize, &u64)| {
            let bits = match (length as u32).saturating_sub(width) {
                0 => 0,
                // In the middle of its range.
                above @ 1..=5 => (3 << (above - 1)) / 2,
                above => 16 + 8 * above.div_ceil(7),
            };
            count * u64::from(bits)
        };
        let beyond: u64 = lengths.iter().enumerate().map(each).sum();
        values.len() as u64 * u64::from(width) + beyond
    };
    (0..=WIDEST).min_by_key(|width| cost(*width)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn coded(level: Level, ticks: &[u64]) -> Vec<u8> {
        let (mut coder, mut out) = (Coder::new(level), Vec::new());
        coder.put_ticks(ticks, base(ticks), &mut out);
        out
    }

    fn decoded(level: Level, mut bytes: Vec<u8>, count: usize, base: u64) -> Option<Vec<u64>> {
        let (mut coder, end) = (Coder::new(level), bytes.len());
        bytes.extend([0; SLACK]);
        let mut cursor = Cursor::new(&bytes, end);
        coder.ticks(count, base, &mut cursor)?;
        cursor.is_at_end().then(|| coder.values[..count].to_vec())
    }

    fn gap() -> impl Strategy<Value = u64> {
        prop_oneof![
            30 => 0u64..1000,
            1 => (0u32..64).prop_flat_map(|shift| any::<u64>().prop_map(move |gap| gap >> shift)),
        ]
    }

    proptest! {
        #[test]
        fn any_ticks_come_back(
            first: u64, gaps in prop::collection::vec(gap(), 0..FRAME), step in 0u64..1000,
        ) {
            let mut ticks = vec![first];
            for gap in gaps {
                ticks.push(ticks[ticks.len() - 1].wrapping_add(gap).wrapping_sub(step / 2));
            }
            let portable = coded(Level::Portable, &ticks);
            prop_assert_eq!(&coded(Level::detect(), &ticks), &portable);
            for level in [Level::Portable, Level::detect()] {
                let again = decoded(level, portable.clone(), ticks.len(), base(&ticks));
                prop_assert_eq!(again.as_ref(), Some(&ticks));
            }
        }

        #[test]
        fn any_bytes_give_ticks_or_none(
            width in 0u8..60, bytes in prop::collection::vec(any::<u8>(), 0..3000),
            count in 1..=FRAME, sum in 0u16..50,
        ) {
            let mut head = vec![width, 1, 0];
            head.extend(sum.to_le_bytes());
            head.extend(bytes);
            let portable = decoded(Level::Portable, head.clone(), count, 7);
            prop_assert_eq!(decoded(Level::detect(), head, count, 7), portable);
        }
    }

    #[test]
    fn regular_ticks_cost_a_bit_each() {
        let ticks: Vec<u64> = (0..FRAME as u64).map(|i| 5 + 80_000_000 * i).collect();
        assert!(coded(Level::detect(), &ticks).len() < FRAME / 8 + 12);
    }

    #[test]
    fn a_pause_does_not_lengthen_other_gaps() {
        let mut ticks: Vec<u64> = (0..FRAME as u64).map(|i| i * i % 13 + 16 * i).collect();
        let length = coded(Level::detect(), &ticks).len();
        ticks[FRAME / 2..].iter_mut().for_each(|tick| *tick += 1 << 50);
        assert!(coded(Level::detect(), &ticks).len() < length + 200);
    }

    #[test]
    fn widths_are_those_of_the_mean() {
        let cases = [(0.0, 0), (0.5, 0), (3.0, 1), (16.36e6, 23), (1e30, WIDEST)];
        for (mean, width) in cases {
            assert_eq!(width_of_mean(mean), width, "{mean}");
        }
        assert_eq!(width_of_mean(f64::NAN), WIDEST);
    }
}
