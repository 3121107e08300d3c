//! A `UsbBus` whose wire is USB/IP: the kernel's `vhci-hcd` shows the device class in this process
//! to the whole system as a device that is plugged in.
//!
//! The kernel speaks of whole transfers, the trait of packets; this is the host controller between
//! them. `vhci-hcd` answers bus resets and SET_ADDRESS itself, so the device is given one of each
//! when it is plugged in, and it delivers neither suspend nor later resets. It does not pace the
//! bus either; [`Plug::pace`] does.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
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
/// Bulk packets of 64 bytes that full speed carries in a millisecond (USB 2.0, table 5-9).
const PACKETS_PER_MS: f64 = 19.0;
const EPIPE: i32 = -32;
const ECONNRESET: i32 = -104;

struct Transfer {
    number: u32,
    setup: [u8; 8],
    /// What the host asks for, or brings.
    length: usize,
    data: Vec<u8>,
    done: usize,
    /// Made here: gets no answer.
    own: bool,
}

#[derive(Default)]
struct Endpoint {
    size: usize,
    stalled: bool,
    /// The endpoint's one packet buffer.
    packet: Option<Vec<u8>>,
    transfers: VecDeque<Transfer>,
}

#[derive(PartialEq, Clone, Copy)]
enum Phase {
    Idle,
    Setup,
    DataIn,
    DataOut,
    StatusIn,
    StatusOut,
}

/// What the bus carries, by the wall clock.
struct Pace {
    packets: f64,
    at: Instant,
}

