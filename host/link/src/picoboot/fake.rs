//! A boot ROM in memory.

use super::command::{COMMAND, Command, RebootTo, Refusal, STATUS};
use super::port::{BootPort, PortFault};
use super::uf2::METADATA_BEGIN;
use super::{FLASH_BEGIN, PAGE, SECTOR};

/// Bytes of a full-speed bulk packet.
const PACKET: usize = 64;
/// Last word of a block of metadata.
const METADATA_END: u32 = 0xab12_3579;
/// The item that ends a block of metadata.
const LAST_ITEM: u8 = 0xff;

/// What a board does when it is powered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boot {
    /// It starts what is in its flash.
    Image,
    /// It finds nothing to start and goes to its boot loader.
    BootLoader,
}

/// A boot ROM with flash behind it that speaks PICOBOOT as the data sheet has it: flash is
/// programmed page by page as data come, programming clears bits only, what is refused stalls. The
/// cable can be cut after any packet.
#[derive(Clone, Debug)]
pub struct FakeBootRom {
    flash: Vec<u8>,
    plugged: bool,
    /// Packets after which the cable is cut.
    left: Option<u64>,
    packets: u64,
    state: State,
    stalled: bool,
    status: (u32, u32, u8),
    /// A byte of flash that keeps nothing.
    dead: Option<usize>,
    rebooted: Option<RebootTo>,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    /// Data of a write come: the rest of a page, and how many bytes are still to come.
    Writing {
        address: u32,
        page: Vec<u8>,
        left: u32,
    },
    /// Data of a read go out.
    Reading {
        address: u32,
        length: u32,
    },
    /// An empty packet is expected, from the host or to it.
    AcknowledgeOut,
    AcknowledgeIn,
}

impl FakeBootRom {
    /// A board with so many sectors of erased flash, in its boot loader.
    pub fn new(sectors: usize) -> FakeBootRom {
        FakeBootRom {
            flash: vec![0xff; sectors * SECTOR as usize],
            plugged: true,
            left: None,
            packets: 0,
            state: State::Idle,
            stalled: false,
            status: (0, 0, 0),
            dead: None,
            rebooted: None,
        }
    }

    /// The cable is cut, and the power with it, after so many packets of up to 64 bytes from now
    /// on.
    pub fn cut_after(&mut self, packets: u64) {
        self.left = Some(packets);
    }

    /// The board is plugged in again: whatever its flash holds, its button is held.
    pub fn replug(&mut self) {
        let flash = std::mem::take(&mut self.flash);
        let packets = self.packets;
        *self = FakeBootRom { flash, packets, dead: self.dead, ..FakeBootRom::new(0) };
    }

    /// From now on a byte of flash keeps nothing.
    pub fn kill_byte(&mut self, offset: usize) {
        self.dead = Some(offset);
    }

    /// Packets that have passed, both ways.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// What is in its flash.
    pub fn flash(&self) -> &[u8] {
        &self.flash
    }

    /// Where it was told to go.
    pub fn rebooted(&self) -> Option<RebootTo> {
        self.rebooted
    }

    /// What it would do if it were powered now.
    pub fn boot(&self) -> Boot {
        let search = &self.flash[..self.flash.len().min(SECTOR as usize)];
        let begins = (0..search.len()).step_by(4);
        match begins.into_iter().any(|at| is_metadata(&search[at..])) {
            true => Boot::Image,
            false => Boot::BootLoader,
        }
    }

    fn packet(&mut self) -> Result<(), PortFault> {
        if self.left == Some(0) {
            self.plugged = false;
        }
        if !self.plugged {
            return Err(PortFault::Gone);
        }
        self.left = self.left.map(|left| left - 1);
        self.packets += 1;
        Ok(())
    }

    fn refuse<T>(&mut self, why: Refusal) -> Result<T, PortFault> {
        self.status.1 = why as u32;
        self.stalled = true;
        self.state = State::Idle;
        Err(PortFault::Stalled)
    }

    /// The place of a range in flash.
    fn place(&self, address: u32, length: u32, grain: u32) -> Result<usize, Refusal> {
        let begin = address.checked_sub(FLASH_BEGIN).ok_or(Refusal::InvalidAddress)? as usize;
        if begin + length as usize > self.flash.len() {
            return Err(Refusal::InvalidAddress);
        }
        match address.is_multiple_of(grain) {
            true => Ok(begin),
            false => Err(Refusal::BadAlignment),
        }
    }

