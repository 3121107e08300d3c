//! The ensembles of codes: which part of a base matrix's columns has which degree.
//!
//! Found by `cargo run --release -p helio-distill --example protograph_design`, whose output
//! [`TABLE`] is; density evolution and search are in [`crate::reconcile::density`]. A test computes every
//! threshold again.
//!
//! What density evolution says of the quantised decoder, within 90 rounds of all checks at a time:
//! the largest error rate that an ensemble decodes at a rate (1 − share of the syndrome), beside the
//! one that no code exceeds, and their distance as f, the share over h(threshold).
//!
//! | threshold QBER | rate there | Shannon's QBER at that rate | f | mean degree |
//! |---|---|---|---|---|
//! | 0.2 % | 0.975 | 0.24 % | 1.185 | 6.10 |
//! | 0.5 % | 0.948 | 0.59 % | 1.149 | 6.15 |
//! | 1.0 % | 0.909 | 1.16 % | 1.130 | 6.03 |
//! | 2.0 % | 0.842 | 2.30 % | 1.117 | 5.56 |
//! | 3.0 % | 0.785 | 3.43 % | 1.108 | 5.51 |
//! | 5.0 % | 0.685 | 5.68 % | 1.099 | 5.02 |
//! | 7.0 % | 0.600 | 7.95 % | 1.094 | 4.75 |
//! | 9.0 % | 0.524 | 10.21 % | 1.090 | 4.58 |

use super::kernel::Curve;

/// How the columns of a family of base matrices are made. Rows are as even as they can be.
#[derive(Debug, PartialEq)]
pub struct Ensemble {
    /// The error rate that it was designed for.
    pub qber: f64,
    /// Degree, and columns of that degree in 10 000. Degree 2 stands for the staircase and is first
    /// if it is there; all rows of degrees are in ascending order.
    pub degrees: &'static [(usize, usize)],
    /// The prior of an unknown bit, in steps of the decoder: about four to a nat, so that a message
    /// of the largest magnitude means the same at all rates.
    pub prior: i8,
    /// Weights of messages, fitted to density evolution.
    pub curve: Curve,
    /// Share of the syndrome over h(qber) at which density evolution still converges.
    pub threshold: f64,
}

/// What a frame's core has above the threshold, in f: by simulation, so that a long frame with the
/// error rate that the core has room for decodes in some twenty iterations. A hundredth less costs a
/// tenth more of the decoder's time.
const MARGIN: f64 = 0.030;

/// Columns that [`Ensemble::degrees`] shares out.
const WHOLE: usize = 10_000;

impl Ensemble {
    /// The one designed for the error rate nearest by ratio.
    pub fn for_qber(qber: f64) -> &'static Ensemble {
        let distance = |ensemble: &Ensemble| libm::log(ensemble.qber / qber).abs();
        let (first, rest) = TABLE.split_first().expect("the table is not empty");
        rest.iter().fold(first, |best, e| if distance(e) < distance(best) { e } else { best })
    }

    /// Share of the core's syndrome over h(qber), for a long frame whose error rate is qber.
    pub fn overhead(&self) -> f64 {
        self.threshold + MARGIN
    }

    /// Degrees and parts of one.
    #[cfg(test)]
    pub fn fractions(&self) -> Vec<(usize, f64)> {
        self.degrees.iter().map(|(degree, part)| (*degree, *part as f64 / WHOLE as f64)).collect()
    }

    /// Columns of the staircase, the first ones.
    pub fn staircase(&self, rows: usize, columns: usize) -> usize {
        match self.degrees[0] {
            (2, part) => ((part * columns + WHOLE / 2) / WHOLE).min(rows - 1),
            _ => 0,
        }
    }

    /// The degree of each column of a base matrix: the staircase, then the others, heaviest first.
    /// No column has more entries than there are rows, and the staircase fits into the rows.
    pub fn column_degrees(&self, rows: usize, columns: usize) -> Vec<usize> {
        let mut degrees = Vec::with_capacity(columns);
        let mut share = 0;
        for &(degree, part) in self.degrees {
            share += part;
            let until = (share * columns + WHOLE / 2) / WHOLE;
            let until = if degree == 2 { until.min(rows - 1) } else { until };
            degrees.resize(until.max(degrees.len()), degree.min(rows));
        }
        let staircase = self.staircase(rows, columns);
        degrees[staircase..].sort_unstable_by(|a, b| b.cmp(a));
        degrees
    }
}

/// The ensembles, by the error rate.
pub static TABLE: &[Ensemble] = &[
    Ensemble {
        qber: 0.002,
        degrees: &[(2, 160), (3, 5162), (4, 307), (5, 680), (11, 3691)],
        prior: 25,
        curve: Curve { linear: 278, square: -34 },
        threshold: 1.185,
    },
    Ensemble {
        qber: 0.005,
        degrees: &[(2, 228), (3, 5837), (4, 225), (6, 802), (13, 2908)],
        prior: 22,
        curve: Curve { linear: 216, square: 117 },
        threshold: 1.149,
    },
    Ensemble {
        qber: 0.01,
        degrees: &[(2, 702), (3, 5878), (4, 286), (7, 532), (14, 2602)],
        prior: 19,
        curve: Curve { linear: 169, square: 215 },
        threshold: 1.130,
    },
    Ensemble {
        qber: 0.02,
        degrees: &[(2, 1347), (3, 5794), (4, 174), (8, 461), (14, 2224)],
        prior: 16,
        curve: Curve { linear: 119, square: 308 },
        threshold: 1.117,
    },
    Ensemble {
        qber: 0.03,
        degrees: &[(2, 1575), (3, 5769), (4, 154), (6, 390), (15, 2112)],
        prior: 14,
        curve: Curve { linear: 88, square: 355 },
        threshold: 1.108,
    },
    Ensemble {
        qber: 0.05,
        degrees: &[(2, 2022), (3, 5753), (4, 151), (8, 407), (15, 1667)],
        prior: 12,
        curve: Curve { linear: 43, square: 425 },
        threshold: 1.099,
    },
    Ensemble {
        qber: 0.07,
        degrees: &[(2, 2465), (3, 5536), (4, 176), (8, 298), (15, 1525)],
        prior: 11,
        curve: Curve { linear: 10, square: 467 },
        threshold: 1.094,
    },
    Ensemble {
        qber: 0.09,
        degrees: &[(2, 2453), (3, 5929), (4, 70), (7, 212), (16, 1336)],
        prior: 9,
        curve: Curve { linear: -17, square: 505 },
        threshold: 1.090,
    },
];
