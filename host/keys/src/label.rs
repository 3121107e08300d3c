//! What stands behind random bits, as printed on every key.

use std::fmt;

/// What stands behind random bits. Ordered from the weakest to the strongest claim; a key carries
/// the weakest of all that went into it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RandomLabel {
    /// Reproducible from a seed: no secrecy at all, for simulations.
    Seeded,
    /// Expanded by a cipher from a shorter seed, an operating system's generator included: secret
    /// by a computational assumption.
    Expanded {
        /// The generator's name.
        source: String,
    },
    /// From physical noise under a health test. Only keys whose every label is of this kind may be
    /// called information-theoretic.
    TrueRandom {
        /// The source's name.
        source: String,
        /// The health test on its raw samples.
        health_test: String,
    },
}

impl RandomLabel {
    /// The weaker of two labels.
    pub fn weakest(self, other: RandomLabel) -> RandomLabel {
        self.min(other)
    }
}

impl fmt::Display for RandomLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RandomLabel::Seeded => f.write_str("SIMULATED (seeded)"),
            RandomLabel::Expanded { source } => write!(f, "expanded (computational, {source})"),
            RandomLabel::TrueRandom { source, health_test } => {
                write!(f, "true random ({source}, {health_test})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weakest_claim_wins() {
        let noise = RandomLabel::TrueRandom { source: "a".into(), health_test: "b".into() };
        let cipher = RandomLabel::Expanded { source: "z".into() };
        assert_eq!(noise.clone().weakest(cipher.clone()), cipher);
        assert_eq!(cipher.clone().weakest(noise), cipher);
        assert_eq!(cipher.weakest(RandomLabel::Seeded), RandomLabel::Seeded);
    }
}
