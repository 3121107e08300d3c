//! Looking up what was sent in the slots that Bob announced: work per click, not per slot, and on
//! words of 64 detections after the look-up.

use helio_keys::SecretBits;

use crate::error::InputError;
use crate::message::{Detections, PublicBits, Sift, compress, in_word};
use crate::planes::{Bytes, CHUNK};
use crate::settings::Settings;

/// The answer to an announcement, and the key-basis bits that never leave.
pub(crate) fn sift(
    settings: &Settings<4>,
    block: u64,
    first_slot: u64,
    detections: &Detections,
) -> Result<(Sift, SecretBits), InputError> {
    let count = detections.offsets.len();
    let mut sift = Sift {
        lost: PublicBits::with_capacity(count),
        matched: PublicBits::with_capacity(count),
        brightest: PublicBits::with_capacity(count),
        dimmest: PublicBits::with_capacity(count),
        test_bits: PublicBits::default(),
    };
    let mut key = SecretBits::with_capacity(count);
    let mut sent = settings.block(block);
    let mut codes = Bytes::ZERO;
    for (i, offsets) in detections.offsets.chunks(CHUNK).enumerate() {
        let lost = sent.lost_among(offsets);
        sent.look_up(offsets, &mut codes.0);
        let present = in_word(count, i) & !lost;
        let (bit, test_sent) = (codes.plane(0), codes.plane(1));
        let (not_brightest, dimmest) = (codes.plane(2) | codes.plane(3), codes.plane(3));
        let unknown = codes.plane(2) & codes.plane(3) & present;
        if unknown != 0 {
            let j = unknown.trailing_zeros() as usize;
            let slot = first_slot + u64::from(offsets[j]);
            return Err(InputError::UnknownSetting { slot, code: codes.0[j] });
        }
        let test = detections.test_basis.word(i);
        let matched = present & !(test ^ test_sent);
        let put = |to: &mut PublicBits, word, mask: u64| {
            to.append(compress(word, mask), mask.count_ones());
        };
        sift.lost.append(lost, offsets.len() as u32);
        sift.matched.append(matched, offsets.len() as u32);
        put(&mut sift.brightest, !not_brightest, matched);
        put(&mut sift.dimmest, dimmest, matched & not_brightest);
        put(&mut sift.test_bits, bit, matched & test);
        let mask = matched & !test;
        key.push_bits(compress(bit, mask), mask.count_ones());
    }
    Ok((sift, key))
}
