//! Core 0: control plane, cable, enable line, heartbeat.

use crate::pins::BoardPins;
use crate::pipe::{self, ROUNDS};
use crate::start::{BoardPanel, Bus};
use crate::timer::{self, DeviceTime};
use core::sync::atomic::Ordering;
use embedded_hal::digital::{InputPin, OutputPin, StatefulOutputPin};
use heapless::spsc::{Consumer, Producer};
use helio_bench::Polarization;
use helio_firmware::pipe::{EventReceiver, FrameMover, OrderSender, SupplySender, Told};
use helio_firmware::random::Supply;
use helio_firmware::usb::{UsbBoard, UsbCable};
use helio_firmware::{Control, Event, Orders, Profile, Text};
use helio_panel::Seen;
use helio_units::{Picoseconds, Ticks};
use helio_wire::RebootMode;
use rp235x_hal::Watchdog;
use rp235x_hal::fugit::ExtU32;
use rp235x_hal::gpio::Interrupt;
use usb_device::bus::UsbBusAllocator;
use zeroize::Zeroize;

/// Room for frames on the cable, in bytes.
const CABLE: usize = 8192;

const MILLISECOND: u64 = 150_000;

/// Bytes of frames moved in a turn, which has a heartbeat to keep up: more than the bus carries at
/// 4000 turns a second.
const MOVED_A_TURN: usize = 512;

/// Core 1 must come round so often, or the heartbeat ends with it.
const DATA_PLANE_PATIENCE: u64 = 5 * MILLISECOND;

#[cfg(feature = "test-ids")]
const IDS: (u16, u16) = UsbBoard::TEST_IDS;
#[cfg(not(feature = "test-ids"))]
compile_error!("an image that is published names its own vendor and product id here");

/// Core 0's ends of the queues.
pub struct ControlEnds {
    pub orders: Producer<'static, Orders>,
    pub events: Consumer<'static, Told>,
    pub frames: Consumer<'static, u8>,
    pub supplies: Producer<'static, Supply>,
    pub seen: Consumer<'static, Seen>,
}

/// What core 0 keeps of the board.
pub struct Desk {
    pub usb: &'static UsbBusAllocator<Bus>,
    pub serial: &'static Text,
    pub pins: BoardPins,
    pub watchdog: Watchdog,
    /// What the station tells time in; what stands here counts cycles.
    pub time: DeviceTime,
}

