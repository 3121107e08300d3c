//! Desk files: how to reach the devices of a desk.
//!
//! ```toml
//! kind = "real"              # or "in-process", "serial"
//! alice = "usb:E6614103E7"   # addresses as everywhere; a desk may have one station only
//! bob = "serial:/dev/ttyACM0"
//! slot_ns = 20000           # of all runs, where the bench does not follow slots of 1 us and 20 us
//! cables = ["alice.sync_out - bob.sync_in"]   # for people: printed with the results
//! ```

use helio_link::{DeviceAddress, InvalidAddress};
use toml::de::{DeTable, DeValue};

/// What kind of desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Both devices in the process.
    InProcess,
    /// The emulated board.
    Serial,
    /// Devices at addresses.
    Real,
}

/// A desk as its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskFile {
    /// What it is.
    pub kind: Kind,
    /// Where Alice's device is, of a real desk.
    pub alice: Option<DeviceAddress>,
    /// Where Bob's is.
    pub bob: Option<DeviceAddress>,
    /// Length of all slots in cycles of 150 MHz, of a real desk.
    pub slot_cycles: Option<u32>,
    /// What is wired to what.
    pub cables: Vec<String>,
}

/// A text that is no desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidDesk(pub String);

impl std::fmt::Display for InvalidDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "desk file: {}", self.0)
    }
}

impl std::error::Error for InvalidDesk {}

impl DeskFile {
    /// From the text of a file.
    ///
    /// # Errors
    /// [`InvalidDesk`], with what is wrong.
    pub fn parse(text: &str) -> Result<DeskFile, InvalidDesk> {
        let table = DeTable::parse(text).map_err(|error| InvalidDesk(error.to_string()))?;
        let mut desk = DeskFile {
            kind: Kind::InProcess,
            alice: None,
            bob: None,
            slot_cycles: None,
            cables: Vec::new(),
        };
        let mut kind = None;
        for (name, value) in table.get_ref() {
            let (name, value) = (name.get_ref().as_ref(), value.get_ref());
            match name {
                "kind" => kind = Some(kind_of(text_of(name, value)?)?),
                "alice" => desk.alice = Some(address(text_of(name, value)?)?),
                "bob" => desk.bob = Some(address(text_of(name, value)?)?),
                "slot_ns" => desk.slot_cycles = Some(cycles(value)?),
                "cables" => {
                    let DeValue::Array(cables) = value else {
                        return Err(InvalidDesk("cables is a list of texts".into()));
                    };
                    for cable in cables {
                        desk.cables.push(text_of(name, cable.get_ref())?.to_owned());
                    }
                }
                _ => return Err(InvalidDesk(format!("{name} is nothing that a desk has"))),
            }
        }
        desk.kind = kind.ok_or_else(|| InvalidDesk("kind is missing".into()))?;
        if (desk.kind == Kind::Real) != (desk.alice.is_some() || desk.bob.is_some()) {
            let said = "a real desk names the address of alice, of bob or of both; no other does";
            return Err(InvalidDesk(said.into()));
        }
        if desk.kind != Kind::Real && desk.slot_cycles.is_some() {
            return Err(InvalidDesk("slot_ns is of a real desk; leave it out".into()));
        }
        Ok(desk)
    }
}

fn text_of<'a>(name: &str, value: &'a DeValue<'_>) -> Result<&'a str, InvalidDesk> {
    value.as_str().ok_or_else(|| InvalidDesk(format!("{name} is no text")))
}

fn kind_of(name: &str) -> Result<Kind, InvalidDesk> {
    match name {
        "in-process" => Ok(Kind::InProcess),
        "serial" => Ok(Kind::Serial),
        "real" => Ok(Kind::Real),
        _ => Err(InvalidDesk(format!("{name:?} is no kind: in-process, serial or real"))),
    }
}

/// Three cycles of 150 MHz are 20 ns.
fn cycles(value: &DeValue<'_>) -> Result<u32, InvalidDesk> {
    let DeValue::Integer(number) = value else {
        return Err(InvalidDesk("slot_ns is a number of nanoseconds, as in 20000".into()));
    };
    let ns = u32::from_str_radix(number.as_str(), number.radix()).ok();
    let ns = ns.filter(|ns| *ns > 0 && ns.is_multiple_of(20) && *ns <= 1_000_000);
    let cycles = ns.map(|ns| ns / 20 * 3);
    cycles.ok_or_else(|| InvalidDesk("slot_ns is a multiple of 20, to 1000000".into()))
}

fn address(text: &str) -> Result<DeviceAddress, InvalidDesk> {
    text.parse().map_err(|error: InvalidAddress| InvalidDesk(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desk_is_read_and_nonsense_is_refused() {
        let desk = DeskFile::parse("kind = \"real\"\nbob = \"serial:/dev/ttyACM0\"").unwrap();
        assert_eq!(desk.bob, Some(DeviceAddress::Serial("/dev/ttyACM0".into())));
        assert_eq!(desk.slot_cycles, None);
        let slow = DeskFile::parse("kind = \"real\"\nbob = \"usb:1\"\nslot_ns = 20_000").unwrap();
        assert_eq!(slow.slot_cycles, Some(3_000));
        assert_eq!(DeskFile::parse("kind = \"serial\"").unwrap().kind, Kind::Serial);
        for text in [
            "",
            "kind = \"real\"",
            "kind = \"serial\"\nalice = \"usb:1\"",
            "kind = \"real\"\nalice = \"the table\"",
            "kind = \"real\"\nalice = \"usb:1\"\neve = \"usb:2\"",
            "kind = \"real\"\nalice = \"usb:1\"\nslot_ns = \"1 us\"",
            "kind = \"real\"\nalice = \"usb:1\"\nslot_ns = 50",
            "kind = \"real\"\nalice = \"usb:1\"\nslot_ns = -20",
            "kind = \"serial\"\nslot_ns = 20",
        ] {
            assert!(DeskFile::parse(text).is_err(), "{text}");
        }
    }
}
