//! Every descriptor, byte by byte, as a host reads it.

use super::bus::FakeBus;
use super::rig::{BOARD, Rig, cable, tick};
use helio_firmware::usb::{UsbBoard, UsbCable, UsbRefused};
use usb_device::bus::UsbBusAllocator;

/// Bytes and what they mean.
type Rows<'a> = &'a [(&'a [u8], &'a str)];

/// Where the first byte differs, with its meaning.
fn check(found: &[u8], rows: Rows<'_>) {
    let mut at = 0;
    for (bytes, meaning) in rows {
        let end = (at + bytes.len()).min(found.len());
        assert_eq!(&found[at.min(end)..end], *bytes, "at byte {at}: {meaning}");
        at += bytes.len();
    }
    assert_eq!(found.len(), at, "so many bytes");
}

/// GET_DESCRIPTOR (USB 2.0, 9.4.3).
fn descriptor(rig: &mut Rig, kind: u8, index: u8, language: u16, length: u16) -> Vec<u8> {
    let (language, length) = (language.to_le_bytes(), length.to_le_bytes());
    let setup = [0x80, 6, index, kind, language[0], language[1], length[0], length[1]];
    rig.control_in(setup).expect("the device has it")
}

fn text(rig: &mut Rig, index: u8) -> String {
    let bytes = descriptor(rig, 3, index, 0x0409, 255);
    assert_eq!((bytes[0], bytes[1]), (bytes.len() as u8, 3));
    let units: Vec<u16> =
        bytes[2..].chunks_exact(2).map(|u| u16::from_le_bytes([u[0], u[1]])).collect();
    String::from_utf16(&units).unwrap()
}

#[test]
fn device() {
    let found = descriptor(&mut Rig::new(), 1, 0, 0, 64);
    check(
        &found,
        &[
            (&[18], "bLength"),
            (&[1], "bDescriptorType: device"),
            (&[0x10, 0x02], "bcdUSB 2.1: a host asks for the BOS only from here on"),
            (&[0xef, 0x02, 0x01], "class, subclass, protocol: interface associations"),
            (&[64], "bMaxPacketSize0"),
            (&[0x09, 0x12], "idVendor: pid.codes"),
            (&[0x01, 0x00], "idProduct: for private tests"),
            (&[0x10, 0x00], "bcdDevice 0.1"),
            (&[1], "iManufacturer"),
            (&[2], "iProduct"),
            (&[3], "iSerialNumber"),
            (&[1], "bNumConfigurations"),
        ],
    );
}

#[test]
fn configuration() {
    let found = descriptor(&mut Rig::new(), 2, 0, 0, 255);
    check(
        &found,
        &[
            (&[9, 2], "configuration"),
            (&[98, 0], "wTotalLength: fits usb-device's 128 bytes"),
            (&[3], "bNumInterfaces"),
            (&[1], "bConfigurationValue"),
            (&[0], "iConfiguration: none"),
            (&[0x80], "bmAttributes: powered by the bus, wakes nobody"),
            (&[50], "bMaxPower: 100 mA"),
            // The frames.
            (&[9, 4], "interface"),
            (&[0, 0], "number 0, the one that Windows is told; setting 0"),
            (&[2], "two endpoints"),
            (&[0xff, 0, 0], "vendor class: no driver of an operating system takes it"),
            (&[4], "iInterface: Heliograph frames"),
            (&[7, 5, 0x81, 2, 64, 0, 0], "endpoint 1 in, bulk, 64 bytes"),
            (&[7, 5, 0x01, 2, 64, 0, 0], "endpoint 1 out, bulk, 64 bytes"),
            // The serial port.
            (&[8, 11], "interface association"),
            (&[1, 2], "from interface 1 on, two of them"),
            (&[2, 2, 0], "CDC, abstract control model, no protocol"),
            (&[0], "iFunction: none"),
            (&[9, 4], "interface"),
            (&[1, 0], "number 1, setting 0"),
            (&[1], "one endpoint"),
            (&[2, 2, 0], "CDC, abstract control model, no protocol"),
            (&[5], "iInterface: Heliograph serial"),
            (&[5, 0x24, 0x00, 0x10, 0x01], "CDC header: 1.10"),
            (&[4, 0x24, 0x02, 0x00], "CDC ACM: no capabilities"),
            (&[5, 0x24, 0x06, 1, 2], "CDC union: interface 1 controls 2"),
            (&[5, 0x24, 0x01, 0x00, 2], "CDC call management: none, data on 2"),
            (&[7, 5, 0x82, 3, 8, 0, 255], "endpoint 2 in, interrupt, 8 bytes, every 255 ms"),
            (&[9, 4], "interface"),
            (&[2, 0], "number 2, setting 0"),
            (&[2], "two endpoints"),
            (&[0x0a, 0, 0], "CDC data"),
            (&[0], "iInterface: none"),
            (&[7, 5, 0x83, 2, 64, 0, 0], "endpoint 3 in, bulk, 64 bytes"),
            (&[7, 5, 0x02, 2, 64, 0, 0], "endpoint 2 out, bulk, 64 bytes"),
        ],
    );
}

