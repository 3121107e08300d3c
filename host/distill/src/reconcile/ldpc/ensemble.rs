//! The ensembles of codes: which part of a base matrix's columns has which degree.
//!
//! Found by `cargo run --release -p helio-distill --example protograph_design`, whose output
//! [`TABLE`] is; density evolution and search are in [`super::density`]. A test computes every
//! threshold again.

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
    /// The same that the core is made for, at the error rate that it has room for: by simulation.
    pub overhead: f64,
}

/// Columns that [`Ensemble::degrees`] shares out.
const WHOLE: usize = 10_000;

impl Ensemble {
    /// The one designed for the error rate nearest by ratio.
    pub fn for_qber(qber: f64) -> &'static Ensemble {
        let distance = |ensemble: &Ensemble| libm::log(ensemble.qber / qber).abs();
        let (first, rest) = TABLE.split_first().expect("the table is not empty");
        rest.iter().fold(first, |best, e| if distance(e) < distance(best) { e } else { best })
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
        let staircase = degrees.iter().take_while(|degree| **degree == 2).count();
        degrees[staircase..].sort_unstable_by(|a, b| b.cmp(a));
        degrees
    }
}

/// The ensembles, by the error rate.
pub static TABLE: &[Ensemble] = &[
    Ensemble {
        qber: 0.002,
        degrees: &[(2, 202), (3, 4897), (4, 725), (7, 1284), (12, 2892)],
        prior: 22,
        curve: Curve { linear: 280, square: -40 },
        threshold: 1.183,
        overhead: 1.21,
    },
    Ensemble {
        qber: 0.005,
        degrees: &[(2, 349), (3, 5820), (4, 239), (7, 638), (13, 2954)],
        prior: 20,
        curve: Curve { linear: 220, square: 96 },
        threshold: 1.150,
        overhead: 1.16,
    },
    Ensemble {
        qber: 0.01,
        degrees: &[(2, 778), (3, 5821), (4, 248), (7, 513), (14, 2640)],
        prior: 18,
        curve: Curve { linear: 174, square: 195 },
        threshold: 1.130,
        overhead: 1.145,
    },
    Ensemble {
        qber: 0.02,
        degrees: &[(2, 1159), (3, 5989), (4, 267), (8, 286), (14, 2299)],
        prior: 16,
        curve: Curve { linear: 118, square: 313 },
        threshold: 1.116,
        overhead: 1.135,
    },
    Ensemble {
        qber: 0.03,
        degrees: &[(2, 1832), (3, 5461), (4, 270), (8, 416), (14, 2021)],
        prior: 14,
        curve: Curve { linear: 86, square: 365 },
        threshold: 1.107,
        overhead: 1.13,
    },
    Ensemble {
        qber: 0.05,
        degrees: &[(2, 2670), (3, 4938), (4, 125), (7, 620), (15, 1647)],
        prior: 12,
        curve: Curve { linear: 44, square: 426 },
        threshold: 1.095,
        overhead: 1.118,
    },
    Ensemble {
        qber: 0.07,
        degrees: &[(2, 2766), (3, 5287), (4, 110), (8, 322), (15, 1515)],
        prior: 10,
        curve: Curve { linear: 15, square: 453 },
        threshold: 1.088,
        overhead: 1.116,
    },
    Ensemble {
        qber: 0.09,
        degrees: &[(2, 3244), (3, 4732), (4, 288), (6, 270), (14, 1466)],
        prior: 9,
        curve: Curve { linear: -8, square: 471 },
        threshold: 1.083,
        overhead: 1.116,
    },
];
