//! Bits that everybody may know, 64 to a word, and how they are written: raw where nothing is to be
//! gained, otherwise as the places of whichever value is rarer.

use std::ops::Range;

use helio_keys::SecretBits;

use super::{Malformed, Reader, Writer, places};
use crate::packer::Packer;
use crate::processor::{self, Processor, Work};

/// Public bits. Bit `i` is bit `i % 64`, least significant first, of word `i / 64`; the bits of the
/// last word past the length are zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PublicBits {
    words: Vec<u64>,
    len: usize,
}

impl PublicBits {
    pub fn with_capacity(bits: usize) -> PublicBits {
        PublicBits { words: Vec::with_capacity(bits.div_ceil(64)), len: 0 }
    }

    pub fn zeros(len: usize) -> PublicBits {
        PublicBits { words: vec![0; len.div_ceil(64)], len }
    }

    /// One at a time: for few.
    pub fn of(bits: impl IntoIterator<Item = bool>) -> PublicBits {
        let mut out = PublicBits::default();
        bits.into_iter().for_each(|bit| out.append(u64::from(bit), 1));
        out
    }

    /// Appends the low `count` bits of `bits`, at most 64; those above must be zero.
    pub fn append(&mut self, bits: u64, count: u32) {
        let shift = self.len % 64;
        match self.words.last_mut() {
            Some(last) if shift != 0 => {
                *last |= bits << shift;
                if shift + count as usize > 64 {
                    self.words.push(bits >> (64 - shift));
                }
            }
            _ if count > 0 => self.words.push(bits),
            _ => {}
        }
        self.len += count as usize;
    }

