//! From detector masks to bits: the only place that knows what a detector means.

use helio_keys::{EntropyFault, EntropySource, SecretBits};
use helio_timetag::Detection;
use zeroize::{Zeroize, Zeroizing};

use crate::message::{Detections, PublicBits};
use crate::parameters::{Parameters, Receiver};
use crate::ranges::SlotRanges;
use crate::settings::Settings;

use super::detectors::Clicked;
use super::queue::DetectionQueue;

/// A block that is measured and not talked about yet.
pub(super) struct Measured {
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
/// settings are those of the block's slots, `swap << 1 | basis`.
///
/// # Errors
/// The random source failed; the block is lost.
pub(super) fn assign(
    parameters: &Parameters,
    block: u64,
    detections: &DetectionQueue,
    settings: &Settings<2>,
    dropped: &SlotRanges,
    entropy: &mut impl EntropySource,
) -> Result<Measured, EntropyFault> {
    let (first, end) = (parameters.first_slot(block), parameters.end_slot(block));
    let detections = detections.below(end);
    let count = detections.len();
    let spacing = u64::from(parameters.sync_spacing);
    let mut coins = Coins::default();
    let mut measured = Measured {
        block,
        announcement: Detections {
            offsets: Vec::with_capacity(count),
            test_basis: PublicBits::with_capacity(count),
        },
        bits: SecretBits::with_capacity(count),
        clicked: Clicked::with_capacity(count),
        lost_slots: dropped.count_in(first..end) + settings.lost_in(block),
    };
    let mut dropped = dropped.walker();
    let mut set = settings.block(block);
    for Detection { slot, mask } in detections {
        if slot < first || slot % spacing == 0 || dropped.contains(slot) {
            continue;
        }
        // The range of a block fits 32 bits, and the slot lies in it.
        let offset = (slot - first) as u32;
        let (test, bit) = match parameters.receiver {
            Receiver::Active { .. } => {
                let Some(code) = set.get(offset) else { continue };
                let swap = code & 2 != 0;
                // Both detectors: a random bit, never dropped.
                let bit = if mask == 3 { coins.flip(entropy)? } else { (mask == 2) != swap };
                (code & 1 != 0, bit)
            }
            Receiver::Passive => {
                let (key, test) = (mask & 3, mask >> 2);
                let test_basis = match (key, test) {
                    (0, _) => true,
                    (_, 0) => false,
                    _ => coins.flip(entropy)?,
                };
                let pair = if test_basis { test } else { key };
                (test_basis, if pair == 3 { coins.flip(entropy)? } else { pair == 2 })
            }
        };
        measured.announcement.offsets.push(offset);
        measured.announcement.test_basis.push(test);
        measured.bits.push(bit);
        measured.clicked.push(mask);
    }
    Ok(measured)
}

/// Random bits for double clicks, drawn 64 at a time.
#[derive(Default)]
struct Coins {
    bits: u64,
    left: u32,
}

impl Coins {
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
        let mut queue = DetectionQueue::default();
        clicks.iter().for_each(|&(slot, mask)| queue.push(Detection { slot, mask }));
        assign(&parameters, 0, &queue, &settings, &dropped, &mut entropy).unwrap()
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
