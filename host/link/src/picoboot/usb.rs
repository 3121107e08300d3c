//! Boot loaders on USB.

use super::command::{GET_COMMAND_STATUS, INTERFACE_RESET, STATUS};
use super::port::{BootPort, PortFault};
use crate::usb::{bulk_pair, endpoint_facts, error_code};
use nusb::transfer::{
    Buffer, Bulk, ControlIn, ControlOut, ControlType, In, Out, Recipient, TransferError,
};
use nusb::{DeviceInfo, Endpoint, ErrorKind, Interface, MaybeFuture};
use std::time::Duration;

/// The RP2350's boot ROM (data sheet, table 456).
const VENDOR: u16 = 0x2e8a;
const PRODUCT: u16 = 0x000f;
/// The interface beside the drive's (data sheet, section 5.6.2).
const VENDOR_CLASS: u8 = 0xff;
/// Erasing a sector takes 400 ms at most on the flash of a Pico 2.
const PATIENCE: Duration = Duration::from_secs(3);

/// A board in its boot loader.
#[derive(Clone, Debug)]
pub struct BootLoader {
    info: DeviceInfo,
    /// The chip's own number; not that of the firmware's descriptor.
    pub serial: Option<String>,
}

/// Boards in their boot loaders, in order of serial number.
///
/// # Errors
/// What the operating system says, in words.
pub fn boot_loaders() -> Result<Vec<BootLoader>, String> {
    let devices = nusb::list_devices().wait().map_err(|error| error.to_string())?;
    let mut found: Vec<BootLoader> = devices
        .filter(|info| (info.vendor_id(), info.product_id()) == (VENDOR, PRODUCT))
        .map(|info| BootLoader { serial: info.serial_number().map(str::to_owned), info })
        .collect();
    found.sort_by(|a, b| a.serial.cmp(&b.serial));
    Ok(found)
}

/// The vendor interface of a boot loader, claimed for this program alone.
pub struct UsbBootPort {
    interface: Interface,
    input: Endpoint<Bulk, In>,
    output: Endpoint<Bulk, Out>,
}

impl UsbBootPort {
    /// Opens a board.
    ///
    /// # Errors
    /// One sentence with the remedy.
    pub fn open(board: &BootLoader) -> Result<UsbBootPort, String> {
        let refused = |error: nusb::Error| match error.kind() {
            ErrorKind::PermissionDenied => "this user may not open the board in its boot loader; \
                 install host/link/udev/70-heliograph.rules in /etc/udev/rules.d, run sudo udevadm \
                 control --reload, and replug it"
                .to_owned(),
            ErrorKind::Busy => "another program uses the board's boot loader; close it".to_owned(),
            _ => format!("the board's boot loader cannot be opened: {error}; replug it"),
        };
        let number = board.info.interfaces().find(|i| i.class() == VENDOR_CLASS);
        let number = number.map(|i| i.interface_number()).ok_or(
            "the board's boot loader has no PICOBOOT interface, its chip's settings have turned it \
             off; use its drive",
        )?;
        let device = board.info.open().wait().map_err(refused)?;
        let interface = device.claim_interface(number).wait().map_err(refused)?;
        let endpoints = interface.descriptor().map(|d| endpoint_facts(&d)).unwrap_or_default();
        let (from, to) = bulk_pair(&endpoints)?;
        let input = interface.endpoint(from).map_err(refused)?;
        let output = interface.endpoint(to).map_err(refused)?;
        Ok(UsbBootPort { interface, input, output })
    }
}

impl BootPort for UsbBootPort {
    fn send(&mut self, bytes: &[u8]) -> Result<(), PortFault> {
        let mut buffer = Buffer::new(bytes.len());
        buffer.extend_from_slice(bytes);
        self.output.transfer_blocking(buffer, PATIENCE).status.map_err(fault)
    }

    fn receive(&mut self, length: usize) -> Result<Vec<u8>, PortFault> {
        // A request is for whole packets; an empty one needs room for one.
        let packet = self.input.max_packet_size().max(1);
        let room = length.max(1).next_multiple_of(packet);
        let done = self.input.transfer_blocking(Buffer::new(room), PATIENCE);
        done.status.map_err(fault)?;
        Ok(done.buffer[..done.actual_len].to_vec())
    }

    fn reset(&mut self) -> Result<(), PortFault> {
        let reset = ControlOut {
            control_type: ControlType::Vendor,
            recipient: Recipient::Interface,
            request: INTERFACE_RESET,
            value: 0,
            index: self.interface.interface_number().into(),
            data: &[],
        };
        // The host's halves of the endpoints count packets too.
        let cleared = self.input.clear_halt().wait().and(self.output.clear_halt().wait());
        cleared.map_err(|_| PortFault::Gone)?;
        self.interface.control_out(reset, PATIENCE).wait().map_err(fault)
    }

    fn status(&mut self) -> Result<[u8; STATUS], PortFault> {
        let ask = ControlIn {
            control_type: ControlType::Vendor,
            recipient: Recipient::Interface,
            request: GET_COMMAND_STATUS,
            value: 0,
            index: self.interface.interface_number().into(),
            length: STATUS as u16,
        };
        let status = self.interface.control_in(ask, PATIENCE).wait().map_err(fault)?;
        status.try_into().map_err(|_| PortFault::Failed(-1))
    }
}

fn fault(error: TransferError) -> PortFault {
    match error {
        TransferError::Stall => PortFault::Stalled,
        TransferError::Disconnected => PortFault::Gone,
        // Nothing else cancels than the end of the time.
        TransferError::Cancelled => PortFault::TimedOut,
        other => PortFault::Failed(error_code(other)),
    }
}
