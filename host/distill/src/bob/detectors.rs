//! Error rates by detector, so that a person sees which one is misaligned. Private to the station:
//! with the swap, which detector clicked is the bit itself. Nothing of it goes into a message.

use helio_keys::SecretBits;
use zeroize::Zeroizing;

use crate::message::{Detections, PublicBits, Sift};
use crate::parameters::Receiver;
use crate::report::DetectorErrors;
use crate::statistics::ErrorRate;

/// Most detectors of a receiver.
const MOST: usize = 4;
/// Row of detections in which more than one detector clicked.
const DOUBLE: usize = MOST;

/// Which detectors clicked in each detection of a list, as masks. Wiped when dropped; never grows
/// beyond its first size, so that no copy stays behind.
pub(super) struct Clicked(Zeroizing<Vec<u8>>);

impl Clicked {
    pub fn with_capacity(detections: usize) -> Clicked {
        Clicked(Zeroizing::new(Vec::with_capacity(detections)))
    }

    /// Adds the next detection; one beyond the capacity is left out.
    pub fn push(&mut self, mask: u8) {
        if self.0.len() < self.0.capacity() {
            self.0.push(mask);
        }
    }

    fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().map(|mask| match mask.count_ones() {
            1 => (mask.trailing_zeros() as usize).min(DOUBLE),
            _ => DOUBLE,
        })
    }
}

/// Errors and bits of each row.
type Counts = [(u64, u64); MOST + 1];

/// The counts of one block as far as they are known.
pub(super) struct ByDetector {
    test: Counts,
    key: Option<Counts>,
    /// Of the key-basis matches, until their errors are known.
    key_clicked: Clicked,
}

impl ByDetector {
    /// From the announced matches and test-basis errors; `clicked` is of all detections.
    pub fn of_test_basis(
        clicked: &Clicked,
        announcement: &Detections,
        sift: &Sift,
        errors: &PublicBits,
    ) -> ByDetector {
        let mut test = Counts::default();
        let mut key_clicked = Clicked::with_capacity(clicked.0.len());
        let mut tests = 0;
        for (i, row) in clicked.rows().enumerate() {
            if !sift.matched.get(i) {
                continue;
            }
            if announcement.test_basis.get(i) {
                count(&mut test[row], errors.get(tests));
                tests += 1;
            } else {
                key_clicked.push(clicked.0[i]);
            }
        }
        ByDetector { test, key: None, key_clicked }
    }

    /// Counts where reconciliation changed the sifted string, and wipes which detectors clicked.
    /// The numbers mean something only once the corrected string is verified.
    pub fn of_key_basis(&mut self, sifted: &SecretBits, corrected: &SecretBits) {
        let clicked = std::mem::replace(&mut self.key_clicked, Clicked::with_capacity(0));
        let mut key = Counts::default();
        for ((row, before), after) in clicked.rows().zip(sifted.iter()).zip(corrected.iter()) {
            count(&mut key[row], before != after);
        }
        self.key = Some(key);
    }

    /// A line for each detector of the receiver, then one for double clicks.
    pub fn report(&self, receiver: Receiver) -> Vec<DetectorErrors> {
        let detectors = match receiver {
            Receiver::Active { .. } => 2,
            Receiver::Passive => MOST,
        };
        let rate = |(errors, bits)| ErrorRate::new(errors, bits);
        let line = |row: usize| DetectorErrors {
            detector: (row < DOUBLE).then_some(row as u8),
            test: rate(self.test[row]),
            key: self.key.as_ref().map(|key| rate(key[row])),
        };
        (0..detectors).chain([DOUBLE]).map(line).collect()
    }
}

fn count((errors, bits): &mut (u64, u64), error: bool) {
    *errors += u64::from(error);
    *bits += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(pattern: &[u8]) -> PublicBits {
        let mut bits = PublicBits::default();
        pattern.iter().for_each(|&bit| bits.push(bit == 1));
        bits
    }

    #[test]
    fn errors_are_counted_by_the_detector_that_clicked_alone() {
        let mut clicked = Clicked::with_capacity(8);
        [1, 2, 3, 1, 2, 2, 1, 3].into_iter().for_each(|mask| clicked.push(mask));
        clicked.push(1);
        let announcement =
            Detections { offsets: (0..8).collect(), test_basis: public(&[1, 1, 1, 0, 0, 0, 1, 0]) };
        let sift = Sift {
            lost: None,
            matched: public(&[1, 1, 1, 1, 1, 1, 0, 1]),
            intensities: vec![0; 7],
            test_bits: public(&[0, 0, 0]),
        };
        let errors = public(&[0, 1, 1]);
        let mut found = ByDetector::of_test_basis(&clicked, &announcement, &sift, &errors);
        let active = Receiver::Active { random_swap: true };
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
