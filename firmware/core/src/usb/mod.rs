//! The cable of a board with USB: a composite device, generic over the chip's `UsbBus`.
//!
//! | interface | class | endpoints | for |
//! |---|---|---|---|
//! | 0, "Heliograph frames" | vendor | bulk each way | `nusb`; on Windows without a driver file |
//! | 1 and 2, "Heliograph serial" | CDC-ACM | interrupt, bulk each way | any serial port library |
//!
//! Both carry the same frames (`hal/wire/SPEC.md`). **The pipe that sends `Hello` owns the device**
//! until the link is reset, the serial port is closed, or it has been silent for
//! [`OWNER_PATIENCE`] and the other pipe says `Hello`. A command on the other pipe is answered by
//! an `Error`. While nobody owns the device there is no room on the cable, so that frames that
//! nobody would hear take no numbers.
//!
//! A reset of the bus, its suspension and any choice of a configuration are an
//! [`Event::LinkReset`]: whatever was on its way is lost, and the host has to say `Hello` again.
//! The data that the host was sent and has not taken are lost with it.
//!
//! ```text
//! loop {                              from the bus's interrupt, or 19 times a millisecond
//!     if let Some(event) = cable.poll(now) { device.signal(event); }
//!     let n = cable.receive(&mut bytes);
//!     device.poll(now, &bytes[..n], &mut cable);
//!     device.run(now, &mut cable);
//! }
//! ```

mod frames;
mod microsoft;
mod outgoing;
mod owner;
mod ring;

use crate::cable::Transmit;
use crate::planes::Event;
use crate::sequencer::FLUSH_INTERVAL;
use frames::FramesInterface;
use helio_units::{Picoseconds, TickLength, Ticks};
use outgoing::Outgoing;
use owner::Ownership;
use ring::Ring;
use usb_device::bus::{UsbBus, UsbBusAllocator};
use usb_device::device::{
    StringDescriptors, UsbDevice, UsbDeviceBuilder, UsbDeviceState, UsbVidPid,
};
use usbd_serial::CdcAcmClass;
use zeroize::Zeroize;

/// Bytes of a bulk packet at full speed, the largest that USB 2.0 allows there (5.8.3).
pub const PACKET: usize = 64;

/// An owner that was silent for so long loses the device to the other pipe's `Hello`.
pub const OWNER_PATIENCE: Picoseconds = Picoseconds(1_000_000_000_000);

/// How the product string of every board begins: hosts look for it.
pub const PRODUCT: &str = "Heliograph";
/// String of the vendor interface.
const FRAMES_NAME: &str = "Heliograph frames";
/// String of the serial interface.
const SERIAL_NAME: &str = "Heliograph serial";

/// Bytes from the owner that wait for the device.
const RECEIVED: usize = 1024;
/// Packets that a poll deals with at most.
const POLLS: usize = 8;
/// The longest string in `usb-device`'s buffer, in UTF-16 units.
const LONGEST_STRING: usize = 63;

/// What a board says of itself to a host's operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsbBoard<'a> {
    /// Vendor id.
    pub vendor_id: u16,
    /// Product id.
    pub product_id: u16,
    /// Product string: begins with [`PRODUCT`]; at most 63 UTF-16 units.
    pub product: &'a str,
    /// Serial number, by which a host addresses the board: not empty, at most 63 UTF-16 units,
    /// another one for each board.
    pub serial: &'a str,
    /// What it draws from the bus at most, 0 to 500 mA.
    pub milliamperes: u16,
}

impl UsbBoard<'_> {
    /// Ids that pid.codes keeps for private tests: for builds on one's own desk. Nothing that
    /// carries them may be shipped.
    pub const TEST_IDS: (u16, u16) = (0x1209, 0x0001);
}

/// Why there is no cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsbRefused {
    /// The product string does not begin with [`PRODUCT`], a string is too long, or there is no
    /// serial number.
    String,
    /// More than 500 mA.
    Current,
    /// The allocator was used before: the vendor interface must have number 0.
    NotFirst,
}

impl core::fmt::Display for UsbRefused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            UsbRefused::String => {
                "the product must begin with Heliograph, the serial number must not be empty, and \
                 neither may be longer than 63 characters"
            }
            UsbRefused::Current => "a device may draw no more than 500 mA from the bus",
            UsbRefused::NotFirst => "the cable's interfaces must be the first of the device",
        })
    }
}

impl core::error::Error for UsbRefused {}

/// One of the two ways to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipe {
    /// The vendor interface.
    Frames = 0,
    /// The serial port.
    Serial = 1,
}

/// The cable: what [`crate::Control`] and the data plane send goes to the host that owns the
/// device.
///
/// `QUEUE` is the room for frames in bytes, at least three times [`crate::CONTROL_HEADROOM`];
/// memory for twice as much is taken. The full rate of the bus (19 packets of 64 bytes a
/// millisecond) needs a [`UsbCable::poll`] for each packet, as chips keep one packet an endpoint.
pub struct UsbCable<'a, B: UsbBus, const QUEUE: usize> {
    device: UsbDevice<'a, B>,
    frames: FramesInterface<'a, B>,
    serial: CdcAcmClass<'a, B>,
    suspended: bool,
    port_open: bool,
    ownership: Ownership,
    received: Ring<RECEIVED>,
    outgoing: Outgoing<QUEUE>,
    now: Ticks,
}

