//! A line inside a process: two stations in one program, or a test in the middle.

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::{Ends, LineFault, Meeting, MessageIn, MessageOut};

/// Messages that wait on a line each way.
const DEPTH: usize = 256;

/// A line that stands, both of its ends.
pub fn line() -> (Ends, Ends) {
    let (to_far, at_far) = bounded(DEPTH);
    let (to_near, at_near) = bounded(DEPTH);
    let end = |out, inward| Ends {
        out: Box::new(JointOut(out)),
        inward: Box::new(JointIn { messages: inward, heard: 0 }),
        peer: "this process".into(),
    };
    (end(to_far, at_near), end(to_near, at_far))
}

/// Meets whoever hands it an end.
pub struct JointMeeting(Receiver<Ends>);

impl JointMeeting {
    /// A meeting, and where to hand ends to.
    pub fn new() -> (Sender<Ends>, JointMeeting) {
        let (ends, meeting) = bounded(1);
        (ends, JointMeeting(meeting))
    }
}

impl Meeting for JointMeeting {
    fn meet(&mut self, patience: Duration) -> Result<Option<Ends>, LineFault> {
        match self.0.recv_timeout(patience) {
            Ok(ends) => Ok(Some(ends)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                Err(LineFault::Endpoint("the program that joins the two stations is gone".into()))
            }
        }
    }

    fn endpoint(&self) -> String {
        "inside this process".into()
    }
}

struct JointOut(Sender<Vec<u8>>);

impl MessageOut for JointOut {
    fn send(&mut self, message: &[u8]) -> Result<(), LineFault> {
        self.0.send(message.to_vec()).map_err(|_| LineFault::Closed)
    }
}

struct JointIn {
    messages: Receiver<Vec<u8>>,
    heard: u64,
}

impl MessageIn for JointIn {
    fn receive(&mut self, patience: Duration) -> Result<Option<Vec<u8>>, LineFault> {
        match self.messages.recv_timeout(patience) {
            Ok(message) => {
                self.heard += message.len() as u64 + 1;
                Ok(Some(message))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(LineFault::Closed),
        }
    }

    fn heard(&self) -> u64 {
        self.heard
    }
}
