//! How a device is named on a command line and in a configuration.

use std::fmt;
use std::str::FromStr;

/// Where a device is: what stands behind `--device` and in configurations.
///
/// | form | what |
/// |---|---|
/// | `usb:SERIAL` | a Heliograph board by the serial number of its USB descriptor |
/// | `serial:/dev/ttyACM0`, `serial:COM3` | a serial port of this computer |
/// | `tcp:HOST:PORT`, `tcp:[::1]:PORT` | a device that another program serves |
/// | `replay:FILE` | a recording of a device's cable, played again |
/// | `sim` | the bench in software: inside the program itself, or, for a station of its own, the port at which `helio sim` serves its role on this computer |
///
/// What [`FromStr`] accepts, [`Display`](fmt::Display) gives back to the letter, except that a port number loses
/// leading zeros.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeviceAddress {
    /// The USB serial number.
    Usb(String),
    /// The operating system's name of a serial port.
    Serial(String),
    /// A listening TCP port.
    Tcp {
        /// A name, an IPv4 address, or an IPv6 address without its brackets.
        host: String,
        /// 1 to 65535.
        port: u16,
    },
    /// The name of a [recording](crate::record).
    Replay(String),
    /// The bench in software. It has no port of its own to open: who starts the bench has its ends,
    /// and a station's configuration puts the port of `helio sim` in its place.
    Sim,
}

/// A text that is no [`DeviceAddress`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} {complaint}; write usb:SERIAL, serial:/dev/ttyACM0, tcp:HOST:PORT, replay:FILE or sim"
)]
pub struct InvalidAddress {
    text: String,
    complaint: &'static str,
}

impl FromStr for DeviceAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<DeviceAddress, InvalidAddress> {
        parse(text).map_err(|complaint| InvalidAddress { text: text.to_owned(), complaint })
    }
}

fn parse(text: &str) -> Result<DeviceAddress, &'static str> {
    if text.chars().any(char::is_control) {
        return Err("holds a control character");
    }
    if text == "sim" {
        return Ok(DeviceAddress::Sim);
    }
    let (kind, rest) = text.split_once(':').ok_or("is no address of a device")?;
    match kind {
        "usb" if rest.is_empty() => Err("lacks the serial number"),
        "usb" => Ok(DeviceAddress::Usb(rest.to_owned())),
        "serial" if rest.is_empty() => Err("lacks the name of the port"),
        "serial" => Ok(DeviceAddress::Serial(rest.to_owned())),
        "tcp" => tcp(rest),
        "replay" if rest.is_empty() => Err("lacks the name of the file"),
        "replay" => Ok(DeviceAddress::Replay(rest.to_owned())),
        _ => Err("is no address of a device"),
    }
}

fn tcp(rest: &str) -> Result<DeviceAddress, &'static str> {
    let (host, port) = rest.rsplit_once(':').ok_or("lacks the port number")?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = bracketed.unwrap_or(host);
    if host.is_empty() {
        return Err("lacks the host");
    }
    if bracketed.is_some() != host.contains(':') {
        return Err("wants square brackets around an IPv6 address and nothing else");
    }
    if host.contains(|c: char| c.is_whitespace() || "[]/".contains(c)) {
        return Err("has a host that is neither a name nor a number");
    }
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(port) if digits && port != 0 => Ok(DeviceAddress::Tcp { host: host.to_owned(), port }),
        _ => Err("has a port that is not a number from 1 to 65535"),
    }
}

impl fmt::Display for DeviceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceAddress::Usb(serial) => write!(f, "usb:{serial}"),
            DeviceAddress::Serial(port) => write!(f, "serial:{port}"),
            DeviceAddress::Tcp { host, port } if host.contains(':') => {
                write!(f, "tcp:[{host}]:{port}")
            }
            DeviceAddress::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
            DeviceAddress::Replay(file) => write!(f, "replay:{file}"),
            DeviceAddress::Sim => f.write_str("sim"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tcp(host: &str, port: u16) -> DeviceAddress {
        DeviceAddress::Tcp { host: host.into(), port }
    }

    #[test]
    fn every_form_is_read() {
        let known = [
            ("sim", DeviceAddress::Sim),
            ("usb:E6614103E7", DeviceAddress::Usb("E6614103E7".into())),
            ("usb:a:b c", DeviceAddress::Usb("a:b c".into())),
            ("serial:/dev/ttyACM0", DeviceAddress::Serial("/dev/ttyACM0".into())),
            ("serial:COM3", DeviceAddress::Serial("COM3".into())),
            ("replay:a folder/b.cable", DeviceAddress::Replay("a folder/b.cable".into())),
            ("tcp:localhost:7001", tcp("localhost", 7001)),
            ("tcp:[fe80::1%eth0]:65535", tcp("fe80::1%eth0", 65535)),
        ];
        for (text, address) in known {
            assert_eq!(text.parse(), Ok(address.clone()), "{text}");
            assert_eq!(address.to_string(), text);
        }
        assert_eq!("tcp:h:007".parse(), Ok(tcp("h", 7)));
    }

    #[test]
    fn what_is_none_is_told_in_one_sentence_with_the_forms() {
        let wrong = [
            ("", "is no address"),
            ("simulation", "is no address"),
            ("sim:", "is no address"),
            ("USB:1", "is no address"),
            ("/dev/ttyACM0", "is no address"),
            ("usb:", "serial number"),
            ("usb:a\nb", "control character"),
            ("serial:", "name of the port"),
            ("replay:", "name of the file"),
            ("tcp:", "lacks the port"),
            ("tcp:host", "lacks the port"),
            ("tcp::1", "lacks the host"),
            ("tcp:[]:1", "lacks the host"),
            ("tcp:::1:80", "brackets"),
            ("tcp:[host]:80", "brackets"),
            ("tcp:a b:80", "neither a name nor a number"),
            ("tcp:http://h:80", "brackets"),
            ("tcp:h:0", "from 1 to 65535"),
            ("tcp:h:65536", "from 1 to 65535"),
            ("tcp:h:+1", "from 1 to 65535"),
            ("tcp:h:", "from 1 to 65535"),
        ];
        for (text, complaint) in wrong {
            let said = text.parse::<DeviceAddress>().unwrap_err().to_string();
            assert!(said.contains(complaint) && said.contains("tcp:HOST:PORT"), "{text}: {said}");
            assert!(!said.contains('\n') && !said.ends_with('.'), "{said}");
        }
    }

    proptest! {
        /// Any text is read or refused; what is read comes back the same, and stays the same.
        #[test]
        fn what_is_read_is_given_back(
            text in prop_oneof![
                any::<String>(),
                "(usb|serial|tcp|replay|sim):\\PC{0,12}",
                "tcp:[\\[\\]a:/ ]{0,6}:[0-9+]{0,6}",
            ]
        ) {
            if let Ok(address) = text.parse::<DeviceAddress>() {
                let shown = address.to_string();
                prop_assert_eq!(shown.parse(), Ok(address.clone()));
                if let DeviceAddress::Tcp { port, .. } = address {
                    prop_assert!(port > 0);
                } else {
                    prop_assert_eq!(shown, text);
                }
            }
        }
    }
}
