//! A device's cable on a UART: what waits each way, and when it reaches the device.

use crate::uart::Uart;
use heapless::Deque;
use helio_firmware::Transmit;
use helio_rig::{Rig, Watch};
use helio_units::TickLength;
use helio_wire::Role;

/// Bytes from the device that wait for the line.
const QUEUE: usize = 64 * 1024;
/// With so many waiting, time stands.
const FULL: usize = 32 * 1024;
/// Bytes from the host that wait for the instant at which they reach the device.
const WAITING: usize = 4 * 1024;
/// The end of a frame.
const END: u8 = 0;

/// The queue in front of a line.
struct Cable(Deque<u8, QUEUE>);

impl Transmit for Cable {
    fn space(&self) -> usize {
        QUEUE - self.0.len()
    }

    fn send(&mut self, frame: &[u8]) {
        for byte in frame {
            // There is room: the firmware has asked.
            let _ = self.0.push_back(*byte);
        }
    }
}

/// One device's port.
pub struct Port {
    role: Role,
    uart: Uart,
    cable: Cable,
    waiting: heapless::Vec<u8, WAITING>,
    watch: Watch,
}

impl Port {
    /// Of this station's device, on a UART.
    pub fn new(role: Role, uart: Uart, tick: TickLength) -> Port {
        let cable = Cable(Deque::new());
        Port { role, uart, cable, waiting: heapless::Vec::new(), watch: Watch::new(tick) }
    }

    /// Another bench: nothing waits, nobody has been heard.
    pub fn reset(&mut self, tick: TickLength) {
        self.watch = Watch::new(tick);
        self.cut();
    }

    /// The cable is pulled: what is on it is gone.
    pub fn cut(&mut self) {
        self.cable.0.clear();
        self.waiting.clear();
    }

    /// The device has started anew, behind the same line.
    pub fn reboot(&mut self, rig: &mut Rig) {
        self.cut();
        self.watch.hear(rig.now(self.role));
        self.settle(rig);
    }

    /// Moves bytes from and to the line, as many as it takes now.
    pub fn pump(&mut self) {
        while self.waiting.len() < WAITING
            && let Some(byte) = self.uart.try_get()
        {
            let _ = self.waiting.push(byte);
        }
        while let Some(byte) = self.cable.0.front()
            && self.uart.try_put(*byte)
        {
            self.cable.0.pop_front();
        }
    }

    /// Whether the device may not go on before its host has taken something.
    pub fn is_full(&self) -> bool {
        self.cable.0.len() >= FULL
    }

    /// Whether the device may not go on before its host has said something: where slots lie, too, if it
    /// steers them, or a second beat where it does not know.
    pub fn waits(&self, rig: &Rig) -> bool {
        let (running, interlock) = (rig.is_running(self.role), rig.interlock(self.role));
        let frames = if rig.is_steered(self.role) { 2 } else { 1 };
        self.watch.wants_word(running, interlock, rig.now(self.role)) && !self.has(frames)
    }

    /// Turns of a device while time stands, frame by frame. Two turns a frame, so that the control
    /// plane tells what came of its orders.
    pub fn stand(&mut self, rig: &mut Rig) {
        let now = rig.now(self.role);
        while !self.is_full() && self.whole() > 0 {
            let first = self.waiting.iter().position(|byte| *byte == END);
            let length = first.map_or(self.waiting.len(), |at| at + 1);
            let ran = rig.is_running(self.role);
            self.watch.hear(now);
            rig.turn(self.role, &self.waiting[..length], &mut self.cable);
            rig.turn(self.role, &[], &mut self.cable);
            self.take(length);
            if !ran && rig.is_running(self.role) {
                self.watch.depart(now);
            }
        }
    }

    /// Turns of a device that has nothing to hear.
    pub fn settle(&mut self, rig: &mut Rig) {
        rig.turn(self.role, &[], &mut self.cable);
        rig.turn(self.role, &[], &mut self.cable);
    }

    /// A turn of the device between two steps.
    pub fn turn(&mut self, rig: &mut Rig) {
        let now = rig.now(self.role);
        let ran = rig.is_running(self.role);
        if ran && !self.watch.is_due(now) {
            return rig.turn(self.role, &[], &mut self.cable);
        }
        self.watch.next(now);
        let length = self.whole();
        if length > 0 {
            self.watch.hear(now);
        }
        rig.turn(self.role, &self.waiting[..length], &mut self.cable);
        self.take(length);
        if !ran && rig.is_running(self.role) {
            self.watch.depart(now);
        }
    }

    /// Bytes of whole frames that wait; noise without an end counts as one when there is no more
    /// room for it.
    fn whole(&self) -> usize {
        match self.waiting.iter().rposition(|byte| *byte == END) {
            Some(at) => at + 1,
            None if self.waiting.is_full() => WAITING,
            None => 0,
        }
    }

    /// Whether so many frames wait, or no more fit in.
    fn has(&self, frames: usize) -> bool {
        self.waiting.is_full() || self.waiting.iter().filter(|byte| **byte == END).count() >= frames
    }

    fn take(&mut self, length: usize) {
        let left = self.waiting.len() - length;
        self.waiting.copy_within(length.., 0);
        self.waiting.truncate(left);
    }
}
