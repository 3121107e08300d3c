//! From detector masks to bits: the only place that knows what a detector means.

use helio_keys::{EntropyFault, EntropySource, SecretBits};
use zeroize::{Zeroize, Zeroizing};

use crate::message::{Detections, FreeSlots, PublicBits, Sift, in_word};
use crate::packer::Packer;
use crate::parameters::{Parameters, Receiver};
use crate::planes::Bytes;
use crate::processor::{self, CHUNK, Processor, Work};
use crate::ranges::SlotRanges;
use crate::settings::Settings;

use super::detectors::{Clicked, detectors};
use super::queue::Clicks;

/// A block that is measured and not talked about yet.
pub(crate) struct Measured {
    pub block: u64,
    pub announcement: Detections,
    /// One bit for each announced detection.
    pub bits: SecretBits,
    /// Which detectors gave them.
    pub clicked: Clicked,
    /// Slots that were dropped or have no setting.
    pub lost_slots: u64,
}

/// Looks at the block's detections, drops what may not be used and assigns bits to the rest. The
/// settings are those of the block's slots, `swap << 1 | basis`. The offsets of `clicks` become those of
/// the announcement.
///
/// # Errors
/// The random source failed; the block is lost.
pub(crate) fn assign(
    (parameters, block): (&Parameters, u64),
    clicks: &mut Clicks,
    settings: &Settings<2>,
    dropped: &SlotRanges,
    entropy: &mut impl EntropySource,
) -> Result<Measured, EntropyFault> {
    processor::run(Assigning { parameters, block, clicks, settings, dropped, entropy })
}

struct Assigning<'a, E> {
    parameters: &'a Parameters,
    block: u64,
    clicks: &'a mut Clicks,
    settings: &'a Settings<2>,
    dropped: &'a SlotRanges,
    entropy: &'a mut E,
}

impl<E: EntropySource> Work for Assigning<'_, E> {
    type Output = Result<Measured, EntropyFault>;

    #[inline(always)]
    fn run(self, processor: impl Processor) -> Self::Output {
        let Assigning { parameters, block, clicks, settings, dropped, entropy } = self;
        let (first, end) = (parameters.first_slot(block), parameters.end_slot(block));
        let mut offsets = std::mem::take(&mut clicks.offsets);
        let count = offsets.len();
        let free = FreeSlots::of(parameters, block);
        let mut coins = Coins::default();
        let room = || Packer::with_capacity(count);
        let (mut test_basis, mut bits) = (room(), room());
        let detectors = detectors(parameters.receiver);
        let mut by_detector: Vec<Packer> = (0..detectors).map(|_| room()).collect();
        let is_active = matches!(parameters.receiver, Receiver::Active { .. });
        let lost_slots = dropped.count_in(first..end) + settings.lost_in(block);
        let mut dropped = dropped.walker();
        let mut set = settings.block(block);
        let (mut masks, mut codes) = (Bytes::ZERO, Bytes::ZERO);
        let mut chunk = [0; CHUNK];
        // Kept ones move towards the front, into the place of those that were left out.
        let mut kept_before = 0;
        for start in (0..count).step_by(CHUNK) {
            let mut kept = (count - start).min(CHUNK);
            if is_active {
                let next = (start + CHUNK).min(count);
                set.prefetch(&offsets[next..(next + CHUNK).min(count)]);
            }
            copy(&mut chunk, &offsets[start..start + kept]);
            copy(&mut masks.0, &clicks.masks[start..start + kept]);
            let slot = |offset: u32| first + u64::from(offset);
            let all_kept = !dropped.meets(slot(chunk[0])..slot(chunk[kept - 1]) + 1);
            let syncs = chunk[..kept].iter().fold(false, |any, &offset| any | free.is_sync(offset));
            if syncs || !all_kept {
                let left_out = chunk[..kept].iter().zip(0..).fold(0, |word, (&offset, i)| {
                    let leave = free.is_sync(offset) || !all_kept && dropped.contains(slot(offset));
                    word | u64::from(leave) << i
                });
                kept = leave_out(left_out, &mut chunk[..kept], &mut masks.0[..kept]);
            }
            if is_active {
                let lost = set.lost_among(&chunk[..kept]);
                kept = leave_out(lost, &mut chunk[..kept], &mut masks.0[..kept]);
                set.look_up(processor, &chunk[..kept], &mut codes.0);
            }
            let inside = in_word(kept, 0);
            let (test, bit, clicked) = if is_active {
                codes.0.iter_mut().zip(&masks.0).for_each(|(code, mask)| *code |= mask << 2);
                let [basis, swap, zero, one] = processor.planes(&codes.0);
                // Both detectors: a random bit, never dropped.
                let bit = coins.flip_at(zero & one & inside, one ^ swap, entropy)?;
                (basis, bit, [zero & inside, one & inside, 0, 0])
            } else {
                let clicked = processor.planes(&masks.0).map(|plane| plane & inside);
                let (test, bit) = passive(clicked, &mut coins, entropy)?;
                (test, bit, clicked)
            };
            if kept_before + kept < start + CHUNK.min(count - start) {
                offsets[kept_before..kept_before + kept].copy_from_slice(&chunk[..kept]);
            }
            kept_before += kept;
            test_basis.push(test & inside, kept as u32);
            bits.push(bit & inside, kept as u32);
            let planes = by_detector.iter_mut().zip(clicked);
            planes.for_each(|(bits, plane)| bits.push(plane, kept as u32));
        }
        offsets.truncate(kept_before);
        Ok(Measured {
            block,
            announcement: Detections { offsets, test_basis: test_basis.finish() },
            bits: bits.finish_secret(),
            clicked: Clicked::new(by_detector.into_iter().map(Packer::finish_secret)),
            lost_slots,
        })
    }
}

