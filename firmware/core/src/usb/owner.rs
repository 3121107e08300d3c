//! Which of the two pipes the device listens to: the one that said `Hello`.
//!
//! The other one is listened to only as far as it takes to answer a host there. What noise it
//! makes, a modem manager's AT commands above all, is no bad frame and trips nothing.

use super::Pipe;
use super::ring::Ring;
use crate::cable::{Outlet, Transmit};
use helio_units::Ticks;
use helio_wire::{Decoder, DeviceMessage, ErrorCode, Frame, HostMessage, Stream, decode_host};

/// The longest frame that is looked at on a pipe that does not own the device. `Hello` has 19
/// bytes; what is longer is passed over.
const EAR: usize = 64;
/// Bytes of answers to a pipe that does not own the device: two refusals, in a packet that is not
/// full and so ends the host's transfer by itself. A host that does not take them gets no more.
const REFUSALS: usize = super::PACKET - 1;

/// Nonce and sequence of refusals. They are no part of the device's conversation with its owner:
/// a host that is refused learns no nonce, so that its next `Hello` begins afresh, and takes no
/// later frame of the device for a repeat.
const STRANGER: (u32, u32) = (0, u32::MAX);

/// What a frame on a pipe that does not own the device comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is a `Hello`, and the device is free: the pipe owns it now.
    Take,
    /// It is refused.
    Refuse { command: u32, code: ErrorCode, detail: u32 },
    /// No frame, or not addressed to a device.
    Pass,
}

/// A pipe as far as it does not own the device.
struct Ear {
    bytes: heapless::Vec<u8, EAR>,
    /// More bytes came than a frame that is looked at may have; until the next zero.
    too_long: bool,
    refusals: heapless::Vec<u8, REFUSALS>,
}

/// Both pipes, and whose the device is.
pub struct Ownership {
    owner: Option<Pipe>,
    /// When the owner was heard last.
    heard: Ticks,
    patience: u64,
    ears: [Ear; 2],
    decoder: Decoder,
}

/// What came of bytes from a pipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Another pipe owned the device before: everything of it is to be forgotten, and was so here.
    pub taken: bool,
}

impl Ownership {
    pub fn new(patience: Ticks) -> Ownership {
        let ear =
            || Ear { bytes: heapless::Vec::new(), too_long: false, refusals: heapless::Vec::new() };
        Ownership {
            owner: None,
            heard: Ticks(0),
            patience: patience.0,
            ears: [ear(), ear()],
            decoder: Decoder::new(),
        }
    }

    pub fn owner(&self) -> Option<Pipe> {
        self.owner
    }

    /// Nobody's, and nothing was said.
    pub fn clear(&mut self) {
        self.owner = None;
        for ear in &mut self.ears {
            ear.bytes.clear();
            ear.too_long = false;
            ear.refusals.clear();
        }
    }

    /// Bytes from a pipe; those of the owner, from its `Hello` on, are appended to `to_device`,
    /// which has room for all of them and for [`EAR`] more.
    pub fn hear<const N: usize>(
        &mut self,
        pipe: Pipe,
        mut bytes: &[u8],
        now: Ticks,
        to_device: &mut Ring<N>,
    ) -> Heard {
        let mut heard = Heard::default();
        while !bytes.is_empty() && self.owner != Some(pipe) {
            let end = bytes.iter().position(|byte| *byte == 0);
            let (part, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
            bytes = rest;
            let ear = &mut self.ears[pipe as usize];
            ear.too_long |= ear.bytes.extend_from_slice(part).is_err();
            if end.is_none() {
                break;
            }
            match self.judge(pipe, now) {
                Verdict::Take => {
                    heard.taken = self.owner.is_some();
                    to_device.clear();
                    to_device.push(&self.ears[pipe as usize].bytes);
                    self.clear();
                    self.owner = Some(pipe);
                }
                Verdict::Refuse { command, code, detail } => {
                    self.ears[pipe as usize].refuse(command, code, detail);
                }
                Verdict::Pass => {}
            }
            let ear = &mut self.ears[pipe as usize];
            ear.bytes.clear();
            ear.too_long = false;
        }
        if self.owner == Some(pipe) {
            self.heard = now;
            let kept = to_device.push(bytes);
            debug_assert!(kept, "there is room for what is read");
        }
        heard
    }

    /// What is to be told on a pipe that does not own the device; empty if nothing.
    pub fn refusals(&mut self, pipe: Pipe) -> &mut heapless::Vec<u8, REFUSALS> {
        &mut self.ears[pipe as usize].refusals
    }

    fn judge(&mut self, pipe: Pipe, now: Ticks) -> Verdict {
        let ear = &self.ears[pipe as usize];
        if ear.too_long {
            return Verdict::Pass;
        }
        let silence = now.0.saturating_sub(self.heard.0);
        let busy = self.owner.is_some() && silence < self.patience;
        let mut verdict = Verdict::Pass;
        self.decoder.reset();
        self.decoder.push(&ear.bytes, |frame| {
            if let Ok(frame) = frame {
                verdict = judge(frame, busy);
            }
        });
        verdict
    }
}

fn judge(frame: Frame<'_>, busy: bool) -> Verdict {
    let command = frame.header().map_or(0, |header| header.sequence);
    let refuse = |code, detail| Verdict::Refuse { command, code, detail };
    match decode_host(frame).map(|(_, message)| message) {
        _ if busy => refuse(ErrorCode::Busy, 0),
        Ok(HostMessage::Hello) => Verdict::Take,
        // Whoever owns it has to say Hello first, and does again after a reset of the link.
        Ok(_) => refuse(ErrorCode::WrongState, 0),
        // A host of another version learns which one this is, and trips nothing of somebody else.
        Err(error) => {
            let (code, detail) = error.answer();
            refuse(code, detail)
        }
    }
}

impl Ear {
    fn refuse(&mut self, command: u32, code: ErrorCode, detail: u32) {
        let message = DeviceMessage::Error { command, code, detail };
        // A host that lets its answers lie gets no further ones.
        let (mut buffer, mut tx) = ([0; REFUSALS], Refusals(&mut self.refusals));
        let mut outlet = Outlet::counting_from(Stream::Control, STRANGER.0, STRANGER.1);
        let _ = outlet.send(0, &message, &mut buffer, &mut tx);
    }
}

struct Refusals<'a>(&'a mut heapless::Vec<u8, REFUSALS>);

impl Transmit for Refusals<'_> {
    fn space(&self) -> usize {
        self.0.capacity() - self.0.len()
    }

    fn send(&mut self, frame: &[u8]) {
        let _ = self.0.extend_from_slice(frame);
    }
}
