//! Alice discloses the core's checks of each frame, then what Bob asks for within λ_max.

use helio_keys::SecretBits;

use super::frames::{Frames, Next};
use super::layout::Layout;
use super::messages::{parse_verdicts, write_words};
use crate::reconcile::{AliceStep, Leak, ReconcileAlice, ReconcileError};

#[derive(PartialEq)]
enum State {
    Fresh,
    /// Frames that Bob has not decoded, and how often they failed before.
    AwaitVerdicts {
        outstanding: Vec<usize>,
        failures: usize,
    },
    AwaitEnd,
    Done,
}

/// Alice: she answers.
pub struct Alice {
    frames: Frames,
    state: State,
    leak: Leak,
}

impl Alice {
    /// For a string of the length that `layout` was chosen for.
    pub fn new(layout: Layout, bits: &SecretBits) -> Alice {
        Alice { frames: Frames::new(layout, bits), state: State::Fresh, leak: Leak::default() }
    }

    fn disclose(&self, next: &Next, frames: &[usize]) -> Vec<u8> {
        let mut message = Vec::with_capacity(self.frames.message_bytes(next, frames));
        for &frame in frames {
            match next {
                Next::Rows(rows) => {
                    let checks = self.frames.syndrome(frame, rows.clone());
                    write_words(checks.into_iter(), &mut message);
                }
                Next::InFull => write_words(self.frames.words(frame), &mut message),
            }
        }
        message
    }
}

impl ReconcileAlice for Alice {
    fn first(&mut self) -> Vec<u8> {
        let outstanding: Vec<usize> = (0..self.frames.count()).collect();
        let core = self.frames.next(0);
        // Bob's verdicts on it are charged with it, before he has said them.
        self.leak = self.frames.cost(&core, &outstanding);
        let message = self.disclose(&core, &outstanding);
        self.state = State::AwaitVerdicts { outstanding, failures: 0 };
        message
    }

    fn handle(&mut self, message: &[u8]) -> Result<AliceStep, ReconcileError> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::AwaitVerdicts { outstanding, failures } => {
                let failed = parse_verdicts(message, &outstanding)?;
                if failed.is_empty() {
                    return Ok(AliceStep::Done);
                }
                let next = self.frames.next(failures + 1);
                self.leak = self.frames.charge(self.leak, self.frames.cost(&next, &failed))?;
                let disclosed = self.disclose(&next, &failed);
                self.state = match next {
                    Next::Rows(_) => {
                        State::AwaitVerdicts { outstanding: failed, failures: failures + 1 }
                    }
                    Next::InFull => State::AwaitEnd,
                };
                Ok(AliceStep::Send(disclosed))
            }
            State::AwaitEnd if message.is_empty() => Ok(AliceStep::Done),
            State::AwaitEnd => Err(ReconcileError::Malformed("the end is not empty")),
            State::Fresh | State::Done => Err(ReconcileError::OutOfTurn),
        }
    }

    fn leak(&self) -> Leak {
        self.leak
    }
}
