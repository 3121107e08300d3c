//! The host's end of PICOBOOT.

use super::command::{Command, RebootTo, Refusal};
use super::port::{BootPort, PortFault};

/// Between a reboot's answer and the reboot, so that the answer arrives.
const REBOOT_DELAY_MS: u32 = 100;

/// A command that came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BootFault {
    /// The port.
    #[error("{0}; replug the board while its BOOTSEL button is held, and flash it again")]
    Port(#[from] PortFault),
    /// The boot ROM refused.
    #[error("the boot loader refused to {doing}: {why}")]
    Refused {
        /// What it was to do.
        doing: &'static str,
        /// Why not.
        why: Refusal,
    },
    /// It answered with another length than was asked for.
    #[error("the boot loader sent {sent} bytes where {asked} were asked for; flash it again")]
    Short {
        /// Bytes asked for.
        asked: u32,
        /// Bytes that came.
        sent: usize,
    },
}

/// A boot ROM at the other end of a port.
#[derive(Debug)]
pub struct BootRom<P> {
    port: P,
    token: u32,
}

impl<P: BootPort> BootRom<P> {
    /// Resets the interface, as a host before may have left it in mid-command, and takes the flash
    /// for this program alone: the boot loader's drive does not write meanwhile.
    ///
    /// # Errors
    /// [`BootFault`].
    pub fn open(mut port: P) -> Result<BootRom<P>, BootFault> {
        port.reset()?;
        let mut rom = BootRom { port, token: 0 };
        rom.order("be used alone", Command::ExclusiveAccess { exclusive: true }, &[])?;
        // Nothing on this chip; the one before it needs it.
        rom.order("leave execute-in-place", Command::ExitXip, &[])?;
        Ok(rom)
    }

    /// Erases flash; both in whole [sectors](super::SECTOR).
    ///
    /// # Errors
    /// [`BootFault`].
    pub fn erase(&mut self, address: u32, length: u32) -> Result<(), BootFault> {
        self.order("erase", Command::FlashErase { address, length }, &[]).map(drop)
    }

    /// Writes flash that was erased, from the beginning of a [page](super::PAGE) on.
    ///
    /// # Errors
    /// [`BootFault`].
    pub fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), BootFault> {
        let length = bytes.len() as u32;
        self.order("write", Command::Write { address, length }, bytes).map(drop)
    }

    /// Reads memory; exactly `length` bytes.
    ///
    /// # Errors
    /// [`BootFault`].
    pub fn read(&mut self, address: u32, length: u32) -> Result<Vec<u8>, BootFault> {
        let bytes = self.order("read", Command::Read { address, length }, &[])?;
        match bytes.len() == length as usize {
            true => Ok(bytes),
            false => Err(BootFault::Short { asked: length, sent: bytes.len() }),
        }
    }

    /// Starts anew; the port is gone after it.
    ///
    /// # Errors
    /// [`BootFault`].
    pub fn reboot(mut self, to: RebootTo) -> Result<(), BootFault> {
        let reboot = Command::Reboot2 { flags: to.flags(), delay_ms: REBOOT_DELAY_MS };
        self.order("reboot", reboot, &[]).map(drop)
    }

    fn order(
        &mut self,
        doing: &'static str,
        command: Command,
        data: &[u8],
    ) -> Result<Vec<u8>, BootFault> {
        self.token = self.token.wrapping_add(1);
        match self.carry_out(command, data) {
            Err(PortFault::Stalled) => Err(self.refusal(doing)),
            done => Ok(done?),
        }
    }

    /// The command, its data, and an empty packet in the other direction.
    fn carry_out(&mut self, command: Command, data: &[u8]) -> Result<Vec<u8>, PortFault> {
        self.port.send(&command.encode(self.token))?;
        if command.reads() {
            let bytes = self.port.receive(command.transfer() as usize)?;
            self.port.send(&[])?;
            return Ok(bytes);
        }
        if !data.is_empty() {
            self.port.send(data)?;
        }
        self.port.receive(0)
    }

    /// Asks why, and makes the port usable again.
    fn refusal(&mut self, doing: &'static str) -> BootFault {
        let why = self.port.status().map(|status| {
            let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| status[at + i]));
            let ours = word(0) == self.token;
            Refusal::from_code(word(4)).filter(|_| ours).unwrap_or(Refusal::UnknownError)
        });
        match why.and_then(|why| self.port.reset().map(|()| why)) {
            Ok(why) => BootFault::Refused { doing, why },
            Err(fault) => fault.into(),
        }
    }
}
