//! A cable on the bus in memory, and a host that speaks to it.

use super::bus::{FakeBus, Signal};
use helio_firmware::usb::{UsbBoard, UsbCable};
use helio_firmware::{Event, Transmit};
use helio_units::{TickLength, Ticks};
use helio_wire::{
    Decoder, DeviceMessage, ErrorCode, Header, HostMessage, LogLevel, MAX_FRAME, Stream,
    decode_device, encode_device, encode_host,
};
use usb_device::bus::UsbBusAllocator;

pub const NONCE: u32 = 0x5eed_b007;
/// Endpoints as the bus gives them out: the two pipes, and the serial port's notifications.
pub const FRAMES: usize = 1;
pub const SERIAL_OUT: usize = 2;
pub const SERIAL_IN: usize = 3;

pub const BOARD: UsbBoard<'static> = UsbBoard {
    vendor_id: UsbBoard::TEST_IDS.0,
    product_id: UsbBoard::TEST_IDS.1,
    product: "Heliograph Pico 2",
    serial: "B-0001",
    milliamperes: 100,
};

pub type Cable = UsbCable<'static, FakeBus, 8192>;

pub struct Rig {
    pub bus: FakeBus,
    pub cable: Cable,
    pub now: Ticks,
    /// Resets of the link that the cable has told of.
    pub resets: usize,
    /// What the device was given.
    pub received: Vec<u8>,
    sequence: u32,
}

/// Ticks of a microsecond.
pub fn tick() -> TickLength {
    TickLength::new(1_000_000, 1).unwrap()
}

pub fn cable(board: &UsbBoard<'static>) -> (FakeBus, Cable) {
    let bus = FakeBus::default();
    let alloc = Box::leak(Box::new(UsbBusAllocator::new(bus.clone())));
    (bus, UsbCable::new(alloc, board, tick()).unwrap())
}

impl Rig {
    /// Plugged in, configured, the serial port open.
    pub fn new() -> Rig {
        let mut rig = Rig::unplugged();
        rig.plug();
        rig
    }

    pub fn unplugged() -> Rig {
        let (bus, cable) = cable(&BOARD);
        Rig { bus, cable, now: Ticks(0), resets: 0, received: vec![], sequence: 0 }
    }

    pub fn plug(&mut self) {
        self.signal(Signal::Reset);
        self.control_out([0x00, 5, 7, 0, 0, 0, 0, 0]).expect("SET_ADDRESS");
        self.configure(1);
        self.open_port(true);
        self.resets = 0;
    }

    pub fn configure(&mut self, configuration: u8) {
        self.control_out([0x00, 9, configuration, 0, 0, 0, 0, 0]).expect("SET_CONFIGURATION");
    }

    /// Sets or drops DTR.
    pub fn open_port(&mut self, open: bool) {
        let request = [0x21, 0x22, u8::from(open), 0, 1, 0, 0, 0];
        self.control_out(request).expect("SET_CONTROL_LINE_STATE");
    }

    pub fn signal(&mut self, signal: Signal) {
        self.bus.signal(signal);
        self.poll();
    }

    pub fn poll(&mut self) {
        if let Some(event) = self.cable.poll(self.now) {
            assert_eq!(event, Event::LinkReset);
            self.resets += 1;
            self.received.clear();
        }
        let mut bytes = [0; 100];
        loop {
            let count = self.cable.receive(&mut bytes);
            self.received.extend_from_slice(&bytes[..count]);
            if count == 0 {
                return;
            }
        }
    }

    pub fn pass(&mut self, microseconds: u64) {
        self.now = Ticks(self.now.0 + microseconds);
        self.poll();
    }

    /// A control transfer with data for the host; `None` if it is stalled.
    pub fn control_in(&mut self, setup: [u8; 8]) -> Option<Vec<u8>> {
        let length = usize::from(u16::from_le_bytes([setup[6], setup[7]]));
        self.bus.setup(setup);
        self.poll();
        let mut data = vec![];
        while data.len() < length {
            if self.bus.is_stalled(0) {
                return None;
            }
            let packet = self.bus.take(0).expect("an answer is armed");
            self.poll();
            let last = packet.len() < 64;
            data.extend(packet);
            if last {
                break;
            }
        }
        assert!(self.bus.put(0, &[]), "the status packet");
        self.poll();
        Some(data)
    }

    /// A control transfer without data; `None` if it is stalled.
    pub fn control_out(&mut self, setup: [u8; 8]) -> Option<()> {
        self.bus.setup(setup);
        self.poll();
        if self.bus.is_stalled(0) {
            return None;
        }
        let status = self.bus.take(0);
        self.poll();
        status?.is_empty().then_some(())
    }

    /// A command on one of the pipes, in packets; its sequence number.
    pub fn command(&mut self, endpoint: usize, message: &HostMessage) -> u32 {
        let sequence = self.sequence;
        self.sequence += 1;
        self.bytes(endpoint, &command(sequence, message));
        sequence
    }

    pub fn bytes(&mut self, endpoint: usize, bytes: &[u8]) {
        for packet in bytes.chunks(64) {
            assert!(self.bus.put(endpoint, packet));
            self.poll();
        }
    }

    /// A log line of so many bytes, through [`Transmit`].
    pub fn say(&mut self, sequence: u32, length: usize) {
        let text = "x".repeat(length);
        let header = Header { stream: Stream::Control, boot_nonce: NONCE, epoch: 0, sequence };
        let message = DeviceMessage::Log { level: LogLevel::Info, text: &text };
        let mut frame = [0; MAX_FRAME];
        let length = encode_device(&header, &message, &mut frame).unwrap();
        assert!(length <= self.cable.space());
        self.cable.send(&frame[..length]);
    }

    /// All bytes for the host on this endpoint, now.
    pub fn heard(&mut self, endpoint: usize) -> Vec<u8> {
        let mut bytes = vec![];
        self.poll();
        while let Some(packet) = self.bus.take(endpoint) {
            bytes.extend(packet);
            self.poll();
        }
        bytes
    }

    /// The one refusal on this endpoint, or none.
    pub fn refusal(&mut self, endpoint: usize) -> Option<(u32, ErrorCode, u32)> {
        let bytes = self.heard(endpoint);
        let (mut decoder, mut found) = (Decoder::new(), None);
        decoder.push(&bytes, |frame| {
            let (header, message) = decode_device(frame.unwrap()).unwrap();
            assert_eq!((header.boot_nonce, header.stream), (0, Stream::Control));
            let DeviceMessage::Error { command, code, detail } = message else {
                panic!("{message:?}")
            };
            assert_eq!(found.replace((command, code, detail)), None);
        });
        found
    }
}

/// A host's frame.
pub fn command(sequence: u32, message: &HostMessage) -> Vec<u8> {
    let boot_nonce = if *message == HostMessage::Hello { 0 } else { NONCE };
    let header = Header { stream: Stream::Control, boot_nonce, epoch: 0, sequence };
    let mut frame = [0; MAX_FRAME];
    let length = encode_host(&header, message, &mut frame).unwrap();
    frame[..length].to_vec()
}
