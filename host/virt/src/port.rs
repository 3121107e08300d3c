//! A device's port: its end of the link, and when bytes from the host reach the device.

use crate::cable::Cable;
use helio_firmware::Event;
use helio_link::{PipeEnd, TransportError};
use helio_rig::{Device, Watch};
use helio_units::{TickLength, Ticks};

/// Bytes from a host that may wait for the instant at which they reach the device; further ones
/// wait on the link. Two heartbeats are due at a time, of some 20 bytes each.
const WAITING: usize = 64 * 1024;
/// Chunks that are answered at a time while time stands: no host keeps the other from its turn.
const CHUNKS: usize = 256;

/// So many waits of some 10 ms in vain, and a steered device goes on.
const IN_VAIN: u32 = 100;

/// The host has dropped its end of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostGone;

#[derive(Debug)]
pub(crate) struct Port {
    /// `None` while there is no host.
    end: Option<PipeEnd>,
    /// Bytes from the host that the device has not seen yet.
    waiting: Vec<u8>,
    chunk: Vec<u8>,
    /// What the device has said and the link has not taken yet.
    cable: Cable,
    watch: Watch,
    /// Whether the host has said with a beat where slots lie, or that it does not know: two frames
    /// in one piece.
    steering: bool,
    /// Frames in a piece whose end has not come: a bus may have cut it into packets.
    in_piece: usize,
    /// Waits in vain for such a piece while others came.
    in_vain: u32,
}

impl Port {
    pub fn new(end: PipeEnd, tick: TickLength) -> Port {
        Port {
            end: Some(end),
            waiting: Vec::new(),
            chunk: Vec::new(),
            cable: Cable::default(),
            watch: Watch::new(tick),
            steering: false,
            in_piece: 0,
            in_vain: 0,
        }
    }

    /// A new host; bytes of the one before are gone since [`Port::unplug`].
    pub fn plug(&mut self, end: PipeEnd) {
        self.end = Some(end);
    }

    /// The host is gone: the device sees what a board sees of that, and nobody hears what it says
    /// to it.
    pub fn unplug(&mut self, device: &mut impl Device, now: Ticks) {
        self.end = None;
        self.waiting.clear();
        self.in_piece = 0;
        device.signal(Event::LinkReset);
        self.turns(device, now, &[]);
        self.cable.bytes.clear();
    }

    /// The device has started anew, behind the same link.
    pub fn reboot(&mut self, device: &mut impl Device, now: Ticks) {
        self.waiting.clear();
        self.cable.bytes.clear();
        self.watch.hear(now);
        self.turns(device, now, &[]);
    }

    pub fn is_plugged(&self) -> bool {
        self.end.is_some()
    }

    /// Turns of a device that does not run, while time stands: each chunk that the host has sent reaches it by
    /// itself, so that it does not matter how many come together. Two turns a chunk, so that the
    /// control plane tells what came of its orders.
    pub fn stand(&mut self, device: &mut impl Device, now: Ticks) -> Result<(), HostGone> {
        self.flush()?;
        if !self.is_full() && !self.waiting.is_empty() {
            // Came for a run that has ended meanwhile.
            let waiting = std::mem::take(&mut self.waiting);
            self.answer(device, now, &waiting);
        }
        for _ in 0..CHUNKS {
            if self.is_full() || !self.try_receive()? {
                break;
            }
            let chunk = std::mem::take(&mut self.chunk);
            self.answer(device, now, &chunk);
            self.chunk = chunk;
        }
        self.flush()
    }

    /// Turns of a device that has nothing to hear: it has booted, or its run has just ended.
    pub fn settle(&mut self, device: &mut impl Device, now: Ticks) -> Result<(), HostGone> {
        self.turns(device, now, &[]);
        self.flush()
    }

    fn answer(&mut self, device: &mut impl Device, now: Ticks, rx: &[u8]) {
        let ran = device.is_running();
        self.watch.hear(now);
        self.turns(device, now, rx);
        if !ran && device.is_running() {
            self.watch.depart(now);
        }
    }

    fn turns(&mut self, device: &mut impl Device, now: Ticks, rx: &[u8]) {
        device.turn(now, rx, &mut self.cable);
        device.turn(now, &[], &mut self.cable);
    }

    /// Whether the device may not go on before its host has said something.
    pub fn waits(&self, device: &impl Device, now: Ticks) -> bool {
        let wanted = self.watch.wants_word(device.is_running(), device.interlock(), now);
        let heard = if device.is_steered() { self.steering } else { !self.waiting.is_empty() };
        wanted && !heard && self.is_plugged()
    }

    /// Time has waited in vain. What the host says in a silence, by the wall clock, is not what a
    /// steered device waits for, but it does not wait for ever: a piece may be lost on its way, or
    /// the host steers nothing.
    pub fn waited(&mut self, device: &impl Device, now: Ticks) {
        if self.waits(device, now) && !self.waiting.is_empty() {
            self.in_vain += 1;
            self.steering = self.in_vain >= IN_VAIN;
        }
    }

    /// Whether the device may not go on before its host has taken something.
    pub fn is_full(&self) -> bool {
        !self.cable.bytes.is_empty()
    }

    /// A turn of the device between two steps; not while it [waits](Port::waits).
    pub fn turn(&mut self, device: &mut impl Device, now: Ticks) -> Result<(), HostGone> {
        let ran = device.is_running();
        if ran && !self.watch.is_due(now) {
            device.turn(now, &[], &mut self.cable);
            return self.flush();
        }
        self.watch.next(now);
        if !self.waiting.is_empty() {
            self.watch.hear(now);
        }
        device.turn(now, &self.waiting, &mut self.cable);
        self.waiting.clear();
        (self.steering, self.in_vain) = (false, 0);
        if !ran && device.is_running() {
            self.watch.depart(now);
        }
        self.flush()
    }

    /// The end to wait at for bytes, if there is a host that is listened to.
    pub fn ear(&self) -> Option<&PipeEnd> {
        self.end.as_ref().filter(|_| self.waiting.len() < WAITING && !self.is_full())
    }

    /// The end to wait at for room, if there is a host that has something to take.
    pub fn mouth(&self) -> Option<&PipeEnd> {
        self.end.as_ref().filter(|_| self.is_full())
    }

    /// Takes what the host has sent, and gives it what it has not taken yet.
    pub fn collect(&mut self) -> Result<(), HostGone> {
        self.flush()?;
        while self.waiting.len() < WAITING && self.try_receive()? {
            self.waiting.extend_from_slice(&self.chunk);
            self.in_piece += self.chunk.iter().filter(|byte| **byte == 0).count();
            self.steering |= self.in_piece > 1;
            if self.chunk.ends_with(&[0]) {
                self.in_piece = 0;
            }
        }
        Ok(())
    }

    /// Whether there is a chunk.
    fn try_receive(&mut self) -> Result<bool, HostGone> {
        let Some(end) = &mut self.end else { return Ok(false) };
        match end.try_receive(&mut self.chunk) {
            Ok(()) => Ok(true),
            Err(TransportError::TimedOut) => Ok(false),
            Err(_) => Err(HostGone),
        }
    }

    /// Says what the link has room for. What has none stays, whole, and the device does not go on
    /// before it is gone.
    fn flush(&mut self) -> Result<(), HostGone> {
        let sent = match &mut self.end {
            Some(end) => end.try_send(&self.cable.bytes),
            None => Ok(()),
        };
        match sent {
            Ok(()) => self.cable.bytes.clear(),
            Err(TransportError::TimedOut) => {}
            Err(_) => return Err(HostGone),
        }
        Ok(())
    }
}
