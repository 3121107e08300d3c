//! A transport over USB: the vendor interface of a Heliograph board, through bulk endpoints.
//!
//! Boards are found by their strings and not by their ids, because no vendor id is allotted yet.
//! Builds for tests use 1209:0001, which pid.codes keeps for private tests: nothing that carries
//! it may be shipped.

mod select;

use crate::address::DeviceAddress;
use crate::discover;
use crate::open_error::OpenError;
use crate::transport::{Transport, TransportError};
use nusb::transfer::{Buffer, Bulk, In, Out, TransferError};
use nusb::{DeviceInfo, Endpoint, ErrorKind, MaybeFuture};
use select::InterfaceFacts;
pub use select::usb_pipes;
pub(crate) use select::{bulk_pair, endpoint_facts};
use std::time::{Duration, Instant};
use zeroize::Zeroize;

/// Transfers that wait in the operating system for what the board sends. A board ends each within
/// 5 ms by a packet that is not full, however busy the bus is, so that 24 of them last 120 ms while
/// the host is busy (measured, `docs/cable.md`); a board's own queue is shorter than that.
const TRANSFERS: usize = 24;
/// Bytes of one: a multiple of every bulk packet (64, 512, 1024), and more than the 6 kB that full
/// speed carries in 5 ms.
const TRANSFER_BYTES: usize = 8 * 1024;
/// How long sending waits for room; a device takes 250 ms without a heartbeat as a dead host.
const SEND_PATIENCE: Duration = Duration::from_secs(1);
/// Bus errors in a row that are taken for a cable being pulled: until the operating system has
/// noticed that the board is gone, transfers fail one by one.
const FAULTS: u32 = 2 * TRANSFERS as u32;
/// Stalls that are cleared before bytes come again; an endpoint that stalls for ever is at fault.
const STALLS: u32 = 3;
/// How long the operating system may take to give back transfers that are called off.
const GIVEN_BACK: Duration = Duration::from_secs(1);

/// A Heliograph board on USB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbDevice {
    /// Vendor id.
    pub vendor_id: u16,
    /// Product id.
    pub product_id: u16,
    /// Product string.
    pub product: String,
    /// Serial number; a board without one cannot be addressed.
    pub serial: Option<String>,
}

impl UsbDevice {
    /// What opens it.
    pub fn address(&self) -> Option<DeviceAddress> {
        self.serial.clone().map(DeviceAddress::Usb)
    }
}

/// Heliograph boards, in order of serial number.
///
/// # Errors
/// What the operating system says, in words.
pub fn usb_devices() -> Result<Vec<UsbDevice>, String> {
    let mut found: Vec<UsbDevice> =
        boards()?.iter().map(|(info, product, _)| describe(info, product)).collect();
    found.sort_by(|a, b| a.serial.cmp(&b.serial));
    Ok(found)
}

/// Boards, each by what the operating system calls it while it is plugged in.
pub(crate) fn boards_by_id() -> Result<Vec<(nusb::DeviceId, UsbDevice)>, String> {
    let boards = boards()?;
    Ok(boards.iter().map(|(info, product, _)| (info.id(), describe(info, product))).collect())
}

/// Boards, their product string and the number of their vendor interface.
fn boards() -> Result<Vec<(DeviceInfo, String, u8)>, String> {
    let devices = nusb::list_devices().wait().map_err(|error| error.to_string())?;
    let recognise = |info: DeviceInfo| {
        let interfaces: Vec<InterfaceFacts<'_>> = info
            .interfaces()
            .map(|i| InterfaceFacts {
                number: i.interface_number(),
                class: i.class(),
                name: i.interface_string(),
            })
            .collect();
        let number = select::vendor_interface(info.product_string(), &interfaces)?;
        let product = info.product_string()?.to_owned();
        Some((info, product, number))
    };
    Ok(devices.filter_map(recognise).collect())
}

fn describe(info: &DeviceInfo, product: &str) -> UsbDevice {
    UsbDevice {
        vendor_id: info.vendor_id(),
        product_id: info.product_id(),
        product: product.to_owned(),
        serial: info.serial_number().filter(|s| !s.is_empty()).map(str::to_owned),
    }
}

/// The vendor interface of a board, claimed for this program alone.
///
/// Bytes wait in the operating system for 100 ms of full speed; whoever owns the transport must
/// receive more often than that, or the board has to drop frames, which it counts.
pub struct UsbTransport {
    input: Endpoint<Bulk, In>,
    output: Endpoint<Bulk, Out>,
    /// That wait for what the board sends.
    transfers: usize,
    troubles: Troubles,
}

/// What went wrong since the last bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Troubles {
    faults: u32,
    stalls: u32,
}

/// What follows from the end of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The next one.
    Resubmit,
    /// The endpoint has stalled and is to be cleared.
    Clear,
}

