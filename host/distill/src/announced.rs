//! What both stations and everybody else know of a block after the test results: the only input of
//! λ_max, code and length.

use serde::{Deserialize, Serialize};

use crate::bound::Counts;
use crate::message::{Detections, Sift, TestResult};
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
    /// When Bob told the errors, in seconds since 1970 by his station's clock; `None` where his keys
    /// are SIMULATED.
    pub made_unix_s: Option<u64>,
}

impl Announced {
    /// Counts what was announced. `result` has one bit for each match in the test basis.
    pub(crate) fn gather(
        slots_per_block: u32,
        detections: &Detections,
        sift: &Sift,
        result: &TestResult,
    ) -> Announced {
        let errors = &result.errors;
        let basis = &detections.test_basis;
        // Among the matches: those in the test basis, and those that are not of the brightest. Then
        // each among the other, and the errors.
        let test = basis.select(&sift.matched);
        let others = sift.brightest.map_words(|_, brightest| !brightest);
        let others_of_test = others.select(&test);
        let dimmest_of_test = sift.dimmest.select(&test.select(&others));
        let errors_of_others = errors.select(&others_of_test);
        let dimmest_errors = errors_of_others.count(|i, error| error & dimmest_of_test.word(i));

        let split = |all: usize, others: usize, dimmest: u64| {
            [all as u64 - others as u64, others as u64 - dimmest, dimmest]
        };
        let matches = split(test.len(), others.ones(), sift.dimmest.ones() as u64);
        let n_test = split(test.ones(), others_of_test.ones(), dimmest_of_test.ones() as u64);
        let m_test = split(errors.ones(), errors_of_others.ones(), dimmest_errors);
        let n_key = std::array::from_fn(|i| matches[i] - n_test[i]);

        let tests = sift.matched.map_words(|i, matched| matched & basis.word(i));
        let (mut from, mut first_test) = (0, 0);
        let bins = (0..TIME_BINS as u64).map(|bin| {
            let bin_of = |o: u32| u64::from(o) * TIME_BINS as u64 / u64::from(slots_per_block);
            let to = from + detections.offsets[from..].partition_point(|&o| bin_of(o) <= bin);
            let end_test = first_test + tests.ones_in(from..to);
            let rate = ErrorRate::new(
                errors.ones_in(first_test..end_test) as u64,
                (end_test - first_test) as u64,
            );
            (from, first_test) = (to, end_test);
            rate
        });
        let bins = bins.collect();
        let announced = detections.offsets.len() as u64;
        let without_setting = sift.lost.ones() as u64;
        Announced {
            detections: announced,
            without_setting,
            mismatched: announced - without_setting - test.len() as u64,
            counts: Counts { n_key, n_test, m_test, ..Counts::default() },
            bins,
            made_unix_s: result.made_unix_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::PublicBits;

    #[test]
    fn announced_data_are_counted_by_basis_intensity_and_time() {
        let bits = |pattern: &[u8]| PublicBits::of(pattern.iter().map(|&b| b == 1));
        let detections = Detections {
            offsets: vec![0, 5, 50, 51, 99, 99],
            test_basis: bits(&[0, 1, 1, 0, 1, 1]),
        };
        let sift = Sift {
            lost: bits(&[0, 0, 0, 0, 0, 1]),
            matched: bits(&[1, 1, 1, 0, 1, 0]),
            brightest: bits(&[0, 1, 0, 0]),
            dimmest: bits(&[1, 0, 0]),
            test_bits: bits(&[0, 0, 0]),
        };
        let result =
            TestResult { errors: bits(&[1, 0, 1]), made_unix_s: Some(9), declaration: None };
        let a = Announced::gather(100, &detections, &sift, &result);
        assert_eq!(a.made_unix_s, Some(9));
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
