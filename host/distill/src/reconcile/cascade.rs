//! Cascade (Brassard and Salvail, EUROCRYPT '93), in lockstep over many frames.
//!
//! The string is cut into frames of about 10^5 bits. A frame has up to three passes, each an order
//! of its bits ([`order`]) cut into blocks ([`layout`]). Blocks whose parities differ are bisected, all
//! of a pass at once; each correction turns the parity of that bit's blocks in the other passes,
//! which are searched again, and every parity once known bounds what is searched ([`pass`],
//! [`frame`]). Then parities of random halves of the frame show whether something is left ([`check`]).
//! The sizes follow Martinez-Mateo and others, "Demystifying the information reconciliation protocol
//! Cascade", arXiv:1407.3257, with the first parities of all passes told at once and the later,
//! larger passes replaced by the random halves, which find the rare pairs left in one round.
//!
//! **Messages.** Both stations keep the same account of which parities differ, so questions need no
//! words: each knows what the other asks. A message holds only parities, those of all frames in
//! order, and each parity is one bit of the leak. A station that hears parities compares them with its
//! own, knows the next questions, and tells for them its own parities first: so a round costs half
//! a round trip.
//!
//! | message | content, for each frame that is not done |
//! |---|---|
//! | Alice: first | her parities of the first blocks |
//! | Bob, Alice in turn | its parities of what the other told last; then of the questions that follow |
//!
//! Bits are packed, padding zero. Bob's message after which all frames are done is the last; it may
//! be empty.
//!
//! **Charge.** For each question Alice tells a parity, and Bob's tells whether his differs: one bit each
//! way. Counting one direction only is a flaw (arXiv:2307.00576), so Cascade pays about twice the
//! efficiency that is quoted for it. Neither station tells more than half of λ_max, whatever it
//! hears; a liar costs bounded work, as every round costs a parity and no bit is corrected twice.
//!
//! **Measured** with the example `cascade` (its head has the commands): independent errors at the rate
//! that the plan was made for; CPU time of each party on one core of a shared 2-core EPYC (Zen 4).
//!
//! Blocks of ten frames (`table 1000000 1000`; below 1 % and above 5 % of 30 blocks):
//!
//! | q | f_alice | f_charged | λ_max used at most | dropped blocks | frames that differ | round trips | Alice, Mbit/s | Bob, Mbit/s |
//! |---|---|---|---|---|---|---|---|---|
//! | 0.10 % | 1.1154 | 2.344 | 0.996 | 0 of 30 | 0 of 300 | 128 | 1349 | 842 |
//! | 0.25 % | 1.0382 | 2.238 | 0.955 | 0 of 30 | 0 of 300 | 132 | 835 | 493 |
//! | 0.50 % | 1.0368 | 2.196 | 0.967 | 0 of 30 | 0 of 300 | 133 | 641 | 548 |
//! | 1.00 % | 1.0394 | 2.172 | 0.982 | 0 of 1000 | 0 of 10000 | 137 | 377 | 345 |
//! | 2.00 % | 1.0439 | 2.164 | 0.981 | 0 of 1000 | 0 of 10000 | 139 | 254 | 234 |
//! | 3.00 % | 1.0458 | 2.168 | 0.978 | 0 of 1000 | 0 of 10000 | 149 | 224 | 209 |
//! | 5.00 % | 1.0533 | 2.183 | 0.975 | 0 of 1000 | 0 of 10000 | 232 | 155 | 143 |
//! | 8.00 % | 1.0787 | 2.213 | 0.979 | 0 of 30 | 0 of 300 | 155 | 104 | 100 |
//!
//! Blocks of 977 frames, which save round trips (`table 100000000 10`, and 2 of them at 1 and 5 %):
//!
//! | q | f_alice | f_charged | λ_max used at most | dropped blocks | frames that differ | round trips | Alice, Mbit/s | Bob, Mbit/s |
//! |---|---|---|---|---|---|---|---|---|
//! | 1.00 % | 1.0541 | 2.175 | 0.970 | 0 of 2 | 0 of 1954 | 66 | 262 | 232 |
//! | 2.00 % | 1.0637 | 2.179 | 0.977 | 0 of 10 | 0 of 9770 | 58 | 199 | 185 |
//! | 3.00 % | 1.0664 | 2.187 | 0.976 | 0 of 10 | 0 of 9770 | 61 | 160 | 152 |
//! | 5.00 % | 1.0817 | 2.205 | 0.981 | 0 of 2 | 0 of 1954 | 70 | 101 | 97 |
//!
//! Short strings (`table 1000 4000`, `table 10000 1000`, `table 100000 1000`):
//!
//! | bits | q | f_alice | f_charged | dropped blocks | frames that differ | round trips |
//! |---|---|---|---|---|---|---|
//! | 1000 | 1.00 % | 1.1878 | 4.456 | 0 of 4000 | 2 of 4000 | 21 |
//! | 1000 | 2.00 % | 1.1552 | 3.648 | 0 of 4000 | 0 of 4000 | 21 |
//! | 1000 | 5.00 % | 1.1147 | 3.024 | 2 of 4000 | 1 of 4000 | 36 |
//! | 10000 | 1.00 % | 1.0665 | 2.703 | 1 of 1000 | 0 of 1000 | 47 |
//! | 10000 | 2.00 % | 1.0653 | 2.523 | 0 of 1000 | 0 of 1000 | 51 |
//! | 10000 | 5.00 % | 1.0712 | 2.392 | 0 of 1000 | 0 of 1000 | 102 |
//! | 100000 | 1.00 % | 1.0390 | 2.282 | 0 of 1000 | 0 of 1000 | 95 |
//! | 100000 | 2.00 % | 1.0437 | 2.239 | 0 of 1000 | 0 of 1000 | 99 |
//! | 100000 | 5.00 % | 1.0531 | 2.228 | 0 of 1000 | 0 of 1000 | 180 |
//!
//! Both parties in turn over a line with a round trip of 50 ms, at 2 % (`delay`; computed from the
//! measured CPU time and number of round trips):
//!
//! | bits | frames in flight | round trips | per frame | no delay, Mbit/s | with it | share | memory, bytes a bit |
//! |---|---|---|---|---|---|---|---|
//! | 100000 | 1 | 75 | 75.000 | 94.0 | 0.03 | 0.0 % | 2.87 |
//! | 1000000 | 10 | 138 | 13.800 | 95.0 | 0.14 | 0.2 % | 1.63 |
//! | 10000000 | 98 | 53 | 0.541 | 95.8 | 3.63 | 3.8 % | 1.42 |
//! | 100000000 | 977 | 60 | 0.061 | 77.6 | 23.31 | 30.1 % | 1.40 |
//! | 300000000 | 2930 | 62 | 0.021 | 71.7 | 41.17 | 57.5 % | 1.39 |
//! | 900000000 | 8789 | 60 | 0.007 | 80.1 | 63.23 | 78.9 % | 1.43 |
//!
//! They speak in strict turn, so a block waits for its round trips, however many frames it has: 80 %
//! of the rate without delay takes 0.9 to 1 Gbit in flight (1.4 GB at each), a link of 10 Mbit/s
//! 36 Mbit, one of 20 Mbit/s 86 Mbit. At 0.1 % a block of ten frames has been within 0.4 % of λ_max. At 9.5 %, with its
//! margins, λ_max is more than the string and the plan is refused.