struct Core {
    to_host: [Endpoint; 16],
    from_host: [Endpoint; 16],
    phase: Phase,
    taken: u16,
    reset: bool,
    gone: bool,
    pace: Option<Pace>,
    lies: Vec<(u8, usize, u8)>,
    wire: UnixStream,
}

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

    /// From now on bulk packets take the time that they take on a wire.
    pub fn pace(&self) {
        self.0.core().pace = Some(Pace { packets: 0.0, at: Instant::now() });
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

impl Core {
    fn news(&self) -> bool {
        self.reset || self.taken != 0 || self.from_host.iter().any(|e| e.packet.is_some())
    }

    fn reply(&mut self, transfer: &Transfer, status: i32, to_host: bool) {
        if transfer.own {
            return;
        }
        let mut message = Vec::with_capacity(48 + transfer.data.len());
        message.extend(3u32.to_be_bytes());
        message.extend(transfer.number.to_be_bytes());
        message.extend([0; 12]);
        message.extend(status.to_be_bytes());
        message.extend((transfer.done as u32).to_be_bytes());
        message.extend([0; 20]);
        if to_host {
            message.extend(&transfer.data[..transfer.done]);
        }
        self.gone |= self.wire.write_all(&message).is_err();
    }

    fn unlink(&mut self, number: u32, victim: u32) {
        let mut status = 0;
        for endpoint in self.to_host.iter_mut().chain(self.from_host.iter_mut()) {
            let before = endpoint.transfers.len();
            endpoint.transfers.retain(|t| t.number != victim || t.own);
            if endpoint.transfers.len() != before {
                status = ECONNRESET;
            }
        }
        if status != 0 && self.from_host[0].transfers.is_empty() {
            self.phase = Phase::Idle;
        }
        let mut message = Vec::with_capacity(48);
        message.extend(4u32.to_be_bytes());
        message.extend(number.to_be_bytes());
        message.extend([0; 12]);
        message.extend(status.to_be_bytes());
        message.extend([0; 24]);
        let _ = self.wire.write_all(&message);
    }

    fn serve_in(&mut self, n: usize) {
        loop {
            let endpoint = &mut self.to_host[n];
            let Some(transfer) = endpoint.transfers.front_mut() else { return };
            let mut status = EPIPE;
            if !endpoint.stalled {
                let Some(packet) = endpoint.packet.take() else { return };
                self.taken |= 1 << n;
                let room = transfer.length - transfer.done;
                transfer.data.extend(&packet[..packet.len().min(room)]);
                transfer.done = transfer.data.len();
                if packet.len() == endpoint.size && transfer.done < transfer.length {
                    return;
                }
                status = 0;
            }
            if let Some(transfer) = endpoint.transfers.pop_front() {
                self.reply(&transfer, status, true);
            }
        }
    }

    fn serve_out(&mut self, n: usize) {
        let endpoint = &mut self.from_host[n];
        if endpoint.stalled {
            while let Some(transfer) = self.from_host[n].transfers.pop_front() {
                self.reply(&transfer, EPIPE, false);
            }
        } else if let (None, Some(transfer)) = (&endpoint.packet, endpoint.transfers.front()) {
            let end = (transfer.done + endpoint.size).min(transfer.length);
            endpoint.packet = Some(transfer.data[transfer.done..end].to_vec());
        }
    }

    fn stall(&mut self, address: EndpointAddress, stalled: bool) {
        let n = address.index();
        if address.is_in() {
            self.to_host[n].stalled = stalled;
        } else {
            self.from_host[n].stalled = stalled;
        }
        match (n, stalled) {
            (0, true) if self.phase != Phase::Idle => self.end_control(EPIPE),
            (0, _) => {}
            _ if address.is_in() => self.serve_in(n),
            _ => self.serve_out(n),
        }
    }

    fn next_control(&mut self) {
        if self.phase != Phase::Idle {
            return;
        }
        let Some(transfer) = self.from_host[0].transfers.front() else { return };
        self.from_host[0].packet = Some(transfer.setup.to_vec());
        self.from_host[0].stalled = false;
        self.to_host[0].stalled = false;
        self.taken &= !1;
        self.phase = Phase::Setup;
    }

    fn end_control(&mut self, status: i32) {
        self.phase = Phase::Idle;
        self.from_host[0].packet = None;
        if let Some(mut transfer) = self.from_host[0].transfers.pop_front() {
            let kind = transfer.setup[3];
            if transfer.setup[..2] == [0x80, 6] {
                for (of, at, byte) in &self.lies {
                    if *of == kind && *at < transfer.done {
                        transfer.data[*at] = *byte;
                    }
                }
            }
            let to_host = transfer.setup[0] & 0x80 != 0;
            self.reply(&transfer, status, to_host);
        }
        self.next_control();
    }

    fn control_data_out(&mut self) {
        let size = self.to_host[0].size;
        let next = self.from_host[0].transfers.front().map(|transfer| {
            let end = (transfer.done + size).min(transfer.length);
            transfer.data[transfer.done..end].to_vec()
        });
        self.from_host[0].packet = next;
    }

    fn control_read(&mut self) -> Option<Vec<u8>> {
        let packet = self.from_host[0].packet.take()?;
        match self.phase {
            Phase::Setup => {
                let setup = self.from_host[0].transfers.front()?.setup;
                self.phase = match (setup[0] & 0x80 != 0, u16::from_le_bytes([setup[6], setup[7]]))
                {
                    (_, 0) => Phase::StatusIn,
                    (true, _) => Phase::DataIn,
                    (false, _) => Phase::DataOut,
                };
                if self.phase == Phase::DataOut {
                    self.control_data_out();
                }
            }
            Phase::DataOut => {
                let transfer = self.from_host[0].transfers.front_mut()?;
                transfer.done += packet.len();
                if transfer.done == transfer.length {
                    self.phase = Phase::StatusIn;
                } else {
                    self.control_data_out();
                }
            }
            Phase::StatusOut => self.end_control(0),
            _ => {}
        }
        Some(packet)
    }

    fn control_write(&mut self, packet: &[u8]) {
        let size = self.to_host[0].size;
        match self.phase {
            Phase::DataIn => {
                self.taken |= 1;
                let Some(transfer) = self.from_host[0].transfers.front_mut() else { return };
                let room = transfer.length - transfer.done;
                transfer.data.extend(&packet[..packet.len().min(room)]);
                transfer.done = transfer.data.len();
                if packet.len() < size || transfer.done == transfer.length {
                    self.phase = Phase::StatusOut;
                    self.from_host[0].packet = Some(vec![]);
                }
            }
            Phase::StatusIn => {
                self.taken |= 1;
                self.end_control(0);
            }
            // A packet that no host asks for any more.
            _ => {}
        }
    }

    /// Whether the bus has room for a packet now.
    fn paced(&mut self) -> bool {
        let Some(pace) = &mut self.pace else { return true };
        let now = Instant::now();
        let ms = now.duration_since(pace.at).as_secs_f64() * 1e3;
        pace.at = now;
        // The host's frames go on while the device sleeps, but nothing is made up for later.
        pace.packets = (pace.packets + PACKETS_PER_MS * ms).min(PACKETS_PER_MS);
        let room = pace.packets >= 1.0;
        pace.packets -= f64::from(u8::from(room));
        room
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