/// For good.
///
/// # Panics
/// Where the USB device cannot be described: a mistake of this crate's constants.
pub fn run(
    profile: Profile,
    panel: BoardPanel,
    ends: ControlEnds,
    desk: Desk,
    product: &'static str,
) -> ! {
    let ControlEnds { orders, events, frames, supplies, mut seen } = ends;
    let (mut orders, mut events) = (OrderSender::new(orders), EventReceiver::new(events));
    let mut supplies = SupplySender::new(supplies);
    let Desk { usb, serial, mut pins, mut watchdog, time } = desk;
    let identity = &profile.identity;
    let board = UsbBoard {
        vendor_id: IDS.0,
        product_id: IDS.1,
        product,
        serial: serial.as_str(),
        milliamperes: 250,
    };
    let mut cable = UsbCable::<_, CABLE>::new(usb, &board, identity.tick_length)
        .expect("ids and strings of this crate");
    let mut control = Control::with_board(profile, panel);
    let mut frames = FrameMover::new(frames);
    let mut data_plane = DataPlane { rounds: 0, seen: timer::now() };
    let (mut last_sent, mut sent_at) = (None, Ticks(0));
    let mut rx = [0; 512];
    let mut fault = false;
    // As the chips were told last.
    let mut delays = [0; Polarization::ALL.len()];
    // The enable line as it was set last, and when it was each.
    let mut is_open = false;
    let (mut last_open, mut last_closed) = (timer::now(), timer::now());
    // Latched for this core; no handler is there.
    pins.enable_sense.set_interrupt_enabled(Interrupt::EdgeLow, true);
    watchdog.start(100.millis());
    loop {
        let now = timer::now();
        let mut heard = heapless::Vec::<Event, 16>::new();
        // A reset of the link comes before what was received after it.
        if let Some(event) = cable.poll(time.of(now)) {
            // Nobody waits for a run's last data any more.
            events.link_is_reset();
            let _ = heard.push(event);
        }
        if pins.contact.is_low() != Ok(false) {
            let _ = heard.push(Event::ContactOpen);
        }
        if core::mem::take(&mut fault) {
            let _ = heard.push(Event::PlayerFault);
        }
        while !heard.is_full()
            && let Some(event) = events.next(&frames)
        {
            let _ = heard.push(event);
        }
        let n = cable.receive(&mut rx);
        let order = control.poll(time.of(now), &heard, &rx[..n], &mut cable);
        // A seed may have been in it.
        rx[..n].zeroize();

        // Before the orders that may need them.
        supplies.go(|| control.supply());
        let urgent = order.halt
            || order.configure.is_some()
            || order.run.is_some()
            || order.slot_clock.is_some();
        let level = (order.enable, order.permit_until);
        let due = urgent || last_sent != Some(level) || now.0 - sent_at.0 >= MILLISECOND;
        // A queue that is full: core 1 hangs. What it has not been given is kept for it, a halt above
        // all.
        let delivered = if due { orders.send(order) } else { orders.flush() };
        if due {
            (last_sent, sent_at) = (Some(level), now);
        }
        let alive = delivered && data_plane.is_alive(now);
        fault = !alive && control.is_running();
        // The line behind the hardware is high though nobody asks for it: a short, or a broken AND.
        // It may take a millisecond to fall.
        if last_open.0 + 2 * MILLISECOND < now.0 && pins.enable_sense.is_high() == Ok(true) {
            fault = true;
        }
        // Or it is low, or was for a moment, though it is asked for: a slow turn, and the monostable
        // fell. Pulses that are reported were not sent, so the run ends.
        let fell = pins.enable_sense.interrupt_status(Interrupt::EdgeLow)
            || pins.enable_sense.is_low() != Ok(false);
        if is_open && last_closed.0 + MILLISECOND < now.0 && fell {
            fault = true;
        }
        // The light's first line: closed here and now, whatever core 1 does.
        let open = order.enable && alive;
        let _ = pins.enable.set_state(open.into());
        is_open = open;
        if open {
            last_open = now;
        } else {
            last_closed = now;
        }
        if last_closed.0 + MILLISECOND >= now.0 {
            // The line's own rise, and falls of before.
            pins.enable_sense.clear_interrupt(Interrupt::EdgeLow);
        }
        if alive {
            // An edge each turn of this loop; the monostable falls when they end.
            let _ = pins.heartbeat.toggle();
            watchdog.feed();
        }
        frames.go(&mut cable, MOVED_A_TURN);

        if let Some(mode) = control.reboot_ordered() {
            let _ = pins.enable.set_low();
            // What waits for the cable, the answer above all.
            let until = timer::now().0 + 10 * MILLISECOND;
            while timer::now().0 < until {
                let _ = cable.poll(time.now());
            }
            reboot(mode);
        }

        let board = control.board_mut();
        for (state, told) in Polarization::ALL.into_iter().zip(&mut delays) {
            let ordered = order.delays[state as usize];
            // Again in the next turn where the bus failed.
            if *told != ordered && board.set_delay(state, Picoseconds(ordered.into())).is_ok() {
                *told = ordered;
            }
        }
        board.turn(now);
        board.data_turned(pipe::data_turns());
        while let Some(seen) = seen.dequeue() {
            board.saw(seen);
        }
    }
}

/// Whether core 1 comes round.
struct DataPlane {
    rounds: u32,
    seen: Ticks,
}

impl DataPlane {
    fn is_alive(&mut self, now: Ticks) -> bool {
        let rounds = ROUNDS.load(Ordering::Relaxed);
        if rounds != self.rounds {
            (self.rounds, self.seen) = (rounds, now);
        }
        now.0.saturating_sub(self.seen.0) < DATA_PLANE_PATIENCE
    }
}

/// To this firmware or to the boot loader in ROM; everything is dark by the reset.
fn reboot(mode: RebootMode) -> ! {
    use rp235x_hal::reboot::{RebootArch, RebootKind, reboot};
    let kind = match mode {
        RebootMode::Firmware => RebootKind::Normal,
        RebootMode::BootLoader => {
            RebootKind::BootSel { picoboot_disabled: false, msd_disabled: false }
        }
    };
    reboot(kind, RebootArch::Normal)
}
