//! What is plugged into this computer, and opening it by its address.

use crate::address::DeviceAddress;
use crate::open_error::OpenError;
use crate::record::{NotARecording, Replay};
use crate::serial::SerialTransport;
use crate::tcp::TcpTransport;
use crate::transport::Transport;
use crate::usb::{UsbDevice, UsbTransport, usb_devices};
use serialport::SerialPortType;
use std::fs::File;
use std::io::BufReader;

/// Opens what stands at an address.
///
/// # Errors
/// [`OpenError`]; always for [`DeviceAddress::Sim`], which has no port.
pub fn open(address: &DeviceAddress) -> Result<Box<dyn Transport + Send>, OpenError> {
    Ok(match address {
        DeviceAddress::Usb(serial) => Box::new(UsbTransport::open(serial)?),
        DeviceAddress::Serial(name) => Box::new(SerialTransport::open(name)?),
        DeviceAddress::Tcp { host, port } => Box::new(TcpTransport::connect(host, *port)?),
        DeviceAddress::Replay(file) => Box::new(
            replay(file)
                .map_err(|source| OpenError::Recording { address: address.clone(), source })?,
        ),
        DeviceAddress::Sim => return Err(OpenError::NoPort),
    })
}

fn replay(file: &str) -> Result<Replay<BufReader<File>>, NotARecording> {
    Replay::new(BufReader::new(File::open(file)?))
}

/// A serial port of this computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialPortFound {
    /// What opens it.
    pub address: DeviceAddress,
    /// What the USB descriptor behind it says, if there is one.
    pub usb: Option<SerialUsb>,
}

/// The USB side of a serial port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialUsb {
    /// Vendor id.
    pub vendor_id: u16,
    /// Product id.
    pub product_id: u16,
    /// Product string.
    pub product: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
}

/// Serial ports, in order of name.
///
/// # Errors
/// What the operating system says, in words.
pub fn serial_ports() -> Result<Vec<SerialPortFound>, String> {
    let mut ports: Vec<SerialPortFound> = serialport::available_ports()
        .map_err(|error| error.to_string())?
        .into_iter()
        .map(|port| SerialPortFound {
            address: DeviceAddress::Serial(port.port_name),
            usb: match port.port_type {
                SerialPortType::UsbPort(usb) => Some(SerialUsb {
                    vendor_id: usb.vid,
                    product_id: usb.pid,
                    product: usb.product,
                    serial: usb.serial_number,
                }),
                _ => None,
            },
        })
        .collect();
    ports.sort_by(|a, b| a.address.cmp(&b.address));
    Ok(ports)
}

/// Addresses of all that is there. What cannot be listed is left out: this is advice.
pub(crate) fn present() -> Vec<DeviceAddress> {
    let boards = usb_devices().unwrap_or_default();
    let boards = boards.iter().filter_map(UsbDevice::address);
    let ports = serial_ports().unwrap_or_default();
    boards.chain(ports.into_iter().map(|port| port.address)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::TcpPort;
    use std::time::Duration;

    #[test]
    fn an_address_leads_to_its_transport() {
        let port = TcpPort::bind("127.0.0.1", 0).unwrap();
        let mut near = open(&port.address().unwrap()).unwrap();
        near.send(&[1, 2]).unwrap();
        let mut chunk = Vec::new();
        let mut far = port.accept(Duration::from_secs(10)).unwrap();
        far.receive(&mut chunk, Duration::from_secs(10)).unwrap();
        assert_eq!(chunk, [1, 2]);
        let gone = DeviceAddress::Serial("/dev/no-such-port".into());
        assert!(matches!(open(&gone), Err(OpenError::NotFound { .. })));
        let none = open(&DeviceAddress::Replay("no such.cable".into()));
        let said = none.err().unwrap().to_string();
        assert!(said.starts_with("replay:no such.cable cannot be read"), "{said}");
        let sim = open(&DeviceAddress::Sim);
        assert!(matches!(sim, Err(OpenError::NoPort)));
    }
}
