//! Bits of a message: packed, bit i in bit i % 8 of byte i / 8, padding zero.

/// Writes bits.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
    /// Bits not yet in `bytes`, and how many: fewer than 64.
    word: u64,
    filled: u32,
    bits: u64,
}

impl Writer {
    /// Writes the lowest `count` bits of `bits`, at most 64; the others must be zero.
    #[inline]
    pub fn put(&mut self, bits: u64, count: u32) {
        self.word |= bits << self.filled;
        let filled = self.filled + count;
        if filled >= 64 {
            self.bytes.extend_from_slice(&self.word.to_le_bytes());
            let written = 64 - self.filled;
            self.word = if written == 64 { 0 } else { bits >> written };
            self.filled = filled - 64;
        } else {
            self.filled = filled;
        }
        self.bits += u64::from(count);
    }

    /// Bits written.
    pub fn len(&self) -> u64 {
        self.bits
    }

    /// The message.
    pub fn finish(mut self) -> Vec<u8> {
        let rest = self.filled.div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.word.to_le_bytes()[..rest]);
        self.bytes
    }
}

/// Reads bits.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Of this message.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// The next `count` bits, at most 64. `None` if the message has fewer.
    #[inline]
    pub fn take(&mut self, count: u32) -> Option<u64> {
        let (byte, bit) = (self.at / 8, self.at % 8);
        let end = self.at + count as usize;
        if end > 8 * self.bytes.len() {
            return None;
        }
        self.at = end;
        let mut window = [0; 16];
        let rest = &self.bytes[byte..];
        match rest.first_chunk::<16>() {
            Some(whole) => window = *whole,
            None => window[..rest.len()].copy_from_slice(rest),
        }
        let bits = (u128::from_le_bytes(window) >> bit) as u64;
        Some(if count == 64 { bits } else { bits & ((1 << count) - 1) })
    }

    /// Bits read.
    pub fn read(&self) -> u64 {
        self.at as u64
    }

    /// Whether all was read and the padding is zero.
    pub fn is_at_end(&self) -> bool {
        let padding = self.bytes.last().map_or(0, |last| match self.at % 8 {
            0 => 0,
            used => last >> used,
        });
        self.bytes.len() == self.at.div_ceil(8) && padding == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(parts in proptest::collection::vec((any::<u64>(), 0u32..=64), 0..40)) {
            let cut = |bits: u64, count: u32| if count == 64 { bits } else { bits & ((1_u64 << count) - 1) };
            let mut writer = Writer::default();
            parts.iter().for_each(|(bits, count)| writer.put(cut(*bits, *count), *count));
            let total: u64 = parts.iter().map(|(_, count)| u64::from(*count)).sum();
            prop_assert_eq!(writer.len(), total);
            let message = writer.finish();
            prop_assert_eq!(message.len() as u64, total.div_ceil(8));
            let mut reader = Reader::new(&message);
            for (bits, count) in parts {
                prop_assert_eq!(reader.take(count), Some(cut(bits, count)));
            }
            prop_assert!(reader.is_at_end());
            prop_assert_eq!(reader.read(), total);
            prop_assert_eq!(reader.take(8), None);
        }
    }

    #[test]
    fn bits_left_over_are_seen() {
        let mut reader = Reader::new(&[0b1000_0000]);
        assert_eq!(reader.take(7), Some(0));
        assert!(!reader.is_at_end());
        let mut reader = Reader::new(&[0, 0]);
        assert_eq!(reader.take(8), Some(0));
        assert!(!reader.is_at_end());
        assert!(Reader::new(&[]).is_at_end());
        assert_eq!(Reader::new(&[1]).take(64), None);
    }
}
