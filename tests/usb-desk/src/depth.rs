//! How many transfers a host has to queue, so that nothing is lost at the bus's limit while it is
//! late now and then.
//!
//! Time is the bus's: in each frame of a millisecond the device has room for 19 packets, and a host
//! that is not late has taken all that has come, and queued its transfers anew, before the next one.
//! So the figures are those of the queue, and not of how fast this machine emulates a kernel.

use crate::desk::{listed, serial, until};
use crate::usbip::{self, Plug, UsbipBus};
use crate::{UsbDesk, is_long};
use helio_bench::InterlockState;
use helio_firmware::usb::{UsbBoard, UsbCable};
use helio_hil::{Answer, Host, configure};
use helio_link::{TransportError, UsbTransport};
use helio_rig::{Plan, Rig};
use helio_units::{TickLength, Ticks};
use helio_wire::{HostMessage, Role};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread;
use std::time::Duration;
use usb_device::bus::UsbBusAllocator;

/// Bytes that an RP2350 board queues for its host.
const QUEUE: usize = 8 * 1024;
/// Of the bus; Bob's port of the virtual hub, and his endpoint to the host.
const PACKETS_PER_FRAME: u32 = 19;
const PORT: u32 = 1;
const ENDPOINT: usize = 1;
/// Dark counts a second of each of the two detectors: as many as the bus can carry.
const DARK_RATE_HZ: u32 = 316_000;
/// Frames from one lateness to the next.
const PERIOD: u64 = 293;
/// What the table has.
const DEPTHS: [usize; 7] = [1, 2, 4, 8, 16, 24, 32];
const LATE_MS: [u64; 4] = [0, 10, 50, 100];
const TIMES: u64 = 5;
/// The assertion of every run: a host so late loses nothing (docs/cable.md).
const BORNE_MS: u64 = 100;
const BORNE_TIMES: u64 = 3;
const GLANCE: Duration = Duration::from_millis(1);

/// A device behind its cable, in the bus's time.
struct Device<'a> {
    rig: Rig,
    cable: UsbCable<'a, UsbipBus, QUEUE>,
    plug: Plug,
    microseconds: u64,
}

impl Device<'_> {
    fn poll(&mut self, microseconds: u64) {
        self.microseconds += microseconds;
        if let Some(event) = self.cable.poll(Ticks(self.microseconds)) {
            self.rig.signal(Role::Bob, event);
        }
    }

    fn turn(&mut self) {
        let mut rx = [0; 256];
        let count = self.cable.receive(&mut rx);
        self.rig.turn(Role::Bob, &rx[..count], &mut self.cable);
    }

    /// A millisecond, in two steps of the bench.
    fn frame(&mut self) {
        self.plug.frame(PACKETS_PER_FRAME);
        for _ in 0..2 {
            self.rig.step();
            self.turn();
            for _ in 0..10 {
                self.poll(50);
            }
        }
        self.plug.frame(0);
    }

    /// The bus stands still, and the device hears its host, until that has said that it is done.
    fn hear(&mut self, done: &Receiver<()>) {
        // A host that has failed tells nothing more.
        while done.try_recv() == Err(TryRecvError::Empty) {
            self.poll(1);
            self.turn();
            thread::yield_now();
        }
    }

    /// Time passes slowly, on a bus without limits.
    fn idle(&mut self, done: &Receiver<()>) {
        while done.recv_timeout(GLANCE) == Err(RecvTimeoutError::Timeout) {
            self.plug.frame(u32::MAX);
            self.rig.step();
            self.turn();
            self.poll(500);
        }
    }
}

/// What a host is to do.
enum Order {
    /// Take all that has come.
    Take,
    /// End the run.
    End,
}

/// The host, on a thread of its own.
fn host(depth: usize, plug: &Plug, orders: Receiver<Order>, done: Sender<()>) -> [u64; 3] {
    until("the board is listed", || listed(Role::Bob));
    let mut opened = None;
    until("the board can be opened", || {
        opened = UsbTransport::open_with(serial(Role::Bob), depth).ok();
        opened.is_some()
    });
    let mut host = Host::new(opened.expect("it is open"));
    let all = [
        HostMessage::Hello,
        HostMessage::Configure(configure(Plan::default().slot_ticks)),
        HostMessage::Arm { nonce: 1 },
        HostMessage::Start { epoch: 1, slots: 0 },
    ];
    for message in all {
        ask(&mut host, message);
    }
    done.send(()).expect("the bench waits");
    while let Order::Take = orders.recv().expect("the bench goes on") {
        while plug.waiting(ENDPOINT) < depth {
            host.listen(GLANCE).expect("the cable holds");
        }
        done.send(()).expect("the bench waits");
    }
    for message in [HostMessage::Stop, HostMessage::Disarm] {
        ask(&mut host, message);
    }
    until("health", || {
        host.listen(GLANCE).expect("the cable holds");
        host.heard.health.interlock == InterlockState::Safe
    });
    done.send(()).expect("the bench waits");
    host.assert_nothing_lost();
    let heard = &host.heard;
    assert_eq!(heard.of_run().edges, heard.tags + heard.lost, "every edge has come or is counted");
    assert_eq!(heard.of_run().lost_edges, heard.lost);
    [heard.of_run().edges, heard.tags, heard.lost]
}

