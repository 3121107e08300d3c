//! A string of secret bits.

use std::ops::Range;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A string of secret bits, wiped from memory when dropped or when it grows.
///
/// Bit `i` is bit `i % 64` (least significant first) of word `i / 64`; the bits of the last word
/// beyond the length are zero. The length is public, the content is not: there is no `Debug`, no
/// `Display`, no `Clone` and no `==`.
///
/// ```
/// # use helio_keys::SecretBits;
/// let a = SecretBits::from_bits([true, false, true]);
/// let b = a.duplicate(); // a copy is asked for by name
/// assert!(bool::from(a.ct_eq(&b))); // and compared in constant time
/// ```
/// ```compile_fail,E0277
/// # let a = helio_keys::SecretBits::zeros(3);
/// println!("{a:?}"); // not printed
/// ```
/// ```compile_fail,E0599
/// # let a = helio_keys::SecretBits::zeros(3);
/// let b = a.clone(); // not copied silently
/// ```
/// ```compile_fail,E0369
/// # let (a, b) = (helio_keys::SecretBits::zeros(3), helio_keys::SecretBits::zeros(3));
/// assert!(a == b); // not compared in a time that depends on the content
/// ```
pub struct SecretBits {
    words: Vec<u64>,
    len: usize,
}

/// Bytes that are not the canonical form of a bit string of the stated length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadBytes;

impl std::fmt::Display for BadBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the bytes are not a bit string of the stated length with zero padding")
    }
}

impl std::error::Error for BadBytes {}

impl SecretBits {
    /// The empty string.
    pub fn new() -> SecretBits {
        SecretBits { words: Vec::new(), len: 0 }
    }

    /// The empty string with room for `bits` bits.
    pub fn with_capacity(bits: usize) -> SecretBits {
        SecretBits { words: Vec::with_capacity(bits.div_ceil(64)), len: 0 }
    }

    /// `len` zero bits.
    pub fn zeros(len: usize) -> SecretBits {
        SecretBits { words: vec![0; len.div_ceil(64)], len }
    }

    /// The bits of `words`, least significant first, cut or extended with zeros to `len` bits.
    pub fn from_words(words: Vec<u64>, len: usize) -> SecretBits {
        let mut bits = SecretBits { words, len: 0 };
        bits.resize_words(len.div_ceil(64));
        bits.len = len;
        bits.clear_tail();
        bits
    }

    /// The bits of an iterator, in order.
    pub fn from_bits(bits: impl IntoIterator<Item = bool>) -> SecretBits {
        let bits = bits.into_iter();
        let mut out = SecretBits::with_capacity(bits.size_hint().0);
        bits.for_each(|b| out.push(b));
        out
    }

