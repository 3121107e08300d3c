//! A device at the end of a transport.

use crate::losses::{Extent, LossReport, Missing};
use crate::pace::Pace;
use crate::transport::{Transport, TransportError};
use helio_units::{SlotIndex, Ticks};
use helio_wire::{
    Arrival, DecodeError, Decoder, DeviceMessage, Frame, FrameError, Header, HostMessage,
    MAX_FRAME, SequenceTracker, Stream, decode_device, encode_host,
};
use std::time::Duration;
use zeroize::Zeroizing;

/// What comes from a device, in order of arrival.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// A message.
    Message(Header, DeviceMessage<'a>),
    /// Frames of a stream are missing before the next message of that stream. Of the tag stream:
    /// slot marks may be among them.
    Lost {
        /// Which.
        stream: Stream,
        /// How many.
        frames: u32,
    },
    /// What missing frames of the tag stream held, now that the next tags are here: the record is
    /// whole before `from` and from `to` on.
    MissingTicks {
        /// First tick of the hole.
        from: Ticks,
        /// First tick after it.
        to: Ticks,
    },
    /// Settings of these slots will not come: lost on the cable, or not sent for want of room.
    MissingSlots {
        /// First slot without settings.
        from: SlotIndex,
        /// First slot after them.
        to: SlotIndex,
    },
    /// The port was away and is open again: what was under way is lost, and the device is asked
    /// who it is. It has tripped if it was armed.
    Replugged,
    /// The device started anew under this nonce: nothing that was known of it holds any more.
    Rebooted {
        /// Its new nonce.
        nonce: u32,
    },
    /// Bytes that are no frame: noise on the cable.
    BadFrame(FrameError),
    /// A whole frame that this host cannot read: the device speaks another version.
    Unknown(DecodeError),
}

