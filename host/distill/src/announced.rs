//! What both stations and everybody else know of a block after the test results: the only input of
//! λ_max, code and length.

use serde::{Deserialize, Serialize};

use crate::bound::Counts;
use crate::message::{Detections, PublicBits, Sift};
use crate::statistics::ErrorRate;

/// Test-basis error rates are shown in this many equal parts of a block.
pub const TIME_BINS: usize = 20;

/// The announced data of one block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Announced {
    /// Slots that Bob announced.
    pub detections: u64,
    /// Announced slots for which Alice has no setting.
    pub without_setting: u64,
    /// Announced slots with unequal bases.
    pub mismatched: u64,
    /// Matches by basis and intensity, and errors in the test basis.
    pub counts: Counts,
    /// Errors and bits of the test basis in equal parts of the block.
    pub bins: Vec<ErrorRate>,
}

impl Announced {
    /// Counts what was announced. `errors` has one bit for each match in the test basis.
    pub(crate) fn gather(
        slots_per_block: u32,
        detections: &Detections,
        sift: &Sift,
        errors: &PublicBits,
    ) -> Announced {
        let mut counts = Counts::default();
        let mut bins = [(0, 0); TIME_BINS];
        let (mut matches, mut tests) = (0, 0);
        for (i, &offset) in detections.offsets.iter().enumerate() {
            if !sift.matched.get(i) {
                continue;
            }
            let intensity = usize::from(sift.intensities[matches]);
            matches += 1;
            if !detections.test_basis.get(i) {
                counts.n_key[intensity] += 1;
                continue;
            }
            let error = u64::from(errors.get(tests));
            tests += 1;
            counts.n_test[intensity] += 1;
            counts.m_test[intensity] += error;
            let bin = u64::from(offset) * TIME_BINS as u64 / u64::from(slots_per_block);
            if let Some((errors, bits)) = bins.get_mut(bin as usize) {
                *errors += error;
                *bits += 1;
            }
        }
        let announced = detections.offsets.len() as u64;
        let without_setting = sift.lost.as_ref().map_or(0, PublicBits::ones) as u64;
        Announced {
            detections: announced,
            without_setting,
            mismatched: announced - without_setting - matches as u64,
            counts,
            bins: bins.iter().map(|&(errors, bits)| ErrorRate::new(errors, bits)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announced_data_are_counted_by_basis_intensity_and_time() {
        let bits = |pattern: &[u8]| {
            let mut bits = PublicBits::default();
            pattern.iter().for_each(|&b| bits.push(b == 1));
            bits
        };
        let detections = Detections {
            offsets: vec![0, 5, 50, 51, 99, 60],
            test_basis: bits(&[0, 1, 1, 0, 1, 1]),
        };
        let sift = Sift {
            lost: Some(bits(&[0, 0, 0, 0, 0, 1])),
            matched: bits(&[1, 1, 1, 0, 1, 0]),
            intensities: vec![2, 0, 1, 1],
            test_bits: bits(&[0, 0, 0]),
        };
        let a = Announced::gather(100, &detections, &sift, &bits(&[1, 0, 1]));
        assert_eq!((a.detections, a.without_setting, a.mismatched), (6, 1, 1));
        assert_eq!(a.counts.n_key, [0, 0, 1]);
        assert_eq!(a.counts.n_test, [1, 2, 0]);
        assert_eq!(a.counts.m_test, [1, 1, 0]);
        let filled: Vec<_> = a
            .bins
            .iter()
            .enumerate()
            .filter(|(_, b)| b.bits > 0)
            .map(|(i, b)| (i, b.errors))
            .collect();
        assert_eq!(filled, [(1, 1), (10, 0), (19, 1)]);
    }
}
