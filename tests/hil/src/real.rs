//! Devices on a table.

use crate::desk::{Desk, Effort};
use crate::file::{DeskFile, InvalidDesk};
use helio_link::{DeviceAddress, Transport, open, serial_ports};
use helio_rig::{Hand, Light, Plan};
use helio_wire::Role;

/// One device or two, by their addresses. Nobody stands by to open a contact or to press reset.
pub struct RealDesk {
    places: Vec<(Role, DeviceAddress)>,
    roles: Vec<Role>,
    slot_cycles: Option<u32>,
}

impl RealDesk {
    /// As a file says.
    ///
    /// # Errors
    /// [`InvalidDesk`] where it names no device.
    pub fn new(file: &DeskFile) -> Result<RealDesk, InvalidDesk> {
        let named = [(Role::Alice, &file.alice), (Role::Bob, &file.bob)];
        let places: Vec<_> = named
            .into_iter()
            .filter_map(|(role, place)| place.clone().map(|place| (role, place)))
            .collect();
        if places.is_empty() {
            return Err(InvalidDesk("no device is named".into()));
        }
        let roles = places.iter().map(|(role, _)| *role).collect();
        Ok(RealDesk { places, roles, slot_cycles: file.slot_cycles })
    }
}

impl Desk for RealDesk {
    type Cable = Box<dyn Transport + Send>;

    fn name(&self) -> String {
        let names: Vec<_> =
            self.places.iter().map(|(role, place)| format!("{role:?} at {place}")).collect();
        format!("real desk ({})", names.join(", "))
    }

    fn effort(&self) -> Effort {
        Effort { starts: 50, tag_slots: 100_000, job_slots: 1_000_000, faults: 1 }
    }

    fn roles(&self) -> &[Role] {
        &self.roles
    }

    fn slot_cycles(&self, wished: u32) -> u32 {
        self.slot_cycles.unwrap_or(wished)
    }

    fn rebuild(&mut self, _: Plan) -> bool {
        false
    }

    fn plug(&mut self, role: Role) -> Self::Cable {
        let place = self.places.iter().find(|(of, _)| *of == role).map(|(_, place)| place);
        let place = place.expect("only stations that stand here are asked for");
        open(place).unwrap_or_else(|error| panic!("{error}"))
    }

    fn unplug(&mut self, _: Role) {}

    fn lay(&mut self, _: Hand) -> Option<Light> {
        None
    }

    /// The serial port, or the vendor interface, of the same board on USB.
    fn second_pipe(&mut self, role: Role) -> Option<Box<dyn Transport + Send>> {
        let (_, place) = self.places.iter().find(|(of, _)| *of == role)?;
        let ports = serial_ports().unwrap_or_default();
        let other = ports.into_iter().find_map(|port| {
            let serial = port.usb.and_then(|usb| usb.serial)?;
            match place {
                DeviceAddress::Usb(named) => (*named == serial).then_some(port.address),
                _ => (*place == port.address).then_some(DeviceAddress::Usb(serial)),
            }
        })?;
        Some(open(&other).unwrap_or_else(|error| panic!("{error}")))
    }
}
