//! Error rates with their uncertainty, for people to look at. No length depends on them.

use serde::{Deserialize, Serialize};

/// An error rate and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorRate {
    /// Errors counted.
    pub errors: u64,
    /// Bits compared.
    pub bits: u64,
    /// Errors over bits; `None` without bits.
    pub rate: Option<f64>,
    /// Lower end of the Wilson score interval at 95 %.
    pub low: f64,
    /// Upper end of the Wilson score interval at 95 %.
    pub high: f64,
}

impl ErrorRate {
    /// Wilson, J. Am. Stat. Assoc. 22, 209 (1927). Without bits the interval is all of [0, 1].
    pub fn new(errors: u64, bits: u64) -> ErrorRate {
        if bits == 0 {
            return ErrorRate { errors, bits, rate: None, low: 0.0, high: 1.0 };
        }
        const Z: f64 = 1.959_963_984_540_054;
        let n = bits as f64;
        let p = errors as f64 / n;
        let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let (low, high) = ((centre - half).max(0.0), (centre + half).min(1.0));
        ErrorRate { errors, bits, rate: Some(p), low, high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_matches_published_values() {
        // Newcombe, Statistics in Medicine 17, 857 (1998), table I, method 3.
        for (errors, bits, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let rate = ErrorRate::new(errors, bits);
            assert!((rate.low - low).abs() < 6e-5 && (rate.high - high).abs() < 6e-5, "{rate:?}");
        }
        assert_eq!(ErrorRate::new(0, 0).rate, None);
    }
}
