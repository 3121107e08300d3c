//! The talk about a block in progress: its transcript and when the other was last heard.

use crate::error::{Fault, Result};
use crate::message::Envelope;
use crate::parameters::Parameters;
use crate::progress::BlockProgress;
use crate::release::BlockId;
use crate::transcript::Transcript;

pub(crate) struct Talk {
    pub id: BlockId,
    pub transcript: Transcript,
    /// This station's clock at the last message of either direction.
    pub heard_at_ns: u64,
    /// The step it is in, and when that began.
    step: (&'static str, u64),
}

impl Talk {
    pub fn new(parameters: &Parameters, id: BlockId, now_ns: u64) -> Talk {
        let transcript = Transcript::new(parameters, id);
        Talk { id, transcript, heard_at_ns: now_ns, step: ("beginning", now_ns) }
    }

    /// Notes the step that the talk is in; one of the same name goes on.
    pub fn enter(&mut self, step: &'static str, now_ns: u64) {
        if self.step.0 != step {
            self.step = (step, now_ns);
        }
    }

    /// Where it stands, for people.
    pub fn progress(&self) -> BlockProgress {
        let (step, since_ns) = self.step;
        BlockProgress { block: self.id.block, step, since_ns }
    }

    /// The other's next message of this block: in order, and into the transcript.
    pub fn hear(&mut self, envelope: &Envelope, message: &[u8], now_ns: u64) -> Result<()> {
        let (block, expected) = (self.id.block, self.transcript.next_sequence());
        if envelope.sequence != expected {
            return Err(Fault::OutOfOrder { block, expected, found: envelope.sequence });
        }
        self.transcript.add(message).map_err(|_| Fault::TranscriptTooLong(block))?;
        self.heard_at_ns = now_ns;
        Ok(())
    }
}
