//! Rising places among `of`, each as the gap before it: a Golomb–Rice code, which for places that are
//! set independently of each other lies within 3 % of the entropy where they are rare, and within
//! 4.4 % always (at 38 %).
//!
//! A gap is cut into `low_bits` low bits and a high part. First stand all low parts, then all high
//! parts in unary (so many zeros, then a one), each stream filled up to whole bytes. How many low
//! bits follows from the number of places and from `of`, which the reader knows: one list has one
//! encoding, and nothing but the list is told. `n` places take at most
//! `n · (low_bits + 1) + (of >> low_bits)` bits, however they lie.
//!
//! The work is done on [`CHUNK`] places at a time, by `portable` or, where the processor has AVX-512,
//! by `avx512`; `level` chooses.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod level;
mod portable;

use super::{Malformed, Reader, Writer};

pub(super) use level::Level;

/// Places that are worked on together. Their low parts fill whole words, however wide they are.
pub(super) const CHUNK: usize = 512;

/// 2⁶³ / φ: with this chance that the gap goes on for 2^k places, k and k + 1 low bits cost the
/// same (A. Kiely, Selecting the Golomb parameter in Rice coding, IPN Progress Report 42-159, 2004).
const GOLDEN: u64 = 0x4F1B_BCDC_BFA5_3E0A;

/// Low bits of a gap, at most 32: the best number if `count` places lie independently among `of`,
/// at most 2³². Integers only, so that both stations find the same.
pub(super) fn low_bits(count: u64, of: u64) -> u32 {
    if count == 0 || count >= of {
        return 0;
    }
    let square = |q: u64| ((u128::from(q) * u128::from(q)) >> 63) as u64;
    // Chance that a place is free, in units of 2⁻⁶³, then of 2, 4, 8 in a row.
    let mut free = ((u128::from(of - count) << 63) / u128::from(of)) as u64;
    let mut low_bits = 0;
    while free > GOLDEN && low_bits < 32 {
        free = square(free);
        low_bits += 1;
    }
    low_bits
}

/// Writes `count` strictly rising places, all below `of`. `next` fills its argument, of [`CHUNK`]
/// places but for the last, with those that come next. The reader knows how many there are.
pub(super) fn write(out: &mut Writer, count: usize, of: u64, next: impl FnMut(&mut [u32])) {
    write_by(Level::best(), out, count, of, next);
}

fn write_by(
    level: Level,
    out: &mut Writer,
    count: usize,
    of: u64,
    mut next: impl FnMut(&mut [u32]),
) {
    let width = low_bits(count as u64, of);
    let mut high = vec![0u64; (count as u64 + (of >> width)).div_ceil(64) as usize + 1];
    let mut bits = 0;
    out.reserve((count * width as usize).div_ceil(8) + Coding::SPARE + 8 * high.len());
    out.fill((count * width as usize).div_ceil(8), Coding::SPARE, |low| {
        let mut coding = Coding { width, low, high: &mut high, done: 0, next: 0, at: 0 };
        let mut places = [0; CHUNK];
        for start in (0..count).step_by(CHUNK) {
            let places = &mut places[..(count - start).min(CHUNK)];
            next(places);
            level.code(&mut coding, places);
        }
        bits = coding.at as usize;
    });
    high.truncate(bits.div_ceil(64));
    out.bits(&high, bits);
}

/// Reads `count` strictly rising places below `of`, at most 2³², and gives them to `each` in order,
/// [`CHUNK`] at a time but for the last. `each` is called only once the message is long enough to hold
/// them, that is at least one bit for each; it may be given places that are refused in the end, and
/// what it is given after a place that is not below `of` has no meaning.
pub(super) fn read(
    reader: &mut Reader<'_>,
    count: usize,
    of: u64,
    each: impl FnMut(&mut [u32]),
) -> Result<(), Malformed> {
    read_by(Level::best(), reader, count, of, each)
}

