//! Reading and writing of little-endian numbers, variable-length numbers and bytes.
//!
//! The reader never allocates more than the bytes it was given and never panics.

use super::Malformed;

/// Appends fields to a message.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub fn with_capacity(capacity: usize) -> Writer {
        Writer { bytes: Vec::with_capacity(capacity) }
    }

    /// What was written so far.
    pub fn written(&self) -> &[u8] {
        &self.bytes
    }

    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Makes room for `more` bytes at once, so that what is written does not move.
    pub fn reserve(&mut self, more: usize) {
        self.bytes.reserve(more);
    }

    /// Room for `count` bytes, zero, to be filled; `spare` more may be written to and fall away.
    pub fn fill(&mut self, count: usize, spare: usize, fill: impl FnOnce(&mut [u8])) {
        let start = self.bytes.len();
        self.bytes.resize(start + count + spare, 0);
        fill(&mut self.bytes[start..]);
        self.bytes.truncate(start + count);
    }

    /// The first `count` bits of these words, low bits first, and zeros up to a whole byte. Bits
    /// past `count` must be zero.
    pub fn bits(&mut self, words: &[u64], count: usize) {
        let end = self.bytes.len() + count.div_ceil(8);
        self.bytes.reserve(words.len() * 8);
        words.iter().for_each(|word| self.bytes.extend_from_slice(&word.to_le_bytes()));
        self.bytes.truncate(end);
    }

    /// Seven bits a byte, low bits first, the high bit says that more follow.
    pub fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// Bytes whose number the reader knows.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Length, then the bytes.
    pub fn blob(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.raw(bytes);
    }
}

/// Takes fields from a message.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A number in as few bytes as it needs; any other way to write it is refused.
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let part = u64::from(byte & 0x7F);
            if shift == 63 && part > 1 {
                return Err(Malformed::NumberTooLarge);
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                // One number has one encoding.
                return if part == 0 && shift > 0 { Err(Malformed::BadValue) } else { Ok(value) };
            }
        }
        Err(Malformed::NumberTooLarge)
    }

    /// A count that must not exceed `limit`, nor the bits that are left: what follows takes at
    /// least one bit an item, so a huge count cannot make the reader allocate.
    pub fn count(&mut self, limit: u64) -> Result<usize, Malformed> {
        let value = self.varint()?;
        let left = self.rest.len() as u64 * 8;
        if value > limit || value > left {
            Err(Malformed::CountTooLarge)
        } else {
            Ok(value as usize)
        }
    }

    /// Length, then at most `limit` bytes.
    pub fn blob(&mut self, limit: usize) -> Result<&'a [u8], Malformed> {
        let length = self.varint()?;
        if length > limit as u64 {
            return Err(Malformed::CountTooLarge);
        }
        self.raw(length as usize)
    }

    /// Bytes up to the one that holds the `ones`-th set bit, which must be among the first `limit`
    /// bits; the bits after it must be zero.
    pub fn unary(&mut self, ones: usize, limit: usize) -> Result<&'a [u8], Malformed> {
        let (mut left, mut at) = (ones, 0);
        while left >= 64 {
            let word = self.rest[at..].first_chunk::<8>().ok_or(Malformed::Truncated)?;
            left -= u64::from_le_bytes(*word).count_ones() as usize;
            at += 8;
        }
        while left > 0 {
            let byte = self.rest.get(at).ok_or(Malformed::Truncated)?;
            let here = byte.count_ones() as usize;
            if here > left {
                return Err(Malformed::PaddingNotZero);
            }
            left -= here;
            at += 1;
        }
        let taken = self.raw(at)?;
        let past = taken.last().map_or(0, |last| at * 8 - last.leading_zeros() as usize);
        if past > limit { Err(Malformed::BadValue) } else { Ok(taken) }
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Nothing may follow.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::TrailingBytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_round_trip_and_refuse_65_bits() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut w = Writer::default();
            w.varint(value);
            let bytes = w.finish();
            assert_eq!(Reader::new(&bytes).varint(), Ok(value));
            assert_eq!(Reader::new(&bytes[..bytes.len() - 1]).varint(), Err(Malformed::Truncated));
        }
        assert_eq!(Reader::new(&[0xFF; 10]).varint(), Err(Malformed::NumberTooLarge));
        let eleven = [0x80; 11];
        assert!(Reader::new(&eleven).varint().is_err());
        for long in [&[0x80, 0][..], &[0xFF, 0x80, 0]] {
            assert_eq!(Reader::new(long).varint(), Err(Malformed::BadValue));
        }
    }

    #[test]
    fn a_count_of_2_to_the_63_is_refused_before_anything_is_allocated() {
        let mut w = Writer::default();
        w.varint(1 << 63);
        let bytes = w.finish();
        assert_eq!(Reader::new(&bytes).count(u64::MAX), Err(Malformed::CountTooLarge));
        assert_eq!(Reader::new(&bytes).blob(usize::MAX), Err(Malformed::Truncated));
    }
}
