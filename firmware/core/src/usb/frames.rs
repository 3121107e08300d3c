//! The vendor interface: one bulk endpoint each way, and what Windows asks.

use super::microsoft;
use usb_device::bus::{InterfaceNumber, StringIndex, UsbBus, UsbBusAllocator};
use usb_device::class::{ControlIn, ControlOut, UsbClass};
use usb_device::control::{Recipient, Request, RequestType};
use usb_device::descriptor::lang_id::LangID;
use usb_device::descriptor::{BosWriter, DescriptorWriter, capability_type};
use usb_device::device::DEFAULT_ALTERNATE_SETTING;
use usb_device::endpoint::{EndpointIn, EndpointOut};

/// Class of an interface that no driver of an operating system takes by itself.
const VENDOR_SPECIFIC: u8 = 0xff;

pub struct FramesInterface<'a, B: UsbBus> {
    interface: InterfaceNumber,
    name: StringIndex,
    pub from_host: EndpointOut<'a, B>,
    pub to_host: EndpointIn<'a, B>,
    /// The host has reset the bus or chosen a configuration since this was looked at last.
    pub was_reset: bool,
}

impl<'a, B: UsbBus> FramesInterface<'a, B> {
    /// `None` unless its number is the one that Windows is told.
    pub fn new(alloc: &'a UsbBusAllocator<B>, packet: u16) -> Option<FramesInterface<'a, B>> {
        let interface = alloc.interface();
        (u8::from(interface) == microsoft::FRAMES_INTERFACE).then(|| FramesInterface {
            interface,
            name: alloc.string(),
            to_host: alloc.bulk(packet),
            from_host: alloc.bulk(packet),
            was_reset: false,
        })
    }
}

impl<B: UsbBus> UsbClass<B> for FramesInterface<'_, B> {
    fn get_configuration_descriptors(&self, to: &mut DescriptorWriter) -> usb_device::Result<()> {
        let setting = DEFAULT_ALTERNATE_SETTING;
        to.interface_alt(self.interface, setting, VENDOR_SPECIFIC, 0, 0, Some(self.name))?;
        to.endpoint(&self.to_host)?;
        to.endpoint(&self.from_host)
    }

    fn get_bos_descriptors(&self, to: &mut BosWriter) -> usb_device::Result<()> {
        to.capability(capability_type::PLATFORM, &microsoft::PLATFORM_CAPABILITY)
    }

    fn get_string(&self, index: StringIndex, _: LangID) -> Option<&str> {
        (index == self.name).then_some(super::FRAMES_NAME)
    }

    fn reset(&mut self) {
        self.was_reset = true;
    }

    fn control_out(&mut self, transfer: ControlOut<'_, '_, '_, B>) {
        // Left to `usb-device`; but with any configuration everything begins afresh (USB 2.0,
        // 9.1.1.5), and with number 0 it ends.
        let r = transfer.request();
        self.was_reset |= r.request_type == RequestType::Standard
            && r.recipient == Recipient::Device
            && r.request == Request::SET_CONFIGURATION;
    }

    fn control_in(&mut self, transfer: ControlIn<'_, '_, '_, B>) {
        let r = transfer.request();
        let for_us = r.request_type == RequestType::Vendor && r.recipient == Recipient::Device;
        if for_us && r.request == microsoft::REQUEST && r.index == microsoft::SET_INDEX {
            // A control pipe that is no longer there asks again.
            let _ = transfer.accept_with_static(&microsoft::SET);
        }
    }
}
