//! Error rates by detector, so that a person sees which one is misaligned. Private to the station:
//! with the swap, which detector clicked is the bit itself. Nothing of it goes into a message.

use helio_keys::SecretBits;

use crate::message::{Detections, PublicBits, Sift};
use crate::parameters::Receiver;
use crate::report::DetectorErrors;
use crate::statistics::ErrorRate;

/// Most detectors of a receiver.
const MOST: usize = 4;
/// Row of detections in which more than one detector clicked.
const DOUBLE: usize = MOST;

/// Which detectors clicked in each detection of a list: a string of bits for each detector.
pub(crate) struct Clicked([SecretBits; MOST]);

impl Clicked {
    /// From a string for each detector of the receiver, at most [`MOST`].
    pub fn new(strings: impl IntoIterator<Item = SecretBits>) -> Clicked {
        let mut strings = strings.into_iter();
        Clicked(std::array::from_fn(|_| strings.next().unwrap_or_default()))
    }

    /// Those that `mask` selects, in order.
    fn select(&self, mask: &PublicBits) -> Clicked {
        let used = self.0.iter().filter(|bits| !bits.is_empty());
        Clicked::new(used.map(|bits| mask.select_secret(bits)))
    }

    /// Errors and bits by row; `errors` gives words with a bit for each detection of the list.
    fn count(&self, errors: impl Iterator<Item = u64>) -> Counts {
        let mut counts = Counts::default();
        for (i, errors) in errors.enumerate() {
            let word = |d: usize| self.0[d].words().get(i).copied().unwrap_or(0);
            let clicked: [u64; MOST] = std::array::from_fn(word);
            let (_, twice) = clicked.iter().fold((0, 0), |(once, twice), &detector| {
                (once | detector, twice | once & detector)
            });
            let rows = clicked.iter().map(|detector| detector & !twice).chain([twice]);
            for ((wrong, bits), row) in counts.iter_mut().zip(rows) {
                *wrong += u64::from((row & errors).count_ones());
                *bits += u64::from(row.count_ones());
            }
        }
        counts
    }
}

/// Errors and bits of each row.
type Counts = [(u64, u64); MOST + 1];

/// How many detectors a receiver has.
pub(super) fn detectors(receiver: Receiver) -> usize {
    match receiver {
        Receiver::Active { .. } => 2,
        Receiver::Passive => MOST,
    }
}

/// The counts of one block as far as they are known.
pub(crate) struct ByDetector {
    test: Counts,
    key: Option<Counts>,
    /// Of the key-basis matches, until their errors are known.
    key_clicked: Option<Clicked>,
}

impl ByDetector {
    /// From the announced matches and test-basis errors; `clicked` is of all detections.
    pub fn of_test_basis(
        clicked: &Clicked,
        announcement: &Detections,
        sift: &Sift,
        errors: &PublicBits,
    ) -> ByDetector {
        let basis = &announcement.test_basis;
        let tests = sift.matched.map_words(|i, matched| matched & basis.word(i));
        let keys = sift.matched.map_words(|i, matched| matched & !basis.word(i));
        let test = clicked.select(&tests).count(errors.words().iter().copied());
        ByDetector { test, key: None, key_clicked: Some(clicked.select(&keys)) }
    }

    /// Counts where reconciliation changed the sifted string, and wipes which detectors clicked.
    /// The numbers mean something only once the corrected string is verified.
    pub fn of_key_basis(&mut self, sifted: &SecretBits, corrected: &SecretBits) {
        let changed = sifted.words().iter().zip(corrected.words()).map(|(a, b)| a ^ b);
        self.key = self.key_clicked.take().map(|clicked| clicked.count(changed));
    }

    /// A line for each detector of the receiver, then one for double clicks.
    pub fn report(&self, receiver: Receiver) -> Vec<DetectorErrors> {
        let rate = |(errors, bits)| ErrorRate::new(errors, bits);
        let line = |row: usize| DetectorErrors {
            detector: (row < DOUBLE).then_some(row as u8),
            test: rate(self.test[row]),
            key: self.key.as_ref().map(|key| rate(key[row])),
        };
        (0..detectors(receiver)).chain([DOUBLE]).map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(pattern: &[u8]) -> PublicBits {
        PublicBits::of(pattern.iter().map(|&bit| bit == 1))
    }

    #[test]
    fn errors_are_counted_by_the_detector_that_clicked_alone() {
        let active = Receiver::Active { random_swap: true };
        let masks = [1, 2, 3, 1, 2, 2, 1, 3];
        let of = |detector: u8| SecretBits::from_bits(masks.map(|mask: u8| mask & detector != 0));
        let clicked = Clicked::new([of(1), of(2)]);
        let announcement =
            Detections { offsets: (0..8).collect(), test_basis: public(&[1, 1, 1, 0, 0, 0, 1, 0]) };
        let sift = Sift {
            lost: public(&[0; 8]),
            matched: public(&[1, 1, 1, 1, 1, 1, 0, 1]),
            brightest: public(&[1; 7]),
            dimmest: public(&[]),
            test_bits: public(&[0, 0, 0]),
        };
        let errors = public(&[0, 1, 1]);
        let mut found = ByDetector::of_test_basis(&clicked, &announcement, &sift, &errors);
        assert!(found.report(active).iter().all(|line| line.key.is_none()));
        let bits = |bits: [bool; 4]| SecretBits::from_bits(bits);
        found.of_key_basis(&bits([true, false, true, true]), &bits([true, true, true, false]));
        let lines: Vec<_> = found
            .report(active)
            .iter()
            .map(|l| {
                let key = l.key.expect("known");
                (l.detector, l.test.errors, l.test.bits, key.errors, key.bits)
            })
            .collect();
        assert_eq!(lines, [(Some(0), 0, 1, 0, 1), (Some(1), 1, 1, 1, 2), (None, 1, 1, 1, 1)]);
        assert_eq!(found.report(Receiver::Passive).len(), 5);
    }
}
