//! Which device, which interface, which endpoints: decided on plain facts, none of which is
//! believed before it was looked at: any device can be plugged in.

use nusb::descriptors::{ConfigurationDescriptor, InterfaceDescriptor, TransferType};
use nusb::transfer::Direction;

/// How the product string of every Heliograph board begins.
pub(crate) const PRODUCT: &str = "Heliograph";
/// The string of the interface that carries frames.
pub(crate) const INTERFACE: &str = "Heliograph frames";
/// Class of an interface that no driver of the operating system takes.
const VENDOR_SPECIFIC: u8 = 0xff;

/// An interface, as the descriptors of its first setting say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InterfaceFacts<'a> {
    pub number: u8,
    pub class: u8,
    /// Not every operating system tells it before the device is open.
    pub name: Option<&'a str>,
}

/// An endpoint of an interface.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndpointFacts {
    pub address: u8,
    /// From the device to the host.
    pub input: bool,
    pub bulk: bool,
}

/// The interface that carries frames, if the device is a Heliograph board: the vendor interface of
/// that name, or, where names are not told, the only one.
pub(crate) fn vendor_interface(
    product: Option<&str>,
    interfaces: &[InterfaceFacts<'_>],
) -> Option<u8> {
    if !product.is_some_and(|product| product.starts_with(PRODUCT)) {
        return None;
    }
    let mut vendor = interfaces.iter().filter(|i| i.class == VENDOR_SPECIFIC);
    if let Some(named) = vendor.clone().find(|i| i.name == Some(INTERFACE)) {
        return Some(named.number);
    }
    let only = vendor.next()?;
    (only.name.is_none() && vendor.next().is_none()).then_some(only.number)
}

/// Sizes that a bulk packet has on any bus (USB 2.0, 5.8.3; USB 3, 8.10).
const PACKETS: [usize; 6] = [8, 16, 32, 64, 512, 1024];

/// The endpoints of an interface. One whose packets no bus carries is no bulk endpoint, whatever
/// it says: sizes of transfers are divided by that of a packet.
pub(crate) fn endpoint_facts(interface: &InterfaceDescriptor<'_>) -> Vec<EndpointFacts> {
    let endpoints = interface.endpoints().map(|e| EndpointFacts {
        address: e.address(),
        input: e.direction() == Direction::In,
        bulk: e.transfer_type() == TransferType::Bulk && PACKETS.contains(&e.max_packet_size()),
    });
    endpoints.collect()
}

/// The bulk endpoints from and to the device of an interface in a configuration descriptor, with
/// all that follows it, as a device has sent it.
///
/// # Errors
/// One sentence: the descriptors are no whole ones, or describe no Heliograph board.
pub fn usb_pipes(configuration: &[u8], interface: u8) -> Result<(u8, u8), &'static str> {
    let configuration =
        ConfigurationDescriptor::new(configuration).ok_or("its descriptors are no whole ones")?;
    let mut settings = configuration
        .interface_alt_settings()
        .filter(|i| i.interface_number() == interface && i.alternate_setting() == 0);
    let setting = settings.next().ok_or("its vendor interface is not in its descriptors")?;
    if settings.next().is_some() {
        return Err("its vendor interface is described twice");
    }
    bulk_pair(&endpoint_facts(&setting))
}

