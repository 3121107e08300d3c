//! Which boards come and go while a program runs.

use crate::usb::{UsbDevice, boards_by_id};
use futures_core::Stream;
use nusb::DeviceId;
use nusb::hotplug::HotplugWatch;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// How often the boards are listed where nothing tells of changes: no udev, a container.
const POLL: Duration = Duration::from_millis(500);

/// A board has come or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plug {
    /// It is there.
    Arrived(UsbDevice),
    /// It is gone.
    Left(UsbDevice),
}

/// Watches for Heliograph boards on USB. The operating system tells when to look (on Linux udev);
/// what is there is always read from the list of devices, which is also looked at twice a second
/// in case nothing tells.
pub struct Watcher {
    events: Option<HotplugWatch>,
    roster: Roster<DeviceId>,
}

impl Default for Watcher {
    fn default() -> Watcher {
        Watcher::new()
    }
}

impl Watcher {
    /// A watcher that has seen nothing yet: boards that are there arrive at the first
    /// [`Watcher::wait`].
    pub fn new() -> Watcher {
        // Before the first list, so that nothing slips in between.
        Watcher { events: nusb::watch_devices().ok(), roster: Roster::default() }
    }

    /// Waits for boards to come or go, those that went first; none after `timeout`.
    ///
    /// # Errors
    /// What the operating system says, in words.
    pub fn wait(&mut self, timeout: Duration) -> Result<Vec<Plug>, String> {
        let begun = Instant::now();
        loop {
            let changes = self.roster.update(boards_by_id()?);
            let left = timeout.saturating_sub(begun.elapsed());
            if !changes.is_empty() || left.is_zero() {
                return Ok(changes);
            }
            self.sleep(left.min(POLL));
        }
    }

    /// Sleeps until the operating system tells of a device, and no longer than this.
    fn sleep(&mut self, most: Duration) {
        let Some(events) = &mut self.events else { return std::thread::sleep(most) };
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut told = false;
        // All that waits, so that a hub full of devices makes one look.
        while Pin::new(&mut *events).poll_next(&mut context).is_ready() {
            told = true;
        }
        if !told {
            std::thread::park_timeout(most);
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What was there at the last look, by what the operating system calls it, which changes with
/// each plugging.
#[derive(Debug)]
struct Roster<I> {
    there: Vec<(I, UsbDevice)>,
}

impl<I> Default for Roster<I> {
    fn default() -> Roster<I> {
        Roster { there: Vec::new() }
    }
}

impl<I: PartialEq> Roster<I> {
    fn update(&mut self, now: Vec<(I, UsbDevice)>) -> Vec<Plug> {
        let before = std::mem::replace(&mut self.there, now);
        let lacks = |list: &[(I, UsbDevice)], id: &I| list.iter().all(|(other, _)| other != id);
        let left = before.iter().filter(|(id, _)| lacks(&self.there, id));
        let came = self.there.iter().filter(|(id, _)| lacks(&before, id));
        left.map(|(_, board)| Plug::Left(board.clone()))
            .chain(came.map(|(_, board)| Plug::Arrived(board.clone())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(serial: &str) -> UsbDevice {
        UsbDevice {
            vendor_id: 0x1209,
            product_id: 1,
            product: "Heliograph".into(),
            serial: Some(serial.into()),
        }
    }

    #[test]
    fn a_board_replugged_between_two_looks_left_and_came() {
        let mut roster = Roster::default();
        let [a, b] = ["A", "B"].map(board);
        let list =
            |ids: &[(u32, &UsbDevice)]| ids.iter().map(|(i, b)| (*i, (*b).clone())).collect();
        assert_eq!(roster.update(list(&[(1, &a)])), [Plug::Arrived(a.clone())]);
        assert_eq!(roster.update(list(&[(1, &a)])), []);
        let both = roster.update(list(&[(2, &b), (1, &a)]));
        assert_eq!(both, [Plug::Arrived(b.clone())]);
        let replugged = roster.update(list(&[(3, &a), (2, &b)]));
        assert_eq!(replugged, [Plug::Left(a.clone()), Plug::Arrived(a.clone())]);
        assert_eq!(roster.update(Vec::new()), [Plug::Left(a), Plug::Left(b)]);
    }

    #[test]
    fn waiting_ends() {
        // Whatever is plugged into this computer: it arrives once, and then nothing changes or
        // somebody is at the cables.
        let mut watcher = Watcher::new();
        let first = watcher.wait(Duration::ZERO);
        let second = watcher.wait(Duration::from_millis(1));
        assert_eq!(first.is_ok(), second.is_ok());
    }
}