fn ask(host: &mut Host<UsbTransport>, message: HostMessage) {
    let command = host.send(&message).expect("the cable holds");
    until("an answer", || {
        match host.receive(GLANCE) {
            Ok(_) | Err(TransportError::TimedOut) => {}
            Err(error) => panic!("{error}"),
        }
        host.heard.answer(command).is_some()
    });
    let answer = host.heard.answer(command);
    assert!(matches!(answer, Some(Answer::Hello | Answer::Ack(_))), "{message:?}: {answer:?}");
}

/// What a depth brings.
struct Outcome {
    tags: u64,
    lost: u64,
    /// That came, by the bus's time.
    bytes_per_s: f64,
}

/// A host that queues so many transfers and is late so many times.
fn run(depth: usize, late_ms: u64, times: u64) -> Outcome {
    let (bus, plug, kernels) = usbip::cable().expect("a pair of sockets");
    let alloc = UsbBusAllocator::new(bus);
    let (vendor_id, product_id) = UsbBoard::TEST_IDS;
    let product = "Heliograph virtual Bob";
    let board =
        UsbBoard { vendor_id, product_id, product, serial: serial(Role::Bob), milliamperes: 100 };
    let tick = TickLength::new(1_000_000, 1).expect("a tick");
    let cable = UsbCable::new(&alloc, &board, tick).expect("the board can be described");
    let plan = Plan { dark_rate_hz: DARK_RATE_HZ, ..Plan::default() };
    let rig = Rig::new(plan.bench(), "virtual").expect("the plan is valid");
    let mut device = Device { rig, cable, plug: plug.clone(), microseconds: 0 };
    until("the port is free", || usbip::attach(&kernels, PORT).is_ok());
    let ((order, orders), (tell, done)) = (channel(), channel());
    let outcome = thread::scope(|scope| {
        let host = scope.spawn({
            let plug = &plug;
            move || host(depth, plug, orders, tell)
        });
        device.idle(&done);
        let before = plug.carried(ENDPOINT);
        let frames = times * PERIOD;
        for frame in 0..frames {
            device.frame();
            // Late from another place within a transfer each time.
            let late = frame % PERIOD < late_ms;
            if !late && plug.waiting(ENDPOINT) < depth {
                order.send(Order::Take).expect("the host listens");
                device.hear(&done);
            }
        }
        let bytes = plug.carried(ENDPOINT) - before;
        order.send(Order::End).expect("the host listens");
        device.idle(&done);
        let [_, tags, lost] = host.join().expect("the host holds");
        Outcome { tags, lost, bytes_per_s: bytes as f64 * 1e3 / frames as f64 }
    });
    plug.unplug();
    until("the board is gone", || !listed(Role::Bob));
    outcome
}

pub fn transfer_depth(_: &mut UsbDesk) -> String {
    if is_long() {
        table();
    }
    let depth = UsbTransport::TRANSFERS;
    let Outcome { tags, lost, bytes_per_s } = run(depth, BORNE_MS, BORNE_TIMES);
    assert_eq!(lost, 0, "{depth} transfers, a host that is {BORNE_MS} ms late");
    format!(
        "{depth} transfers bear a host that is {BORNE_MS} ms late: {tags} tags, {:.0} kB/s, none lost",
        bytes_per_s / 1e3
    )
}

fn table() {
    println!("| transfers | late by | kB/s that came | tags that came | lost |");
    println!("|---|---|---|---|---|");
    for depth in DEPTHS {
        for late_ms in LATE_MS {
            let Outcome { tags, lost, bytes_per_s } = run(depth, late_ms, TIMES);
            let kilo = bytes_per_s / 1e3;
            println!("| {depth} | {late_ms} ms | {kilo:.0} | {tags} | {lost} |");
        }
    }
}
