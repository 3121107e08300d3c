//! One-way reconciliation with quasi-cyclic LDPC codes, and blind rounds.
//!
//! Alice sends a syndrome for each frame; Bob decodes the error pattern from the difference to his
//! own. For the frames that fail, Alice discloses more checks of the same code, in
//! [`budget::ROUNDS`] blind rounds, then the frames themselves, as long as λ_max has room; their bits
//! stay in the string and all are charged.
//!
//! # Rate
//!
//! A block's mother code has core rows and extension rows, H = (H₀ 0; H₁ I): each extension check
//! has a bit of its own, of degree 1. These are the *punctured* bits. Puncturing gives them uniform
//! values that Alice alone knows and a syndrome over all rows; a blind round tells the values of some
//! (Martinez-Mateo, Elkouss and Martin, Quantum Inf. Comput. 12, 791 (2012)). A check masked by a
//! uniform bit of its own is uniform and independent of all else, so Alice need not draw the bit
//! nor send the check, and telling both the masked check and the mask is telling the check. That is what is
//! done: the same code, the same disclosure, and no secret randomness spent on it. (Rates by
//! degree-1 extension are those of protograph-based Raptor-like codes: Chen, Vakilinia, Divsalar and
//! Wesel, IEEE Trans. Commun. 63, 1522 (2015). Punctured bits inside the core, the usual choice, take
//! part in several checks each, and these are all but useless until the bits are known.)
//! The bits of the last columns that a frame lacks are *shortened*: known zeros. By the number of
//! columns, shortening within the last, and Z the share of the syndrome is tuned to a part in a
//! thousand.
//!
//! # Messages
//!
//! | message | content |
//! |---|---|
//! | Alice: checks of the outstanding frames, at first the core's of all | frames × rows·Z/8 bytes, bit i of the string of checks in bit i % 8 of byte i / 8 |
//! | Bob: verdicts | ⌈outstanding/8⌉ bytes, bit i set if the i-th outstanding frame failed, padding zero |
//! | Alice: frames in full, after the last blind round | their words in order, 8 bytes each, least significant first |
//! | Bob: end, after these | empty |
//!
//! Every check, every verdict and every bit of a frame in full is charged; a frame in full costs its
//! bits in place of its checks.
//!
//! Measured by `cargo run --release -p helio-distill --example reconciliation`.

mod alice;
mod bob;
mod budget;
mod code;
mod decoder;
pub mod ensemble;
mod frames;
pub mod kernel;
mod layout;
mod levels;
mod messages;

pub use alice::Alice;
pub use bob::Bob;
pub use ensemble::MARGIN;
pub use kernel::Curve;
pub use layout::{Layout, MAX_QBER};

#[cfg(test)]
mod tests;
