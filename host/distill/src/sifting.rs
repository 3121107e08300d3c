//! The sifting of one block by itself, without contact, tags and keys: for benches, for tests from
//! outside and to size a machine. The sessions go through the same functions.
//!
//! [`BobBlock`] announces its clicks, [`AliceBlock`] answers, [`BobMeasured::hear`] sends the errors
//! of the test basis back, and [`AliceAnswered::hear`] counts them. What goes between the two are
//! the bodies of the messages, without their envelopes.

use std::ops::Range;

use helio_keys::{EntropyFault, EntropySource, SecretBits};
use helio_timetag::Detection;

use crate::alice;
use crate::announced::Announced;
use crate::bob::{self, ByDetector, DetectionQueue, Measured};
use crate::error::InputError;
use crate::message::{Detections, FreeSlots, Malformed, Reader, Sift, TestResult, Writer};
use crate::parameters::Parameters;
use crate::ranges::SlotRanges;
use crate::report::DetectorErrors;
use crate::settings::Settings;

/// Settings of consecutive slots, packed as [`crate::alice::Session::push_settings`] and
/// [`crate::bob::Session::push_settings`] take them.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// First slot.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// 4 bits a slot at Alice, 2 at Bob.
    pub packed: &'a [u8],
}

/// What Bob's device reported of one block.
pub struct BobBlock<'p> {
    parameters: &'p Parameters,
    block: u64,
    settings: Settings<2>,
    detections: DetectionQueue,
    dropped: SlotRanges,
}

impl<'p> BobBlock<'p> {
    /// Takes the detections of block `block`, in order of slots, and the settings of its slots; slots
    /// of no run are lost.
    ///
    /// # Errors
    /// The runs are not in order, or too short.
    pub fn new(
        parameters: &'p Parameters,
        block: u64,
        detections: &[Detection],
        settings: &[Run<'_>],
    ) -> Result<BobBlock<'p>, InputError> {
        let settings = settings_of(parameters, block, settings)?;
        let detections_of = DetectionQueue::new(parameters.slots_per_block);
        let dropped = SlotRanges::default();
        let mut own = BobBlock { parameters, block, settings, detections: detections_of, dropped };
        own.take(detections);
        Ok(own)
    }

    /// Takes further detections, in order of slots.
    pub fn take(&mut self, detections: &[Detection]) {
        self.detections.extend(detections);
    }

    /// Forgets the detections and wipes what they said.
    pub fn forget(&mut self) {
        self.detections.forget_below(self.block + 1);
    }

    /// These slots make no key.
    pub fn drop_slots(&mut self, range: Range<u64>) {
        self.dropped.add(range);
    }

    /// From clicks to bits.
    ///
    /// # Errors
    /// The random source of double clicks failed.
    pub fn measure(
        &self,
        entropy: &mut impl EntropySource,
    ) -> Result<BobMeasured<'p>, EntropyFault> {
        let BobBlock { parameters, block, settings, detections, dropped } = self;
        let mut clicks = detections.block(*block).cloned().unwrap_or_default();
        let measured = bob::assign((parameters, *block), &mut clicks, settings, dropped, entropy)?;
        Ok(BobMeasured { parameters: self.parameters, measured })
    }
}

/// What Bob knows before he hears of Alice.
pub struct BobMeasured<'p> {
    parameters: &'p Parameters,
    measured: Measured,
}

/// What Bob knows of a block after Alice's answer.
pub struct BobSifted {
    /// His bits of the key-basis matches.
    pub key: SecretBits,
    /// The announced data.
    pub announced: Announced,
    /// Errors of the test basis by detector; private to the station.
    pub by_detector: Vec<DetectorErrors>,
    /// The message to Alice: the errors of the test basis.
    pub test_result: Vec<u8>,
}

