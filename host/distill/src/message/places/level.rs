//! Which steps the processor can do faster.

use super::{Coding, Decoding, Ones, portable};
use crate::message::slots::Quotients;

/// Instructions that this machine has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    /// Any machine's.
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx512(super::avx512::Avx512),
}

/// The step of the module that belongs to the level.
macro_rules! step {
    ($level:ident, $step:ident($($argument:expr),*)) => {
        match $level {
            Level::Portable => portable::$step($($argument),*),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(avx512) => avx512.$step($($argument),*),
        }
    };
}

impl Level {
    /// The fastest.
    pub fn best() -> Level {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx512) = super::avx512::Avx512::detect() {
            return Level::Avx512(avx512);
        }
        Level::Portable
    }

    /// Finds ones until there are a chunk of them, or no more.
    pub(super) fn find<W: Iterator<Item = u64>>(self, ones: &mut Ones<W>) {
        step!(self, find(ones))
    }

    /// From the places of the ones in the high parts to the places they stand for.
    pub(super) fn decode(self, list: &mut Decoding<'_>, ones: &[u32], places: &mut [u32]) {
        step!(self, decode(list, ones, places))
    }

    /// Writes places behind those that were written.
    pub(super) fn code(self, list: &mut Coding<'_>, places: &[u32]) {
        step!(self, code(list, places))
    }

    /// Turns over the bits at rising places; those past the end do not count.
    pub fn flip(self, words: &mut [u64], places: &[u32]) {
        step!(self, flip(words, places))
    }

    /// Adds to each of rising numbers its quotient.
    pub fn add_quotients(self, quotients: &Quotients, numbers: &mut [u32]) {
        step!(self, add_quotients(quotients, numbers))
    }

    /// Takes its quotient from each of rising numbers.
    pub fn take_quotients(self, quotients: &Quotients, numbers: &mut [u32]) {
        step!(self, take_quotients(quotients, numbers))
    }
}
