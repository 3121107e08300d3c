//! Arithmetic of binary polynomials for the hashes: one set of algorithms over carry-less
//! multiplication, run at the level that the processor offers.
//!
//! A [`Level`] is a proof that the processor has the instructions; it is found at run time, and
//! all levels give the same bits. The algorithms (`transform`, `polyval`, `convert`) are
//! written once over `lanes::Lanes`, a vector of field elements, and compiled once for each
//! level. Nothing branches on or looks up by the data: they may be secret.
//!
//! The kernels for Arm were tried under an emulator only: `rustup target add
//! aarch64-unknown-linux-musl`, then run with `CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld`
//! and `…_RUNNER=qemu-aarch64-static`.
//!
//! This module knows polynomials and not what they are for: see [`crate::amplify`] and
//! [`crate::hash`].

/// Calls one method of the level's engine.
macro_rules! with_engine {
    ($level:expr, $engine:ident => $call:expr) => {
        match $level.0 {
            Kind::Portable($engine) => $call,
            #[cfg(target_arch = "x86_64")]
            Kind::Pclmul($engine) => $call,
            #[cfg(target_arch = "x86_64")]
            Kind::Vpclmul($engine) => $call,
            #[cfg(target_arch = "aarch64")]
            Kind::Neon($engine) => $call,
        }
    };
}

mod cantor;
mod convert;
mod engine;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod pclmul;
mod polyval;
mod portable;
mod transform;
#[cfg(target_arch = "x86_64")]
mod vpclmul;

pub(crate) use convert::Basis;
use engine::Engine;
pub(crate) use polyval::{Powers, evaluate};
pub(crate) use transform::{Pass, transform};

/// Fewest elements of half a transform: the widest kernel's tile.
pub(crate) const SMALLEST_HALF: usize = 64;

/// A set of instructions that this processor has. All levels compute the same bits.
#[derive(Clone, Copy)]
pub struct Level(Kind);

#[derive(Clone, Copy)]
enum Kind {
    Portable(portable::Portable),
    #[cfg(target_arch = "x86_64")]
    Pclmul(pclmul::Pclmul),
    #[cfg(target_arch = "x86_64")]
    Vpclmul(vpclmul::Vpclmul),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon),
}

impl Level {
    /// Integer arithmetic alone, on any processor.
    pub const PORTABLE: Level = Level(Kind::Portable(portable::Portable));

    /// All levels of this processor, the fastest first, [`Level::PORTABLE`] last.
    pub fn available() -> impl Iterator<Item = Level> {
        let wide = [
            #[cfg(target_arch = "x86_64")]
            vpclmul::Vpclmul::detect().map(Kind::Vpclmul),
            #[cfg(target_arch = "x86_64")]
            pclmul::Pclmul::detect().map(Kind::Pclmul),
            #[cfg(target_arch = "aarch64")]
            neon::Neon::detect().map(Kind::Neon),
            Some(Kind::Portable(portable::Portable)),
        ];
        wide.into_iter().flatten().map(Level)
    }

    /// The fastest level of this processor.
    pub fn best() -> Level {
        Level::available().next().unwrap_or(Level::PORTABLE)
    }

    /// The instructions' name, for reports.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable(_) => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Pclmul(_) => "PCLMULQDQ",
            #[cfg(target_arch = "x86_64")]
            Kind::Vpclmul(_) => "VPCLMULQDQ",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(_) => "PMULL",
        }
    }

    /// Adds the products of field elements, place by place, to `sum`.
    pub(crate) fn multiply_add(self, sum: &mut [u64], a: &[u64], b: &[u64]) {
        assert!(a.len() == sum.len() && b.len() == sum.len());
        assert!(sum.len().is_multiple_of(SMALLEST_HALF));
        with_engine!(self, engine => engine.multiply_add(sum, a, b));
    }
}

impl std::fmt::Debug for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
