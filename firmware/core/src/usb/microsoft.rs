//! What Windows reads to bind its own driver, WinUSB, to the frames interface and to nothing else.
//!
//! Source of all layouts: Microsoft OS 2.0 Descriptors Specification (2014), whose tables are named
//! below. The serial interfaces get Windows's serial driver by their class and need none of this.

/// `bMS_VendorCode`: the vendor request by which the set is fetched. Any number will do.
pub const REQUEST: u8 = 0x48;
/// `MS_OS_20_DESCRIPTOR_INDEX`, the index of that request (table 8).
pub const SET_INDEX: u16 = 7;

/// The interface that the set speaks of.
pub const FRAMES_INTERFACE: u8 = 0;

/// How programs on Windows find the interface (`nusb` does): Heliograph's own, drawn at random
/// once and never to be changed.
const INTERFACE_GUID: &[u8; 38] = b"{46819d3b-6c91-43ec-a01c-92ee4bfc8a60}";

/// `dwWindowsVersion`: Windows 8.1, the first that reads these descriptors.
const WINDOWS_8_1: [u8; 4] = 0x0603_0000u32.to_le_bytes();

const SET_HEADER: usize = 10;
const SUBSET_HEADER: usize = 8;
const COMPATIBLE_ID: usize = 20;
const NAME: &[u8; 20] = b"DeviceInterfaceGUIDs";
/// In UTF-16 with a zero at the end.
const NAME_BYTES: usize = 2 * (NAME.len() + 1);
/// The same, and one more zero, which ends the list of strings.
const DATA_BYTES: usize = 2 * (INTERFACE_GUID.len() + 2);
const PROPERTY: usize = 10 + NAME_BYTES + DATA_BYTES;
const FUNCTION: usize = SUBSET_HEADER + COMPATIBLE_ID + PROPERTY;
const CONFIGURATION: usize = SUBSET_HEADER + FUNCTION;

/// Length of [`SET`]: more than the 128 bytes of `usb-device`'s buffer for control transfers, which
/// is why it is sent from where it stands.
pub const SET_LENGTH: usize = SET_HEADER + CONFIGURATION;

/// The descriptor set.
pub static SET: [u8; SET_LENGTH] = set();

/// `bDevCapabilityType` 5 without its first three bytes: the platform capability in the BOS that
/// tells Windows of the set (table 4).
pub const PLATFORM_CAPABILITY: [u8; 25] = {
    let length = (SET_LENGTH as u16).to_le_bytes();
    let w = WINDOWS_8_1;
    [
        0, // reserved
        // D8DD60DF-4589-4CC7-9CD2-659D9E648A9F, which says that what follows is Microsoft's
        0xdf, 0x60, 0xdd, 0xd8, 0x89, 0x45, 0xc7, 0x4c, //
        0x9c, 0xd2, 0x65, 0x9d, 0x9e, 0x64, 0x8a, 0x9f, //
        w[0], w[1], w[2], w[3], length[0], length[1], REQUEST, 0, // no other enumeration
    ]
};

/// Writes one field after the other.
struct Writer {
    set: [u8; SET_LENGTH],
    at: usize,
}

impl Writer {
    const fn bytes(mut self, bytes: &[u8]) -> Writer {
        let mut i = 0;
        while i < bytes.len() {
            self.set[self.at] = bytes[i];
            self.at += 1;
            i += 1;
        }
        self
    }

    const fn word(self, word: usize) -> Writer {
        self.bytes(&(word as u16).to_le_bytes())
    }

    /// ASCII as UTF-16, and so many zeros.
    const fn text(mut self, text: &[u8], zeros: usize) -> Writer {
        let mut i = 0;
        while i < text.len() {
            self = self.word(text[i] as usize);
            i += 1;
        }
        i = 0;
        while i < zeros {
            self = self.word(0);
            i += 1;
        }
        self
    }
}

const fn set() -> [u8; SET_LENGTH] {
    let writer = Writer { set: [0; SET_LENGTH], at: 0 }
        // Table 10: set header.
        .word(SET_HEADER)
        .word(0)
        .bytes(&WINDOWS_8_1)
        .word(SET_LENGTH)
        // Table 11: configuration subset; Windows counts configurations from 0 here.
        .word(SUBSET_HEADER)
        .word(1)
        .bytes(&[0, 0])
        .word(CONFIGURATION)
        // Table 12: function subset.
        .word(SUBSET_HEADER)
        .word(2)
        .bytes(&[FRAMES_INTERFACE, 0])
        .word(FUNCTION)
        // Table 13: compatible id.
        .word(COMPATIBLE_ID)
        .word(3)
        .bytes(b"WINUSB\0\0")
        .bytes(&[0; 8])
        // Table 14: registry property; 7 is a list of strings.
        .word(PROPERTY)
        .word(4)
        .word(7)
        .word(NAME_BYTES)
        .text(NAME, 1)
        .word(DATA_BYTES)
        .text(INTERFACE_GUID, 2);
    assert!(writer.at == SET_LENGTH);
    writer.set
}