impl UsbTransport {
    /// Transfers that wait in the operating system for what the board sends.
    pub const TRANSFERS: usize = TRANSFERS;

    /// Opens the board with this serial number.
    ///
    /// # Errors
    /// [`OpenError`]: not there, used by another program, not permitted, or not a whole board.
    pub fn open(serial: &str) -> Result<UsbTransport, OpenError> {
        UsbTransport::open_with(serial, UsbTransport::TRANSFERS)
    }

    /// As [`UsbTransport::open`], with so many transfers, at least one, that wait in the operating
    /// system for what the board sends.
    ///
    /// # Errors
    /// As there.
    pub fn open_with(serial: &str, transfers: usize) -> Result<UsbTransport, OpenError> {
        let address = || DeviceAddress::Usb(serial.to_owned());
        let failed = |complaint| OpenError::Failed { address: address(), complaint };
        let boards = boards().map_err(failed)?;
        let mut named = boards.iter().filter(|(info, ..)| info.serial_number() == Some(serial));
        let Some((info, _, number)) = named.next() else {
            return Err(OpenError::NotFound { address: address(), present: discover::present() });
        };
        let others = named.count();
        if others > 0 {
            return Err(OpenError::Ambiguous { address: address(), count: 1 + others });
        }
        let refused = |error: nusb::Error| refusal(address(), error.kind(), || error.to_string());
        let device = info.open().wait().map_err(refused)?;
        let interface = device.claim_interface(*number).wait().map_err(refused)?;
        let configuration =
            device.active_configuration().map_err(|error| failed(error.to_string()))?;
        let (from, to) = select::usb_pipes(configuration.as_bytes(), *number)
            .map_err(|why| failed(why.into()))?;
        let input = interface.endpoint::<Bulk, In>(from).map_err(refused)?;
        let output = interface.endpoint::<Bulk, Out>(to).map_err(refused)?;
        let troubles = Troubles::default();
        let mut transport = UsbTransport { input, output, transfers, troubles };
        transport.submit_all();
        Ok(transport)
    }

    fn submit_all(&mut self) {
        while self.input.pending() < self.transfers {
            let buffer = self.input.allocate(TRANSFER_BYTES);
            self.input.submit(buffer);
        }
    }

    /// Clears the stalled input, and keeps what the other transfers have brought. What the stall has
    /// cost is missed by the frames' own sequence.
    fn clear_input(&mut self, chunk: &mut Vec<u8>) -> Result<(), TransportError> {
        log::warn!("the board's endpoint has stalled; it is cleared");
        self.input.cancel_all();
        while self.input.pending() > 0 {
            let done = self.input.wait_next_complete(GIVEN_BACK);
            let done = done.ok_or(TransportError::Failed(error_code(TransferError::Stall)))?;
            if done.status == Err(TransferError::Disconnected) {
                return Err(TransportError::Closed);
            }
            chunk.extend_from_slice(&done.buffer[..done.actual_len]);
        }
        self.input.clear_halt().wait().map_err(|why| uncleared(why.kind()))?;
        self.submit_all();
        Ok(())
    }

    fn transfer(&mut self, bytes: &[u8]) -> Result<(), TransferError> {
        let mut buffer = Buffer::new(bytes.len());
        buffer.extend_from_slice(bytes);
        let mut done = self.output.transfer_blocking(buffer, SEND_PATIENCE);
        // A seed or random bytes may have been in it.
        done.buffer.zeroize();
        done.status
    }
}

fn uncleared(why: ErrorKind) -> TransportError {
    match why {
        ErrorKind::Disconnected => TransportError::Closed,
        _ => TransportError::Failed(error_code(TransferError::Stall)),
    }
}

fn refusal(
    address: DeviceAddress,
    kind: ErrorKind,
    complaint: impl FnOnce() -> String,
) -> OpenError {
    match kind {
        ErrorKind::PermissionDenied => OpenError::Permission { address },
        ErrorKind::Busy => OpenError::Busy { address },
        ErrorKind::Disconnected => OpenError::NotFound { address, present: discover::present() },
        _ => OpenError::Failed { address, complaint: complaint() },
    }
}

