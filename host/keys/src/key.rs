//! A finished key.

use sha2::{Digest, Sha256};

use crate::{Origin, Provenance, RandomLabel, SecretBits, Simulated};

/// A finished secret key: bits, an origin in the type, and the weakest random label.
///
/// A fingerprint exists for simulated keys only. The hash of a real key would be a public function
/// of it that nobody has charged: it lets an eavesdropper test guesses, and a key is no longer
/// ε-secret once it is known. Real stations compare by the charged verification tag alone.
///
/// ```compile_fail,E0599
/// use helio_keys::{Real, SecretKey};
/// fn show(key: &SecretKey<Real>) -> String {
///     key.fingerprint()
/// }
/// ```
/// ```compile_fail,E0277
/// use helio_keys::{Simulated, SecretKey};
/// fn show(key: &SecretKey<Simulated>) -> String {
///     format!("{key:?}")
/// }
/// ```
/// ```compile_fail,E0599
/// use helio_keys::{Real, SecretKey};
/// fn twice(key: SecretKey<Real>) -> (SecretKey<Real>, SecretKey<Real>) {
///     (key.clone(), key)
/// }
/// ```
/// ```compile_fail,E0369
/// use helio_keys::{Real, SecretKey};
/// fn same(a: &SecretKey<Real>, b: &SecretKey<Real>) -> bool {
///     *a == *b
/// }
/// ```
pub struct SecretKey<O: Origin> {
    bits: SecretBits,
    provenance: Provenance<O>,
}

impl<O: Origin> SecretKey<O> {
    /// Puts a key together. Only privacy amplification should have bits worth this.
    pub fn new(bits: SecretBits, provenance: Provenance<O>) -> SecretKey<O> {
        SecretKey { bits, provenance }
    }

    /// Number of bits.
    pub fn len(&self) -> usize {
        self.bits.len()
    }

    /// Whether the key has no bits.
    pub fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }

    /// The bits.
    pub fn bits(&self) -> &SecretBits {
        &self.bits
    }

    /// The bits, taken out.
    pub fn into_bits(self) -> SecretBits {
        self.bits
    }

    /// The weakest random label of all that went into the key.
    pub fn label(&self) -> &RandomLabel {
        self.provenance.label()
    }

    /// `SIMULATED` or `real`.
    pub fn origin(&self) -> &'static str {
        O::NAME
    }
}

impl SecretKey<Simulated> {
    /// The first 16 hexadecimal digits of SHA-256 over the length in bits (8 bytes, least
    /// significant first) and the bits as bytes ([`SecretBits::to_bytes`]).
    pub fn fingerprint(&self) -> String {
        SecretKey::joint_fingerprint([self])
    }

    /// One fingerprint for several keys in their order: the first 16 hexadecimal digits of SHA-256
    /// over length and bits of each, as in [`SecretKey::fingerprint`].
    pub fn joint_fingerprint<'a>(
        keys: impl IntoIterator<Item = &'a SecretKey<Simulated>>,
    ) -> String {
        let mut hash = Sha256::new();
        for key in keys {
            hash.update((key.bits.len() as u64).to_le_bytes());
            hash.update(key.bits.to_bytes().as_slice());
        }
        hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EntropySource, SeededEntropy, SimulatedDevices};

    fn key(bits: SecretBits) -> SecretKey<Simulated> {
        let devices = SimulatedDevices::declared(true, true).expect("both simulated");
        let source = SeededEntropy::new(devices, 1, "test");
        let cipher = RandomLabel::Expanded { source: "cipher".into() };
        SecretKey::new(bits, source.provenance().and(cipher))
    }

    #[test]
    fn fingerprint_is_sha256_of_length_and_bytes() {
        // printf '\x03\0\0\0\0\0\0\0\x05' | sha256sum
        let three = key(SecretBits::from_bits([true, false, true]));
        assert_eq!(three.fingerprint(), "ffd04f8b815ffa6a");
        let four = key(SecretBits::from_bits([true, false, true, false]));
        assert_ne!(three.fingerprint(), four.fingerprint());
        assert_eq!((three.label(), three.origin()), (&RandomLabel::Seeded, "SIMULATED"));
    }
}
