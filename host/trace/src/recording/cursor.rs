//! Numbers in bytes, with every length checked before it is believed.

/// Bytes that are read from their beginning; behind their end further ones may be looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    all: &'a [u8],
    end: usize,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The first `end` bytes of `all`.
    pub(super) fn new(all: &'a [u8], end: usize) -> Cursor<'a> {
        Cursor { all, end: end.min(all.len()), at: 0 }
    }

    /// How many have been read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.end
    }

    /// What begins here, to the end and beyond; `None` where fewer than `length` bytes are left.
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let rest = self.all.get(self.at..)?;
        let next = self.at.checked_add(length).filter(|next| *next <= self.end)?;
        self.at = next;
        Some(rest)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Seven bits a byte, the low ones first; the high bit says that another byte follows.
    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A number of either sign: 0, −1, 1, −2 … as 0, 1, 2, 3 …
    pub(super) fn signed(&mut self) -> Option<i64> {
        self.varint().map(|value| (value >> 1) as i64 ^ -((value & 1) as i64))
    }
}

/// The inverse of [`Cursor::varint`].
pub(super) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The inverse of [`Cursor::signed`].
pub(super) fn put_signed(value: i64, out: &mut Vec<u8>) {
    put_varint((value << 1 ^ value >> 63) as u64, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(number: u64, shift in 0u32..64, signed: i64) {
            let mut bytes = Vec::new();
            put_varint(number >> shift, &mut bytes);
            put_signed(signed >> shift, &mut bytes);
            let mut cursor = Cursor::new(&bytes, bytes.len());
            prop_assert_eq!(cursor.varint(), Some(number >> shift));
            prop_assert_eq!(cursor.signed(), Some(signed >> shift));
            prop_assert!(cursor.is_at_end() && cursor.u8().is_none());
        }

        #[test]
        fn any_bytes_give_a_number_or_none(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let mut cursor = Cursor::new(&bytes, bytes.len() / 2);
            while cursor.varint().is_some() {}
            prop_assert!(cursor.at() <= bytes.len() / 2);
        }
    }
}
