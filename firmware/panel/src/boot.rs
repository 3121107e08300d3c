//! Why an RP2350 started, and the faults that it remembers.

use helio_bench::BootCause;

/// `POWMAN_CHIP_RESET`: power came, a brown-out, a glitch of the supply.
const POWER: u32 = 1 << 16 | 1 << 17 | 1 << 26;
/// The RUN pin, and requests of a debugger.
const RESET: u32 = 1 << 18 | 1 << 19 | 1 << 21 | 1 << 27;
/// The watchdog, by what it was told to reset.
const WATCHDOG: u32 = 1 << 22 | 1 << 23 | 1 << 24 | 1 << 28;

/// From `POWMAN_CHIP_RESET`, `WATCHDOG_REASON` and the firmware's own mark of a fault.
///
/// A fault is followed by the watchdog, and so is a reset that a host ordered: the mark comes
/// first, and the firmware's record of the order comes before all of this.
pub const fn boot_cause(chip_reset: u32, watchdog_reason: u32, fault: bool) -> BootCause {
    if fault {
        BootCause::Fault
    } else if watchdog_reason & 0b11 != 0 || chip_reset & WATCHDOG != 0 {
        BootCause::Watchdog
    } else if chip_reset & POWER != 0 {
        BootCause::Power
    } else if chip_reset & RESET != 0 {
        BootCause::Reset
    } else {
        BootCause::Unknown
    }
}

/// Words of [`Faults`] in memory that a reset leaves alone.
pub const FAULT_WORDS: usize = 4;

const MARK: u32 = 0x4846_4c01;

/// Panics and hard faults since power came. The handler writes them when nothing else of the
/// firmware can be trusted, so they are a record of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// How many.
    pub count: u32,
    /// One of them ended the last boot.
    pub fresh: bool,
}

impl Faults {
    /// What is remembered; nothing where the words are no record, as after power came.
    pub fn recover(words: &[u32; FAULT_WORDS]) -> Faults {
        let [mark, count, fresh, check] = *words;
        if mark == MARK && check == checksum(count, fresh) && fresh <= 1 {
            Faults { count, fresh: fresh == 1 }
        } else {
            Faults::default()
        }
    }

    /// The words to be kept.
    pub fn words(&self) -> [u32; FAULT_WORDS] {
        let fresh = u32::from(self.fresh);
        [MARK, self.count, fresh, checksum(self.count, fresh)]
    }

    /// With one more, that ends this boot.
    pub fn another(&self) -> Faults {
        Faults { count: self.count.saturating_add(1), fresh: true }
    }

    /// As the next boot shall find them if nothing happens.
    pub fn seen(&self) -> Faults {
        Faults { fresh: false, ..*self }
    }
}

/// FNV-1a over the words.
fn checksum(count: u32, fresh: u32) -> u32 {
    [MARK, count, fresh]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .fold(0x811C_9DC5, |h, byte| (h ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn registers_say_why_the_chip_started() {
        assert_eq!(boot_cause(1 << 16, 0, false), BootCause::Power);
        assert_eq!(boot_cause(1 << 18, 0, false), BootCause::Reset);
        // The power's flag still stands when the watchdog bites.
        assert_eq!(boot_cause(1 << 16, 1, false), BootCause::Watchdog);
        assert_eq!(boot_cause(1 << 28, 0, false), BootCause::Watchdog);
        assert_eq!(boot_cause(1 << 28, 1, true), BootCause::Fault);
        assert_eq!(boot_cause(0, 0, false), BootCause::Unknown);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_record_comes_back_and_a_damaged_one_does_not(
            count in any::<u32>(), fresh in any::<bool>(), bit in 0..32 * FAULT_WORDS,
        ) {
            let faults = Faults { count, fresh };
            let mut words = faults.words();
            prop_assert_eq!(Faults::recover(&words), faults);
            prop_assert!(Faults::recover(&faults.another().words()).fresh);
            prop_assert!(!Faults::recover(&faults.seen().words()).fresh);
            words[bit / 32] ^= 1 << (bit % 32);
            prop_assert_eq!(Faults::recover(&words), Faults::default());
        }

        #[test]
        fn what_power_leaves_is_no_record(words in any::<[u32; FAULT_WORDS]>()) {
            prop_assert_eq!(Faults::recover(&words), Faults::default());
        }
    }

    #[test]
    fn memory_of_zeros_and_of_ones_is_no_record() {
        assert_eq!(Faults::recover(&[0; FAULT_WORDS]), Faults::default());
        assert_eq!(Faults::recover(&[u32::MAX; FAULT_WORDS]), Faults::default());
    }
}
