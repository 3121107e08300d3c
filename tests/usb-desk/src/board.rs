//! A board: the firmware's USB class on a cable, and behind it the firmware on the bench.

use crate::desk::{Bench, serial};
use crate::usbip::{self, Plug, UsbipBus};
use helio_firmware::Transmit;
use helio_firmware::usb::{UsbBoard, UsbCable};
use helio_hil::Desk;
use helio_link::TransportError;
use helio_units::{TickLength, Ticks};
use helio_wire::Role;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use usb_device::bus::UsbBusAllocator;

/// Bytes that a board queues for its host.
const QUEUE: usize = 16 * 1024;

pub struct Board {
    pub plug: Plug,
    thread: JoinHandle<()>,
    /// Rounds in which nothing was on its way from the host.
    quiet: Arc<AtomicU64>,
}

impl Board {
    /// Plugs it into the virtual hub.
    pub fn plug_in(
        bench: &Bench,
        role: Role,
        patience: Duration,
        before: impl FnOnce(&Plug),
    ) -> Board {
        let (bus, plug, kernels) = usbip::cable().expect("a pair of sockets");
        before(&plug);
        let quiet = Arc::<AtomicU64>::default();
        let thread = thread::spawn({
            let (bench, plug, quiet) = (bench.clone(), plug.clone(), quiet.clone());
            move || work(bus, &plug, role, &bench, &quiet)
        });
        // The port is free a moment after the last device has gone.
        let begun = Instant::now();
        while let Err(error) = usbip::attach(&kernels, u32::from(role.code())) {
            assert!(begun.elapsed() < patience, "vhci_hcd does not take the cable: {error}");
            thread::sleep(Duration::from_millis(5));
        }
        Board { plug, thread, quiet }
    }

    /// Pulls it out.
    pub fn pull(self) {
        self.plug.unplug();
        self.thread.join().expect("a board does not panic");
    }

    /// Until what its host has sent has come to the firmware: two rounds, as one may have begun
    /// before that.
    pub fn settle(&self, patience: Duration) {
        let (begun, from) = (Instant::now(), self.quiet.load(Ordering::Acquire));
        while self.quiet.load(Ordering::Acquire) < from + 2 && !self.thread.is_finished() {
            assert!(begun.elapsed() < patience, "a board does not come to rest");
            self.plug.wake();
            thread::sleep(Duration::from_micros(50));
        }
    }
}

/// Of the devices of a bench with this seed, as `helio-virt` draws it.
pub fn nonce(seed: u64, role: Role) -> u32 {
    let nonce = (seed as u32 ^ (seed >> 32) as u32) << 1 | u32::from(role.code());
    if nonce == 0 { 2 } else { nonce }
}

/// Until the cable is pulled. What lies between the firmware and its USB class is a pipe in place of
/// a call, because the bench owns the firmware of both boards.
fn work(bus: UsbipBus, plug: &Plug, role: Role, bench: &Bench, quiet: &AtomicU64) {
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
    let link = || bench.at().plug(role);
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
                // The bench was rebuilt: another board stands behind the same cable.
                Err(_) => {
                    firmware = link();
                    to_device.clear();
                    to_host.clear();
                    (0, true)
                }
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
        if count == 0 && to_device.is_empty() {
            quiet.fetch_add(1, Ordering::Release);
        }
        let pause = if busy || sent < to_host.len() { 50 } else { 1_000 };
        if !plug.wait(Duration::from_micros(pause)) {
            return;
        }
    }
}
