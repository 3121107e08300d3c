//! The fine delay of each laser: four SY89295U, each behind two 74HC595 that share one chain.
//!
//! A 74HC595 has no chip select: it shifts with every clock of the bus and shows what it has when
//! its latch rises, which is the chip select's end. So each transfer carries all four codes.

use helio_chips::sy89295u::{NOMINAL, data_pins};
use helio_units::Picoseconds;

/// Longest delay above the shortest one, by a typical part.
pub const LONGEST_DELAY: Picoseconds = Picoseconds(10_230);

/// Lasers, one a state, in order of [`helio_bench::Polarization::ALL`].
pub(crate) const LASERS: usize = 4;

/// The transfer that sets all delays: what goes out first ends up farthest from the board, so the
/// last laser's comes first. D\[0\] is the lowest output of the register that comes last of the two.
pub fn frame(codes: [u16; LASERS]) -> [u8; 2 * LASERS] {
    let mut bytes = [0; 2 * LASERS];
    for (pair, code) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(codes.iter().rev()) {
        let pins = data_pins(*code, false);
        let levels = pins.iter().rev().fold(0u16, |levels, pin| levels << 1 | u16::from(*pin));
        *pair = levels.to_be_bytes();
    }
    bytes
}

/// The code whose delay is nearest to so much above the shortest.
pub(crate) fn code(above: Picoseconds) -> Option<u16> {
    let asked = Picoseconds(above.0.checked_add(NOMINAL.delay(0).0)?);
    NOMINAL.nearest(asked).ok().map(|chosen| chosen.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_reach_their_chips() {
        // H is next to the board and so comes last.
        assert_eq!(frame([0x3FF, 0, 0, 0]), [0, 0, 0, 0, 0, 0, 0x03, 0xFF]);
        assert_eq!(frame([1, 2, 0x155, 0x200]), [0x02, 0, 0x01, 0x55, 0, 2, 0, 1]);
        assert_eq!(frame([0xFFFF; 4]), [0x03, 0xFF, 0x03, 0xFF, 0x03, 0xFF, 0x03, 0xFF]);
    }

    #[test]
    fn delays_count_from_the_shortest() {
        assert_eq!(code(Picoseconds(0)), Some(0));
        assert_eq!(code(Picoseconds(126)), Some(13));
        assert_eq!(code(LONGEST_DELAY), Some(1023));
        assert_eq!(code(Picoseconds(-1)), None);
        assert_eq!(code(Picoseconds(10_231)), None);
        assert_eq!(code(Picoseconds(i64::MAX)), None);
    }
}
