//! A `UsbBus` whose wire is USB/IP: the kernel's `vhci-hcd` shows the device class in this process
//! to the whole system as a device that is plugged in.
//!
//! The kernel speaks of whole transfers, the trait of packets; this is the host controller between
//! them. `vhci-hcd` answers bus resets and SET_ADDRESS itself, so the device is given one of each
//! when it is plugged in, and it delivers neither suspend nor later resets. It does not pace the
//! bus either; [`Plug::pace`] does.

mod core;

use self::core::{Core, Endpoint, Pace, Phase, Transfer};
use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use usb_device::bus::{PollResult, UsbBus};
use usb_device::endpoint::{EndpointAddress, EndpointType};
use usb_device::{Result, UsbDirection, UsbError};

const ATTACH: &str = "/sys/devices/platform/vhci_hcd.0/attach";
/// `USB_SPEED_FULL` of the kernel.
const FULL_SPEED: u32 = 2;

struct Shared {
    core: Mutex<Core>,
    wake: Condvar,
}

/// The device's end.
pub struct UsbipBus(Arc<Shared>);

/// The cable: it can be pulled.
#[derive(Clone)]
pub struct Plug(Arc<Shared>);

/// A cable that is not plugged in yet: the device's end, the cable, the kernel's end.
pub fn cable() -> io::Result<(UsbipBus, Plug, UnixStream)> {
    let (ours, kernels) = UnixStream::pair()?;
    let mut rx = ours.try_clone()?;
    let core = Core {
        to_host: Default::default(),
        from_host: Default::default(),
        phase: Phase::Idle,
        taken: 0,
        reset: true,
        gone: false,
        pace: None,
        lies: Vec::new(),
        wire: ours,
    };
    let shared = Arc::new(Shared { core: Mutex::new(core), wake: Condvar::new() });
    let receiver = shared.clone();
    thread::spawn(move || {
        let _ = receiver.receive(&mut rx);
        receiver.core().gone = true;
        receiver.wake.notify_all();
    });
    Ok((UsbipBus(shared.clone()), Plug(shared), kernels))
}

/// Plugs it into a port of the virtual hub, 0 to 7.
pub fn attach(kernels: &UnixStream, port: u32) -> io::Result<()> {
    let line = format!("{port} {} {} {FULL_SPEED}", kernels.as_raw_fd(), 0x0001_0001 + port);
    std::fs::write(ATTACH, line)
}

impl Plug {
    /// Sleeps until the bus has news for the device, at most `limit`; whether it is plugged in.
    pub fn wait(&self, limit: Duration) -> bool {
        let core = self.0.core();
        if core.gone || core.news() {
            return !core.gone;
        }
        let waited = self.0.wake.wait_timeout(core, limit);
        !waited.unwrap_or_else(PoisonError::into_inner).0.gone
    }

    /// The device looks at the bus now.
    pub fn wake(&self) {
        self.0.wake.notify_all();
    }

    pub fn unplug(&self) {
        let mut core = self.0.core();
        core.gone = true;
        let _ = core.wire.shutdown(Shutdown::Both);
        self.0.wake.notify_all();
    }

    /// The chip stalls an endpoint to the host, as after a fault of its own.
    pub fn stall(&self, endpoint: usize) {
        self.0.core().stall(EndpointAddress::from_parts(endpoint, UsbDirection::In), true);
    }

    /// Whether the endpoint to the host is stalled still.
    pub fn is_stalled(&self, endpoint: usize) -> bool {
        self.0.core().to_host[endpoint].stalled
    }

    /// From now on bulk packets take the time that they take on a wire.
    pub fn pace(&self) {
        self.0.core().pace = Some(Pace::Clock { packets: 0.0, at: Instant::now() });
    }

    /// A frame of the bus begins, in which there is room for so many bulk packets to the host, whatever
    /// the clock says; none is left of the frame before.
    pub fn frame(&self, packets: u32) {
        self.0.core().pace = Some(Pace::Frame { packets });
    }

    /// Transfers in which the host waits at an endpoint.
    pub fn waiting(&self, endpoint: usize) -> usize {
        self.0.core().to_host[endpoint].transfers.len()
    }

    /// Bytes that an endpoint has carried to the host.
    pub fn carried(&self, endpoint: usize) -> u64 {
        self.0.core().to_host[endpoint].carried
    }

    /// The device's descriptors of this type have another byte there.
    pub fn lie(&self, kind: u8, at: usize, byte: u8) {
        self.0.core().lies.push((kind, at, byte));
    }
}