fn read_by(
    level: Level,
    reader: &mut Reader<'_>,
    count: usize,
    of: u64,
    mut each: impl FnMut(&mut [u32]),
) -> Result<(), Malformed> {
    if count as u64 > of {
        return Err(Malformed::CountTooLarge);
    }
    let width = low_bits(count as u64, of);
    if count as u128 * (u128::from(width) + 1) > reader.left() as u128 * 8 {
        return Err(Malformed::Truncated);
    }
    let low_end = count * width as usize;
    let low = reader.raw(low_end.div_ceil(8))?;
    if !low_end.is_multiple_of(8) && low.last().is_some_and(|byte| byte >> (low_end % 8) != 0) {
        return Err(Malformed::PaddingNotZero);
    }
    let high = reader.unary(count, usize::MAX)?;
    let mut ones = Ones::of(high.chunks(8).map(|chunk| load(chunk, 0)));
    let mut decoding = Decoding { width, low, done: 0, sum: 0 };
    let mut places = [0; CHUNK];
    for start in (0..count).step_by(CHUNK) {
        let places = &mut places[..(count - start).min(CHUNK)];
        level.find(&mut ones);
        level.decode(&mut decoding, &ones.found[..places.len()], places);
        ones.take(places.len());
        each(places);
    }
    // The last place in full: places rise, so all are below `of` if it is.
    if let (Some(byte), Some(before)) = (high.last(), count.checked_sub(1)) {
        let at = high.len() as u64 * 8 - 1 - u64::from(byte.leading_zeros());
        if ((at - before as u64) << width) + decoding.sum + before as u64 >= of {
            return Err(Malformed::BadSlot);
        }
    }
    Ok(())
}

/// A list that is being written.
struct Coding<'a> {
    width: u32,
    /// The stream of low parts, and [`Coding::SPARE`] bytes more that may be written to.
    low: &'a mut [u8],
    /// The stream of high parts, zero where it is not yet written, and a word more.
    high: &'a mut [u64],
    /// Places written; a multiple of [`CHUNK`] but for the end.
    done: usize,
    /// The lowest place that may come; only the last place can make it wrap.
    next: u32,
    /// Bits of the high parts so far.
    at: u64,
}

impl Coding<'_> {
    const SPARE: usize = 64;
}

/// The low parts of a list that is being read.
struct Decoding<'a> {
    width: u32,
    low: &'a [u8],
    /// Places read; a multiple of [`CHUNK`] but for the end.
    done: usize,
    /// Of the low parts read.
    sum: u64,
}

/// The places of the set bits in words that follow each other, modulo 2³².
pub(super) struct Ones<W> {
    words: W,
    /// Place of the next word's lowest bit.
    base: u32,
    found: [u32; CHUNK + 64],
    held: usize,
}

impl<W: Iterator<Item = u64>> Ones<W> {
    pub fn of(words: W) -> Ones<W> {
        Ones { words, base: 0, found: [0; CHUNK + 64], held: 0 }
    }

    /// Fills `places`, at most [`CHUNK`], with the next ones; there must be as many.
    pub fn fill(&mut self, places: &mut [u32]) {
        Level::best().find(self);
        places.copy_from_slice(&self.found[..places.len()]);
        self.take(places.len());
    }

    /// Forgets the first `count` of those that were found.
    fn take(&mut self, count: usize) {
        self.found.copy_within(count..self.held.max(count), 0);
        self.held = self.held.saturating_sub(count);
    }
}

