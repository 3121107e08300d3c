//! The decoder's kernel for each instruction set, chosen at run time.
#![allow(unsafe_code)]

use super::kernel::{Kernel, State, run};
use super::lanes::Lanes;
#[cfg(target_arch = "x86_64")]
use super::vbmi::Vbmi;

/// An instruction set that this machine has. Cannot be made but by [`Level::available`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// What the program is built for: SSE2 on x86-64, NEON on ARM64.
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Vbmi(Vbmi),
}

impl Level {
    /// All that this machine has, the fastest last.
    pub fn available() -> Vec<Level> {
        #[allow(unused_mut)]
        let mut sets = vec![Set::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx2") {
                sets.push(Set::Avx2);
            }
            if std::arch::is_x86_feature_detected!("avx512bw")
                && std::arch::is_x86_feature_detected!("avx512vl")
            {
                sets.push(Set::Avx512);
            }
            sets.extend(Vbmi::detect().map(Set::Vbmi));
        }
        sets.into_iter().map(Level).collect()
    }

    /// The fastest.
    pub fn best() -> Level {
        Level::available().last().copied().unwrap_or(Level(Set::Portable))
    }

    /// [`Kernel::COPIES`].
    pub fn copies(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Vbmi(_) => Vbmi::COPIES,
            _ => Lanes::<1>::COPIES,
        }
    }

    /// [`Kernel::message_bytes`].
    pub fn message_bytes(self, degree: usize) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Vbmi(_) => Vbmi::message_bytes(degree),
            _ => Lanes::<1>::message_bytes(degree),
        }
    }

    /// [`run`] on this instruction set.
    pub fn run(self, state: &mut State) -> Option<u32> {
        match self.0 {
            Set::Portable => run(Lanes::<16>, state),
            // SAFETY: the variant is made in `available` alone, after AVX2 was detected; a machine
            // keeps its instructions while a program runs.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { avx2(state) },
            // SAFETY: as above, after AVX-512BW and AVX-512VL were.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { avx512(state) },
            #[cfg(target_arch = "x86_64")]
            Set::Vbmi(vbmi) => run(vbmi, state),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(state: &mut State) -> Option<u32> {
    run(Lanes::<32>, state)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512bw,avx512vl")]
fn avx512(state: &mut State) -> Option<u32> {
    run(Lanes::<64>, state)
}
