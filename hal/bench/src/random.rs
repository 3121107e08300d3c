//! Random bits on the device.

/// What stands behind a random source. The class travels to the block's certificate; the key is
/// labelled with the weakest class that went into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum RandomClass {
    /// Reproducible from a seed: simulation only.
    Seeded = 0,
    /// Expanded by a cipher or an operating system: secret by a computational assumption.
    Computational = 1,
    /// From physical noise, conditioned, with health tests on the raw samples.
    TrueRandom = 2,
}

impl RandomClass {
    /// The code on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The class with this code, if there is one.
    pub fn from_code(code: u8) -> Option<RandomClass> {
        [RandomClass::Seeded, RandomClass::Computational, RandomClass::TrueRandom]
            .into_iter()
            .find(|c| c.code() == code)
    }
}

/// The source failed a health test or ran dry. What was written to the buffer must not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomFault;

impl core::fmt::Display for RandomFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the random source failed its health test")
    }
}

impl core::error::Error for RandomFault {}

/// A source of random bytes for settings.
pub trait RandomSource {
    /// What stands behind the bytes.
    fn class(&self) -> RandomClass;

    /// The source's name for the certificate, at most 31 bytes of ASCII.
    fn name(&self) -> &str;

    /// Fills the whole buffer with independent uniform bytes.
    ///
    /// # Errors
    /// [`RandomFault`] latches the interlock; a part of the buffer may have been written.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RandomFault>;
}