    /// The inverse of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// [`BadBytes`] if there are not ⌈`len`/8⌉ bytes or a bit beyond `len` is set.
    pub fn from_bytes(bytes: &[u8], len: usize) -> Result<SecretBits, BadBytes> {
        let tail = len % 8;
        if bytes.len() != len.div_ceil(8)
            || (tail != 0 && bytes.last().is_some_and(|last| last >> tail != 0))
        {
            return Err(BadBytes);
        }
        let mut words = Vec::with_capacity(len.div_ceil(64));
        words.extend(bytes.chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        }));
        Ok(SecretBits { words, len })
    }

    /// ⌈length/8⌉ bytes, bit `i` in bit `i % 8` of byte `i / 8`; wiped on drop.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.words.len() * 8));
        self.words.iter().for_each(|w| bytes.extend_from_slice(&w.to_le_bytes()));
        bytes.truncate(self.len.div_ceil(8));
        bytes
    }

    /// Number of bits.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bits as words; bits beyond the length are zero.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Bit `i`.
    ///
    /// # Panics
    /// If `i` is not below the length, as indexing a slice would.
    pub fn get(&self, i: usize) -> bool {
        assert!(i < self.len, "bit {i} of {}", self.len);
        self.words[i / 64] >> (i % 64) & 1 == 1
    }

    /// Sets bit `i`.
    ///
    /// # Panics
    /// If `i` is not below the length.
    pub fn set(&mut self, i: usize, bit: bool) {
        assert!(i < self.len, "bit {i} of {}", self.len);
        let word = &mut self.words[i / 64];
        *word = *word & !(1 << (i % 64)) | u64::from(bit) << (i % 64);
    }

    /// Inverts bit `i`.
    ///
    /// # Panics
    /// If `i` is not below the length.
    pub fn flip(&mut self, i: usize) {
        assert!(i < self.len, "bit {i} of {}", self.len);
        self.words[i / 64] ^= 1 << (i % 64);
    }

    /// Appends one bit.
    pub fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(64) {
            self.resize_words(self.words.len() + 1);
        }
        self.words[self.len / 64] |= u64::from(bit) << (self.len % 64);
        self.len += 1;
    }

    /// Appends all bits of `other`.
    pub fn append(&mut self, other: &SecretBits) {
        let (at, shift) = (self.len / 64, self.len % 64);
        self.resize_words((self.len + other.len).div_ceil(64));
        for (i, &word) in other.words.iter().enumerate() {
            self.words[at + i] |= word << shift;
            if shift != 0
                && let Some(next) = self.words.get_mut(at + i + 1)
            {
                *next |= word >> (64 - shift);
            }
        }
        self.len += other.len;
    }

    /// A copy of the bits in `range`.
    ///
    /// # Panics
    /// If the range does not lie within the string.
    pub fn slice(&self, range: Range<usize>) -> SecretBits {
        assert!(range.start <= range.end && range.end <= self.len, "{range:?} of {}", self.len);
        let (len, at, shift) = (range.len(), range.start / 64, range.start % 64);
        let word = |i: usize| self.words.get(i).copied().unwrap_or(0);
        let mut words = Vec::with_capacity(len.div_ceil(64));
        words.extend((at..at + len.div_ceil(64)).map(|i| match shift {
            0 => word(i),
            _ => word(i) >> shift | word(i + 1) << (64 - shift),
        }));
        SecretBits::from_words(words, len)
    }

    /// Shortens the string to `len` bits and wipes the rest; does nothing if it is not longer.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len {
            self.len = len;
            self.words[len.div_ceil(64)..].zeroize();
            self.words.truncate(len.div_ceil(64));
            self.clear_tail();
        }
    }

    /// Adds `other` to this string modulo 2, bit by bit.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn xor_assign(&mut self, other: &SecretBits) {
        assert_eq!(self.len, other.len, "strings of different lengths");
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a ^= b);
    }

    /// The sum modulo 2 of the bits in `range`.
    ///
    /// # Panics
    /// If the range does not lie within the string.
    pub fn parity(&self, range: Range<usize>) -> bool {
        assert!(range.start <= range.end && range.end <= self.len, "{range:?} of {}", self.len);
        if range.is_empty() {
            return false;
        }
        let (first, last) = (range.start / 64, (range.end - 1) / 64);
        let low = !0 << (range.start % 64);
        let high = !0 >> (63 - (range.end - 1) % 64);
        let folded = match first == last {
            true => self.words[first] & low & high,
            false => {
                let inner = self.words[first + 1..last].iter().fold(0, |acc, w| acc ^ w);
                self.words[first] & low ^ inner ^ self.words[last] & high
            }
        };
        folded.count_ones() % 2 == 1
    }

    /// Number of set bits. Secret, as the bits are.
    pub fn count_ones(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// Number of positions in which two strings of one length differ. Secret, as the bits are.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn distance(&self, other: &SecretBits) -> usize {
        assert_eq!(self.len, other.len, "strings of different lengths");
        self.words.iter().zip(&other.words).map(|(a, b)| (a ^ b).count_ones() as usize).sum()
    }

    /// The bits in order.
    pub fn iter(&self) -> impl Iterator<Item = bool> + '_ {
        (0..self.len).map(|i| self.get(i))
    }

    /// A second copy of the secret. Named, so that it shows in review.
    pub fn duplicate(&self) -> SecretBits {
        SecretBits { words: self.words.clone(), len: self.len }
    }

    /// Whether two strings are equal, in a time that depends on their (public) lengths only.
    pub fn ct_eq(&self, other: &SecretBits) -> Choice {
        match self.len == other.len {
            true => self.words.ct_eq(&other.words),
            false => Choice::from(0),
        }
    }

    /// Changes the number of words without leaving the old ones behind in freed memory.
    fn resize_words(&mut self, count: usize) {
        if count <= self.words.len() {
            self.words[count..].zeroize();
            self.words.truncate(count);
        } else if count <= self.words.capacity() {
            self.words.resize(count, 0);
        } else {
            let mut grown = Vec::with_capacity(count.max(2 * self.words.capacity()));
            grown.extend_from_slice(&self.words);
            grown.resize(count, 0);
            self.words.zeroize();
            self.words = grown;
        }
    }

    fn clear_tail(&mut self) {
        if let (Some(last), tail @ 1..) = (self.words.last_mut(), self.len % 64) {
            *last &= (1 << tail) - 1;
        }
    }
}