/// Eight bytes from `start` on as a word; zeros past the end.
#[inline]
fn load(bytes: &[u8], start: usize) -> u64 {
    let rest = bytes.get(start..).unwrap_or_default();
    match rest.first_chunk::<8>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(word)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All that this machine has.
    fn levels() -> Vec<Level> {
        vec![Level::Portable, Level::best()]
    }

    /// By every level, each of which must give the same and take as many bytes.
    fn read(reader: &mut Reader<'_>, count: usize, of: u64) -> Result<Vec<u32>, Malformed> {
        let bytes = reader.rest();
        let mut results = levels().into_iter().map(|level| {
            let (mut reader, mut places) = (Reader::new(bytes), Vec::new());
            let each = |chunk: &mut [u32]| places.extend_from_slice(chunk);
            let result = read_by(level, &mut reader, count, of, each);
            (result.map(|()| places), reader.left())
        });
        let first = results.next().unwrap();
        results.for_each(|result| assert_eq!(result, first));
        *reader = Reader::new(&bytes[bytes.len() - first.1..]);
        first.0
    }

    /// By every level, each of which must give the same.
    fn written(places: &[u32], of: u64) -> Vec<u8> {
        let mut results = levels().into_iter().map(|level| {
            let (mut out, mut done) = (Writer::default(), 0);
            write_by(level, &mut out, places.len(), of, |chunk| {
                chunk.copy_from_slice(&places[done..][..chunk.len()]);
                done += chunk.len();
            });
            out.finish()
        });
        let first = results.next().unwrap();
        results.for_each(|result| assert_eq!(result, first));
        first
    }

    /// The code as its definition says, bit by bit.
    fn slow(places: &[u32], of: u64) -> Vec<u8> {
        let width = low_bits(places.len() as u64, of);
        let (mut low, mut high) = (Vec::new(), Vec::new());
        let mut next = 0u64;
        for &place in places {
            let gap = u64::from(place) - next;
            next = u64::from(place) + 1;
            low.extend((0..width).map(|j| gap >> j & 1 == 1));
            high.extend((0..gap >> width).map(|_| false));
            high.push(true);
        }
        let pack = |bits: &[bool]| -> Vec<u8> {
            bits.chunks(8)
                .map(|c| c.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit)))
                .collect()
        };
        [pack(&low), pack(&high)].concat()
    }

    #[test]
    fn low_bits_are_the_cheapest_number() {
        for of in [2u64, 3, 10, 100, 12_345, 1 << 20, 4_000_000_000] {
            for count in [1, 2, 3, of / 1000, of / 100, of / 10, of / 4, of / 3, of / 2, of - 1] {
                if !(1..of).contains(&count) {
                    continue;
                }
                let free = 1.0 - count as f64 / of as f64;
                let cost = |k: u32| {
                    let more = free.powf((1u64 << k) as f64);
                    f64::from(k) + 1.0 + more / (1.0 - more)
                };
                let chosen = cost(low_bits(count, of));
                let best = (0..33).map(cost).fold(f64::INFINITY, f64::min);
                assert!(chosen <= best + 1e-6, "{count} of {of}: {chosen} bits, {best} possible");
            }
        }
    }

    #[test]
    fn the_extremes_round_trip() {
        let top = u32::MAX;
        for places in [vec![], vec![0], vec![top], vec![0, top], vec![top - 1, top]] {
            let bytes = written(&places, 1 << 32);
            assert_eq!(bytes, slow(&places, 1 << 32));
            assert_eq!(read(&mut Reader::new(&bytes), places.len(), 1 << 32), Ok(places));
        }
        let all: Vec<u32> = (0..1000).collect();
        let bytes = written(&all, 1000);
        assert_eq!(bytes, [0xFF; 125]);
        assert_eq!(read(&mut Reader::new(&bytes), 1000, 1000), Ok(all));
    }

    #[test]
    fn a_place_outside_is_refused() {
        let bytes = written(&[3, 98, 99], 100);
        assert!(read(&mut Reader::new(&bytes), 3, 100).is_ok());
        assert_eq!(low_bits(3, 100), low_bits(3, 99));
        assert_eq!(read(&mut Reader::new(&bytes), 3, 99), Err(Malformed::BadSlot));
        assert_eq!(read(&mut Reader::new(&bytes), 101, 100), Err(Malformed::CountTooLarge));
        assert_eq!(read(&mut Reader::new(&bytes), 1 << 40, 1 << 41), Err(Malformed::Truncated));
    }

    proptest! {
        #[test]
        fn places_round_trip_and_are_written_as_defined(
            gaps in proptest::collection::vec(0u32..1 << 26, 0..1500),
            shift in 10u32..27,
            run in 0usize..40,
            beyond in 1u64..5000,
        ) {
            let places: Vec<u32> = gaps
                .iter()
                .enumerate()
                .scan(0, |next, (i, gap)| {
                    // Gaps of one length, and some that are much longer.
                    let shift = if i % 41 == run { shift.min(15) } else { shift };
                    let place = *next + (gap >> shift);
                    *next = place + 1;
                    Some(place)
                })
                .collect();
            let of = places.last().map_or(0, |&p| u64::from(p)) + beyond;
            let bytes = written(&places, of);
            prop_assert_eq!(&bytes, &slow(&places, of));
            let most = places.len() as u64 * u64::from(low_bits(places.len() as u64, of) + 1)
                + (of >> low_bits(places.len() as u64, of));
            prop_assert!(bytes.len() as u64 <= most.div_ceil(8) + 1);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(read(&mut reader, places.len(), of), Ok(places));
            prop_assert_eq!(reader.end(), Ok(()));
        }

        #[test]
        fn any_bytes_are_refused_or_written_again(
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
            count in 0usize..100,
            of in 0u64..3000,
        ) {
            let mut reader = Reader::new(&bytes);
            if let Ok(places) = read(&mut reader, count, of) {
                prop_assert!(places.is_sorted_by(|a, b| a < b));
                prop_assert!(places.last().is_none_or(|&p| u64::from(p) < of));
                let used = bytes.len() - reader.rest().len();
                prop_assert_eq!(written(&places, of), &bytes[..used]);
            }
        }
    }
}
