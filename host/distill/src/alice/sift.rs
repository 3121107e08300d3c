//! Looking up what was sent in the slots that Bob announced: work per click, not per slot, and on
//! words of 64 detections after the look-up.

use helio_keys::SecretBits;

use crate::error::InputError;
use crate::message::{Detections, Sift, in_word};
use crate::packer::Packer;
use crate::planes::Bytes;
use crate::processor::{self, CHUNK, Processor, Work};
use crate::settings::Settings;

/// The answer to an announcement, and the key-basis bits that never leave.
pub(crate) fn sift(
    settings: &Settings<4>,
    block: u64,
    first_slot: u64,
    detections: &Detections,
) -> Result<(Sift, SecretBits), InputError> {
    processor::run(Sifting { settings, block, first_slot, detections })
}

struct Sifting<'a> {
    settings: &'a Settings<4>,
    block: u64,
    first_slot: u64,
    detections: &'a Detections,
}

impl Work for Sifting<'_> {
    type Output = Result<(Sift, SecretBits), InputError>;

    #[inline(always)]
    fn run(self, processor: impl Processor) -> Self::Output {
        let Sifting { settings, block, first_slot, detections } = self;
        let count = detections.offsets.len();
        let room = || Packer::with_capacity(count);
        let (mut lost_bits, mut matches, mut brightest) = (room(), room(), room());
        let (mut dimmest, mut test_bits, mut key) = (room(), room(), room());
        let mut sent = settings.block(block);
        let mut codes = Bytes::ZERO;
        let mut chunks = detections.offsets.chunks(CHUNK).enumerate().peekable();
        while let Some((i, offsets)) = chunks.next() {
            if let Some((_, next)) = chunks.peek() {
                sent.prefetch(next);
            }
            let lost = sent.lost_among(offsets);
            sent.look_up(processor, offsets, &mut codes.0);
            let present = in_word(count, i) & !lost;
            let planes = processor.planes(&codes.0);
            let unknown = planes[2] & planes[3] & present;
            if unknown != 0 {
                let j = unknown.trailing_zeros() as usize;
                let slot = first_slot + u64::from(offsets[j]);
                return Err(InputError::UnknownSetting { slot, code: codes.0[j] });
            }
            let test = detections.test_basis.word(i);
            let matched = present & !(test ^ planes[1]);
            let bright = matched & !planes[2] & !planes[3];
            let put = |to: &mut Packer, word, mask: u64| {
                to.push(processor.compress(word, mask), mask.count_ones());
            };
            lost_bits.push(lost, offsets.len() as u32);
            matches.push(matched, offsets.len() as u32);
            put(&mut brightest, bright, matched);
            put(&mut dimmest, planes[3], matched & !bright);
            put(&mut test_bits, planes[0], matched & test);
            put(&mut key, planes[0], matched & !test);
        }
        let sift = Sift {
            lost: lost_bits.finish(),
            matched: matches.finish(),
            brightest: brightest.finish(),
            dimmest: dimmest.finish(),
            test_bits: test_bits.finish(),
        };
        Ok((sift, key.finish_secret()))
    }
}