impl Transport for UsbTransport {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut ended = self.transfer(bytes);
        if ended == Err(TransferError::Stall) {
            // A frame that the board has half is thrown away by its checksum.
            self.output.clear_halt().wait().map_err(|why| uncleared(why.kind()))?;
            ended = self.transfer(bytes);
        }
        match ended {
            Ok(()) => Ok(()),
            // Nothing else cancels than the end of the time.
            Err(TransferError::Cancelled) => Err(TransportError::TimedOut),
            Err(error) => Err(map(error)),
        }
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        chunk.clear();
        let begun = Instant::now();
        loop {
            // Nothing pends only after an end that was told before.
            if self.input.pending() == 0 {
                return Err(TransportError::Closed);
            }
            let left = timeout.saturating_sub(begun.elapsed());
            let done = self.input.wait_next_complete(left).ok_or(TransportError::TimedOut)?;
            chunk.extend_from_slice(&done.buffer[..done.actual_len]);
            match self.troubles.judge(done.status) {
                Ok(Then::Resubmit) => self.input.submit(done.buffer),
                Ok(Then::Clear) => self.clear_input(chunk)?,
                // The transfer is not given back, so that a dead endpoint runs out of them.
                Err(error) if chunk.is_empty() => return Err(error),
                Err(_) => {}
            }
            // An empty packet only says that a transfer has ended.
            if !chunk.is_empty() {
                return Ok(());
            }
        }
    }
}

impl Troubles {
    /// Whether and how to go on after a transfer. Bytes that a single bus error has cost are missed
    /// by the frames' own sequence.
    fn judge(&mut self, status: Result<(), TransferError>) -> Result<Then, TransportError> {
        match status {
            Ok(()) => {
                *self = Troubles::default();
                Ok(Then::Resubmit)
            }
            Err(TransferError::Fault) if self.faults < FAULTS => {
                self.faults += 1;
                Ok(Then::Resubmit)
            }
            Err(TransferError::Stall) if self.stalls < STALLS => {
                self.stalls += 1;
                Ok(Then::Clear)
            }
            Err(error) => Err(map(error)),
        }
    }
}

/// Codes below zero are not the operating system's: -1 a bus error, -2 a stalled endpoint, -3 a
/// transfer that somebody else ended, -4 one that was never possible, -5 a device that is gone.
fn map(error: TransferError) -> TransportError {
    match error {
        TransferError::Disconnected => TransportError::Closed,
        other => TransportError::Failed(error_code(other)),
    }
}

pub(crate) fn error_code(error: TransferError) -> i32 {
    match error {
        TransferError::Fault => -1,
        TransferError::Stall => -2,
        TransferError::Cancelled => -3,
        TransferError::InvalidArgument => -4,
        TransferError::Disconnected => -5,
        TransferError::Unknown(code) => code as i32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulled_cable_is_closed_and_bus_errors_and_stalls_are_survived() {
        let mut seen = Troubles::default();
        for _ in 0..FAULTS {
            assert_eq!(seen.judge(Err(TransferError::Fault)), Ok(Then::Resubmit));
        }
        let failed = Err(TransportError::Failed(-1));
        assert_eq!(seen.judge(Err(TransferError::Fault)), failed);
        assert_eq!(seen.judge(Ok(())), Ok(Then::Resubmit));
        assert_eq!(seen.judge(Err(TransferError::Fault)), Ok(Then::Resubmit));
        let gone = seen.judge(Err(TransferError::Disconnected));
        assert_eq!(gone, Err(TransportError::Closed));
        for _ in 0..STALLS {
            assert_eq!(seen.judge(Err(TransferError::Stall)), Ok(Then::Clear));
        }
        let stalled = seen.judge(Err(TransferError::Stall));
        assert_eq!(stalled, Err(TransportError::Failed(-2)));
        assert_eq!(map(TransferError::Unknown(75)), TransportError::Failed(75));
    }

    #[test]
    fn refusals_tell_the_remedy() {
        let usb = || DeviceAddress::Usb("B-0001".into());
        let said = refusal(usb(), ErrorKind::PermissionDenied, String::new).to_string();
        let remedy = if cfg!(target_os = "linux") { "70-heliograph.rules" } else { "admin" };
        assert!(said.contains("usb:B-0001") && said.contains(remedy), "{said}");
        let busy = refusal(usb(), ErrorKind::Busy, String::new);
        assert!(matches!(busy, OpenError::Busy { .. }));
        let gone = refusal(usb(), ErrorKind::Disconnected, String::new);
        assert!(matches!(gone, OpenError::NotFound { .. }));
        let other = refusal(usb(), ErrorKind::Other, || "errno 5".into()).to_string();
        assert!(other.contains("errno 5"), "{other}");
    }

    #[test]
    fn a_serial_number_that_is_not_there_opens_nothing() {
        let error = UsbTransport::open("no such serial number").err().unwrap();
        assert!(error.to_string().contains("usb:no such serial number"), "{error}");
    }

    #[test]
    fn the_udev_rule_names_the_product_that_is_looked_for() {
        let rule = include_str!("../udev/70-heliograph.rules");
        assert!(rule.contains(&format!("ATTRS{{product}}==\"{}*\"", select::PRODUCT)));
        assert!(rule.contains("ENV{ID_MM_DEVICE_IGNORE}=\"1\""));
    }
}
