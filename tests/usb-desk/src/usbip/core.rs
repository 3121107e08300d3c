//! The host controller of a virtual bus: whole transfers on the kernel's side, packets on the device's.

use std::collections::VecDeque;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Instant;
use usb_device::endpoint::EndpointAddress;

/// Bulk packets of 64 bytes that full speed carries in a millisecond (USB 2.0, table 5-9).
const PACKETS_PER_MS: f64 = 19.0;
const EPIPE: i32 = -32;
const ECONNRESET: i32 = -104;

pub struct Transfer {
    pub number: u32,
    pub setup: [u8; 8],
    /// What the host asks for, or brings.
    pub length: usize,
    pub data: Vec<u8>,
    pub done: usize,
    /// Made here: gets no answer.
    pub own: bool,
}

#[derive(Default)]
pub struct Endpoint {
    pub size: usize,
    pub stalled: bool,
    /// The endpoint's one packet buffer.
    pub packet: Option<Vec<u8>>,
    pub transfers: VecDeque<Transfer>,
    /// Bytes of transfers that have ended.
    pub carried: u64,
}

#[derive(PartialEq, Clone, Copy)]
pub enum Phase {
    Idle,
    Setup,
    DataIn,
    DataOut,
    StatusIn,
    StatusOut,
}

/// What the bus carries.
pub enum Pace {
    /// By the wall clock.
    Clock { packets: f64, at: Instant },
    /// So many packets more in this frame of the bus.
    Frame { packets: u32 },
}

pub struct Core {
    pub to_host: [Endpoint; 16],
    pub from_host: [Endpoint; 16],
    pub phase: Phase,
    pub taken: u16,
    pub reset: bool,
    pub gone: bool,
    pub pace: Option<Pace>,
    pub lies: Vec<(u8, usize, u8)>,
    pub wire: UnixStream,
}

impl Core {
    pub fn news(&self) -> bool {
        self.reset || self.taken != 0 || self.from_host.iter().any(|e| e.packet.is_some())
    }

    pub fn reply(&mut self, transfer: &Transfer, status: i32, to_host: bool) {
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

    pub fn unlink(&mut self, number: u32, victim: u32) {
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

    pub fn serve_in(&mut self, n: usize) {
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
                endpoint.carried += transfer.done as u64;
                self.reply(&transfer, status, true);
            }
        }
    }

    pub fn serve_out(&mut self, n: usize) {
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

    pub fn stall(&mut self, address: EndpointAddress, stalled: bool) {
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

    pub fn next_control(&mut self) {
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

    pub fn end_control(&mut self, status: i32) {
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

    pub fn control_data_out(&mut self) {
        let size = self.to_host[0].size;
        let next = self.from_host[0].transfers.front().map(|transfer| {
            let end = (transfer.done + size).min(transfer.length);
            transfer.data[transfer.done..end].to_vec()
        });
        self.from_host[0].packet = next;
    }

    pub fn control_read(&mut self) -> Option<Vec<u8>> {
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

    pub fn control_write(&mut self, packet: &[u8]) {
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
    pub fn paced(&mut self) -> bool {
        match &mut self.pace {
            None => true,
            Some(Pace::Clock { packets, at }) => {
                let now = Instant::now();
                let ms = now.duration_since(*at).as_secs_f64() * 1e3;
                *at = now;
                // The host's frames go on while the device sleeps, but nothing is made up for later.
                *packets = (*packets + PACKETS_PER_MS * ms).min(PACKETS_PER_MS);
                let room = *packets >= 1.0;
                *packets -= f64::from(u8::from(room));
                room
            }
            Some(Pace::Frame { packets }) => {
                let left = packets.checked_sub(1);
                *packets = left.unwrap_or(0);
                left.is_some()
            }
        }
    }
}