/// Told every event, and asked by each for a command that is to go to the device with the next beat.
pub type Rider = Box<dyn FnMut(&Event<'_>) -> Option<HostMessage<'static>> + Send>;

/// The host's end of a connection to one device.
///
/// Every frame is accounted for by the sequence of its stream; repeated frames are dropped. Losses
/// are told twice: at once as [`Event::Lost`], and as the ticks or slots they held when the
/// next frame shows it. [`Connection::losses`] has the sums.
///
/// While data flows a heartbeat goes out for every 100 ms of device time that it shows. Over
/// silence the caller beats: [`Connection::beat`].
pub struct Connection<T> {
    transport: T,
    decoder: Decoder,
    chunk: Vec<u8>,
    sequence: u32,
    epoch: u16,
    openings: u32,
    inbound: Inbound,
    pace: Pace,
    rider: Option<Rider>,
    /// Of the rider.
    with_beat: Option<HostMessage<'static>>,
}

struct Inbound {
    tracker: SequenceTracker,
    /// The control stream was followed from its first frame on, and so the others are too.
    since_boot: bool,
    /// Refused by a device that another pipe owns, and not greeted since.
    refused: bool,
    extent: Extent,
    losses: LossReport,
}

impl<T: Transport> Connection<T> {
    /// A connection on which nothing was said yet; begin with [`HostMessage::Hello`].
    pub fn new(transport: T) -> Connection<T> {
        let inbound = Inbound {
            tracker: SequenceTracker::new(),
            since_boot: false,
            refused: false,
            extent: Extent::default(),
            losses: LossReport::default(),
        };
        Connection {
            openings: transport.openings(),
            transport,
            decoder: Decoder::new(),
            chunk: Vec::new(),
            sequence: 0,
            epoch: 0,
            inbound,
            pace: Pace::default(),
            rider: None,
            with_beat: None,
        }
    }

    /// From now on a rider listens, or none. Its command and the beat are one piece of bytes: who
    /// waits for the host's beat has the command too, and when a beat goes depends on the device's
    /// time alone.
    pub fn ride(&mut self, rider: Option<Rider>) {
        self.rider = rider;
        self.with_beat = None;
    }

    /// Sends a command and returns its sequence number, which its answer carries.
    ///
    /// # Errors
    /// Of the transport, or [`TransportError::NoForm`]; the number is used up either way.
    pub fn send(&mut self, message: &HostMessage<'_>) -> Result<u32, TransportError> {
        // A seed or random bytes may be in it.
        let mut frame = Zeroizing::new([0; MAX_FRAME]);
        let (sequence, length) = self.encode(message, &mut frame[..])?;
        self.transport.send(&frame[..length])?;
        Ok(sequence)
    }

    fn encode(
        &mut self,
        message: &HostMessage<'_>,
        frame: &mut [u8],
    ) -> Result<(u32, usize), TransportError> {
        // Whoever was refused begins afresh.
        let known = self.inbound.tracker.nonce().filter(|_| !self.inbound.refused);
        let header = Header {
            stream: Stream::Control,
            boot_nonce: known.unwrap_or(0),
            epoch: self.epoch,
            sequence: self.sequence,
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.pace.sent(header.sequence, message);
        let length = encode_host(&header, message, frame).map_err(|_| TransportError::NoForm)?;
        Ok((header.sequence, length))
    }

    /// The beat that the device's time asks for, with what rides with it.
    fn beat_in_time(&mut self) -> Result<(), TransportError> {
        let Some(message) = self.with_beat.take() else { return self.beat() };
        let mut frames = [0; 2 * MAX_FRAME];
        let (_, first) = self.encode(&message, &mut frames)?;
        let (_, second) = self.encode(&HostMessage::Heartbeat, &mut frames[first..])?;
        self.transport.send(&frames[..first + second])
    }

    /// Sends a heartbeat now, for a caller that has heard nothing for a while.
    ///
    /// # Errors
    /// Of the transport.
    pub fn beat(&mut self) -> Result<(), TransportError> {
        self.send(&HostMessage::Heartbeat).map(|_| ())
    }

    /// Waits for bytes, hands all events they make to `sink`, and beats if it is time. A port that
    /// was opened anew is told of, and the device behind it greeted.
    ///
    /// # Errors
    /// Of the transport; [`TransportError::TimedOut`] is the one to go on after.
    pub fn receive(
        &mut self,
        timeout: Duration,
        mut sink: impl FnMut(Event<'_>),
    ) -> Result<(), TransportError> {
        let received = self.transport.receive(&mut self.chunk, timeout);
        if self.transport.openings() != self.openings {
            self.openings = self.transport.openings();
            // What the cable tore ends here, and does not swallow the first frame.
            self.decoder.push(&[0], |_| {});
            sink(Event::Replugged);
            self.send(&HostMessage::Hello)?;
        }
        received?;
        let (inbound, pace, epoch) = (&mut self.inbound, &mut self.pace, &mut self.epoch);
        let (rider, with_beat) = (&mut self.rider, &mut self.with_beat);
        self.decoder.push(&self.chunk, |frame| {
            inbound.frame(frame, &mut |event| {
                match &event {
                    Event::Message(header, message) if header.boot_nonce != 0 => {
                        *epoch = header.epoch;
                        pace.received(message);
                    }
                    Event::Rebooted { .. } => pace.reset(),
                    _ => {}
                }
                if let Some(command) = rider.as_mut().and_then(|rider| rider(&event)) {
                    *with_beat = Some(command);
                }
                sink(event);
            });
        });
        let counters = self.decoder.counters();
        self.inbound.losses.bad_frames = counters.bad_frames();
        self.inbound.losses.bad_bytes = counters.skipped_bytes;
        if self.pace.due() { self.beat_in_time() } else { Ok(()) }
    }

    /// What went missing so far.
    pub fn losses(&self) -> &LossReport {
        &self.inbound.losses
    }

    /// The run in which the device was when it last spoke; 0 before it said anything or ran.
    pub fn epoch(&self) -> u16 {
        self.epoch
    }

    /// The device's nonce, once it has said anything but that another pipe owns it.
    pub fn nonce(&self) -> Option<u32> {
        self.inbound.tracker.nonce()
    }

    /// The transport below.
    pub fn transport(&mut self) -> &mut T {
        &mut self.transport
    }
}

impl Inbound {
    fn frame(&mut self, frame: Result<Frame<'_>, FrameError>, sink: &mut impl FnMut(Event<'_>)) {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return sink(Event::BadFrame(error)),
        };
        if let Ok(header) = frame.header() {
            // A refusal is no part of the device's talk and has no place in its sequences.
            self.refused = header.boot_nonce == 0;
            // A frame that cannot be read still has its place.
            if !self.refused && !self.account(&header, sink) {
                return;
            }
        }
        match decode_device(frame) {
            Ok((header, message)) if self.refused => sink(Event::Message(header, message)),
            Ok((header, message)) => self.message(header, message, sink),
            Err(error) => {
                self.losses.unknown_frames += 1;
                if let Ok(header) = frame.header() {
                    self.extent.frames_missing(header.stream);
                    sink(Event::Lost { stream: header.stream, frames: 1 });
                }
                sink(Event::Unknown(error));
            }
        }
    }

    /// Whether the frame is to be used.
    fn account(&mut self, header: &Header, sink: &mut impl FnMut(Event<'_>)) -> bool {
        let missing = match self.tracker.account(header) {
            Arrival::InOrder => 0,
            Arrival::First => {
                self.since_boot |= header.stream == Stream::Control && header.sequence == 0;
                if self.since_boot { header.sequence } else { 0 }
            }
            Arrival::Gap { missing } => missing,
            Arrival::Repeat => {
                self.losses.repeats += 1;
                return false;
            }
            Arrival::Reboot { missing } => {
                self.losses.reboots += 1;
                self.since_boot = true;
                self.extent.reset();
                sink(Event::Rebooted { nonce: header.boot_nonce });
                missing
            }
        };
        if missing > 0 {
            self.losses.frames[usize::from(header.stream.code())] += u64::from(missing);
            self.extent.frames_missing(header.stream);
            sink(Event::Lost { stream: header.stream, frames: missing });
        }
        true
    }

    fn message(
        &mut self,
        header: Header,
        message: DeviceMessage<'_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        match self.extent.message(&header, &message) {
            Some(Missing::Ticks { from, to }) => {
                self.losses.ticks = self.losses.ticks.saturating_add(to.0 - from.0);
                sink(Event::MissingTicks { from, to });
            }
            Some(Missing::Slots { from, to }) => {
                self.losses.slots = self.losses.slots.saturating_add(to.0 - from.0);
                sink(Event::MissingSlots { from, to });
            }
            None => {}
        }
        sink(Event::Message(header, message));
    }
}

#[cfg(test)]
mod tests;
