//! How codes are drawn, as one number for the plan.
//!
//! Two builds with other ensembles, or with another search for shifts, would draw other matrices for
//! one plan, and no frame would decode. With this number in its bytes they differ at the plan.

use std::sync::LazyLock;

use super::code::{QcCode, Shape};
use super::ensemble::{Ensemble, TABLE};

/// The codes that are drawn for it: small ones, in which residues do not last, so that each rule of
/// the search is met.
const SAMPLE: (usize, usize, usize) = (128, 24, 200);

/// The number: FNV-1a over the ensembles and a small code of each.
pub fn construction() -> u64 {
    static OF_TABLE: LazyLock<u64> = LazyLock::new(|| digest(TABLE));
    *OF_TABLE
}

fn digest(table: &'static [Ensemble]) -> u64 {
    let mut digest = 0xcbf2_9ce4_8422_2325;
    let mut put = |x: u64| {
        for byte in x.to_le_bytes() {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    };
    for ensemble in table {
        put(ensemble.qber.to_bits());
        for &(degree, part) in ensemble.degrees {
            put(degree as u64);
            put(part as u64);
        }
        let (z, rows, columns) = SAMPLE;
        for row in QcCode::new(Shape { z, rows, columns, ensemble }).rows() {
            put(row.len() as u64);
            for circulant in row {
                put(circulant.column as u64);
                put(circulant.shift as u64);
            }
        }
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::super::kernel::Curve;
    use super::*;

    /// Another number means other codes: then `VERSION` of the plan is raised too.
    #[test]
    fn the_codes_are_those_of_this_version_of_the_plan() {
        assert_eq!(construction(), 0x80d2_3ea5_1961_5cc3);
    }

    #[test]
    fn another_share_of_a_degree_is_another_number() {
        let table = |part| -> &'static [Ensemble] {
            Box::leak(Box::new([Ensemble {
                qber: 0.02,
                degrees: Box::leak(Box::new([(2, 1347), (3, part), (8, 8653 - part)])),
                prior: 16,
                curve: Curve { linear: 119, square: 308 },
                threshold: 1.1,
            }]))
        };
        assert_eq!(digest(table(6000)), digest(table(6000)));
        // Less than a column of the sample.
        assert_ne!(digest(table(6000)), digest(table(6001)));
        assert_ne!(digest(&TABLE[1..]), digest(TABLE));
    }
}
