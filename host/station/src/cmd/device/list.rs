//! `helio device list`: what is plugged in, and by which address it is opened.

use std::fmt::Write;

use helio_link::picoboot::boot_loaders;
use helio_link::{SerialPortFound, UsbDevice, serial_ports, usb_devices};
use serde_json::{Value, json};

use crate::cli::Global;
use crate::exit::{Failure, print, print_json};

/// Arguments of `helio device list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio device list
  helio device list --json

Lists Heliograph boards on USB, known by their product string, RP2350 boards in their boot loaders, and \
every serial port. Nothing is opened and nothing is sent.")]
pub struct Args {}

/// What is plugged in; each half or why it cannot be told.
struct Found {
    boards: Result<Vec<UsbDevice>, String>,
    /// Serial numbers of the chips of boards in their boot loaders.
    boot_loaders: Vec<Option<String>>,
    ports: Result<Vec<SerialPortFound>, String>,
}

/// Lists.
///
/// # Errors
/// Standard output is at fault.
pub(super) fn run(_args: &Args, global: &Global) -> Result<(), Failure> {
    // Where USB cannot be listed, the boards say so.
    let waiting = boot_loaders().unwrap_or_default();
    let boot_loaders = waiting.into_iter().map(|board| board.serial).collect();
    let found = Found { boards: usb_devices(), boot_loaders, ports: serial_ports() };
    match global.json {
        true => print_json(&to_json(&found)),
        false => print(text(&found)),
    }
}

fn text(found: &Found) -> String {
    let (boards, ports) = (found.boards.as_deref(), found.ports.as_deref());
    let mut text = String::new();
    for board in boards.unwrap_or_default() {
        let UsbDevice { vendor_id, product_id, product, .. } = board;
        let address = board.address().map_or("no serial number".into(), |a| a.to_string());
        _ = writeln!(text, "{address:<28}{product} ({vendor_id:04x}:{product_id:04x})");
    }
    for chip in &found.boot_loaders {
        let chip = chip.as_deref().unwrap_or("no serial number");
        _ = writeln!(text, "{:<28}RP2350 in its boot loader, chip {chip}", "helio device flash");
    }
    for port in ports.unwrap_or_default() {
        let what = port.usb.as_ref().map_or("serial port".to_owned(), |usb| {
            let product = usb.product.as_deref().unwrap_or("USB serial port");
            let serial = usb.serial.as_ref().map_or(String::new(), |s| format!(", serial {s}"));
            format!("{product} ({:04x}:{:04x}{serial})", usb.vendor_id, usb.product_id)
        });
        _ = writeln!(text, "{:<28}{what}", port.address.to_string());
    }
    if text.is_empty() {
        text.push_str(
            "no Heliograph board and no serial port is plugged in; check the cable, the power and \
             that the board's firmware runs\n",
        );
    }
    for (what, why) in [("USB", boards.err()), ("serial ports", ports.err())] {
        if let Some(why) = why {
            _ = writeln!(text, "{what} could not be listed: {why}");
        }
    }
    text
}

fn to_json(found: &Found) -> Value {
    let boards = found.boards.as_deref().unwrap_or_default().iter().map(|board| {
        json!({
            "address": board.address().map(|a| a.to_string()),
            "product": board.product,
            "serial": board.serial,
            "vendor_id": board.vendor_id,
            "product_id": board.product_id,
        })
    });
    let ports = found.ports.as_deref().unwrap_or_default().iter().map(|port| {
        let usb = port.usb.as_ref().map(|usb| {
            json!({
                "product": usb.product,
                "serial": usb.serial,
                "vendor_id": usb.vendor_id,
                "product_id": usb.product_id,
            })
        });
        json!({ "address": port.address.to_string(), "usb": usb })
    });
    json!({
        "usb": boards.collect::<Vec<_>>(),
        "boot_loaders": found.boot_loaders,
        "serial": ports.collect::<Vec<_>>(),
        "usb_error": found.boards.as_ref().err(),
        "serial_error": found.ports.as_ref().err(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_link::{DeviceAddress, SerialUsb};

    #[test]
    fn each_line_begins_with_what_opens_it() {
        let usb = SerialUsb {
            vendor_id: 0x2e8a,
            product_id: 0xa,
            product: Some("Pico".into()),
            serial: Some("E661".into()),
        };
        let acm = DeviceAddress::Serial("/dev/ttyACM0".into());
        let board = UsbDevice {
            vendor_id: 0x1209,
            product_id: 1,
            product: "Heliograph Alice".into(),
            serial: Some("A-0001".into()),
        };
        let found = Found {
            boards: Ok(vec![board]),
            boot_loaders: vec![Some("5B7C".into())],
            ports: Ok(vec![SerialPortFound { address: acm.clone(), usb: Some(usb) }]),
        };
        let text = text(&found);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].contains("boot loader, chip 5B7C"), "{text}");
        assert!(lines[0].ends_with("Heliograph Alice (1209:0001)"), "{text}");
        assert!(lines[2].ends_with("Pico (2e8a:000a, serial E661)"), "{text}");
        let opened_by = |line: &str| line.split_whitespace().next().unwrap().parse();
        assert_eq!(opened_by(lines[0]), Ok(DeviceAddress::Usb("A-0001".into())));
        assert_eq!(opened_by(lines[2]), Ok(acm));
        assert_eq!(to_json(&found)["usb"][0]["address"], "usb:A-0001");
        assert_eq!(to_json(&found)["serial"][0]["usb"]["serial"], "E661");
    }

    #[test]
    fn nothing_found_says_what_to_check() {
        let none = text(&Found { boards: Ok(vec![]), boot_loaders: vec![], ports: Ok(vec![]) });
        assert!(none.contains("check the cable"), "{none}");
        let broken =
            text(&Found { boards: Err("no bus".into()), boot_loaders: vec![], ports: Ok(vec![]) });
        assert!(broken.contains("USB could not be listed: no bus"), "{broken}");
    }
}