    fn obey(&mut self, bytes: &[u8]) -> Result<(), PortFault> {
        let (token, command) = match Command::decode(bytes) {
            Ok(decoded) => decoded,
            Err(why) => {
                let token = bytes.get(4..8).and_then(|b| b.try_into().ok());
                self.status = (token.map_or(0, u32::from_le_bytes), 0, 0);
                return self.refuse(why);
            }
        };
        self.status = (token, 0, command.code());
        let checked = match command {
            Command::FlashErase { address, length } if length.is_multiple_of(SECTOR) => {
                self.place(address, length, SECTOR).map(|at| {
                    self.flash[at..at + length as usize].fill(0xff);
                    State::AcknowledgeIn
                })
            }
            Command::FlashErase { .. } => Err(Refusal::BadAlignment),
            Command::Write { address, length } => self
                .place(address, length, PAGE)
                .map(|_| State::Writing { address, page: Vec::new(), left: length }),
            Command::Read { address, length } => {
                self.place(address, length, 1).map(|_| State::Reading { address, length })
            }
            Command::ExclusiveAccess { .. } | Command::ExitXip => Ok(State::AcknowledgeIn),
            Command::Reboot2 { flags, .. } => {
                let to = [RebootTo::Firmware, RebootTo::BootLoader];
                self.rebooted = to.into_iter().find(|to| to.flags() == flags & 0xf);
                self.rebooted.map(|_| State::AcknowledgeIn).ok_or(Refusal::InvalidArgument)
            }
        };
        match checked {
            Ok(state) => {
                self.state = state;
                Ok(())
            }
            Err(why) => self.refuse(why),
        }
    }

    /// Programs what is whole of a write: bits go from one to zero.
    fn program(&mut self, address: u32, page: &[u8]) {
        let at = (address - FLASH_BEGIN) as usize;
        let zeros = std::iter::repeat_n(&0, PAGE as usize);
        for (cell, byte) in
            self.flash[at..].iter_mut().zip(page.iter().chain(zeros)).take(PAGE as usize)
        {
            *cell &= byte;
        }
        if let Some(cell) = self.dead.and_then(|dead| self.flash.get_mut(dead)) {
            *cell = 0xff;
        }
    }

    fn hear(&mut self, packet: &[u8]) -> Result<(), PortFault> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle if packet.len() == COMMAND => self.obey(packet),
            State::AcknowledgeOut if packet.is_empty() => Ok(()),
            State::Writing { mut address, mut page, mut left } if packet.len() <= left as usize => {
                page.extend_from_slice(packet);
                left -= packet.len() as u32;
                while page.len() >= PAGE as usize || (left == 0 && !page.is_empty()) {
                    let rest = page.split_off(page.len().min(PAGE as usize));
                    self.program(address, &page);
                    page = rest;
                    address += PAGE;
                }
                self.state = match left {
                    0 => State::AcknowledgeIn,
                    _ => State::Writing { address, page, left },
                };
                Ok(())
            }
            _ => self.refuse(Refusal::InvalidState),
        }
    }
}

/// Whether a whole block of metadata begins here: items one after the other, of which the last says
/// how long they were (data sheet, section 5.9.1).
fn is_metadata(bytes: &[u8]) -> bool {
    let words: Vec<u32> = bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        .collect();
    if words.first() != Some(&METADATA_BEGIN) {
        return false;
    }
    let mut at = 1;
    while let Some(item) = words.get(at) {
        let [kind, short, long, _] = item.to_le_bytes();
        // Bit 7 of the kind: the size has two bytes.
        let size = match kind & 0x80 {
            0 => usize::from(short),
            _ => usize::from(u16::from_le_bytes([short, long])),
        };
        if kind == LAST_ITEM {
            return size == at - 1 && words.get(at + 2) == Some(&METADATA_END);
        }
        if size == 0 {
            return false;
        }
        at += size;
    }
    false
}

impl BootPort for FakeBootRom {
    fn send(&mut self, bytes: &[u8]) -> Result<(), PortFault> {
        if bytes.is_empty() {
            self.packet()?;
            return self.hear(&[]);
        }
        for packet in bytes.chunks(PACKET) {
            self.packet()?;
            if self.stalled {
                return Err(PortFault::Stalled);
            }
            self.hear(packet)?;
        }
        Ok(())
    }

    fn receive(&mut self, length: usize) -> Result<Vec<u8>, PortFault> {
        self.packet()?;
        if self.stalled {
            return Err(PortFault::Stalled);
        }
        match std::mem::replace(&mut self.state, State::Idle) {
            State::AcknowledgeIn => {
                self.plugged = self.rebooted.is_none();
                Ok(Vec::new())
            }
            State::Reading { address, length: all } if all as usize == length => {
                for _ in 1..length.div_ceil(PACKET) {
                    self.packet()?;
                }
                self.state = State::AcknowledgeOut;
                let at = (address - FLASH_BEGIN) as usize;
                Ok(self.flash[at..at + length].to_vec())
            }
            _ => self.refuse(Refusal::InvalidState),
        }
    }

    fn reset(&mut self) -> Result<(), PortFault> {
        self.packet()?;
        (self.state, self.stalled) = (State::Idle, false);
        self.status = (0, 0, 0);
        Ok(())
    }

    fn status(&mut self) -> Result<[u8; STATUS], PortFault> {
        self.packet()?;
        let mut status = [0; STATUS];
        status[..4].copy_from_slice(&self.status.0.to_le_bytes());
        status[4..8].copy_from_slice(&self.status.1.to_le_bytes());
        status[8] = self.status.2;
        Ok(status)
    }
}
