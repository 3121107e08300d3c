//! A device's port: its end of the link, and when bytes from the host reach the device.

use crate::cable::Cable;
use crate::device::Device;
use helio_bench::InterlockState;
use helio_firmware::Event;
use helio_link::{PipeEnd, TransportError};
use helio_units::{Picoseconds, TickLength, Ticks};

/// A host shows that it is alive each time it has seen so much device time go by.
const BEAT: Picoseconds = Picoseconds(100_000_000_000);
/// How long after each whole [`BEAT`] its sign must have come: what the device says is on its way
/// for up to 5 ms before it flushes, the rest is for host and device to work at the same time.
const GRACE: Picoseconds = Picoseconds(20_000_000_000);
/// No supervised device goes on for longer without a word: a step less than its interlock bears.
const SILENCE: Picoseconds = Picoseconds(240_000_000_000);

/// Bytes from a host that may wait for the instant at which they reach the device; further ones
/// wait on the link. Two heartbeats are due at a time, of some 20 bytes each.
const WAITING: usize = 64 * 1024;
/// Chunks that are answered at a time while time stands: no host keeps the other from its turn.
const CHUNKS: usize = 256;

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
    beat: u64,
    grace: u64,
    silence: u64,
    /// The next instant at which bytes from the host reach the device, while it runs.
    due: Ticks,
    /// When bytes from the host reached the device last.
    heard: Ticks,
}

impl Port {
    pub fn new(end: PipeEnd, tick: TickLength) -> Port {
        Port {
            end: Some(end),
            waiting: Vec::new(),
            chunk: Vec::new(),
            cable: Cable::default(),
            beat: tick.ticks_covering(BEAT).0.max(1),
            grace: tick.ticks_covering(GRACE).0,
            silence: tick.ticks_covering(SILENCE).0,
            due: Ticks(0),
            heard: Ticks(0),
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
        device.signal(Event::LinkReset);
        self.turns(device, now, &[]);
        self.cable.bytes.clear();
    }

    pub fn is_plugged(&self) -> bool {
        self.end.is_some()
    }

    /// A run begins at `now`: the first whole beat after it is the first one asked for.
    fn depart(&mut self, now: Ticks) {
        let beat = (now.0 / self.beat + 1) * self.beat + self.grace;
        self.due = Ticks(beat.min(self.heard.0 + self.silence));
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
        self.heard = now;
        self.turns(device, now, rx);
        if !ran && device.is_running() {
            self.depart(now);
        }
    }

    fn turns(&mut self, device: &mut impl Device, now: Ticks, rx: &[u8]) {
        device.turn(now, rx, &mut self.cable);
        device.turn(now, &[], &mut self.cable);
    }

    /// Whether the device may not go on before its host has said something.
    pub fn waits(&self, device: &impl Device, now: Ticks) -> bool {
        let overdue = if device.is_running() {
            now >= self.due
        } else {
            device.interlock() == InterlockState::Armed && now.0 >= self.heard.0 + self.silence
        };
        overdue && self.waiting.is_empty() && self.is_plugged()
    }

    /// Whether the device may not go on before its host has taken something.
    pub fn is_full(&self) -> bool {
        !self.cable.bytes.is_empty()
    }

    /// A turn of the device between two steps; not while it [waits](Port::waits).
    pub fn turn(&mut self, device: &mut impl Device, now: Ticks) -> Result<(), HostGone> {
        let ran = device.is_running();
        if ran && now < self.due {
            device.turn(now, &[], &mut self.cable);
            return self.flush();
        }
        while self.due <= now {
            self.due = Ticks(self.due.0 + self.beat);
        }
        if !self.waiting.is_empty() {
            self.heard = now;
        }
        device.turn(now, &self.waiting, &mut self.cable);
        self.waiting.clear();
        if !ran && device.is_running() {
            self.depart(now);
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
