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
//! Measured with `cargo run --release -p helio-distill --example reconciliation -- ldpc 2500` (2 and 3 %;
//! 1250 blocks at 1 and 5 %, 250 at the others): blocks of 10^6 bits in four frames, independent
//! errors at the rate that the plan was made for. `f_charged` is λ_max over n·h(q), both directions
//! included, and `f_alice` what Alice disclosed; frames that fail do so before the first blind
//! round. None was disclosed in full and no error went undetected. Mbit/s of the processor's time of
//! one thread, codes drawn anew for each block, on a virtual Zen 4 with AVX-512 whose two threads
//! were shared with other work: an idle one is faster.
//!
//! | q | f_charged | f_alice | frames that fail | blocks dropped | iterations | Alice, Mbit/s | Bob, Mbit/s |
//! |---|---|---|---|---|---|---|---|
//! | 0.10 % | 3.400 | 3.366 | 0 of 1000 | 0 of 250 | 3.0 | 950 | 255 |
//! | 0.25 % | 1.554 | 1.523 | 0 of 1000 | 0 of 250 | 6.6 | 800 | 163 |
//! | 0.50 % | 1.268 | 1.252 | 6 of 1000 | 0 of 250 | 14.0 | 740 | 97 |
//! | 1.00 % | 1.209 | 1.198 | 11 of 5000 | 0 of 1250 | 17.1 | 1900 | 102 |
//! | 2.00 % | 1.185 | 1.173 | 4 of 10000 | 2 of 2500 | 18.5 | 2600 | 110 |
//! | 3.00 % | 1.173 | 1.159 | 6 of 10000 | 1 of 2500 | 19.6 | 2200 | 93 |
//! | 4.00 % | 1.165 | 1.146 | 1 of 1000 | 0 of 250 | 21.5 | 2600 | 105 |
//! | 5.00 % | 1.150 | 1.139 | 4 of 5000 | 0 of 1250 | 24.0 | 5600 | 87 |
//! | 8.00 % | 1.136 | 1.125 | 0 of 1000 | 0 of 250 | 23.3 | 6000 | 102 |
//! | 9.00 % | 1.135 | 1.124 | 0 of 1000 | 0 of 250 | 24.4 | 5700 | 96 |
//!
//! Short frames cost more, and the drawing of the code tells (2000 blocks of one frame at 2 %):
//!
//! | bits | f_charged | f_alice | frames that fail | blocks dropped | iterations | Alice, Mbit/s | Bob, Mbit/s |
//! |---|---|---|---|---|---|---|---|
//! | 5 000 | 1.633 | 1.450 | 36 | 0 | 7.4 | 47 | 29 |
//! | 10 000 | 1.450 | 1.359 | 23 | 2 | 8.5 | 43 | 29 |
//! | 30 000 | 1.313 | 1.267 | 8 | 0 | 11.0 | 145 | 66 |
//! | 60 000 | 1.267 | 1.222 | 4 | 0 | 13.4 | 318 | 83 |
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
mod layout;
mod levels;
mod messages;

pub use alice::Alice;
pub use bob::Bob;
pub use budget::ROUND_TRIPS;
pub use construction::construction;
pub use ensemble::MARGIN;
pub use kernel::Curve;
pub use layout::{Layout, MAX_QBER};

#[cfg(test)]
mod tests;
