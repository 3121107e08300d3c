//! LEB128: seven bits a byte, low bits first, bit 7 set on all bytes but the last.

/// Longest code of 64 bits.
pub(crate) const LONGEST: usize = 10;

/// Bytes that `value` takes.
pub(crate) fn length(value: u64) -> usize {
    (64 - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// Writes `value` into exactly [`length`] bytes.
pub(crate) fn write(mut value: u64, out: &mut [u8]) {
    if let Some((last, others)) = out.split_last_mut() {
        for byte in others {
            *byte = value as u8 | 0x80;
            value >>= 7;
        }
        *last = value as u8;
    }
}

/// Reads the code at the front of `bytes`: its value and its length. `None` if it is cut off, or
/// has more than 64 bits.
#[inline]
pub(crate) fn read(bytes: &[u8]) -> Option<(u64, usize)> {
    let Some(word) = bytes.first_chunk() else { return read_bytes(bytes) };
    // Lengths of neighbouring codes differ at random; a loop over bytes would mispredict at
    // every second code.
    let word = u64::from_le_bytes(*word);
    let ends = !word & 0x8080_8080_8080_8080;
    if ends == 0 {
        return read_bytes(bytes);
    }
    let code = word & (ends ^ (ends - 1)) & 0x7f7f_7f7f_7f7f_7f7f;
    let pairs = (code & 0x007f_007f_007f_007f) | (code & 0x7f00_7f00_7f00_7f00) >> 1;
    let quads = (pairs & 0x0000_3fff_0000_3fff) | (pairs & 0x3fff_0000_3fff_0000) >> 2;
    let value = (quads & 0x0fff_ffff) | (quads & 0x0fff_ffff_0000_0000) >> 4;
    Some((value, ends.trailing_zeros() as usize / 8 + 1))
}

fn read_bytes(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (i, byte) in bytes.iter().take(LONGEST).enumerate() {
        let part = u64::from(byte & 0x7f);
        if i == LONGEST - 1 && part > 1 {
            return None;
        }
        value |= part << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip_at_every_length_with_and_without_bytes_behind_them() {
        for bits in 0..64 {
            for value in [1u64 << bits, (1 << bits) - 1, u64::MAX >> (63 - bits)] {
                let n = length(value);
                let mut buffer = [0xff; 24];
                write(value, &mut buffer[..n]);
                assert_eq!(read(&buffer[..n]), Some((value, n)), "{value:#x}");
                assert_eq!(read(&buffer), Some((value, n)), "{value:#x} followed by others");
                assert_eq!(read(&buffer[..n - 1]), None, "{value:#x} cut off");
            }
        }
    }

    #[test]
    fn more_than_64_bits_are_refused() {
        let mut code = [0xff; 10];
        code[9] = 1;
        assert_eq!(read(&code), Some((u64::MAX, 10)));
        code[9] = 2;
        assert_eq!(read(&code), None);
        assert_eq!(read(&[0x80; 11]), None);
        assert_eq!(read(&[]), None);
    }
}
