//! The 24 bits of a transfer: command C3–C0, address, data DB15–DB0 (Rev. B, page 21).

/// A transfer, first byte first.
pub type Frame = [u8; 3];

/// One output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Channel {
    /// VOUTA.
    A = 0,
    /// VOUTB.
    B = 1,
    /// VOUTC.
    C = 2,
    /// VOUTD.
    D = 3,
}

/// Any of the four outputs, a bit each (Table 8, "Address Commands").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels(u8);

impl Channels {
    /// All four.
    pub const ALL: Channels = Channels(0b1111);
    /// None.
    pub const NONE: Channels = Channels(0);

    /// One output.
    pub const fn one(channel: Channel) -> Channels {
        Channels(1 << channel as u8)
    }

    /// These and another one.
    pub const fn and(self, channel: Channel) -> Channels {
        Channels(self.0 | 1 << channel as u8)
    }

    const fn bits(self) -> u16 {
        self.0 as u16
    }
}

/// What an output does (Table 10, "Modes of Operation").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PowerMode {
    /// Drives its level.
    Normal = 0b00,
    /// Off, 1 kΩ to ground.
    Pull1k = 0b01,
    /// Off, 100 kΩ to ground.
    Pull100k = 0b10,
    /// Off, open.
    Open = 0b11,
}

/// The commands (Table 7, "Command Definitions").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// 0000: nothing; clocks a register out after [`Command::ReadBack`].
    NoOperation,
    /// 0001: to the input registers; the outputs stay, unless LDAC is low.
    Write(Channels, u16),
    /// 0010: the outputs take what their input registers hold.
    Update(Channels),
    /// 0011: to the input registers and to the outputs.
    WriteAndUpdate(Channels, u16),
    /// 0100: what the outputs A to D do, two bits each, D in DB7–DB6.
    Power([PowerMode; 4]),
    /// 0101: these outputs do not hear the LDAC pin (DB3 to DB0).
    LdacMask(Channels),
    /// 0110: as after power-on. The data are sent as 0x1234, which relatives of this part ask for
    /// and this one takes no notice of.
    Reset,
    /// 0111: whether the reference drives the VREF pin; it does after a reset. DB0 is 1 for off.
    InternalReference(bool),
    /// 1000: whether SDO passes on what was shifted in, for a daisy chain.
    DaisyChain(bool),
    /// 1001: the next transfer shifts this DAC register out.
    ReadBack(Channel),
}

impl Command {
    /// The transfer.
    pub const fn frame(self) -> Frame {
        let (command, outputs, data) = match self {
            Command::NoOperation => (0b0000, Channels::NONE, 0),
            Command::Write(outputs, code) => (0b0001, outputs, code),
            Command::Update(outputs) => (0b0010, outputs, 0),
            Command::WriteAndUpdate(outputs, code) => (0b0011, outputs, code),
            Command::Power([a, b, c, d]) => {
                let bits = a as u16 | (b as u16) << 2 | (c as u16) << 4 | (d as u16) << 6;
                (0b0100, Channels::NONE, bits)
            }
            Command::LdacMask(outputs) => (0b0101, Channels::NONE, outputs.bits()),
            Command::Reset => (0b0110, Channels::NONE, 0x1234),
            Command::InternalReference(on) => (0b0111, Channels::NONE, !on as u16),
            Command::DaisyChain(on) => (0b1000, Channels::NONE, on as u16),
            Command::ReadBack(channel) => (0b1001, Channels::one(channel), 0),
        };
        let [high, low] = data.to_be_bytes();
        [command << 4 | outputs.0, high, low]
    }

    /// What a transfer means; `None` for reserved commands and for fields without a meaning.
    pub fn decode(frame: Frame) -> Option<Command> {
        let data = u16::from_be_bytes([frame[1], frame[2]]);
        let outputs = Channels(frame[0] & 0x0F);
        let mode = |n: u32| match data >> (2 * n) & 3 {
            0b00 => PowerMode::Normal,
            0b01 => PowerMode::Pull1k,
            0b10 => PowerMode::Pull100k,
            _ => PowerMode::Open,
        };
        let command = match frame[0] >> 4 {
            0b0000 => Command::NoOperation,
            0b0001 => Command::Write(outputs, data),
            0b0010 => Command::Update(outputs),
            0b0011 => Command::WriteAndUpdate(outputs, data),
            0b0100 => Command::Power([mode(0), mode(1), mode(2), mode(3)]),
            0b0101 => Command::LdacMask(Channels((data & 0x0F) as u8)),
            0b0110 => Command::Reset,
            0b0111 => Command::InternalReference(data & 1 == 0),
            0b1000 => Command::DaisyChain(data & 1 == 1),
            0b1001 => Command::ReadBack(
                // None or more than one read channel A ("Readback Operation").
                [Channel::B, Channel::C, Channel::D]
                    .into_iter()
                    .find(|c| outputs == Channels::one(*c))
                    .unwrap_or(Channel::A),
            ),
            _ => return None,
        };
        Some(command)
    }
}

/// The code in what a transfer after [`Command::ReadBack`] brought: its last 16 bits.
///
/// The sheet says of the same transfer that "the last 16 bits contain the DB19 to DB4 DAC register
/// contents"; DB19 to DB4 are the places of data in older relatives with four more address bits.
pub const fn read_value(frame: &Frame) -> u16 {
    u16::from_be_bytes([frame[1], frame[2]])
}
