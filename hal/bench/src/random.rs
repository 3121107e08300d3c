//! Random bits on the device.

use crate::table::codes;

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

codes! {
    /// Where the settings of a run's slots come from.
    SettingsSource {
        /// The device's own generator, as it is.
        Own = 0,
        /// ChaCha20 with a seed from the host.
        HostSeed = 1,
        /// Random bytes that the host sends as they are used up.
        HostFeed = 2,
        /// A public pattern, over and over: never a key.
        Pattern = 3,
        /// ChaCha20 with a key from the device's own generator, for slot rates that it cannot
        /// serve by itself.
        Expanded = 4,
    }
}

impl SettingsSource {
    /// The class of the settings on a device whose own generator is of class `own`.
    ///
    /// A host that feeds bytes knows where it has them from and may know better than
    /// [`RandomClass::Computational`]; the device cannot.
    pub fn class(self, own: RandomClass) -> RandomClass {
        match self {
            SettingsSource::Own => own,
            SettingsSource::Expanded => own.min(RandomClass::Computational),
            SettingsSource::HostSeed | SettingsSource::HostFeed => RandomClass::Computational,
            SettingsSource::Pattern => RandomClass::Seeded,
        }
    }

    /// The name of the source on a device whose own generator is called `own`.
    pub fn name(self, own: &str) -> &str {
        match self {
            SettingsSource::Own => own,
            SettingsSource::Expanded => "csprng",
            SettingsSource::HostSeed => "host-seed",
            SettingsSource::HostFeed => "host-feed",
            SettingsSource::Pattern => "pattern",
        }
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

    /// Bytes that [`RandomSource::fill`] gives, or refuses, without waiting for the world.
    fn available(&self) -> usize {
        usize::MAX
    }

    /// A short turn of work ahead, which waits for nothing: what a source that gathers its bytes
    /// slowly wants between fills. Whether it failed is told by the next fill.
    fn gather(&mut self) {}

    /// What it gives in the long run, in bytes a second, if turns of [`RandomSource::gather`] come
    /// at least as often as its author says; `None` for as much as is asked for.
    fn bytes_per_second(&self) -> Option<u32> {
        None
    }
}

/// Raw samples of physical noise, before any conditioning: what health tests must see.
pub trait NoiseSource {
    /// The source's name for the certificate, at most 31 bytes of ASCII.
    fn name(&self) -> &str;

    /// Fills the front of the buffer with the samples that have been taken since, one a byte, in
    /// their order and without a choice; how many. Does not wait for more.
    ///
    /// # Errors
    /// [`RandomFault`]: the source stands still.
    fn samples(&mut self, out: &mut [u8]) -> Result<usize, RandomFault>;

    /// Samples a second that can be counted on.
    fn samples_per_second(&self) -> u32;
}
