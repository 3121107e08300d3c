//! Errors of the key basis by intensity, for a bound that takes them. Bob learns them from what
//! reconciliation changed; what he tells of them is paid (FINITE_KEY.md 8.6).

use helio_keys::SecretBits;

use crate::message::{Detections, PublicBits, Sift};

/// Of one block with two intensities.
pub(crate) struct KeyErrors {
    /// One bit for each match in the key basis: its intensity is the brightest.
    brightest: PublicBits,
    counts: Option<[u64; 2]>,
}

impl KeyErrors {
    /// From the announced matches and their intensities.
    pub fn of_matches(announcement: &Detections, sift: &Sift) -> KeyErrors {
        let tests = announcement.test_basis.select(&sift.matched);
        let keys = tests.map_words(|_, test| !test);
        KeyErrors { brightest: sift.brightest.select(&keys), counts: None }
    }

    /// Counts where reconciliation changed the sifted string. The numbers mean something only once
    /// the corrected string is verified.
    pub fn count(&mut self, sifted: &SecretBits, corrected: &SecretBits) {
        let changed = sifted.words().iter().zip(corrected.words()).map(|(a, b)| a ^ b);
        let mut counts = [0; 2];
        for (i, changed) in changed.enumerate() {
            let brightest = self.brightest.word(i);
            counts[0] += u64::from((changed & brightest).count_ones());
            counts[1] += u64::from((changed & !brightest).count_ones());
        }
        self.counts = Some(counts);
    }

    /// Errors at the signal and at the decoy; `None` before they were counted.
    pub fn counts(&self) -> Option<[u64; 2]> {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted_at_their_intensity() {
        let public = |pattern: &[u8]| PublicBits::of(pattern.iter().map(|&bit| bit == 1));
        let announcement =
            Detections { offsets: (0..7).collect(), test_basis: public(&[0, 1, 0, 0, 1, 0, 0]) };
        let sift = Sift {
            lost: public(&[0; 7]),
            matched: public(&[1, 1, 1, 0, 1, 1, 1]),
            brightest: public(&[1, 1, 0, 0, 1, 0]),
            dimmest: public(&[0, 0, 0]),
            test_bits: public(&[0, 0]),
        };
        let mut errors = KeyErrors::of_matches(&announcement, &sift);
        assert_eq!(errors.counts(), None);
        // Key-basis matches: bright, dim, bright, dim.
        let bits = |bits: [bool; 4]| SecretBits::from_bits(bits);
        errors.count(&bits([true, false, true, true]), &bits([false, true, true, false]));
        assert_eq!(errors.counts(), Some([1, 2]));
    }
}
