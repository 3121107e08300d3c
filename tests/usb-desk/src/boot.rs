//! A boot ROM on the bus: `FakeBootRom` behind the two bulk endpoints and two control requests of
//! PICOBOOT (RP2350 data sheet, section 5.6), for the host's real port.

use crate::desk::until;
use crate::usbip::{self, Plug, UsbipBus};
use helio_hil::BootBoard;
use helio_link::picoboot::{Boot, BootPort, FakeBootRom, PortFault, UsbBootPort, boot_loaders};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use usb_device::UsbError;
use usb_device::bus::{InterfaceNumber, UsbBusAllocator};
use usb_device::class::{ControlIn, ControlOut, UsbClass};
use usb_device::control::{Recipient, RequestType};
use usb_device::descriptor::DescriptorWriter;
use usb_device::device::{StringDescriptors, UsbDeviceBuilder, UsbVidPid};
use usb_device::endpoint::{EndpointIn, EndpointOut};

/// Port of the virtual hub; the stations have the first two.
const PORT: u32 = 2;
const PACKET: u16 = 64;
const COMMAND: usize = 32;
const INTERFACE_RESET: u8 = 0x41;
const GET_COMMAND_STATUS: u8 = 0x42;
/// Packets between two cuts: no divisor of a block, so that they fall at other places of it.
const GRAIN: usize = 41;
/// The same, where there is time: a command, a page and the answer.
const SHORT_GRAIN: usize = 6;
const SECTORS: usize = 8;

/// What is expected on the bulk endpoints.
#[derive(Clone, Copy)]
enum Phase {
    Command,
    /// So many bytes from the host.
    Data(usize),
    /// The host's empty packet.
    Acknowledge,
}

struct BootClass<'a> {
    rom: Arc<Mutex<FakeBootRom>>,
    number: InterfaceNumber,
    input: EndpointIn<'a, UsbipBus>,
    output: EndpointOut<'a, UsbipBus>,
    phase: Phase,
    to_host: VecDeque<Vec<u8>>,
    cut: bool,
}

fn lock(rom: &Mutex<FakeBootRom>) -> MutexGuard<'_, FakeBootRom> {
    rom.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BootClass<'_> {
    fn turn(&mut self) {
        let mut bytes = [0; PACKET as usize];
        if let Ok(count) = self.output.read(&mut bytes)
            && let Err(fault) = self.hear(&bytes[..count])
        {
            self.phase = Phase::Command;
            self.to_host.clear();
            if fault == PortFault::Gone {
                self.cut = true;
            } else {
                self.input.stall();
                self.output.stall();
            }
        }
        while let Some(packet) = self.to_host.front() {
            if self.input.write(packet) == Err(UsbError::WouldBlock) {
                return;
            }
            self.to_host.pop_front();
        }
    }

    fn hear(&mut self, packet: &[u8]) -> Result<(), PortFault> {
        let mut rom = lock(&self.rom);
        rom.send(packet)?;
        let left = match self.phase {
            Phase::Acknowledge => {
                self.phase = Phase::Command;
                return Ok(());
            }
            Phase::Data(left) => left.saturating_sub(packet.len()),
            Phase::Command => {
                // A packet that is no command was refused.
                let command: &[u8; COMMAND] = packet.try_into().map_err(|_| PortFault::Stalled)?;
                let length = u32::from_le_bytes([12, 13, 14, 15].map(|at| command[at])) as usize;
                if command[8] & 0x80 != 0 {
                    let data = rom.receive(length)?;
                    self.to_host.extend(data.chunks(PACKET.into()).map(<[u8]>::to_vec));
                    self.phase = Phase::Acknowledge;
                    return Ok(());
                }
                length
            }
        };
        self.phase = Phase::Data(left);
        if left == 0 {
            self.phase = Phase::Command;
            self.to_host.push_back(rom.receive(0)?);
        }
        Ok(())
    }
}