/// Nearly always all of them, of which the compiler then knows how many they are.
#[inline(always)]
fn copy<T: Copy>(to: &mut [T; CHUNK], from: &[T]) {
    match from.first_chunk() {
        Some(all) => *to = *all,
        None => to[..from.len()].copy_from_slice(from),
    }
}

/// Moves those that are not in `lost` together at the front; gives how many they are.
fn leave_out(lost: u64, offsets: &mut [u32], masks: &mut [u8]) -> usize {
    if lost == 0 {
        return offsets.len();
    }
    let mut kept = 0;
    for i in 0..offsets.len() {
        (offsets[kept], masks[kept]) = (offsets[i], masks[i]);
        kept += usize::from(lost >> i & 1 == 0);
    }
    kept
}

/// Basis and bit from four detectors; a random one where both bases, or both bits of one, clicked.
fn passive(
    [key_0, key_1, test_0, test_1]: [u64; 4],
    coins: &mut Coins,
    entropy: &mut impl EntropySource,
) -> Result<(u64, u64), EntropyFault> {
    let both_bases = (key_0 | key_1) & (test_0 | test_1);
    let (mut test, mut bit) = (test_0 | test_1, 0);
    let mut unsure = both_bases | key_0 & key_1 | test_0 & test_1;
    let sure = !unsure;
    while unsure != 0 {
        let one = unsure & unsure.wrapping_neg();
        unsure ^= one;
        test = coins.flip_at(both_bases & one, test, entropy)?;
        let [zero, set] = if test & one != 0 { [test_0, test_1] } else { [key_0, key_1] };
        bit |= coins.flip_at(zero & set & one, set & one, entropy)?;
    }
    Ok((test, bit | sure & (key_1 | test_1)))
}

/// What Alice's answer makes of the bits: those of the key-basis matches, and for each test-basis
/// match whether Bob's bit differs from hers.
pub(crate) fn compare(
    announcement: &Detections,
    bits: &SecretBits,
    sift: &Sift,
) -> (SecretBits, PublicBits) {
    let basis = &announcement.test_basis;
    let keys = sift.matched.map_words(|i, matched| matched & !basis.word(i));
    let tests = sift.matched.map_words(|i, matched| matched & basis.word(i));
    let test = tests.select_secret(bits);
    let word = |i: usize| test.words().get(i).copied().unwrap_or(0);
    let errors = sift.test_bits.map_words(|i, alice| alice ^ word(i));
    (keys.select_secret(bits), errors)
}

/// Random bits for double clicks, drawn 64 at a time.
#[derive(Default)]
struct Coins {
    bits: u64,
    left: u32,
}