    /// The first `len` bits of these words.
    pub fn from_words(mut words: Vec<u64>, len: usize) -> PublicBits {
        words.truncate(len.div_ceil(64));
        if let (Some(last), tail @ 1..) = (words.last_mut(), len % 64) {
            *last &= (1 << tail) - 1;
        }
        PublicBits { words, len }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// The bits, 64 a word.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Word `i`; zero past the end.
    pub fn word(&self, i: usize) -> u64 {
        self.words.get(i).copied().unwrap_or(0)
    }

    /// The bit at `index`; `false` past the end.
    #[cfg(test)]
    pub fn get(&self, index: usize) -> bool {
        self.word(index / 64) >> (index % 64) & 1 == 1
    }

    pub fn ones(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// Set bits of the words that `each` gives for the index and content of these.
    pub fn count(&self, each: impl Fn(usize, u64) -> u64) -> u64 {
        let words = self.words.iter().enumerate();
        words.map(|(i, &word)| u64::from(each(i, word).count_ones())).sum()
    }

    /// Set bits in a range within the length.
    pub fn ones_in(&self, range: Range<usize>) -> usize {
        if range.is_empty() {
            return 0;
        }
        let words = range.start / 64..range.end.div_ceil(64);
        let inside = |i: usize| in_word(range.end, i) & !in_word(range.start, i);
        words.map(|i| (self.word(i) & inside(i)).count_ones() as usize).sum()
    }

    /// For each word the result of `each` on it and on the same words of others.
    pub fn map_words(&self, each: impl Fn(usize, u64) -> u64) -> PublicBits {
        let words = self.words.iter().enumerate().map(|(i, &w)| each(i, w)).collect();
        PublicBits::from_words(words, self.len)
    }

    /// Those bits that `mask` selects, in order. `mask` has the same length.
    pub fn select(&self, mask: &PublicBits) -> PublicBits {
        select(&self.words, mask).finish()
    }

    /// Those bits of a secret of the same length at whose place a bit is set here, in order.
    pub fn select_secret(&self, secret: &SecretBits) -> SecretBits {
        select(secret.words(), self).finish_secret()
    }

    /// Puts these bits, in order, where `gaps` is not set, and zero where it is.
    pub fn spread(&self, gaps: &PublicBits) -> PublicBits {
        let mut next = 0;
        let (mut out, len) = (PublicBits::zeros(gaps.len), gaps.len);
        for (i, (to, gaps)) in out.words.iter_mut().zip(&gaps.words).enumerate() {
            let mask = !gaps & in_word(len, i);
            *to = expand(self.bits_from(next), mask);
            next += mask.count_ones() as usize;
        }
        out
    }

    /// 64 bits from `start` on; zeros past the end.
    fn bits_from(&self, start: usize) -> u64 {
        let (i, shift) = (start / 64, start % 64);
        match shift {
            0 => self.word(i),
            _ => self.word(i) >> shift | self.word(i + 1) << (64 - shift),
        }
    }

    /// Writes the bits as they are: for bits that nothing is known of. The reader knows the length.
    pub fn write_raw(&self, out: &mut Writer) {
        out.bits(&self.words, self.len);
    }

    /// Reads `len` raw bits; bits past the last one must be zero, so that one content has one
    /// encoding.
    pub fn read_raw(reader: &mut Reader<'_>, len: usize) -> Result<PublicBits, Malformed> {
        let bytes = reader.raw(len.div_ceil(8))?;
        let used = len % 8;
        if used != 0 && bytes.last().is_some_and(|b| b >> used != 0) {
            return Err(Malformed::PaddingNotZero);
        }
        Ok(PublicBits { words: words(bytes), len })
    }

    /// Writes how many are set, then the places of the rarer value (of the ones, if there are as
    /// many of each). The reader knows the length.
    pub fn write(&self, out: &mut Writer) {
        let ones = self.ones();
        out.varint(ones as u64);
        let (rare, value) = rarer(ones, self.len);
        if places::low_bits(rare as u64, self.len as u64) > 0 {
            return self.write_places(out, rare, value);
        }
        // The same as the places would be: without low parts, what is left is the bits themselves
        // up to the last one.
        let flip = if value { 0 } else { !0 };
        let flipped = self.map_words(|_, word| word ^ flip);
        let last = flipped.words.iter().rposition(|&word| word != 0);
        let end = last.map_or(0, |i| i * 64 + 64 - flipped.words[i].leading_zeros() as usize);
        out.bits(&flipped.words, end);
    }

    /// The places of the bits that are `value`, of which there are `count`.
    fn write_places(&self, out: &mut Writer, count: usize, value: bool) {
        let flip = if value { 0 } else { !0 };
        let words = self.words.iter().enumerate();
        let mut ones =
            places::Ones::of(words.map(|(i, word)| (word ^ flip) & in_word(self.len, i)));
        places::write(out, count, self.len as u64, |places| ones.fill(places));
    }

    /// Reads what [`PublicBits::write`] wrote of `len` bits. Takes memory for `len` bits.
    pub fn read(reader: &mut Reader<'_>, len: usize) -> Result<PublicBits, Malformed> {
        let ones = reader.varint()?;
        if ones > len as u64 {
            return Err(Malformed::CountTooLarge);
        }
        let (rare, value) = rarer(ones as usize, len);
        let flip = if value { 0 } else { !0 };
        if places::low_bits(rare as u64, len as u64) > 0 {
            let (mut words, level) = (vec![flip; len.div_ceil(64)], places::Level::best());
            places::read(reader, rare, len as u64, |places| level.flip(&mut words, places))?;
            return Ok(PublicBits::from_words(words, len));
        }
        let mut words = words(reader.unary(rare, len)?);
        words.resize(len.div_ceil(64), 0);
        words.iter_mut().for_each(|word| *word ^= flip);
        Ok(PublicBits::from_words(words, len))
    }
}

fn select(words: &[u64], mask: &PublicBits) -> Packer {
    struct Selecting<'a>(&'a [u64], &'a [u64], Packer);

    impl Work for Selecting<'_> {
        type Output = Packer;

        #[inline(always)]
        fn run(self, processor: impl Processor) -> Packer {
            let Selecting(words, masks, mut out) = self;
            for (&word, &mask) in words.iter().zip(masks) {
                out.push(processor.compress(word, mask), mask.count_ones());
            }
            out
        }
    }

    processor::run(Selecting(words, &mask.words, Packer::with_capacity(mask.ones())))
}

/// How often the rarer value occurs, and which it is.
fn rarer(ones: usize, len: usize) -> (usize, bool) {
    if ones <= len - ones { (ones, true) } else { (len - ones, false) }
}

/// Mask of the bits of word `i` that lie below `len`.
pub(crate) fn in_word(len: usize, i: usize) -> u64 {
    match len.saturating_sub(i * 64) {
        0 => 0,
        left @ 1..64 => (1 << left) - 1,
        _ => !0,
    }
}

/// The low bits of `word`, in order, where `mask` is set, and zero elsewhere.
fn expand(mut word: u64, mut mask: u64) -> u64 {
    if mask == !0 {
        return word;
    }
    let mut out = 0;
    while mask != 0 {
        let lowest = mask & mask.wrapping_neg();
        out |= if word & 1 == 1 { lowest } else { 0 };
        word >>= 1;
        mask ^= lowest;
    }
    out
}

/// Bytes as words, filled up with zeros.
fn words(bytes: &[u8]) -> Vec<u64> {
    let word = |chunk: &[u8]| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    };
    bytes.chunks(8).map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(bits: &PublicBits) -> Vec<u8> {
        let mut out = Writer::default();
        bits.write(&mut out);
        out.finish()
    }