#[test]
fn strings() {
    let mut rig = Rig::new();
    let languages = descriptor(&mut rig, 3, 0, 0, 255);
    check(&languages, &[(&[4, 3], "string"), (&[0x09, 0x04], "English (United States)")]);
    let vendor = descriptor(&mut rig, 3, 1, 0x0409, 255);
    check(
        &vendor,
        &[(&[22, 3], "string of 10 units"), (b"H\0e\0l\0i\0o\0g\0r\0a\0p\0h\0", "manufacturer")],
    );
    let expected =
        ["Heliograph", "Heliograph Pico 2", "B-0001", "Heliograph frames", "Heliograph serial"];
    for (index, expected) in (1..).zip(expected) {
        assert_eq!(text(&mut rig, index), expected);
    }
    let beyond = rig.control_in([0x80, 6, 6, 3, 0x09, 0x04, 255, 0]);
    assert_eq!(beyond, None, "there is no sixth");
}

#[test]
fn binary_object_store() {
    let found = descriptor(&mut Rig::new(), 15, 0, 0, 255);
    check(
        &found,
        &[
            (&[5, 15], "BOS"),
            (&[40, 0], "wTotalLength"),
            (&[2], "bNumDeviceCaps"),
            (&[7, 16, 2], "capability: USB 2.0 extension"),
            (&[0, 0, 0, 0], "no link power management"),
            (&[28, 16, 5], "capability: platform"),
            (&[0], "reserved"),
            (&[0xdf, 0x60, 0xdd, 0xd8], "D8DD60DF-4589-4CC7-9CD2-659D9E648A9F: Microsoft OS 2.0"),
            (&[0x89, 0x45, 0xc7, 0x4c, 0x9c, 0xd2, 0x65, 0x9d, 0x9e, 0x64, 0x8a, 0x9f], "ditto"),
            (&[0x00, 0x00, 0x03, 0x06], "dwWindowsVersion: 8.1"),
            (&[178, 0], "wMSOSDescriptorSetTotalLength"),
            (&[0x48], "bMS_VendorCode"),
            (&[0], "bAltEnumCode: no other enumeration"),
        ],
    );
}

/// The request for the Microsoft OS 2.0 set: vendor, device, index 7.
fn set_request(length: u16) -> [u8; 8] {
    let length = length.to_le_bytes();
    [0xc0, 0x48, 0, 0, 7, 0, length[0], length[1]]
}