fn word(bytes: &[u8; 48], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

impl Shared {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(&self, rx: &mut UnixStream) -> io::Result<()> {
        let address = [0, 5, 1, 0, 0, 0, 0, 0];
        let own =
            Transfer { number: 0, setup: address, length: 0, data: vec![], done: 0, own: true };
        self.control(own);
        loop {
            let mut head = [0; 48];
            rx.read_exact(&mut head)?;
            let (command, number) = (word(&head, 0), word(&head, 4));
            let (to_host, endpoint) = (word(&head, 12) == 1, word(&head, 16) as usize & 15);
            match command {
                1 => {
                    let length = word(&head, 24) as usize;
                    let mut setup = [0; 8];
                    setup.copy_from_slice(&head[40..]);
                    let mut transfer =
                        Transfer { number, setup, length, data: vec![], done: 0, own: false };
                    if !to_host {
                        transfer.data = vec![0; length];
                        rx.read_exact(&mut transfer.data)?;
                    }
                    if endpoint == 0 {
                        self.control(transfer);
                        continue;
                    }
                    let mut core = self.core();
                    if to_host {
                        core.to_host[endpoint].transfers.push_back(transfer);
                        core.serve_in(endpoint);
                    } else {
                        core.from_host[endpoint].transfers.push_back(transfer);
                        core.serve_out(endpoint);
                    }
                }
                2 => self.core().unlink(number, word(&head, 20)),
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
            self.wake.notify_all();
        }
    }

    fn control(&self, transfer: Transfer) {
        let mut core = self.core();
        core.from_host[0].transfers.push_back(transfer);
        core.next_control();
        self.wake.notify_all();
    }
}

impl UsbBus for UsbipBus {
    fn alloc_ep(
        &mut self,
        direction: UsbDirection,
        address: Option<EndpointAddress>,
        _: EndpointType,
        size: u16,
        _: u8,
    ) -> Result<EndpointAddress> {
        let mut core = self.0.core();
        let endpoints =
            if direction == UsbDirection::In { &mut core.to_host } else { &mut core.from_host };
        let number = match address {
            Some(address) => address.index(),
            None => (1..16).find(|n| endpoints[*n].size == 0).ok_or(UsbError::EndpointOverflow)?,
        };
        endpoints[number].size = size.into();
        Ok(EndpointAddress::from_parts(number, direction))
    }

    fn enable(&mut self) {}

    fn reset(&self) {
        let mut core = self.0.core();
        core.taken = 0;
        for endpoint in &mut core.to_host {
            (endpoint.packet, endpoint.stalled) = (None, false);
        }
    }

    fn set_device_address(&self, _: u8) {}

    fn write(&self, address: EndpointAddress, bytes: &[u8]) -> Result<usize> {
        let mut core = self.0.core();
        let n = address.index();
        if bytes.len() > core.to_host[n].size {
            return Err(UsbError::BufferOverflow);
        }
        if n == 0 {
            core.control_write(bytes);
            return Ok(bytes.len());
        }
        if core.to_host[n].packet.is_some() || core.to_host[n].stalled || !core.paced() {
            return Err(UsbError::WouldBlock);
        }
        core.to_host[n].packet = Some(bytes.to_vec());
        core.serve_in(n);
        Ok(bytes.len())
    }

    fn read(&self, address: EndpointAddress, buffer: &mut [u8]) -> Result<usize> {
        let mut core = self.0.core();
        let n = address.index();
        match &core.from_host[n].packet {
            None => return Err(UsbError::WouldBlock),
            Some(packet) if packet.len() > buffer.len() => return Err(UsbError::BufferOverflow),
            Some(_) => {}
        }
        let packet = if n == 0 {
            core.control_read()
        } else {
            let endpoint = &mut core.from_host[n];
            let packet = endpoint.packet.take();
            if let (Some(packet), Some(transfer)) = (&packet, endpoint.transfers.front_mut()) {
                transfer.done += packet.len();
                if transfer.done == transfer.length
                    && let Some(transfer) = endpoint.transfers.pop_front()
                {
                    core.reply(&transfer, 0, false);
                }
            }
            core.serve_out(n);
            packet
        };
        let packet = packet.ok_or(UsbError::WouldBlock)?;
        buffer[..packet.len()].copy_from_slice(&packet);
        Ok(packet.len())
    }

    fn set_stalled(&self, address: EndpointAddress, stalled: bool) {
        self.0.core().stall(address, stalled);
    }

    fn is_stalled(&self, address: EndpointAddress) -> bool {
        let core = self.0.core();
        let endpoints = if address.is_in() { &core.to_host } else { &core.from_host };
        endpoints[address.index()].stalled
    }

    fn suspend(&self) {}

    fn resume(&self) {}

    fn poll(&self) -> PollResult {
        let mut core = self.0.core();
        if std::mem::take(&mut core.reset) {
            return PollResult::Reset;
        }
        let ep_in_complete = std::mem::take(&mut core.taken);
        let full = |(n, endpoint): (usize, &Endpoint)| u16::from(endpoint.packet.is_some()) << n;
        let mut ep_out: u16 = core.from_host.iter().enumerate().map(full).sum();
        let ep_setup = u16::from(core.phase == Phase::Setup) & ep_out;
        ep_out &= !ep_setup;
        match ep_out | ep_in_complete | ep_setup {
            0 => PollResult::None,
            _ => PollResult::Data { ep_out, ep_in_complete, ep_setup },
        }
    }
}