mod check;
mod frame;
mod geometry;
mod layout;
mod order;
mod party;
mod pass;
#[cfg(test)]
mod reference;
mod wire;

pub use layout::Layout;

use helio_keys::SecretBits;

use super::{AliceStep, BobStep, Leak, Outcome, ReconcileAlice, ReconcileBob, ReconcileError};
use party::Party;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Fresh,
    Asking,
    Done,
    /// The other station's message was refused.
    Dropped,
}

/// Alice: her string is the reference.
pub struct Alice {
    party: Party,
    state: State,
}

impl Alice {
    /// For a string of the length that `layout` was chosen for.
    pub fn new(layout: Layout, bits: &SecretBits) -> Alice {
        Alice { party: Party::new(layout, bits, false), state: State::Fresh }
    }
}

impl ReconcileAlice for Alice {
    fn first(&mut self) -> Vec<u8> {
        self.state = State::Asking;
        self.party.first()
    }

    fn handle(&mut self, message: &[u8]) -> Result<AliceStep, ReconcileError> {
        if self.state != State::Asking {
            return Err(ReconcileError::OutOfTurn);
        }
        self.state = State::Dropped;
        let answer = self.party.turn(message, true)?;
        if answer.is_empty() {
            self.state = State::Done;
            return Ok(AliceStep::Done);
        }
        self.state = State::Asking;
        Ok(AliceStep::Send(answer))
    }

    fn leak(&self) -> Leak {
        let (alice_bits, bob_bits) = self.party.told_and_heard();
        Leak { alice_bits, bob_bits }
    }
}

/// Bob: his string changes.
pub struct Bob {
    party: Party,
    state: State,
    bits: SecretBits,
}

impl Bob {
    /// For a string of the length that `layout` was chosen for.
    pub fn new(layout: Layout, bits: &SecretBits) -> Bob {
        Bob { party: Party::new(layout, bits, true), state: State::Fresh, bits: bits.duplicate() }
    }
}

impl ReconcileBob for Bob {
    fn handle(&mut self, message: &[u8]) -> Result<BobStep, ReconcileError> {
        let answers = match self.state {
            State::Fresh => false,
            State::Asking => true,
            State::Done | State::Dropped => return Err(ReconcileError::OutOfTurn),
        };
        self.state = State::Dropped;
        let answer = self.party.turn(message, answers)?;
        if self.party.is_done() {
            self.state = State::Done;
            return Ok(BobStep::SendDone(answer));
        }
        self.state = State::Asking;
        Ok(BobStep::Send(answer))
    }

    fn leak(&self) -> Leak {
        let (bob_bits, alice_bits) = self.party.told_and_heard();
        Leak { alice_bits, bob_bits }
    }

    fn corrected(self: Box<Self>) -> Result<(SecretBits, Outcome), ReconcileError> {
        if self.state != State::Done {
            return Err(ReconcileError::OutOfTurn);
        }
        let outcome = Outcome {
            leak: self.leak(),
            corrected_errors: self.party.corrections(),
            frames: self.party.frames(),
            iterations: self.party.rounds().into(),
            ..Outcome::default()
        };
        let mut bits = self.bits;
        bits.xor_assign(&SecretBits::from_words(self.party.pattern(), bits.len()));
        Ok((bits, outcome))
    }
}

#[cfg(test)]
mod tests;