impl BobMeasured<'_> {
    /// Announced detections.
    pub fn detections(&self) -> usize {
        self.measured.announcement.offsets.len()
    }

    /// The message to Alice: slots and bases.
    pub fn announce(&self) -> Vec<u8> {
        let free = FreeSlots::of(self.parameters, self.measured.block);
        written(|out| self.measured.announcement.write(out, &free))
    }

    /// Takes Alice's answer.
    ///
    /// # Errors
    /// It is none to this announcement.
    pub fn hear(&self, answer: &[u8]) -> Result<BobSifted, Malformed> {
        let Measured { announcement, bits, clicked, .. } = &self.measured;
        let sift = Sift::read(Reader::new(answer), &announcement.test_basis)?;
        let (key, errors) = bob::compare(announcement, bits, &sift);
        let by_detector = ByDetector::of_test_basis(clicked, announcement, &sift, &errors);
        let slots = self.parameters.slots_per_block;
        let result = TestResult { errors, made_unix_s: None, declaration: None };
        let announced = Announced::gather(slots, announcement, &sift, &result);
        let test_result = written(|out| result.write(out));
        let by_detector = by_detector.report(self.parameters.receiver);
        Ok(BobSifted { key, announced, by_detector, test_result })
    }
}

/// What Alice's device reported of one block.
pub struct AliceBlock<'p> {
    parameters: &'p Parameters,
    block: u64,
    settings: Settings<4>,
}

impl<'p> AliceBlock<'p> {
    /// Takes the settings of the slots of block `block`; slots of no run are lost.
    ///
    /// # Errors
    /// The runs are not in order, or too short.
    pub fn new(
        parameters: &'p Parameters,
        block: u64,
        settings: &[Run<'_>],
    ) -> Result<AliceBlock<'p>, InputError> {
        let settings = settings_of(parameters, block, settings)?;
        Ok(AliceBlock { parameters, block, settings })
    }

    /// Reads Bob's announcement.
    ///
    /// # Errors
    /// It is none of this block.
    pub fn hear(&self, announcement: &[u8]) -> Result<AliceHeard<'_>, Malformed> {
        let free = FreeSlots::of(self.parameters, self.block);
        let announcement = Detections::read(Reader::new(announcement), &free, Vec::new())?;
        Ok(AliceHeard { own: self, announcement })
    }
}

/// An announcement that Alice can answer.
pub struct AliceHeard<'a> {
    own: &'a AliceBlock<'a>,
    announcement: Detections,
}

impl AliceHeard<'_> {
    /// The message to Bob, and what she knows herself.
    ///
    /// # Errors
    /// A setting of her device has no meaning.
    pub fn answer(self) -> Result<(Vec<u8>, AliceAnswered), InputError> {
        let AliceHeard { own, announcement } = self;
        let first = own.parameters.first_slot(own.block);
        let (sift, key) = alice::sift(&own.settings, own.block, first, &announcement)?;
        let answer = written(|out| sift.write(out, &announcement.test_basis));
        let slots = own.parameters.slots_per_block;
        Ok((answer, AliceAnswered { slots, announcement, sift, key }))
    }
}

/// What Alice knows of a block after she answered.
pub struct AliceAnswered {
    slots: u32,
    announcement: Detections,
    sift: Sift,
    /// Her bits of the key-basis matches.
    pub key: SecretBits,
}

impl AliceAnswered {
    /// Counts with Bob's errors of the test basis.
    ///
    /// # Errors
    /// They are not those of this block.
    pub fn hear(&self, test_result: &[u8]) -> Result<Announced, Malformed> {
        let result = TestResult::read(Reader::new(test_result), self.sift.test_bits.len())?;
        Ok(Announced::gather(self.slots, &self.announcement, &self.sift, &result))
    }
}

fn settings_of<const BITS: u32>(
    parameters: &Parameters,
    block: u64,
    runs: &[Run<'_>],
) -> Result<Settings<BITS>, InputError> {
    let mut settings = Settings::new(parameters.slots_per_block);
    settings.forget_below(block);
    settings.push_lost(0..parameters.first_slot(block))?;
    for run in runs {
        settings.push(run.first, run.count, run.packed)?;
    }
    settings.push_lost(settings.next()..parameters.end_slot(block))?;
    Ok(settings)
}

fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer::default();
    write(&mut out);
    out.finish()
}
