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
//! # What it does
//!
//! Measured with `cargo run --release -p helio-distill --example reconciliation -- ldpc 60`: blocks of 10^6
//! bits in four frames, independent errors at the rate that the plan was made for. `f_charged` is λ_max
//! over n·h(q), both directions included, and `f_alice` what Alice disclosed; frames that fail do so before
//! the first blind round. None was disclosed in full and no error went undetected. At 2 % with a margin of
//! 0.032, 2 of 1140 frames failed. Mbit/s of the processor's time of one thread, codes drawn anew for
//! each block, on a virtual Zen 4 with AVX-512 whose two threads were shared with ten other programs: an
//! idle one is faster.
//!
//! | q | f_charged | f_alice | frames that fail | blocks dropped | iterations | Alice, Mbit/s | Bob, Mbit/s |
//! |---|---|---|---|---|---|---|---|
//! | 0.10 % | 3.400 | 3.366 | 0 of 240 | 0 of 60 | 2.9 | 773 | 308 |
//! | 0.25 % | 1.554 | 1.523 | 0 of 240 | 0 of 60 | 6.6 | 703 | 225 |
//! | 0.50 % | 1.268 | 1.252 | 2 of 240 | 0 of 60 | 14.0 | 631 | 135 |
//! | 1.00 % | 1.229 | 1.217 | 1 of 240 | 0 of 60 | 15.2 | 2136 | 153 |
//! | 2.00 % | 1.197 | 1.178 | 0 of 240 | 0 of 60 | 17.8 | 1951 | 141 |
//! | 3.00 % | 1.175 | 1.164 | 0 of 240 | 0 of 60 | 18.7 | 5023 | 144 |
//! | 4.00 % | 1.168 | 1.150 | 0 of 240 | 0 of 60 | 20.9 | 2163 | 153 |
//! | 5.00 % | 1.168 | 1.150 | 0 of 240 | 0 of 60 | 20.5 | 4775 | 142 |
//! | 8.00 % | 1.145 | 1.134 | 0 of 240 | 0 of 60 | 21.9 | 4411 | 147 |
//! | 9.00 % | 1.143 | 1.133 | 0 of 240 | 0 of 60 | 22.7 | 2551 | 137 |
//!
//! Short frames cost more, and the drawing of the code tells (1000 blocks of one frame at 2 %):
//!
//! | bits | f_charged | f_alice | frames that fail | blocks dropped | iterations | Alice, Mbit/s | Bob, Mbit/s |
//! |---|---|---|---|---|---|---|---|
//! | 5 000 | 1.633 | 1.451 | 29 | 0 | 8.1 | 31 | 29 |
//! | 10 000 | 1.450 | 1.360 | 25 | 2 | 9.1 | 34 | 25 |
//! | 30 000 | 1.313 | 1.267 | 7 | 0 | 11.0 | 133 | 69 |
//! | 60 000 | 1.320 | 1.245 | 5 | 0 | 12.0 | 176 | 89 |
//!
//! Below 0.3 % the share of the core stays at its least, 3.8 % of the string. Above [`MAX_QBER`], with
//! its margins, a plan is refused.

mod alice;
mod bob;
mod budget;
mod code;
mod construction;
mod decoder;
pub mod ensemble;
mod frames;
pub mod kernel;
mod lanes;
mod layout;
mod levels;
mod messages;
#[cfg(target_arch = "x86_64")]
mod vbmi;

pub use alice::Alice;
pub use bob::Bob;
pub use budget::ROUND_TRIPS;
pub use construction::construction;
pub use kernel::Curve;
pub use layout::{Layout, MAX_QBER};

#[cfg(test)]
mod tests;
