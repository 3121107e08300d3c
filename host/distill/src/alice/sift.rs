//! Looking up what was sent in the slots that Bob announced: work per click, not per slot.

use helio_keys::SecretBits;

use crate::error::InputError;
use crate::message::{Detections, PublicBits, Sift};
use crate::settings::Settings;

/// The answer to an announcement, and the key-basis bits that never leave.
pub(super) fn sift(
    settings: &Settings<4>,
    block: u64,
    first_slot: u64,
    detections: &Detections,
) -> Result<(Sift, SecretBits), InputError> {
    let count = detections.offsets.len();
    let mut lost = PublicBits::with_capacity(count);
    let mut sift = Sift {
        lost: None,
        matched: PublicBits::with_capacity(count),
        intensities: Vec::with_capacity(count),
        test_bits: PublicBits::default(),
    };
    let mut key = SecretBits::with_capacity(count);
    let mut sent = settings.block(block);
    for (i, &offset) in detections.offsets.iter().enumerate() {
        let setting = sent.get(offset);
        lost.push(setting.is_none());
        let Some(code) = setting else {
            sift.matched.push(false);
            continue;
        };
        let (intensity, test_sent, bit) = (code >> 2, code & 2 != 0, code & 1 != 0);
        if intensity > 2 {
            let slot = first_slot + u64::from(offset);
            return Err(InputError::UnknownSetting { slot, code });
        }
        let test = detections.test_basis.get(i);
        let matched = test == test_sent;
        sift.matched.push(matched);
        if matched {
            sift.intensities.push(intensity);
            if test {
                sift.test_bits.push(bit);
            } else {
                key.push(bit);
            }
        }
    }
    if lost.ones() > 0 {
        sift.lost = Some(lost);
    }
    Ok((sift, key))
}
