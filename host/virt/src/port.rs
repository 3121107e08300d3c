//! A device's port: its end of the link, and when bytes from the host reach the device.

use crate::cable::Cable;
use crate::device::Device;
use helio_link::{PipeEnd, Transport, TransportError};
use helio_units::{Picoseconds, TickLength, Ticks};

/// A host shows that it is alive each time it has seen so much device time go by.
const BEAT: Picoseconds = Picoseconds(100_000_000_000);
/// How long after each whole [`BEAT`] its sign must have come: what the device says is on its way
/// for up to 5 ms before it flushes, the rest is for host and device to work at the same time.
const GRACE: Picoseconds = Picoseconds(20_000_000_000);

/// The host has dropped its end of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostGone;

#[derive(Debug)]
pub(crate) struct Port {
    end: PipeEnd,
    /// Bytes from the host that the device has not seen yet.
    waiting: Vec<u8>,
    chunk: Vec<u8>,
    cable: Cable,
    beat: u64,
    grace: u64,
    /// The next instant at which bytes from the host reach the device, while it runs.
    due: Ticks,
}

impl Port {
    pub fn new(end: PipeEnd, tick: TickLength) -> Port {
        Port {
            end,
            waiting: Vec::new(),
            chunk: Vec::new(),
            cable: Cable::default(),
            beat: tick.ticks_covering(BEAT).0.max(1),
            grace: tick.ticks_covering(GRACE).0,
            due: Ticks(0),
        }
    }

    /// Time begins to pass at `now`: the first whole beat after it is the first one asked for.
    pub fn depart(&mut self, now: Ticks) {
        self.due = Ticks((now.0 / self.beat + 1) * self.beat + self.grace);
    }

    /// Turns of the device while time stands: each chunk that the host has sent reaches it by
    /// itself, so that it does not matter how many come together. Two turns a chunk, so that the
    /// control plane tells what came of its orders.
    pub fn stand(&mut self, device: &mut impl Device, now: Ticks) -> Result<(), HostGone> {
        while self.try_receive()? {
            device.turn(now, &self.chunk, &mut self.cable);
            device.turn(now, &[], &mut self.cable);
        }
        self.flush()
    }

    /// Turns of a device that has nothing to hear: it has booted, or its run has just ended.
    pub fn settle(&mut self, device: &mut impl Device, now: Ticks) -> Result<(), HostGone> {
        device.turn(now, &[], &mut self.cable);
        device.turn(now, &[], &mut self.cable);
        self.flush()
    }

    /// Whether the device may not go on before its host has said something.
    pub fn waits(&self, device: &impl Device, now: Ticks) -> bool {
        device.is_running() && now >= self.due && self.waiting.is_empty()
    }

    /// A turn of the device between two steps; not while it [waits](Port::waits).
    pub fn turn(&mut self, device: &mut impl Device, now: Ticks) -> Result<(), HostGone> {
        if device.is_running() && now < self.due {
            device.turn(now, &[], &mut self.cable);
            return self.flush();
        }
        while self.due <= now {
            self.due = Ticks(self.due.0 + self.beat);
        }
        device.turn(now, &self.waiting, &mut self.cable);
        self.waiting.clear();
        self.flush()
    }

    pub fn end(&self) -> &PipeEnd {
        &self.end
    }

    /// Takes what the host has sent.
    pub fn collect(&mut self) -> Result<(), HostGone> {
        while self.try_receive()? {
            self.waiting.extend_from_slice(&self.chunk);
        }
        Ok(())
    }

    /// Whether there is a chunk.
    fn try_receive(&mut self) -> Result<bool, HostGone> {
        match self.end.try_receive(&mut self.chunk) {
            Ok(()) => Ok(true),
            Err(TransportError::TimedOut) => Ok(false),
            Err(_) => Err(HostGone),
        }
    }

    fn flush(&mut self) -> Result<(), HostGone> {
        let sent = self.end.send(&self.cable.bytes);
        self.cable.bytes.clear();
        sent.map_err(|_| HostGone)
    }
}
