//! Bits put behind each other, up to 64 at a time, without a branch.

use helio_keys::SecretBits;
use zeroize::Zeroize;

use crate::message::PublicBits;

/// A string of bits in the making. It may be secret, never moves while it grows, and is wiped if it is
/// given up.
pub(crate) struct Packer {
    /// One word more than can be filled, zero from the length on.
    words: Vec<u64>,
    len: usize,
}

impl Packer {
    /// Room for `bits` bits and no more.
    pub fn with_capacity(bits: usize) -> Packer {
        Packer { words: vec![0; bits / 64 + 2], len: 0 }
    }

    /// Appends the low `count` bits of `bits`, at most 64; those above must be zero.
    ///
    /// # Panics
    /// If there is no room for them.
    #[inline]
    pub fn push(&mut self, bits: u64, count: u32) {
        let (i, shift) = (self.len / 64, self.len % 64);
        self.words[i] |= bits << shift;
        self.words[i + 1] = bits >> 1 >> (63 - shift);
        self.len += count as usize;
    }

    pub fn finish(mut self) -> PublicBits {
        PublicBits::from_words(std::mem::take(&mut self.words), self.len)
    }

    pub fn finish_secret(mut self) -> SecretBits {
        SecretBits::from_words(std::mem::take(&mut self.words), self.len)
    }
}

impl Drop for Packer {
    fn drop(&mut self) {
        self.words.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_stand_in_order(pieces in proptest::collection::vec((any::<u64>(), 0u32..=64), 0..40)) {
            let total = pieces.iter().map(|piece| piece.1 as usize).sum();
            let (mut public, mut secret) = (Packer::with_capacity(total), Packer::with_capacity(total));
            let mut expected = Vec::new();
            for (bits, count) in pieces {
                let bits = if count < 64 { bits & ((1 << count) - 1) } else { bits };
                public.push(bits, count);
                secret.push(bits, count);
                expected.extend((0..count).map(|i| bits >> i & 1 == 1));
            }
            prop_assert_eq!(public.finish(), PublicBits::of(expected.clone()));
            let secret = secret.finish_secret();
            prop_assert!(secret.iter().eq(expected));
        }
    }
}
