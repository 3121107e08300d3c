//! Two boards on a simulated bench, each behind its own USB cable.

use crate::usbip::{self, Plug, UsbipBus};
use helio_firmware::Transmit;
use helio_firmware::usb::{UsbBoard, UsbCable};
use helio_link::{PipeEnd, TransportError, UsbTransport, pipe, usb_devices};
use helio_sim::BenchConfig;
use helio_units::{TickLength, Ticks};
use helio_virt::{VirtBench, VirtConfig};
use helio_wire::Role;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use usb_device::bus::UsbBusAllocator;

/// Chunks on a link, as of a cable that holds little.
pub const DEPTH: usize = 16;
/// Only what hangs takes so long.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes that a board queues for its host.
const QUEUE: usize = 16 * 1024;

enum Deed {
    Build(Box<BenchConfig>),
    Plug(Role, PipeEnd),
    End,
}

struct Board {
    plug: Plug,
    thread: JoinHandle<()>,
}

/// The bench, its boards, and the virtual hub.
pub struct Desk {
    deeds: Sender<Deed>,
    bench: Option<JoinHandle<()>>,
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

impl Desk {
    /// Nothing is plugged in.
    pub fn new(config: BenchConfig) -> Desk {
        let (deeds, to_do) = channel();
        let bench = Some(thread::spawn(move || pump(config, &to_do)));
        Desk { deeds, bench, boards: [None, None] }
    }

    /// Other devices, which have just booted; the cables are to be plugged in anew.
    pub fn rebuild(&mut self, config: BenchConfig) {
        self.unplug(Role::Alice);
        self.unplug(Role::Bob);
        self.deeds.send(Deed::Build(Box::new(config))).expect("the bench lives");
    }

    /// Plugs a board in without waiting for the kernel; `before` may lie.
    pub fn plug_in(&mut self, role: Role, before: impl FnOnce(&Plug)) -> Plug {
        assert!(self.boards[at(role)].is_none(), "pull the cable first");
        let (bus, plug, kernels) = usbip::cable().expect("a pair of sockets");
        before(&plug);
        let (deeds, boards_plug) = (self.deeds.clone(), plug.clone());
        let thread = thread::spawn(move || board(bus, &boards_plug, role, &deeds));
        // The port is free a moment after the last device has gone.
        let begun = Instant::now();
        while let Err(error) = usbip::attach(&kernels, at(role) as u32) {
            assert!(begun.elapsed() < PATIENCE, "vhci_hcd does not take the cable: {error}");
            thread::sleep(Duration::from_millis(5));
        }
        self.boards[at(role)] = Some(Board { plug: plug.clone(), thread });
        plug
    }

    /// Plugs a board in and waits until it is listed.
    pub fn plug(&mut self, role: Role) -> Plug {
        let plug = self.plug_in(role, |_| {});
        until("the board is listed", || listed(role));
        plug
    }

    /// Both, enumerated side by side; Alice's first.
    pub fn plug_both(&mut self) -> [Plug; 2] {
        let plugs = [Role::Alice, Role::Bob].map(|role| self.plug_in(role, |_| {}));
        until("the boards are listed", || listed(Role::Alice) && listed(Role::Bob));
        plugs
    }

    /// Pulls a cable and waits until the board is no longer listed.
    pub fn unplug(&mut self, role: Role) {
        if let Some(board) = self.boards[at(role)].take() {
            board.plug.unplug();
            board.thread.join().expect("a board does not panic");
            until("the board is gone", || !listed(role));
        }
    }

    /// Opens a board as any program does, by its serial number.
    pub fn open(&self, role: Role) -> UsbTransport {
        let begun = Instant::now();
        loop {
            match UsbTransport::open(serial(role)) {
                Ok(transport) => return transport,
                // The device's node appears a moment after the board is listed.
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // The next desk must not find these boards in the kernel's list.
        self.unplug(Role::Alice);
        self.unplug(Role::Bob);
        let _ = self.deeds.send(Deed::End);
        if let Some(bench) = self.bench.take() {
            let _ = bench.join();
        }
    }
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
        thread::sleep(Duration::from_millis(2));
    }
}

fn build(bench: BenchConfig) -> VirtBench {
    VirtBench::new(VirtConfig { bench, link_depth: DEPTH }).expect("the bench can be made").0
}

fn pump(config: BenchConfig, to_do: &Receiver<Deed>) {
    let mut bench = build(config);
    loop {
        while let Ok(deed) = to_do.try_recv() {
            match deed {
                Deed::Build(config) => bench = build(*config),
                Deed::Plug(role, end) => bench.plug(role, end),
                Deed::End => return,
            }
        }
        bench.step();
    }
}

/// Of the devices of a bench with this seed, as `helio-virt` draws it.
pub fn nonce(seed: u64, role: Role) -> u32 {
    let nonce = (seed as u32 ^ (seed >> 32) as u32) << 1 | u32::from(role.code());
    if nonce == 0 { 2 } else { nonce }
}

/// A board at work, until its cable is pulled. What lies between the firmware and its USB class is
/// a pipe in place of a call, because the bench owns the firmware of both boards.
fn board(bus: UsbipBus, plug: &Plug, role: Role, bench: &Sender<Deed>) {
    let (vendor_id, product_id) = UsbBoard::TEST_IDS;
    let product = match role {
        Role::Alice => "Heliograph virtual Alice",
        Role::Bob => "Heliograph virtual Bob",
    };
    let board =
        UsbBoard { vendor_id, product_id, product, serial: serial(role), milliamperes: 100 };
    let alloc = UsbBusAllocator::new(bus);
    // Of a microsecond: the class's times are the bus's, not the bench's.
    let tick = TickLength::new(1_000_000, 1).expect("a tick");
    let cable = UsbCable::<_, QUEUE>::new(&alloc, &board, tick);
    let mut cable = cable.expect("the board can be described");
    let link = || {
        let (host, device) = pipe(DEPTH);
        let _ = bench.send(Deed::Plug(role, device));
        host
    };
    let (begun, mut firmware) = (Instant::now(), link());
    let (mut to_device, mut to_host, mut sent) = (Vec::new(), Vec::new(), 0);
    let mut bytes = [0; 256];
    loop {
        let now = Ticks(begun.elapsed().as_micros() as u64);
        if cable.poll(now).is_some() {
            // The firmware sees the reset as the end of its link.
            firmware = link();
            (to_device, to_host, sent) = (Vec::new(), Vec::new(), 0);
        }
        let count = cable.receive(&mut bytes);
        to_device.extend_from_slice(&bytes[..count]);
        if firmware.try_send(&to_device).is_ok() {
            to_device.clear();
        }
        let mut busy = count > 0;
        if sent == to_host.len() {
            (sent, busy) = match firmware.try_receive(&mut to_host) {
                Ok(()) => (0, true),
                Err(TransportError::TimedOut) => (to_host.len(), busy),
                // The bench was rebuilt: the board has booted anew.
                Err(_) => return plug.unplug(),
            };
        }
        while let Some(end) = to_host[sent..].iter().position(|byte| *byte == 0) {
            let frame = &to_host[sent..=sent + end];
            if frame.len() > cable.space() {
                break;
            }
            cable.send(frame);
            (sent, busy) = (sent + frame.len(), true);
        }
        let pause = if busy || sent < to_host.len() { 50 } else { 1_000 };
        if !plug.wait(Duration::from_micros(pause)) {
            return;
        }
    }
}
