//! Where secret random bits come from.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    Origin, Provenance, RandomLabel, Real, RealDevices, SecretBits, Simulated, SimulatedDevices,
};

mod sealed {
    pub trait Sealed {}
}

/// A source of secret random bits. Sealed: a new source is a decision about secrecy and belongs
/// in this crate.
pub trait EntropySource: sealed::Sealed {
    /// The origin of keys made with this source.
    type Origin: Origin;

    /// Fills the buffer with independent uniform bytes.
    ///
    /// # Errors
    /// [`EntropyFault`]: the source failed; nothing in the buffer may be used.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyFault>;

    /// What is drawn next is for this use in this block. Means something to a seeded source only: its
    /// bits then do not depend on the order in which blocks are worked on.
    fn turn_to(&mut self, _what: &'static str, _block: u64) {}

    /// What stands behind the bytes.
    fn label(&self) -> RandomLabel;

    /// What a key made with this source inherits.
    fn provenance(&self) -> Provenance<Self::Origin> {
        Provenance::of(self.label())
    }

    /// `len` fresh random bits.
    ///
    /// # Errors
    /// [`EntropyFault`]: the source failed.
    fn bits(&mut self, len: usize) -> Result<SecretBits, EntropyFault> {
        let mut bytes = Zeroizing::new(vec![0; len.div_ceil(8)]);
        self.fill(&mut bytes)?;
        if let (Some(last), tail @ 1..) = (bytes.last_mut(), len % 8) {
            *last &= (1 << tail) - 1;
        }
        Ok(SecretBits::from_bytes(&bytes, len).expect("length and padding were just made"))
    }
}

/// The entropy source failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntropyFault;

impl std::fmt::Display for EntropyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the source of secret random bits failed; no key is made without it")
    }
}

impl std::error::Error for EntropyFault {}

/// ChaCha20 from a seed: the same bits in every run. For simulations only, and its type says so:
/// it is made with a [`SimulatedDevices`] permission and its keys are [`Simulated`].
pub struct SeededEntropy {
    key: [u8; 32],
    generator: ChaCha20Rng,
}

impl SeededEntropy {
    /// A generator of its own for each `stream` label; its ChaCha20 key is
    /// SHA-256(`seed`, 8 bytes, least significant first ‖ `stream`); that of a use in a block
    /// SHA-256(the stream's key ‖ `block`, 8 bytes, least significant first ‖ `what`).
    pub fn new(_: SimulatedDevices, seed: u64, stream: &str) -> SeededEntropy {
        let key = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(stream).finalize();
        SeededEntropy { key: key.into(), generator: ChaCha20Rng::from_seed(key.into()) }
    }
}

impl sealed::Sealed for SeededEntropy {}

impl EntropySource for SeededEntropy {
    type Origin = Simulated;

    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyFault> {
        self.generator.fill_bytes(out);
        Ok(())
    }

    fn turn_to(&mut self, what: &'static str, block: u64) {
        let hash = Sha256::new().chain_update(self.key).chain_update(block.to_le_bytes());
        self.generator = ChaCha20Rng::from_seed(hash.chain_update(what).finalize().into());
    }

    fn label(&self) -> RandomLabel {
        RandomLabel::Seeded
    }
}

/// The operating system's generator. Real keys made with it are secret by a computational
/// assumption, and labelled so.
pub struct OsEntropy(());

impl OsEntropy {
    /// Asks for [`RealDevices`]: simulated devices make simulated keys, whatever the entropy.
    pub fn new(_: RealDevices) -> OsEntropy {
        OsEntropy(())
    }
}

impl sealed::Sealed for OsEntropy {}

impl EntropySource for OsEntropy {
    type Origin = Real;

    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyFault> {
        getrandom::fill(out).map_err(|_| EntropyFault)
    }

    fn label(&self) -> RandomLabel {
        RandomLabel::Expanded { source: "operating system".into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_bits_repeat_and_differ_by_seed_and_stream() {
        let devices = SimulatedDevices::declared(true, true).expect("both simulated");
        let draw = |seed, stream| SeededEntropy::new(devices, seed, stream).bits(200);
        let first = draw(1, "a").expect("never fails");
        assert!(bool::from(first.ct_eq(&draw(1, "a").expect("never fails"))));
        assert!(!bool::from(first.ct_eq(&draw(2, "a").expect("never fails"))));
        assert!(!bool::from(first.ct_eq(&draw(1, "b").expect("never fails"))));
        assert!((60..140).contains(&first.count_ones()));
    }

    #[test]
    fn bits_of_a_block_do_not_depend_on_what_was_drawn_before() {
        let devices = SimulatedDevices::declared(true, true).expect("both simulated");
        let mut source = SeededEntropy::new(devices, 1, "a");
        let mut draw = |what, block| {
            source.turn_to(what, block);
            source.bits(200).expect("never fails")
        };
        let first = draw("seed", 3);
        for (what, block) in [("seed", 4), ("tag", 3)] {
            assert!(!bool::from(first.ct_eq(&draw(what, block))), "{what} {block}");
        }
        assert!(bool::from(first.ct_eq(&draw("seed", 3))));
    }

    #[test]
    fn os_bits_are_labelled_computational_and_have_the_asked_length() {
        let mut source = OsEntropy::new(RealDevices::declared(false, false).expect("both real"));
        let bits = source.bits(1001).expect("the system has entropy");
        assert_eq!(bits.len(), 1001);
        assert!((400..600).contains(&bits.count_ones()));
        assert!(matches!(source.label(), RandomLabel::Expanded { .. }));
    }

    #[test]
    fn a_mixed_link_has_no_permission() {
        assert!(SimulatedDevices::declared(true, false).is_none());
        assert!(SimulatedDevices::declared(false, true).is_none());
        assert!(RealDevices::declared(true, false).is_none());
        assert!(RealDevices::declared(true, true).is_none());
    }
}