/// The endpoints from and to the device: one bulk endpoint each way.
pub(crate) fn bulk_pair(endpoints: &[EndpointFacts]) -> Result<(u8, u8), &'static str> {
    let only = |input| {
        let mut found = endpoints.iter().filter(|e| e.bulk && e.input == input);
        let first = found.next()?.address;
        found.next().is_none().then_some(first)
    };
    // Number 0 is the control pipe's, and from 16 on there are none (USB 2.0, 9.6.6).
    let pair = only(true).zip(only(false));
    let numbered =
        |(from, to): &(u8, u8)| (0x81..=0x8f).contains(from) && (0x01..=0x0f).contains(to);
    pair.filter(numbered).ok_or(
        "its vendor interface has not one bulk endpoint each way, so its firmware is unknown",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn interface(number: u8, class: u8, name: Option<&str>) -> InterfaceFacts<'_> {
        InterfaceFacts { number, class, name }
    }

    #[test]
    fn the_frames_interface_of_a_composite_board_is_found() {
        let board = [
            interface(0, 0x02, Some("CDC control")),
            interface(1, 0x0a, None),
            interface(2, 0xff, Some("reset")),
            interface(3, 0xff, Some(INTERFACE)),
        ];
        assert_eq!(vendor_interface(Some("Heliograph station A"), &board), Some(3));
        assert_eq!(vendor_interface(Some("Some other board"), &board), None);
        assert_eq!(vendor_interface(None, &board), None);
        assert_eq!(vendor_interface(Some("Heliograph"), &board[..3]), None, "another's interface");
        assert_eq!(vendor_interface(Some("Heliograph"), &board[..2]), None, "no vendor interface");
    }

    #[test]
    fn without_names_only_a_single_vendor_interface_will_do() {
        let one = [interface(0, 0x02, None), interface(2, 0xff, None)];
        assert_eq!(vendor_interface(Some("Heliograph"), &one), Some(2));
        let two = [interface(1, 0xff, None), interface(2, 0xff, None)];
        assert_eq!(vendor_interface(Some("Heliograph"), &two), None);
    }

    #[test]
    fn one_bulk_endpoint_each_way_is_asked_for() {
        let endpoint = |address, bulk| EndpointFacts { address, input: address & 0x80 != 0, bulk };
        let (status, from, to) = (endpoint(0x81, false), endpoint(0x82, true), endpoint(3, true));
        assert_eq!(bulk_pair(&[status, from, to]), Ok((0x82, 3)));
        assert_eq!(bulk_pair(&[to, from]), Ok((0x82, 3)));
        for wrong in [&[from][..], &[to], &[], &[status, to], &[from, endpoint(0x84, true), to]] {
            assert!(bulk_pair(wrong).is_err(), "{wrong:?}");
        }
    }

    /// What the firmware's golden table says (`firmware/core/tests/usb/descriptors.rs`).
    fn board() -> Vec<u8> {
        let mut bytes = vec![9, 2, 98, 0, 3, 1, 0, 0x80, 50];
        bytes.extend([9, 4, 0, 0, 2, 0xff, 0, 0, 4]);
        bytes.extend([7, 5, 0x81, 2, 64, 0, 0, 7, 5, 0x01, 2, 64, 0, 0]);
        bytes.extend([8, 11, 1, 2, 2, 2, 0, 0, 9, 4, 1, 0, 1, 2, 2, 0, 5]);
        bytes.extend([5, 0x24, 0, 0x10, 1, 4, 0x24, 2, 0, 5, 0x24, 6, 1, 2, 5, 0x24, 1, 0, 2]);
        bytes.extend([7, 5, 0x82, 3, 8, 0, 255, 9, 4, 2, 0, 2, 0x0a, 0, 0, 0]);
        bytes.extend([7, 5, 0x83, 2, 64, 0, 0, 7, 5, 0x02, 2, 64, 0, 0]);
        bytes
    }

    #[test]
    fn a_board_is_read_and_one_that_lies_is_not() {
        assert_eq!(usb_pipes(&board(), 0), Ok((0x81, 0x01)));
        assert_eq!(usb_pipes(&board(), 2), Ok((0x83, 0x02)));
        let lies: [(usize, &[u8]); 8] = [
            (2, &[99]),       // longer than it is
            (0, &[8]),        // a configuration cut short
            (22, &[0, 0]),    // a packet without bytes
            (22, &[0xff, 7]), // and one with too many
            (20, &[0x80]),    // the control pipe
            (20, &[0x91]),    // a number that there is not
            (20, &[0x01]),    // both ways out
            (18, &[0]),       // a descriptor without a length
        ];
        for (at, lie) in lies {
            let mut bytes = board();
            bytes[at..at + lie.len()].copy_from_slice(lie);
            assert!(usb_pipes(&bytes, 0).is_err(), "{lie:?} at byte {at}");
        }
        let twice = [&board()[..], &board()[9..32]].concat();
        let length = twice.len() as u8;
        let twice: Vec<u8> =
            twice.iter().enumerate().map(|(i, b)| if i == 2 { length } else { *b }).collect();
        assert!(usb_pipes(&twice, 0).unwrap_err().contains("twice"));
        assert!(usb_pipes(&board(), 3).is_err());
    }

    proptest! {
        /// Any bytes, and a board's with some changed: an error, or endpoints that there can be.
        #[test]
        fn hostile_descriptors_are_an_error(
            noise in prop::collection::vec(any::<u8>(), 0..200),
            changes in prop::collection::vec((0..98usize, any::<u8>()), 0..6),
            interface in 0..4u8,
        ) {
            let mut changed = board();
            for (at, value) in changes {
                changed[at] = value;
            }
            for bytes in [noise, changed] {
                if let Ok((from, to)) = usb_pipes(&bytes, interface) {
                    prop_assert!((0x81..=0x8f).contains(&from) && (0x01..=0x0f).contains(&to));
                }
            }
        }
    }
}
