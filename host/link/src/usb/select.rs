//! Which device, which interface, which endpoints: decided on plain facts.

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

/// The endpoints from and to the device: one bulk endpoint each way.
pub(crate) fn bulk_pair(endpoints: &[EndpointFacts]) -> Result<(u8, u8), &'static str> {
    let only = |input| {
        let mut found = endpoints.iter().filter(|e| e.bulk && e.input == input);
        let first = found.next()?.address;
        found.next().is_none().then_some(first)
    };
    only(true).zip(only(false)).ok_or(
        "its vendor interface has not one bulk endpoint each way, so its firmware is unknown",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