/// The set, written down apart from the code that makes it.
const SET: Rows<'static> = &[
    (&[10, 0, 0, 0], "set header"),
    (&[0x00, 0x00, 0x03, 0x06], "dwWindowsVersion: 8.1"),
    (&[178, 0], "wTotalLength"),
    (&[8, 0, 1, 0], "configuration subset"),
    (&[0, 0], "the first configuration; reserved"),
    (&[168, 0], "wTotalLength"),
    (&[8, 0, 2, 0], "function subset"),
    (&[0, 0], "the function that begins with interface 0; reserved"),
    (&[160, 0], "wSubsetLength"),
    (&[20, 0, 3, 0], "compatible id"),
    (b"WINUSB\0\0", "WinUSB"),
    (&[0; 8], "no subcompatible id"),
    (&[132, 0, 4, 0], "registry property"),
    (&[7, 0], "REG_MULTI_SZ"),
    (&[42, 0], "wPropertyNameLength"),
    (b"D\0e\0v\0i\0c\0e\0I\0n\0t\0e\0r\0f\0a\0c\0e\0G\0U\0I\0D\0s\0\0\0", "the name"),
    (&[80, 0], "wPropertyDataLength"),
    (b"{\x004\x006\x008\x001\x009\0d\x003\0b\0", "the GUID"),
    (b"-\x006\0c\x009\x001\0-\x004\x003\0e\0c\0-\0a\x000\x001\0c\0", "ditto"),
    (b"-\x009\x002\0e\0e\x004\0b\0f\0c\x008\0a\x006\x000\0}\0", "ditto"),
    (&[0, 0, 0, 0], "the end of the string, and of the list"),
];

#[test]
fn microsoft_os_set() {
    let mut rig = Rig::new();
    let found = rig.control_in(set_request(178)).expect("the device has it");
    check(&found, SET);
    assert_eq!(rig.control_in(set_request(1024)), Some(found.clone()), "asked for more");
    assert_eq!(rig.control_in(set_request(10)), Some(found[..10].to_vec()), "asked for less");
    let others: [[u8; 8]; 3] = [
        [0xc0, 0x48, 0, 0, 8, 0, 64, 0],
        [0xc0, 0x47, 0, 0, 7, 0, 64, 0],
        [0xc1, 0x48, 0, 0, 7, 0, 64, 0],
    ];
    for other in others {
        assert_eq!(rig.control_in(other), None, "another request: {other:?}");
    }
    check(&descriptor(&mut rig, 3, 0, 0, 255), &[(&[4, 3, 9, 4], "and all goes on")]);
}

/// `usb-device` 0.3.2 keeps the rest of a set whose transfer was broken off and sends it in place
/// of the next answer, once. Hosts ask again; this test tells when it is mended there.
#[test]
fn a_set_that_is_broken_off_spoils_one_answer_and_no_more() {
    let mut rig = Rig::new();
    rig.bus.setup(set_request(178));
    rig.poll();
    rig.plug();
    assert_ne!(descriptor(&mut rig, 1, 0, 0, 18)[..2], [18, 1]);
    assert_eq!(descriptor(&mut rig, 1, 0, 0, 18)[..2], [18, 1]);
}

#[test]
fn a_board_that_cannot_be_found_or_fed_is_refused() {
    fn refused(board: UsbBoard<'static>) -> UsbRefused {
        let alloc = UsbBusAllocator::new(FakeBus::default());
        let cable = UsbCable::<_, 8192>::new(&alloc, &board, tick());
        cable.err().expect("it is refused")
    }
    let long = "Heliograph 0123456789012345678901234567890123456789012345678901234";
    assert_eq!(refused(UsbBoard { product: "Pico 2", ..BOARD }), UsbRefused::String);
    assert_eq!(refused(UsbBoard { product: long, ..BOARD }), UsbRefused::String);
    assert_eq!(refused(UsbBoard { serial: "", ..BOARD }), UsbRefused::String);
    assert_eq!(refused(UsbBoard { serial: long, ..BOARD }), UsbRefused::String);
    assert_eq!(refused(UsbBoard { milliamperes: 501, ..BOARD }), UsbRefused::Current);
    let alloc = UsbBusAllocator::new(FakeBus::default());
    let _ = alloc.interface();
    let cable = UsbCable::<_, 8192>::new(&alloc, &BOARD, tick());
    assert_eq!(cable.err(), Some(UsbRefused::NotFirst));
}

#[test]
fn the_longest_strings_are_told_whole() {
    let product: &'static str = "Heliograph 0123456789012345678901234567890123456789012345678901";
    assert_eq!(product.len(), 63);
    let board = UsbBoard { product, serial: product, ..BOARD };
    let (bus, cable) = cable(&board);
    let mut rig = Rig::unplugged();
    (rig.bus, rig.cable) = (bus, cable);
    rig.plug();
    assert_eq!((text(&mut rig, 2), text(&mut rig, 3)), (product.into(), product.into()));
}
