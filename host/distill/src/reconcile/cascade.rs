//! Cascade.

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
        self.state = State::Done;
        let answer = self.party.turn(message, true)?;
        if answer.is_empty() {
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
        let state = std::mem::replace(&mut self.state, State::Done);
        if state == State::Done {
            return Err(ReconcileError::OutOfTurn);
        }
        let answer = self.party.turn(message, state == State::Asking)?;
        if self.party.is_done() {
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
        if self.state != State::Done || !self.party.is_done() {
            return Err(ReconcileError::OutOfTurn);
        }
        let outcome = Outcome {
            leak: self.leak(),
            corrected_errors: self.party.corrections(),
            frames: self.party.frames(),
            failed_frames: 0,
            iterations: self.party.rounds().into(),
        };
        let mut bits = self.bits;
        bits.xor_assign(&SecretBits::from_words(self.party.pattern(), bits.len()));
        Ok((bits, outcome))
    }
}

#[cfg(test)]
mod tests;