impl UsbClass<UsbipBus> for BootClass<'_> {
    fn get_configuration_descriptors(
        &self,
        writer: &mut DescriptorWriter<'_>,
    ) -> usb_device::Result<()> {
        writer.interface(self.number, 0xff, 0, 0)?;
        writer.endpoint(&self.output)?;
        writer.endpoint(&self.input)
    }

    fn control_out(&mut self, transfer: ControlOut<'_, '_, '_, UsbipBus>) {
        let request = transfer.request();
        let asked = (request.request_type, request.recipient, request.request);
        if asked == (RequestType::Vendor, Recipient::Interface, INTERFACE_RESET) {
            self.cut |= lock(&self.rom).reset().is_err();
            self.phase = Phase::Command;
            self.to_host.clear();
            let _ = transfer.accept();
        }
    }

    fn control_in(&mut self, transfer: ControlIn<'_, '_, '_, UsbipBus>) {
        let request = transfer.request();
        let asked = (request.request_type, request.recipient, request.request);
        if asked == (RequestType::Vendor, Recipient::Interface, GET_COMMAND_STATUS) {
            match lock(&self.rom).status() {
                Ok(status) => drop(transfer.accept_with(&status)),
                Err(_) => self.cut = true,
            }
        }
    }
}

/// Until the cable is pulled or cut.
fn work(bus: UsbipBus, plug: &Plug, rom: Arc<Mutex<FakeBootRom>>) {
    let alloc = UsbBusAllocator::new(bus);
    let mut class = BootClass {
        rom,
        number: alloc.interface(),
        input: alloc.bulk(PACKET),
        output: alloc.bulk(PACKET),
        phase: Phase::Command,
        to_host: VecDeque::new(),
        cut: false,
    };
    let strings = StringDescriptors::default().product("RP2350 Boot").serial_number("0123456789");
    let builder = UsbDeviceBuilder::new(&alloc, UsbVidPid(0x2e8a, 0x000f)).strings(&[strings]);
    let builder = builder.and_then(|builder| builder.max_packet_size_0(64));
    let mut device = builder.expect("the board can be described").build();
    while plug.wait(Duration::from_millis(1)) {
        device.poll(&mut [&mut class]);
        class.turn();
        if class.cut {
            return plug.unplug();
        }
    }
}

/// A board in its boot loader; its cable is pulled and plugged in again.
pub struct UsbBoot {
    rom: Arc<Mutex<FakeBootRom>>,
    board: Option<(Plug, JoinHandle<()>)>,
}

impl UsbBoot {
    pub fn new() -> UsbBoot {
        UsbBoot { rom: Arc::new(Mutex::new(FakeBootRom::new(SECTORS))), board: None }
    }

    fn listed() -> bool {
        !boot_loaders().expect("sysfs is there").is_empty()
    }

    fn pull(&mut self) {
        if let Some((plug, thread)) = self.board.take() {
            plug.unplug();
            thread.join().expect("a boot ROM does not panic");
            until("the boot loader is gone", || !UsbBoot::listed());
        }
    }
}

impl Drop for UsbBoot {
    fn drop(&mut self) {
        self.pull();
    }
}

impl BootBoard for UsbBoot {
    fn port(&mut self) -> Result<Box<dyn BootPort + '_>, String> {
        if self.board.is_none() {
            let (bus, plug, kernels) = usbip::cable().map_err(|error| error.to_string())?;
            let (rom, of_board) = (self.rom.clone(), plug.clone());
            let thread = thread::spawn(move || work(bus, &of_board, rom));
            until("the port is free", || usbip::attach(&kernels, PORT).is_ok());
            self.board = Some((plug, thread));
        }
        let mut opened = Err("it is not listed".to_owned());
        until("the boot loader can be opened", || {
            let found = boot_loaders().unwrap_or_default();
            if let Some(board) = found.first() {
                opened = UsbBootPort::open(board);
            }
            opened.is_ok()
        });
        Ok(Box::new(opened?))
    }

    fn packets(&self) -> u64 {
        lock(&self.rom).packets()
    }

    fn grain(&self) -> usize {
        if crate::is_long() { SHORT_GRAIN } else { GRAIN }
    }

    fn cut_after(&mut self, packets: u64) {
        lock(&self.rom).cut_after(packets);
    }

    fn replug(&mut self) {
        self.pull();
        lock(&self.rom).replug();
    }

    fn flash(&self) -> Vec<u8> {
        lock(&self.rom).flash().to_vec()
    }

    fn boot(&self) -> Boot {
        lock(&self.rom).boot()
    }
}
