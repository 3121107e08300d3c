//! Formats without a name in their first bytes: which ones a file makes sense as.
//!
//! Each test asks of all records at the beginning what chance does not give: fields that are always
//! zero, times that do not step back, channels that exist. A record at random passes Swabian's with
//! less than 2⁻²⁴, quTAG's with 2⁻⁹ and what its order leaves, a 64-bit word's with what its order
//! leaves, so that a few records are certain and one may not be.

use super::TraceFormat::{self, *};
use crate::{csv, qutag, sfifteen, spc, swabian};

/// Steps back within a merged quTAG file are tens of nanoseconds; this much is a millisecond.
const QUTAG_STEP_PS: u64 = 1_000_000_000;
/// Fewer 64-bit words than this are in order by chance in more than 1 of 100 files.
const FEWEST_WORDS: usize = 8;
/// Clocks of SPC modules, in 0.1 ns: 10 ns to 1 µs.
const SPC_CLOCKS: std::ops::RangeInclusive<u32> = 100..=10_000;

pub(super) fn candidates(head: &[u8], whole: bool) -> Vec<TraceFormat> {
    if is_text(head) {
        return if csv::is_likely(head) { vec![Csv] } else { Vec::new() };
    }
    if is_swabian(head) {
        return vec![Swabian];
    }
    if is_qutag(head, whole) {
        return vec![QuTag];
    }
    let words: Vec<TraceFormat> = [SFifteen, SFifteenLegacy, QCrypto]
        .into_iter()
        .filter(|format| is_words(*format, head))
        .collect();
    match words[..] {
        [] if is_spc(head) => vec![BeckerHickl],
        // Bits 8 and 9 are set in S-Fifteen's words and have no meaning in qcrypto's.
        [SFifteenLegacy, QCrypto] => vec![SFifteenLegacy],
        _ => words,
    }
}

fn is_text(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let odd = |b: &u8| !matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x80..);
    !head.is_empty() && !head.iter().any(odd)
}

fn is_swabian(head: &[u8]) -> bool {
    let mut last = 0;
    let (records, _) = head.as_chunks();
    !records.is_empty()
        && records.iter().map(swabian::fields).all(|tag| {
            let ordered = tag.kind != 0 || tag.time >= last;
            last = if tag.kind == 0 { tag.time } else { last };
            let channel = tag.channel.unsigned_abs();
            let likely = (1..1 << 16).contains(&channel) || tag.kind != 0;
            tag.kind <= 4
                && tag.reserved == 0
                && (tag.missed == 0 || tag.kind == 4)
                && likely
                && tag.time >= 0
                && ordered
        })
}

fn is_qutag(head: &[u8], whole: bool) -> bool {
    let Some((header, body)) = head.split_first_chunk() else { return false };
    let (records, _) = body.as_chunks();
    let claims_size = whole && qutag::claimed_size(header) == head.len() as u64;
    let mut last = 0;
    let times = || records.iter().map(|record| qutag::fields(record).0);
    // A file of zeros is none.
    let goes_on = times().max() > times().next();
    (claims_size || records.len() > 1 && goes_on)
        && records.iter().map(qutag::fields).all(|(time, channel)| {
            let ordered = time.saturating_add(QUTAG_STEP_PS) >= last && time < 1 << 60;
            last = time;
            ordered && channel < 128
        })
}

fn is_words(format: TraceFormat, head: &[u8]) -> bool {
    let (records, _) = head.as_chunks();
    let shift = sfifteen::time_shift(format);
    let (mut last, mut wraps) = (0, 0);
    records.len() >= FEWEST_WORDS
        && records.iter().map(|bytes| sfifteen::word(format, bytes)).all(|word| {
            let dummy = format != QCrypto && word >> 4 & 1 == 1;
            if dummy {
                return word >> 8 & 3 == 3;
            }
            let time = word >> shift;
            wraps += u32::from(time < last);
            last = time;
            let marked = format == QCrypto || word >> 8 & 3 == 3;
            word & 15 != 0 && wraps <= 1 && marked
        })
}

fn is_spc(head: &[u8]) -> bool {
    let (words, _) = head.as_chunks();
    let mut words = words.iter().map(|bytes| u32::from_le_bytes(*bytes));
    let Some(header) = words.next() else { return false };
    let valid = header >> 31 == 1 && header >> 24 & 7 == 0;
    let overflows = spc::INVALID | spc::OVERFLOW;
    // No gap between detections is a week of overflows in one record.
    let gaps =
        |word: u32| word & (overflows | spc::MARK) != overflows || word & 0x0FFF_FFFF < 1 << 26;
    valid && SPC_CLOCKS.contains(&spc::clock(header)) && words.all(gaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_halves_of_a_word_are_told_apart() {
        let word = |time: u64, rest: u64| time << 15 | rest;
        let low = |words: &[u64]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
        let high = |words: &[u64]| {
            words.iter().flat_map(|w| w.rotate_left(32).to_le_bytes()).collect::<Vec<u8>>()
        };
        let raw: Vec<u64> = (1..100u64).map(|i| word(i * 1_000_003, 1 << (i % 4))).collect();
        let events: Vec<u64> = raw.iter().map(|w| w | 0x300).collect();
        assert_eq!(candidates(&high(&raw), true), [QCrypto]);
        assert_eq!(candidates(&low(&events), true), [SFifteen]);
        assert_eq!(candidates(&high(&events), true), [SFifteenLegacy]);
    }

    #[test]
    fn noise_is_none_of_them() {
        let noise: Vec<u8> =
            (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert_eq!(candidates(&noise, true), []);
        assert_eq!(candidates(&[0; 4096], true), []);
        assert_eq!(candidates(b"Dear colleague,\nplease find\n", true), []);
        assert_eq!(candidates(b"\x89PNG\r\n\x1a\n", true), []);
    }
}