impl Coins {
    /// `word` with a random bit wherever `at` is set, from the low end up.
    fn flip_at(
        &mut self,
        mut at: u64,
        mut word: u64,
        entropy: &mut impl EntropySource,
    ) -> Result<u64, EntropyFault> {
        while at != 0 {
            let one = at & at.wrapping_neg();
            word = word & !one | if self.flip(entropy)? { one } else { 0 };
            at ^= one;
        }
        Ok(word)
    }

    fn flip(&mut self, entropy: &mut impl EntropySource) -> Result<bool, EntropyFault> {
        if self.left == 0 {
            let mut bytes = Zeroizing::new([0; 8]);
            entropy.fill(&mut *bytes)?;
            self.bits = u64::from_le_bytes(*bytes);
            self.left = 64;
        }
        self.left -= 1;
        Ok(self.bits >> self.left & 1 == 1)
    }
}

impl Drop for Coins {
    fn drop(&mut self) {
        self.bits.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_keys::{SeededEntropy, SimulatedDevices};

    fn measure(receiver: Receiver, clicks: &[(u64, u8)], codes: &[u8]) -> Measured {
        let parameters = Parameters {
            slots_per_block: 100,
            sync_spacing: 64,
            receiver,
            ..Parameters::example()
        };
        let devices = SimulatedDevices::declared(true, true).unwrap();
        let mut entropy = SeededEntropy::new(devices, 1, "coins");
        let mut settings = Settings::<2>::new(100);
        let packed: Vec<u8> = codes
            .chunks(4)
            .map(|c| c.iter().rev().fold(0, |byte, code| byte << 2 | code))
            .collect();
        settings.push(0, codes.len() as u64, &packed).unwrap();
        let mut dropped = SlotRanges::default();
        dropped.add(50..60);
        let (offsets, masks) = clicks.iter().map(|&(slot, mask)| (slot as u32, mask)).unzip();
        let mut clicks = Clicks { offsets, masks };
        assign((&parameters, 0), &mut clicks, &settings, &dropped, &mut entropy).unwrap()
    }

    #[test]
    fn active_bits_are_detector_xor_swap_and_forbidden_slots_are_left_out() {
        // Codes of slots 0 to 79: basis = slot bit 0, swap = slot bit 1.
        let codes: Vec<u8> = (0..80).map(|s| s as u8 & 3).collect();
        let clicks = [(0, 1), (1, 1), (2, 1), (4, 2), (6, 2), (55, 1), (60, 1), (64, 1), (90, 1)];
        let m = measure(Receiver::Active { random_swap: true }, &clicks, &codes);
        // 0 and 64 are sync slots, 55 lies in a dropped range, 90 has no setting.
        assert_eq!(m.announcement.offsets, [1, 2, 4, 6, 60]);
        let bits: Vec<bool> = m.bits.iter().collect();
        assert_eq!(bits, [false, true, true, false, false]);
        let bases: Vec<bool> = (0..5).map(|i| m.announcement.test_basis.get(i)).collect();
        assert_eq!(bases, [true, false, false, false, false]);
        assert_eq!(m.lost_slots, 10);
    }

    #[test]
    fn double_clicks_are_kept_and_random() {
        let codes = [0; 100];
        let clicks: Vec<(u64, u8)> = (1..50).map(|s| (s, 3)).collect();
        let m = measure(Receiver::Active { random_swap: false }, &clicks, &codes);
        assert_eq!(m.bits.len(), 49);
        assert!((10..40).contains(&m.bits.count_ones()));
    }

    #[test]
    fn passive_detectors_name_basis_and_bit() {
        let clicks = [(1, 0b0001), (2, 0b0010), (3, 0b0100), (4, 0b1000), (5, 0b1111)];
        let m = measure(Receiver::Passive, &clicks, &[]);
        let bits: Vec<bool> = m.bits.iter().take(4).collect();
        assert_eq!(bits, [false, true, false, true]);
        let bases: Vec<bool> = (0..4).map(|i| m.announcement.test_basis.get(i)).collect();
        assert_eq!(bases, [false, false, true, true]);
        assert_eq!(m.bits.len(), 5);
    }
}
