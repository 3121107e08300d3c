//! Two boards on the bench in the process, each behind its own USB cable.

use crate::board::{self, Board};
use crate::boot::UsbBoot;
use crate::usbip::Plug;
use helio_hil::{BootBoard, Desk, Effort, InProcess};
use helio_link::{DeviceAddress, usb_devices};
use helio_link::{SerialTransport, Transport, TransportError, UsbTransport, serial_ports};
use helio_rig::{Hand, Light, Plan};
use helio_virt::VirtConfig;
use helio_wire::Role;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Only what hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// Silence after which nothing for an earlier host is on its way any more.
const QUIET: Duration = Duration::from_millis(20);

/// The bench, to which the boards' threads come too.
#[derive(Clone, Default)]
pub struct Bench(Arc<Mutex<InProcess>>);

impl Bench {
    pub fn at(&self) -> MutexGuard<'_, InProcess> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bench, its boards, and the virtual hub.
#[derive(Default)]
pub struct UsbDesk {
    bench: Bench,
    boards: [Option<Board>; 2],
}

/// Serial number of a board.
pub fn serial(role: Role) -> &'static str {
    match role {
        Role::Alice => "A-0001",
        Role::Bob => "B-0001",
    }
}

fn at(role: Role) -> usize {
    usize::from(role.code())
}

impl UsbDesk {
    /// A bench that no [`Plan`] describes.
    pub fn rebuild_as(&mut self, config: VirtConfig) {
        self.bench.at().rebuild_as(config);
        self.settle();
    }

    /// Plugs a board in without waiting for the kernel; `before` may lie.
    pub fn plug_in(&mut self, role: Role, before: impl FnOnce(&Plug)) -> Plug {
        assert!(self.boards[at(role)].is_none(), "pull the cable first");
        let board = Board::plug_in(&self.bench, role, PATIENCE, before);
        let plug = board.plug.clone();
        self.boards[at(role)] = Some(board);
        plug
    }

    /// The cable of a board, plugged in and listed.
    pub fn cable(&mut self, role: Role) -> Plug {
        let plug = match &self.boards[at(role)] {
            Some(board) => board.plug.clone(),
            None => self.plug_in(role, |_| {}),
        };
        until("the board is listed", || listed(role));
        plug
    }

    /// Opens a board as any program does, by its serial number.
    pub fn open(&self, role: Role) -> UsbTransport {
        let begun = Instant::now();
        loop {
            match UsbTransport::open(serial(role)) {
                Ok(transport) => return transport,
                // The device's node appears a moment after the board is listed, and is free a moment
                // after the program before has closed it.
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Until what hosts have sent has come to the bench.
    fn settle(&self) {
        for board in self.boards.iter().flatten() {
            board.settle(PATIENCE);
        }
    }
}

impl Desk for UsbDesk {
    type Cable = UsbTransport;

    fn name(&self) -> String {
        "USB desk (the firmware's USB class in a guest kernel)".into()
    }

    fn effort(&self) -> Effort {
        Effort { starts: 50, tag_slots: 300_000, job_slots: 300_000, faults: 50 }
    }

    fn rebuild(&mut self, plan: Plan) -> bool {
        self.bench.at().rebuild(plan);
        self.settle();
        true
    }

    fn plug(&mut self, role: Role) -> UsbTransport {
        // Side by side, both are enumerated in the time of one.
        for role in [Role::Alice, Role::Bob] {
            if self.boards[at(role)].is_none() {
                self.plug_in(role, |_| {});
            }
        }
        self.cable(role);
        let (mut cable, mut chunk) = (self.open(role), Vec::new());
        loop {
            match cable.receive(&mut chunk, QUIET) {
                Ok(()) => {}
                Err(TransportError::TimedOut) => return cable,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn unplug(&mut self, role: Role) {
        if let Some(board) = self.boards[at(role)].take() {
            board.pull();
            until("the board is gone", || !listed(role));
        }
    }

    fn lay(&mut self, hand: Hand) -> Option<Light> {
        self.settle();
        self.bench.at().lay(hand)
    }

    fn boot_loader(&mut self) -> Option<Box<dyn BootBoard>> {
        Some(Box::new(UsbBoot::new()))
    }

    fn second_pipe(&mut self, role: Role) -> Option<Box<dyn Transport + Send>> {
        self.cable(role);
        until("the serial port is there", || port(role).is_some());
        let name = port(role)?;
        let opened = SerialTransport::open(&name);
        Some(Box::new(opened.unwrap_or_else(|error| panic!("{error}"))))
    }
}

impl Drop for UsbDesk {
    fn drop(&mut self) {
        // The next desk must not find these boards in the kernel's list.
        self.unplug(Role::Alice);
        self.unplug(Role::Bob);
    }
}

/// Name of a board's serial port.
pub fn port(role: Role) -> Option<String> {
    let ports = serial_ports().expect("sysfs is there");
    ports.into_iter().find_map(|port| match (port.usb, port.address) {
        (Some(usb), DeviceAddress::Serial(name)) if usb.serial.as_deref() == Some(serial(role)) => {
            Some(name)
        }
        _ => None,
    })
}

/// Whether the operating system knows the board.
pub fn listed(role: Role) -> bool {
    let boards = usb_devices().expect("sysfs is there");
    boards.iter().any(|board| board.serial.as_deref() == Some(serial(role)))
}

/// Waits for it.
///
/// # Panics
/// If it hangs.
pub fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub use board::nonce;
