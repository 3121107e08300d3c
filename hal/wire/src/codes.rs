//! The numbers that stand for kinds of messages, streams, roles, errors and levels.

use crate::{DeviceMessage, ErrorCode, HostMessage, LogLevel, RebootMode, Role, Stream};

/// Codes of the messages. Bit 7 is set in what a device sends, so that an echo is no command.
pub(crate) mod kind {
    pub const HOST_HELLO: u8 = 0x01;
    pub const CONFIGURE: u8 = 0x02;
    pub const ARM: u8 = 0x03;
    pub const DISARM: u8 = 0x04;
    pub const START: u8 = 0x05;
    pub const STOP: u8 = 0x06;
    pub const CLEAR: u8 = 0x07;
    pub const HEARTBEAT: u8 = 0x08;
    pub const GET: u8 = 0x09;
    pub const SET: u8 = 0x0a;
    pub const SEED: u8 = 0x0b;
    pub const FEED: u8 = 0x0c;
    pub const PATTERN: u8 = 0x0d;
    pub const SOURCE: u8 = 0x0e;
    pub const REBOOT: u8 = 0x0f;
    pub const SET_SLOT_CLOCK: u8 = 0x10;

    pub const HELLO: u8 = 0x81;
    pub const ACK: u8 = 0x82;
    pub const ERROR: u8 = 0x83;
    pub const HEALTH: u8 = 0x84;
    pub const LOG: u8 = 0x85;
    pub const STOPPED: u8 = 0x86;
    pub const VALUE: u8 = 0x87;
    pub const TELEMETRY: u8 = 0x88;
    pub const TAGS: u8 = 0x90;
    pub const GAP: u8 = 0x91;
    pub const SLOT_MARK: u8 = 0x92;
    pub const LOCK_LOST: u8 = 0x93;
    pub const CLOCK_EDGES: u8 = 0x94;
    pub const SETTINGS: u8 = 0xa0;
}

impl HostMessage<'_> {
    /// The code of this kind of message in a frame.
    pub const fn kind(&self) -> u8 {
        match self {
            HostMessage::Hello => kind::HOST_HELLO,
            HostMessage::Configure(_) => kind::CONFIGURE,
            HostMessage::Arm { .. } => kind::ARM,
            HostMessage::Disarm => kind::DISARM,
            HostMessage::Start { .. } => kind::START,
            HostMessage::Stop => kind::STOP,
            HostMessage::Clear { .. } => kind::CLEAR,
            HostMessage::Heartbeat => kind::HEARTBEAT,
            HostMessage::Get { .. } => kind::GET,
            HostMessage::Set { .. } => kind::SET,
            HostMessage::Seed(_) => kind::SEED,
            HostMessage::Feed(_) => kind::FEED,
            HostMessage::Pattern(_) => kind::PATTERN,
            HostMessage::Source(_) => kind::SOURCE,
            HostMessage::Reboot(_) => kind::REBOOT,
            HostMessage::SetSlotClock(_) => kind::SET_SLOT_CLOCK,
        }
    }
}

impl DeviceMessage<'_> {
    /// The code of this kind of message in a frame.
    pub const fn kind(&self) -> u8 {
        match self {
            DeviceMessage::Hello { .. } => kind::HELLO,
            DeviceMessage::Ack { .. } => kind::ACK,
            DeviceMessage::Error { .. } => kind::ERROR,
            DeviceMessage::Health(_) => kind::HEALTH,
            DeviceMessage::Log { .. } => kind::LOG,
            DeviceMessage::Stopped { .. } => kind::STOPPED,
            DeviceMessage::Value { .. } => kind::VALUE,
            DeviceMessage::Telemetry(_) => kind::TELEMETRY,
            DeviceMessage::Tags(_) => kind::TAGS,
            DeviceMessage::Gap { .. } => kind::GAP,
            DeviceMessage::SlotMark(_) => kind::SLOT_MARK,
            DeviceMessage::LockLost { .. } => kind::LOCK_LOST,
            DeviceMessage::ClockEdges(_) => kind::CLOCK_EDGES,
            DeviceMessage::Settings(_) => kind::SETTINGS,
        }
    }

    /// The stream this kind of message belongs to; `Stopped` goes with the control stream.
    pub const fn stream(&self) -> Stream {
        match self {
            DeviceMessage::Hello { .. }
            | DeviceMessage::Ack { .. }
            | DeviceMessage::Error { .. }
            | DeviceMessage::Log { .. }
            | DeviceMessage::Stopped { .. }
            | DeviceMessage::Value { .. } => Stream::Control,
            DeviceMessage::Health(_) | DeviceMessage::Telemetry(_) => Stream::Health,
            DeviceMessage::Tags(_)
            | DeviceMessage::Gap { .. }
            | DeviceMessage::SlotMark(_)
            | DeviceMessage::LockLost { .. }
            | DeviceMessage::ClockEdges(_) => Stream::Tags,
            DeviceMessage::Settings(_) => Stream::Settings,
        }
    }
}

impl Stream {
    /// Number of streams; codes are `0..COUNT`.
    pub const COUNT: usize = 4;

    /// The code on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The stream with this code, if there is one.
    pub const fn from_code(code: u8) -> Option<Stream> {
        match code {
            0 => Some(Stream::Control),
            1 => Some(Stream::Health),
            2 => Some(Stream::Tags),
            3 => Some(Stream::Settings),
            _ => None,
        }
    }
}

impl Role {
    /// The code on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The role with this code, if there is one.
    pub const fn from_code(code: u8) -> Option<Role> {
        match code {
            0 => Some(Role::Alice),
            1 => Some(Role::Bob),
            _ => None,
        }
    }
}

impl ErrorCode {
    /// The code on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The error with this code, if there is one.
    pub const fn from_code(code: u8) -> Option<ErrorCode> {
        Some(match code {
            1 => ErrorCode::UnknownCommand,
            2 => ErrorCode::OutOfRange,
            3 => ErrorCode::WrongState,
            4 => ErrorCode::NotConfigured,
            5 => ErrorCode::SlotTooShort,
            6 => ErrorCode::NonceReused,
            7 => ErrorCode::TooLate,
            8 => ErrorCode::Busy,
            9 => ErrorCode::Full,
            10 => ErrorCode::Failed,
            _ => return None,
        })
    }
}

impl LogLevel {
    /// The code on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The level with this code, if there is one.
    pub const fn from_code(code: u8) -> Option<LogLevel> {
        match code {
            0 => Some(LogLevel::Error),
            1 => Some(LogLevel::Warn),
            2 => Some(LogLevel::Info),
            _ => None,
        }
    }
}

impl RebootMode {
    /// The code on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The mode with this code, if there is one.
    pub const fn from_code(code: u8) -> Option<RebootMode> {
        match code {
            0 => Some(RebootMode::Firmware),
            1 => Some(RebootMode::BootLoader),
            _ => None,
        }
    }
}
