//! The steps of the frame code: how values are packed, and times made of them.
//!
//! Each step is written plainly in `portable` and, where the processor has AVX-512, with its
//! instructions in `avx512`; both give the same, bit by bit.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use crate::TimeTag;

/// Detections of a frame: so few that positions in its unary part fit 16 bits, and that its arrays
/// stay in the first cache.
pub(super) const FRAME: usize = 1024;
/// Bytes that are read, and not used, behind what is unpacked.
pub(super) const SLACK: usize = 64;
/// Wider values, moved up by as many as 7 bits, would not fit into 64.
pub(super) const WIDEST: u32 = 56;
/// The largest quotient in unary; larger ones are exceptions. Σq + FRAME fits 16 bits.
pub(super) const MAX_QUOTIENT: u64 = 31;
/// The longest unary part of a frame, in bits.
pub(super) const MAX_UNARY: usize = FRAME * (MAX_QUOTIENT as usize + 1);

/// The values of a frame.
pub(super) type Values = [u64; FRAME];
/// Places of the ones in a frame's unary part; those behind its last are anything.
pub(super) type Places = [u16; FRAME + SLACK];

/// What the processor can do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Level {
    /// Any.
    Portable,
    /// With AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
}

/// The methods of [`Level`]: the functions of these names in the module of the level.
macro_rules! methods {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        impl Level {
            $(
                $(#[$doc])*
                #[inline]
                pub(super) fn $name(self, $($argument: $type),*) $(-> $result)? {
                    match self {
                        Level::Portable => portable::$name($($argument),*),
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx512(level) => level.$name($($argument),*),
                    }
                }
            )*
        }
    };
}

methods! {
    /// Gaps between successive ticks, modulo 2⁶⁴, the first from `before`; the least and the
    /// greatest of them as signed numbers. Without ticks: `i64::MAX` and `i64::MIN`.
    fn gaps(ticks: &[u64], before: u64, to: &mut Values) -> (i64, i64);
    /// Takes `least` off the first `count` values, sets the others to zero and gives the sum of the
    /// quotients by 2^`width`, modulo 2⁶⁴.
    fn lower(values: &mut Values, count: usize, least: i64, width: u32) -> u64;
    /// Appends the low `width` bits, at most [`WIDEST`], of the first `count` values; the others
    /// are zero.
    fn pack(values: &Values, count: usize, width: u32, out: &mut Vec<u8>);
    /// The inverse of [`Level::pack`]: values from the beginning of `bytes`, which go on for
    /// [`SLACK`] bytes behind the packed ones. What is behind the first `count` values is anything.
    fn unpack(bytes: &[u8], count: usize, width: u32, values: &mut Values);
    /// Appends the quotients of the first `count` values by 2^`width` in unary, `sum` together and
    /// none above [`MAX_QUOTIENT`]: as many zeros as the quotient says and a one, from the low bits
    /// of a byte up.
    fn put_unary(values: &Values, count: usize, width: u32, sum: usize, out: &mut Vec<u8>);
    /// Places of the ones among the first `bits` bits; how many there are, at most [`FRAME`] of
    /// which are noted.
    fn ones(bytes: &[u8], bits: usize, places: &mut Places) -> usize;
    /// Ticks of the `count` detections after `before`: each by `least`, its low part and 2^`width`
    /// times its quotient later than its predecessor. The i-th quotient is what lies between
    /// successive places. What is behind the first `count` is anything.
    fn ticks(
        values: &mut Values, places: &Places, count: usize, width: u32, least: i64, before: u64
    );
    /// Appends indices below 2^`width`, `width` from 1 to 8.
    fn pack_indices(indices: &[u8], width: u32, out: &mut Vec<u8>);
    /// The inverse of [`Level::pack_indices`], as many as `indices` are; `bytes` go on for
    /// [`SLACK`] bytes.
    fn unpack_indices(bytes: &[u8], width: u32, indices: &mut [u8]);
    /// Appends ticks and channels of detections.
    fn split(tags: &[TimeTag], ticks: &mut Vec<u64>, channels: &mut Vec<u8>);
    /// Which channels there are: a bit each, from the lowest of the first word up.
    fn seen(channels: &[u8]) -> [u64; 4];
    /// The least and the greatest; `u64::MAX` and 0 of none.
    fn ends(ticks: &[u64]) -> (u64, u64);
    /// The inverse of [`Level::split`].
    fn join(ticks: &[u64], channels: &[u8], to: &mut Vec<TimeTag>);
}