impl Default for SecretBits {
    fn default() -> SecretBits {
        SecretBits::new()
    }
}

impl Zeroize for SecretBits {
    fn zeroize(&mut self) {
        self.words.zeroize();
        self.len = 0;
    }
}

impl Drop for SecretBits {
    fn drop(&mut self) {
        self.words.zeroize();
    }
}

impl ZeroizeOnDrop for SecretBits {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reproducible pattern without period.
    fn pattern(len: usize, salt: usize) -> Vec<bool> {
        (0..len).map(|i| ((i + salt) * (i + 7)).count_ones() % 2 == 1).collect()
    }

    fn bits(of: &SecretBits) -> Vec<bool> {
        of.iter().collect()
    }

    #[test]
    fn operations_agree_with_a_vector_of_bools() {
        for a_len in [0, 1, 63, 64, 65, 127, 130] {
            for b_len in [0, 1, 64, 77] {
                let (a, b) = (pattern(a_len, 1), pattern(b_len, 5));
                let mut joined = SecretBits::from_bits(a.clone());
                joined.append(&SecretBits::from_bits(b.clone()));
                let expected: Vec<bool> = a.iter().chain(&b).copied().collect();
                assert!(bits(&joined) == expected);
                for start in (0..=expected.len()).step_by(13) {
                    for end in (start..=expected.len()).step_by(9) {
                        let part = joined.slice(start..end);
                        assert!(bits(&part) == expected[start..end]);
                        let odd = expected[start..end].iter().filter(|b| **b).count() % 2 == 1;
                        assert_eq!(joined.parity(start..end), odd);
                    }
                }
            }
        }
    }

    #[test]
    fn bytes_go_round_and_stray_bits_are_refused() {
        for len in [0, 1, 7, 8, 9, 64, 65, 100] {
            let a = SecretBits::from_bits(pattern(len, 3));
            let bytes = a.to_bytes();
            let b = SecretBits::from_bytes(&bytes, len).expect("own bytes");
            assert!(bool::from(a.ct_eq(&b)));
            assert!(SecretBits::from_bytes(&bytes, len + 8).is_err());
            if !len.is_multiple_of(8) {
                let mut stray = bytes.to_vec();
                *stray.last_mut().expect("not empty") |= 0x80;
                assert_eq!(SecretBits::from_bytes(&stray, len).err(), Some(BadBytes));
            }
        }
    }

    #[test]
    fn from_words_cuts_and_extends() {
        let cut = SecretBits::from_words(vec![!0, !0], 65);
        assert_eq!((cut.len(), cut.words()), (65, &[!0, 1][..]));
        let extended = SecretBits::from_words(vec![5], 130);
        assert_eq!(extended.words(), [5, 0, 0]);
    }

    #[test]
    fn set_flip_truncate_and_distance() {
        let mut a = SecretBits::zeros(70);
        a.set(69, true);
        a.flip(3);
        assert_eq!((a.count_ones(), a.get(69), a.get(3)), (2, true, true));
        assert_eq!(a.distance(&SecretBits::zeros(70)), 2);
        a.truncate(69);
        assert_eq!((a.len(), a.count_ones()), (69, 1));
        a.set(3, false);
        assert_eq!(a.count_ones(), 0);
    }

    #[test]
    fn strings_of_different_length_or_content_are_not_equal() {
        let a = SecretBits::from_bits(pattern(100, 1));
        let mut b = a.duplicate();
        b.flip(99);
        assert!(!bool::from(a.ct_eq(&b)));
        assert!(!bool::from(a.ct_eq(&a.slice(0..99))));
        assert!(!bool::from(SecretBits::zeros(64).ct_eq(&SecretBits::zeros(63))));
    }
}
