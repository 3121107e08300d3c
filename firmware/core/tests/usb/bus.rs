//! A chip's USB hardware in memory: one packet buffer an endpoint, as on an RP2350.

use std::sync::{Arc, Mutex, MutexGuard};

use usb_device::bus::{PollResult, UsbBus};
use usb_device::endpoint::{EndpointAddress, EndpointType};
use usb_device::{Result, UsbDirection, UsbError};

/// What the host does to the bus and the device hears of at its next poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Reset,
    Suspend,
    Resume,
}

#[derive(Default)]
struct Endpoint {
    size: usize,
    stalled: bool,
    packet: Option<Vec<u8>>,
}

#[derive(Default)]
pub struct Wire {
    to_host: [Endpoint; 16],
    from_host: [Endpoint; 16],
    setup: Option<[u8; 8]>,
    taken: u16,
    signal: Option<Signal>,
}

/// Both ends of the bus: the device's is a `UsbBus`, the host's are the other functions.
#[derive(Clone, Default)]
pub struct FakeBus(Arc<Mutex<Wire>>);

impl FakeBus {
    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().expect("no test thread has failed")
    }

    pub fn signal(&self, signal: Signal) {
        self.wire().signal = Some(signal);
    }

    pub fn setup(&self, packet: [u8; 8]) {
        let mut wire = self.wire();
        // A setup packet ends whatever the control pipe was doing (USB 2.0, 8.5.3).
        wire.to_host[0].packet = None;
        wire.from_host[0].packet = None;
        wire.to_host[0].stalled = false;
        wire.from_host[0].stalled = false;
        wire.setup = Some(packet);
    }

    /// An OUT packet; whether the endpoint has taken it.
    pub fn put(&self, endpoint: usize, packet: &[u8]) -> bool {
        let endpoint = &mut self.wire().from_host[endpoint];
        if endpoint.packet.is_some() || endpoint.stalled {
            return false;
        }
        endpoint.packet = Some(packet.to_vec());
        true
    }

    /// An IN packet, if one is armed.
    pub fn take(&self, endpoint: usize) -> Option<Vec<u8>> {
        let mut wire = self.wire();
        if wire.to_host[endpoint].stalled {
            return None;
        }
        let packet = wire.to_host[endpoint].packet.take()?;
        wire.taken |= 1 << endpoint;
        Some(packet)
    }

    pub fn is_stalled(&self, endpoint: usize) -> bool {
        self.wire().to_host[endpoint].stalled
    }
}

impl UsbBus for FakeBus {
    fn alloc_ep(
        &mut self,
        direction: UsbDirection,
        address: Option<EndpointAddress>,
        _: EndpointType,
        size: u16,
        _: u8,
    ) -> Result<EndpointAddress> {
        let mut wire = self.wire();
        let endpoints =
            if direction == UsbDirection::In { &mut wire.to_host } else { &mut wire.from_host };
        let number = match address {
            Some(address) => address.index(),
            None => (1..16).find(|n| endpoints[*n].size == 0).ok_or(UsbError::EndpointOverflow)?,
        };
        endpoints[number].size = size.into();
        Ok(EndpointAddress::from_parts(number, direction))
    }

    fn enable(&mut self) {}

    fn reset(&self) {
        let mut wire = self.wire();
        let Wire { to_host, from_host, .. } = &mut *wire;
        for endpoint in to_host.iter_mut().chain(from_host) {
            (endpoint.packet, endpoint.stalled) = (None, false);
        }
        (wire.setup, wire.taken) = (None, 0);
    }

    fn set_device_address(&self, _: u8) {}

    fn write(&self, address: EndpointAddress, bytes: &[u8]) -> Result<usize> {
        let endpoint = &mut self.wire().to_host[address.index()];
        if bytes.len() > endpoint.size {
            return Err(UsbError::BufferOverflow);
        }
        if endpoint.packet.is_some() {
            return Err(UsbError::WouldBlock);
        }
        endpoint.packet = Some(bytes.to_vec());
        Ok(bytes.len())
    }

    fn read(&self, address: EndpointAddress, buffer: &mut [u8]) -> Result<usize> {
        let mut wire = self.wire();
        let setup = if address.index() == 0 { wire.setup.take().map(Vec::from) } else { None };
        let packet = setup.or_else(|| wire.from_host[address.index()].packet.take());
        let packet = packet.ok_or(UsbError::WouldBlock)?;
        buffer.get_mut(..packet.len()).ok_or(UsbError::BufferOverflow)?.copy_from_slice(&packet);
        Ok(packet.len())
    }

    fn set_stalled(&self, address: EndpointAddress, stalled: bool) {
        let mut wire = self.wire();
        let endpoints = if address.is_in() { &mut wire.to_host } else { &mut wire.from_host };
        endpoints[address.index()].stalled = stalled;
    }

    fn is_stalled(&self, address: EndpointAddress) -> bool {
        let wire = self.wire();
        let endpoints = if address.is_in() { &wire.to_host } else { &wire.from_host };
        endpoints[address.index()].stalled
    }

    fn suspend(&self) {}

    fn resume(&self) {}

    fn poll(&self) -> PollResult {
        let mut wire = self.wire();
        match wire.signal.take() {
            Some(Signal::Reset) => return PollResult::Reset,
            Some(Signal::Suspend) => return PollResult::Suspend,
            Some(Signal::Resume) => return PollResult::Resume,
            None => {}
        }
        let ep_setup = u16::from(wire.setup.is_some());
        let ep_in_complete = std::mem::take(&mut wire.taken);
        let full =
            |(number, endpoint): (usize, &Endpoint)| u16::from(endpoint.packet.is_some()) << number;
        let ep_out: u16 = wire.from_host.iter().enumerate().map(full).sum();
        match ep_out | ep_in_complete | ep_setup {
            0 => PollResult::None,
            _ => PollResult::Data { ep_out, ep_in_complete, ep_setup },
        }
    }
}
