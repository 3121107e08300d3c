//! Secret bits of a QKD station: types that do not print, copy or compare by accident.
//!
//! - [`SecretBits`]: a bit string, wiped on drop.
//! - [`SecretKey`]: secret bits with an [`Origin`] in their type and the weakest [`RandomLabel`]
//!   that went into them.
//! - [`EntropySource`]: where secret random bits come from; its origin decides the key's origin.
//!
//! No network, no files and no protocol here: a leaf that the distillation and the store share.

mod bits;
mod entropy;
mod key;
mod label;
mod origin;
mod record;

pub use bits::{BadBytes, SecretBits};
pub use entropy::{EntropyFault, EntropySource, OsEntropy, SeededEntropy};
pub use key::SecretKey;
pub use label::RandomLabel;
pub use origin::{Origin, Provenance, Real, RealDevices, Simulated, SimulatedDevices};
pub use record::BadRecord;
