//! What is said on the cable: RP2350 data sheet, tables 458 to 471; codes of `boot/picoboot.h` and
//! `boot/picoboot_constants.h` of the manufacturer's SDK.

/// First word of each command.
pub const MAGIC: u32 = 0x431f_d10b;
/// Bytes of a command.
pub const COMMAND: usize = 32;
/// Bytes of a status.
pub const STATUS: usize = 16;

/// Control request: resets the interface.
pub const INTERFACE_RESET: u8 = 0x41;
/// Control request: what became of the last command.
pub const GET_COMMAND_STATUS: u8 = 0x42;

/// A command; bit 7 of its code is set where data come from the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The mass storage of the boot loader may not write (1), or may again (0).
    ExclusiveAccess { exclusive: bool },
    /// Erases sectors.
    FlashErase { address: u32, length: u32 },
    /// Reads memory.
    Read { address: u32, length: u32 },
    /// Writes memory; flash by whole pages, erased before.
    Write { address: u32, length: u32 },
    /// Readies the flash on chips before this one.
    ExitXip,
    /// Starts anew.
    Reboot2 { flags: u32, delay_ms: u32 },
}

impl Command {
    pub fn code(self) -> u8 {
        match self {
            Command::ExclusiveAccess { .. } => 0x01,
            Command::FlashErase { .. } => 0x03,
            Command::Read { .. } => 0x84,
            Command::Write { .. } => 0x05,
            Command::ExitXip => 0x06,
            Command::Reboot2 { .. } => 0x0a,
        }
    }

    /// Bytes of data that follow, either way.
    pub fn transfer(self) -> u32 {
        match self {
            Command::Read { length, .. } | Command::Write { length, .. } => length,
            _ => 0,
        }
    }

    /// Whether the data come from the device.
    pub fn reads(self) -> bool {
        self.code() & 0x80 != 0
    }

    pub fn encode(self, token: u32) -> [u8; COMMAND] {
        let words = |args: &[u32]| args.iter().flat_map(|word| word.to_le_bytes()).collect();
        let args: Vec<u8> = match self {
            Command::ExclusiveAccess { exclusive } => vec![exclusive.into()],
            Command::FlashErase { address, length }
            | Command::Read { address, length }
            | Command::Write { address, length } => words(&[address, length]),
            Command::ExitXip => Vec::new(),
            Command::Reboot2 { flags, delay_ms } => words(&[flags, delay_ms, 0, 0]),
        };
        let mut bytes = [0; COMMAND];
        bytes[..4].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[4..8].copy_from_slice(&token.to_le_bytes());
        bytes[8] = self.code();
        bytes[9] = args.len() as u8;
        bytes[12..16].copy_from_slice(&self.transfer().to_le_bytes());
        bytes[16..16 + args.len()].copy_from_slice(&args);
        bytes
    }

    /// As the boot ROM reads it, with its token.
    ///
    /// # Errors
    /// The status that the boot ROM would give.
    pub fn decode(bytes: &[u8]) -> Result<(u32, Command), Refusal> {
        let bytes: &[u8; COMMAND] = bytes.try_into().map_err(|_| Refusal::UnknownCommand)?;
        let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| bytes[at + i]));
        if word(0) != MAGIC {
            return Err(Refusal::UnknownCommand);
        }
        let (address, length) = (word(16), word(20));
        let command = match bytes[8] {
            0x01 if bytes[16] <= 2 => Command::ExclusiveAccess { exclusive: bytes[16] != 0 },
            0x01 => return Err(Refusal::InvalidArgument),
            0x03 => Command::FlashErase { address, length },
            0x84 => Command::Read { address, length },
            0x05 => Command::Write { address, length },
            0x06 => Command::ExitXip,
            0x0a => Command::Reboot2 { flags: address, delay_ms: length },
            _ => return Err(Refusal::UnknownCommand),
        };
        if bytes[9] != command.encode(0)[9] {
            return Err(Refusal::InvalidCommandLength);
        }
        if word(12) != command.transfer() {
            return Err(Refusal::InvalidTransferLength);
        }
        Ok((word(4), command))
    }
}

/// Where a board goes from its boot loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebootTo {
    /// To the image in flash, or back here if there is none.
    Firmware,
    /// Here again.
    BootLoader,
}

impl RebootTo {
    /// REBOOT2's flags.
    pub(super) fn flags(self) -> u32 {
        match self {
            RebootTo::Firmware => 0x0,
            RebootTo::BootLoader => 0x2,
        }
    }
}

macro_rules! refusals {
    ($($(#[doc = $text:literal])* $name:ident = $code:literal, $words:literal;)*) => {
        /// Why the boot ROM refused a command.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        #[repr(u32)]
        pub enum Refusal {
            $($(#[doc = $text])* #[error($words)] $name = $code,)*
        }

        impl Refusal {
            /// Of a status; `None` for "no error" and for codes that are not known.
            pub fn from_code(code: u32) -> Option<Refusal> {
                match code {
                    $($code => Some(Refusal::$name),)*
                    _ => None,
                }
            }
        }
    };
}

refusals! {
    /// No such command.
    UnknownCommand = 1, "unknown command";
    /// A command whose arguments are too long or too short.
    InvalidCommandLength = 2, "wrong length of the command";
    /// The data are not as long as the arguments say.
    InvalidTransferLength = 3, "wrong length of the data";
    /// No memory there.
    InvalidAddress = 4, "no memory at that address";
    /// Not at the beginning of a page or a sector.
    BadAlignment = 5, "an address that is not aligned";
    /// Mass storage writes at the same time.
    InterleavedWrite = 6, "the board's drive was written to at the same time";
    /// It starts anew just now.
    Rebooting = 7, "it is rebooting";
    /// Unknown.
    UnknownError = 8, "an unknown error";
    /// Not in this state.
    InvalidState = 9, "not in this state";
    /// The chip's settings forbid it.
    NotPermitted = 10, "the chip's own settings forbid it";
    /// An argument that means nothing.
    InvalidArgument = 11, "an argument that means nothing";
    /// The buffer is too small.
    BufferTooSmall = 12, "a buffer that is too small";
    /// Something had to be done before.
    PreconditionNotMet = 13, "a precondition is not met";
    /// The data were modified.
    ModifiedData = 14, "the data were modified";
    /// The data are invalid.
    InvalidData = 15, "the data are invalid";
    /// Not found.
    NotFound = 16, "not found";
    /// The modification is impossible.
    UnsupportedModification = 17, "an impossible modification";
}