impl<'a, B: UsbBus, const QUEUE: usize> UsbCable<'a, B, QUEUE> {
    /// The device on an allocator that nothing was taken from, not polled yet. `tick` is the
    /// length of a tick of [`UsbCable::poll`].
    ///
    /// # Errors
    /// [`UsbRefused`].
    ///
    /// # Panics
    /// Where the bus has no room for two bulk endpoints each way and an interrupt endpoint.
    pub fn new(
        alloc: &'a UsbBusAllocator<B>,
        board: &UsbBoard<'a>,
        tick: TickLength,
    ) -> Result<UsbCable<'a, B, QUEUE>, UsbRefused> {
        const { assert!(QUEUE >= 3 * crate::CONTROL_HEADROOM) };
        let long = |text: &str| text.encode_utf16().count() > LONGEST_STRING;
        let bad = !board.product.starts_with(PRODUCT) || board.serial.is_empty();
        if bad || long(board.product) || long(board.serial) {
            return Err(UsbRefused::String);
        }
        let packet = PACKET as u16;
        let frames = FramesInterface::new(alloc, packet).ok_or(UsbRefused::NotFirst)?;
        let serial = CdcAcmClass::new_with_interface_names(alloc, packet, Some(SERIAL_NAME), None);
        let strings = StringDescriptors::default()
            .manufacturer(PRODUCT)
            .product(board.product)
            .serial_number(board.serial);
        let builder = UsbDeviceBuilder::new(alloc, UsbVidPid(board.vendor_id, board.product_id))
            .composite_with_iads()
            .strings(&[strings])
            .map_err(|_| UsbRefused::String)?
            // 64 is a size that USB 2.0 allows (5.5.3); the error cannot be.
            .max_packet_size_0(64)
            .map_err(|_| UsbRefused::String)?
            .max_power(board.milliamperes.into())
            .map_err(|_| UsbRefused::Current)?;
        Ok(UsbCable {
            device: builder.build(),
            frames,
            serial,
            suspended: false,
            port_open: false,
            ownership: Ownership::new(tick.ticks_covering(OWNER_PATIENCE)),
            received: Ring::new(),
            outgoing: Outgoing::new(tick.ticks_covering(FLUSH_INTERVAL)),
            now: Ticks(0),
        })
    }

    /// Deals with what has happened on the bus; `now` never runs backwards.
    ///
    /// [`Event::LinkReset`] is for the device, before it is given what was received since.
    #[must_use = "a reset of the link must reach the interlock at once"]
    pub fn poll(&mut self, now: Ticks) -> Option<Event> {
        self.now = now;
        let mut reset = false;
        for _ in 0..POLLS {
            let more = self.device.poll(&mut [&mut self.frames, &mut self.serial]);
            if self.link_is_lost() {
                self.forget();
                reset = true;
            }
            reset |= self.read();
            self.write();
            if !more {
                break;
            }
        }
        reset.then_some(Event::LinkReset)
    }

    /// Takes bytes that the owner has sent, as many as are there and fit; how many.
    pub fn receive(&mut self, bytes: &mut [u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() && !self.received.is_empty() {
            let front = self.received.front();
            let count = front.len().min(bytes.len() - taken);
            bytes[taken..taken + count].copy_from_slice(&front[..count]);
            // A seed may be among it.
            self.received.wipe(count);
            taken += count;
        }
        taken
    }

    /// Whose the device is.
    pub fn owner(&self) -> Option<Pipe> {
        self.ownership.owner()
    }

    /// The bus, for a board that has to feed it.
    pub fn bus(&self) -> &B {
        self.device.bus()
    }

    fn forget(&mut self) {
        self.ownership.clear();
        while !self.received.is_empty() {
            self.received.wipe(usize::MAX);
        }
        self.outgoing.clear();
    }

    /// Since the last look; each loss is seen once.
    fn link_is_lost(&mut self) -> bool {
        let was_reset = core::mem::take(&mut self.frames.was_reset);
        let suspended = self.device.state() == UsbDeviceState::Suspend;
        let begins = suspended && !core::mem::replace(&mut self.suspended, suspended);
        self.suspended = suspended;
        let open = self.serial.dtr();
        let closed = core::mem::replace(&mut self.port_open, open) && !open;
        was_reset || begins || (closed && self.owner() == Some(Pipe::Serial))
    }

    /// Reads what there is room for; whether the device was taken from another pipe.
    fn read(&mut self) -> bool {
        let mut taken = false;
        let mut packet = [0; PACKET];
        for pipe in [Pipe::Frames, Pipe::Serial] {
            // What is not read here waits in the endpoint, and the host with it.
            if self.received.room() < 2 * PACKET {
                break;
            }
            let count = match pipe {
                Pipe::Frames => self.frames.from_host.read(&mut packet),
                Pipe::Serial => self.serial.read_packet(&mut packet),
            };
            let Ok(count) = count else { continue };
            let bytes = &packet[..count];
            let heard = self.ownership.hear(pipe, bytes, self.now, &mut self.received);
            if heard.taken {
                self.outgoing.clear();
                taken = true;
            }
        }
        packet.zeroize();
        taken
    }

    fn write(&mut self) {
        let UsbCable { frames, serial, ownership, outgoing, now, .. } = self;
        for pipe in [Pipe::Frames, Pipe::Serial] {
            let write = |packet: &[u8]| match pipe {
                Pipe::Frames => frames.to_host.write(packet).is_ok(),
                Pipe::Serial => serial.write_ep().write(packet).is_ok(),
            };
            if ownership.owner() == Some(pipe) {
                if outgoing.packet(*now).is_some_and(write) {
                    outgoing.sent();
                }
                continue;
            }
            let refusals = ownership.refusals(pipe);
            if !refusals.is_empty() && write(refusals) {
                refusals.clear();
            }
        }
    }
}

impl<B: UsbBus, const QUEUE: usize> Transmit for UsbCable<'_, B, QUEUE> {
    fn space(&self) -> usize {
        if self.owner().is_some() { self.outgoing.space() } else { 0 }
    }

    fn send(&mut self, frame: &[u8]) {
        self.outgoing.send(frame, self.now);
    }
}