    #[test]
    fn raw_bits_have_one_encoding() {
        let bits = PublicBits::of((0..11).map(|i| i % 3 == 0));
        let mut out = Writer::default();
        bits.write_raw(&mut out);
        let mut bytes = out.finish();
        assert_eq!(PublicBits::read_raw(&mut Reader::new(&bytes), 11), Ok(bits));
        bytes[1] |= 0x80;
        let again = PublicBits::read_raw(&mut Reader::new(&bytes), 11);
        assert_eq!(again, Err(Malformed::PaddingNotZero));
    }

    #[test]
    fn bits_of_one_value_take_a_count_only() {
        for (bit, bytes) in [(false, vec![0]), (true, vec![0xAC, 0x02])] {
            let bits = PublicBits::of([bit; 300]);
            assert_eq!(written(&bits), bytes);
            assert_eq!(PublicBits::read(&mut Reader::new(&bytes), 300), Ok(bits));
        }
        assert_eq!(written(&PublicBits::default()), [0]);
    }

    #[test]
    fn more_ones_than_bits_are_refused_before_anything_is_allocated() {
        for count in [12, 1 << 32, 1 << 63, u64::MAX] {
            let mut out = Writer::default();
            out.varint(count);
            let bytes = out.finish();
            let read = PublicBits::read(&mut Reader::new(&bytes), 11);
            assert_eq!(read, Err(Malformed::CountTooLarge));
        }
    }

    proptest! {
        #[test]
        fn bits_round_trip_in_their_one_encoding(
            draws in proptest::collection::vec(0u8..100, 0..400),
            percent in 0u8..=100,
            next in any::<u8>(),
        ) {
            let bits = PublicBits::of(draws.iter().map(|&d| d < percent));
            let mut bytes = written(&bits);
            let end = bytes.len();
            bytes.push(next);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(PublicBits::read(&mut reader, bits.len()), Ok(bits.clone()));
            prop_assert_eq!(reader.rest(), &[next]);
            for cut in 0..end {
                prop_assert!(PublicBits::read(&mut Reader::new(&bytes[..cut]), bits.len()).is_err());
            }
            // The way without low parts is the general way.
            let mut general = Writer::default();
            general.varint(bits.ones() as u64);
            let (rare, value) = rarer(bits.ones(), bits.len());
            bits.write_places(&mut general, rare, value);
            prop_assert_eq!(general.finish(), &bytes[..end]);
        }

        #[test]
        fn what_is_read_is_written_again(
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
            len in 0usize..200,
        ) {
            let mut reader = Reader::new(&bytes);
            if let Ok(bits) = PublicBits::read(&mut reader, len) {
                let used = bytes.len() - reader.rest().len();
                prop_assert_eq!(written(&bits), &bytes[..used]);
            }
        }

        #[test]
        fn selecting_and_spreading_agree_with_one_bit_at_a_time(
            pairs in proptest::collection::vec((any::<bool>(), any::<bool>()), 0..300),
        ) {
            let bits = PublicBits::of(pairs.iter().map(|p| p.0));
            let mask = PublicBits::of(pairs.iter().map(|p| p.1));
            let selected = PublicBits::of(pairs.iter().filter(|p| p.1).map(|p| p.0));
            prop_assert_eq!(bits.select(&mask), selected.clone());
            let gaps = PublicBits::of(pairs.iter().map(|p| !p.1));
            let spread = PublicBits::of(pairs.iter().map(|p| p.0 && p.1));
            prop_assert_eq!(selected.spread(&gaps), spread);
            let range = pairs.len() / 3..pairs.len() / 2;
            let ones = pairs[range.clone()].iter().filter(|p| p.0).count();
            prop_assert_eq!(bits.ones_in(range), ones);
        }
    }
}
