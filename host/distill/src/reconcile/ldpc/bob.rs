//! Bob decodes, and asks for more where he cannot.

use helio_keys::SecretBits;
use zeroize::Zeroizing;

use super::decoder::Decoder;
use super::frames::{Frames, Next};
use super::kernel::ITERATIONS;
use super::layout::Layout;
use super::messages::{encode_verdicts, read_words};
use crate::reconcile::{BobStep, Leak, Outcome, ReconcileBob, ReconcileError};

/// A frame that is not decoded yet, and the sum of both stations' checks of it.
struct Outstanding {
    frame: usize,
    difference: Zeroizing<Vec<u64>>,
}

enum State {
    /// Checks are due of the outstanding frames, which failed so often before.
    AwaitChecks {
        outstanding: Vec<Outstanding>,
        failures: usize,
    },
    AwaitFrames(Vec<usize>),
    Fixed,
    Dropped,
}

/// Bob: he changes his string.
pub struct Bob {
    frames: Frames,
    state: State,
    outcome: Outcome,
}

impl Bob {
    /// For a string of the length that `layout` was chosen for.
    pub fn new(layout: Layout, bits: &SecretBits) -> Bob {
        let outcome = Outcome { frames: layout.frames as u32, ..Outcome::default() };
        let fresh = |frame| Outstanding { frame, difference: Zeroizing::default() };
        let outstanding = (0..layout.frames as usize).map(fresh).collect();
        let state = State::AwaitChecks { outstanding, failures: 0 };
        Bob { frames: Frames::new(layout, bits), state, outcome }
    }

    /// Takes the outstanding frames' next checks, decodes, and keeps those that fail.
    fn decode(&mut self, message: &[u8], next: &Next, outstanding: &mut Vec<Outstanding>) {
        let Next::Rows(rows) = next else { return };
        let mut of_alice = read_words(message);
        let mut decoder = Decoder::new(&self.frames.code);
        outstanding.retain_mut(|Outstanding { frame, difference }| {
            let own = Zeroizing::new(self.frames.syndrome(*frame, rows.clone()));
            let longer = own.iter().zip(&mut of_alice).map(|(own, word)| own ^ word);
            // Not grown in place, which would leave a copy behind.
            *difference = Zeroizing::new(difference.iter().copied().chain(longer).collect());
            match decoder.decode(difference, self.frames.bit_count(*frame)) {
                Some(iterations) => {
                    self.outcome.iterations += u64::from(iterations);
                    self.outcome.corrected_errors += self.frames.add(*frame, decoder.errors());
                    false
                }
                None => {
                    self.outcome.iterations += u64::from(ITERATIONS);
                    true
                }
            }
        });
    }

    /// Takes frames as Alice disclosed them.
    fn replace(&mut self, failed: &[usize], message: &[u8]) -> Result<(), ReconcileError> {
        if message.len() != self.frames.message_bytes(&Next::InFull, failed) {
            return Err(ReconcileError::Malformed("disclosed frames have another length"));
        }
        let mut words = read_words(message);
        for &frame in failed {
            let of_frame: Vec<u64> = words.by_ref().take(self.frames.word_count(frame)).collect();
            let in_bits = self.frames.bit_count(frame);
            if !in_bits.is_multiple_of(64) && of_frame[in_bits / 64] >> (in_bits % 64) != 0 {
                return Err(ReconcileError::Malformed("a disclosed frame has bits in its padding"));
            }
            let own: Zeroizing<Vec<u64>> = Zeroizing::new(self.frames.words(frame).collect());
            let difference = own.iter().zip(of_frame).map(|(a, b)| a ^ b);
            self.outcome.corrected_errors += self.frames.add(frame, difference);
        }
        Ok(())
    }

    fn hear_checks(
        &mut self,
        message: &[u8],
        mut outstanding: Vec<Outstanding>,
        failures: usize,
    ) -> Result<BobStep, ReconcileError> {
        let numbers = |frames: &[Outstanding]| -> Vec<usize> {
            frames.iter().map(|outstanding| outstanding.frame).collect()
        };
        let next = self.frames.next(failures);
        let asked = numbers(&outstanding);
        if message.len() != self.frames.message_bytes(&next, &asked) {
            return Err(ReconcileError::Malformed("checks have another length"));
        }
        if failures == 0 {
            self.outcome.leak = self.frames.cost(&next, &asked);
        }
        self.decode(message, &next, &mut outstanding);
        let failed = numbers(&outstanding);
        let verdicts = encode_verdicts(&asked, &failed);
        if failures == 0 {
            self.outcome.failed_at_first = failed.len() as u32;
        }
        if failed.is_empty() {
            self.state = State::Fixed;
            return Ok(BobStep::SendDone(verdicts));
        }
        // The question makes Alice disclose the answer: it is charged before it is asked.
        let next = self.frames.next(failures + 1);
        let cost = self.frames.cost(&next, &failed);
        self.outcome.leak = self.frames.charge(self.outcome.leak, cost)?;
        self.outcome.blind_rounds += 1;
        self.state = match next {
            Next::Rows(_) => State::AwaitChecks { outstanding, failures: failures + 1 },
            Next::InFull => {
                self.outcome.failed_frames = failed.len() as u32;
                State::AwaitFrames(failed)
            }
        };
        Ok(BobStep::Send(verdicts))
    }
}

impl ReconcileBob for Bob {
    fn handle(&mut self, message: &[u8]) -> Result<BobStep, ReconcileError> {
        match std::mem::replace(&mut self.state, State::Dropped) {
            State::AwaitChecks { outstanding, failures } => {
                self.hear_checks(message, outstanding, failures)
            }
            State::AwaitFrames(failed) => {
                self.replace(&failed, message)?;
                self.state = State::Fixed;
                Ok(BobStep::SendDone(Vec::new()))
            }
            fixed @ State::Fixed => {
                self.state = fixed;
                Err(ReconcileError::OutOfTurn)
            }
            State::Dropped => Err(ReconcileError::OutOfTurn),
        }
    }

    fn leak(&self) -> Leak {
        self.outcome.leak
    }

    fn corrected(mut self: Box<Self>) -> Result<(SecretBits, Outcome), ReconcileError> {
        match self.state {
            State::Fixed => Ok((self.frames.take_bits(), self.outcome)),
            _ => Err(ReconcileError::OutOfTurn),
        }
    }
}