impl Level {
    /// All of this machine, the best one first.
    pub(super) fn all() -> impl Iterator<Item = Level> {
        #[cfg(target_arch = "x86_64")]
        let vectors = avx512::Avx512::detect().map(Level::Avx512);
        #[cfg(not(target_arch = "x86_64"))]
        let vectors = None;
        vectors.into_iter().chain([Level::Portable])
    }

    /// The best one here.
    pub(super) fn detect() -> Level {
        Level::all().next().unwrap_or(Level::Portable)
    }
}

/// Whether nothing but zeros is behind the first `bits` bits in the byte that they end in.
pub(super) fn is_filled_up(bytes: &[u8], bits: usize) -> bool {
    bits.is_multiple_of(8) || bytes.get(bits / 8).is_some_and(|last| last >> (bits % 8) == 0)
}

/// Bytes of `count` values of `width` bits.
pub(super) fn packed_bytes(count: usize, width: u32) -> usize {
    (count * width as usize).div_ceil(8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::levels::aloud;
    use helio_units::Ticks;
    use proptest::prelude::*;

    /// The portable one, which the others are held to, before them.
    fn levels() -> Vec<Level> {
        [Level::Portable].into_iter().chain(Level::all()).collect()
    }

    #[test]
    fn the_levels_that_these_tests_compare_are_told() {
        let vectors =
            levels().into_iter().filter(|level| !matches!(level, Level::Portable)).count();
        let known = if cfg!(target_arch = "x86_64") { 1 } else { 0 };
        let skipped = if vectors < known { "AVX-512" } else { "none" };
        aloud("recordings", &format!("portable and {vectors} with vectors; SKIPPED: {skipped}"));
    }

    fn frame(values: &[u64]) -> Box<Values> {
        let mut frame = Box::new([0; FRAME]);
        frame[..values.len()].copy_from_slice(values);
        frame
    }

    /// As many as a frame holds, most of them of few bits.
    fn values() -> impl Strategy<Value = Vec<u64>> {
        (0u32..64).prop_flat_map(|shift| {
            let value = any::<u64>().prop_map(move |value| value >> shift);
            prop::collection::vec(value, 0..=FRAME)
        })
    }

    proptest! {
        #[test]
        fn packed_values_come_back_at_every_level(values in values(), width in 0..=WIDEST) {
            let mut packed = Vec::new();
            for level in levels() {
                let mut out = vec![7];
                level.pack(&frame(&values), values.len(), width, &mut out);
                prop_assert_eq!(out.len(), 1 + packed_bytes(values.len(), width));
                packed.push(out);
            }
            prop_assert!(packed.iter().all(|other| *other == packed[0]));
            packed[0].extend([0xA5; SLACK]);
            for level in levels() {
                let mut out = frame(&[]);
                level.unpack(&packed[0][1..], values.len(), width, &mut out);
                let low = values.iter().map(|v| v & ((1 << width) - 1));
                prop_assert!(out[..values.len()].iter().copied().eq(low));
            }
        }

        #[test]
        fn quotients_come_back_at_every_level(values in values(), width in 0..=WIDEST) {
            let largest = (MAX_QUOTIENT << width) | ((1 << width) - 1);
            let values: Vec<u64> = values.iter().map(|v| v % (largest + 1)).collect();
            let sum = values.iter().map(|v| (v >> width) as usize).sum();
            let mut unary = Vec::new();
            for level in levels() {
                let mut out = vec![7];
                level.put_unary(&frame(&values), values.len(), width, sum, &mut out);
                unary.push(out);
            }
            prop_assert!(unary.iter().all(|other| *other == unary[0]));
            for level in levels() {
                let mut places = [0; FRAME + SLACK];
                let bits = values.len() + sum;
                let count = level.ones(&unary[0][1..], bits, &mut places);
                prop_assert_eq!(count, values.len());
                let mut begin = 0;
                for (value, place) in values.iter().zip(places) {
                    prop_assert_eq!(u64::from(place) - begin, value >> width);
                    begin = u64::from(place) + 1;
                }
            }
        }

        #[test]
        fn ones_in_any_bytes_are_found_alike(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let all: Vec<usize> =
                (0..8 * bytes.len()).filter(|i| bytes[i / 8] >> (i % 8) & 1 == 1).collect();
            let bits = (8 * bytes.len()).saturating_sub(bytes.len() % 9);
            let all: Vec<usize> = all.into_iter().filter(|place| *place < bits).collect();
            for level in levels() {
                let mut places = [0; FRAME + SLACK];
                prop_assert_eq!(level.ones(&bytes, bits, &mut places), all.len());
                let noted = all.len().min(FRAME);
                prop_assert!(places.iter().map(|p| usize::from(*p)).take(noted).eq(
                    all.iter().copied().take(noted)
                ));
            }
        }

        #[test]
        fn ticks_become_gaps_and_ticks_again(ticks in values(), before: u64, sorted: bool) {
            let mut ticks = ticks;
            if sorted { ticks.sort_unstable() }
            let mut results = Vec::new();
            for level in levels() {
                let mut gaps = frame(&[]);
                let (least, most) = level.gaps(&ticks, before, &mut gaps);
                let mut now = before;
                for (gap, tick) in gaps.iter().zip(&ticks) {
                    now = now.wrapping_add(*gap);
                    prop_assert!(now == *tick && (least..=most).contains(&(*gap as i64)));
                }
                let width = 13;
                let least = if ticks.is_empty() { 0 } else { least };
                let sum = level.lower(&mut gaps, ticks.len(), least, width);
                results.push((gaps, least, most, sum));
            }
            prop_assert!(results.iter().all(|other| *other == results[0]));
            // Quotients that are no exceptions.
            let (mut lowered, least, ..) = results.swap_remove(0);
            let width = 40;
            lowered.iter_mut().for_each(|value| *value %= (MAX_QUOTIENT + 1) << width);
            let mut places = [0; FRAME + SLACK];
            let (mut end, mut now, mut known) = (0, before, Vec::new());
            for i in 0..ticks.len() {
                places[i] = end + (lowered[i] >> width) as u16;
                end = places[i] + 1;
                now = now.wrapping_add(least as u64).wrapping_add(lowered[i]);
                known.push(now);
                lowered[i] &= (1 << width) - 1;
            }
            for level in levels() {
                let mut again = lowered.clone();
                level.ticks(&mut again, &places, ticks.len(), width, least, before);
                prop_assert_eq!(&again[..ticks.len()], &known);
            }
        }

        #[test]
        fn indices_come_back_at_every_level(
            indices in prop::collection::vec(any::<u8>(), 0..FRAME), width in 1u32..=8,
        ) {
            let indices: Vec<u8> = indices.iter().map(|i| i >> (8 - width)).collect();
            let mut packed = Vec::new();
            for level in levels() {
                let mut out = vec![7];
                level.pack_indices(&indices, width, &mut out);
                prop_assert_eq!(out.len(), 1 + packed_bytes(indices.len(), width));
                packed.push(out);
            }
            prop_assert!(packed.iter().all(|other| *other == packed[0]));
            packed[0].extend([0xA5; SLACK]);
            for level in levels() {
                let mut again = vec![0; indices.len()];
                level.unpack_indices(&packed[0][1..], width, &mut again);
                prop_assert_eq!(&again, &indices);
            }
        }

        #[test]
        fn tags_are_taken_apart_and_put_together(ticks in values(), channel: u8) {
            let channels: Vec<u8> =
                (0..ticks.len()).map(|i| channel.wrapping_mul(i as u8)).collect();
            for level in levels() {
                let mut tags = vec![TimeTag { tick: Ticks(1), channel: 2 }];
                level.join(&ticks, &channels, &mut tags);
                prop_assert_eq!(tags.len(), ticks.len() + 1);
                prop_assert!(tags[1..].iter().map(|t| t.tick.0).eq(ticks.iter().copied()));
                prop_assert!(tags[1..].iter().map(|t| t.channel).eq(channels.iter().copied()));
                let (mut a, mut b) = (vec![], vec![]);
                level.split(&tags[1..], &mut a, &mut b);
                prop_assert_eq!((&a, &b), (&ticks, &channels));
                let low: Vec<u8> = channels.iter().map(|channel| channel % 64).collect();
                for channels in [&channels, &low] {
                    let seen = level.seen(channels);
                    let found = |channel: u8| seen[usize::from(channel / 64)] >> (channel % 64) & 1;
                    let there = |channel: u8| channels.contains(&channel).into();
                    prop_assert!((0..=255).all(|channel| found(channel) == there(channel)));
                }
                let least = ticks.iter().copied().min().unwrap_or(u64::MAX);
                let most = ticks.iter().copied().max().unwrap_or(0);
                prop_assert_eq!(level.ends(&ticks), (least, most));
            }
        }
    }
}
