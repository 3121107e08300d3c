//! Frames to messages. Every message has exactly one encoding: what decodes, encodes again to the
//! same payload.

use helio_bench::{
    Access, ClockInput, Entry, GateWindow, InterlockState, PhaseRandomisation, RandomClass,
    SettingsSource, SlotClockMode, SlotTiming, TripCause, Unit,
};
use helio_units::{FineTicks, Hertz, Picoseconds, SlotIndex, TickLength, Ticks};

use crate::codes::kind;
use crate::field::FieldReader;
use crate::frame::{MAX_FEED, MAX_LOG_TEXT, MAX_PATTERN, MAX_TEXT, PATTERN_CODES, TAGS_HEAD};
use crate::{
    Capabilities, ClockEdges, Concealed, Configure, DeviceMessage, ErrorCode, Frame, Header,
    Health, Hello, HostMessage, LogLevel, RebootMode, Role, SettingsBatch, TagBatch, TagsError,
    Telemetry,
};

/// Why a whole frame with a right checksum is no message. Someone sent exactly this: it is not
/// noise on the cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Not [`crate::VERSION`].
    UnknownVersion(u8),
    /// No stream has this code.
    UnknownStream(u8),
    /// No message of this direction has this code.
    UnknownKind(u8),
    /// The payload ends inside the field at this offset, or has bytes from this offset on that
    /// belong to no field.
    WrongLength {
        /// In the payload.
        offset: u16,
    },
    /// The field at this offset has a value that means nothing.
    OutOfRange {
        /// In the payload.
        offset: u16,
    },
    /// The codes of a batch of tags are wrong.
    Tags(TagsError),
}

impl DecodeError {
    /// Whether the frame speaks of things this end does not know, so that a device must answer
    /// [`ErrorCode::UnknownCommand`] and trip, rather than refuse one command.
    pub const fn is_unknown(&self) -> bool {
        matches!(
            self,
            DecodeError::UnknownVersion(_)
                | DecodeError::UnknownStream(_)
                | DecodeError::UnknownKind(_)
        )
    }

    /// The code and the detail of the [`DeviceMessage::Error`] that answers such a frame: the
    /// unknown byte, or the offset in the payload.
    pub fn answer(&self) -> (ErrorCode, u32) {
        match *self {
            DecodeError::UnknownVersion(byte)
            | DecodeError::UnknownStream(byte)
            | DecodeError::UnknownKind(byte) => (ErrorCode::UnknownCommand, byte.into()),
            DecodeError::WrongLength { offset } | DecodeError::OutOfRange { offset } => {
                (ErrorCode::OutOfRange, offset.into())
            }
            DecodeError::Tags(_) => (ErrorCode::OutOfRange, TAGS_HEAD as u32),
        }
    }
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            DecodeError::UnknownVersion(v) => write!(f, "unknown version {v} of the format"),
            DecodeError::UnknownStream(s) => write!(f, "unknown stream {s}"),
            DecodeError::UnknownKind(k) => write!(f, "unknown kind {k:#04x} of message"),
            DecodeError::WrongLength { offset } => {
                write!(f, "the payload ends too soon or too late, at byte {offset}")
            }
            DecodeError::OutOfRange { offset } => {
                write!(f, "the field at byte {offset} of the payload is out of range")
            }
            DecodeError::Tags(error) => write!(f, "batch of tags: {error}"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Reads a frame from a host. Seeds, random bytes and patterns stay where they are, in the frame.
///
/// Values are checked as far as the types reach; whether a device can do what a
/// [`HostMessage::Configure`] asks is for the device to say.
///
/// # Errors
/// [`DecodeError`]; after an unknown kind the header is still at [`Frame::header`].
pub fn decode_host(frame: Frame<'_>) -> Result<(Header, HostMessage<'_>), DecodeError> {
    let header = frame.header()?;
    let mut r = FieldReader::new(frame.payload());
    let message = match frame.kind() {
        kind::HOST_HELLO => HostMessage::Hello,
        kind::CONFIGURE => HostMessage::Configure(read_configure(&mut r)?),
        kind::ARM => HostMessage::Arm { nonce: r.u32()? },
        kind::DISARM => HostMessage::Disarm,
        kind::START => HostMessage::Start { epoch: r.u16()?, slots: r.u64()? },
        kind::STOP => HostMessage::Stop,
        kind::CLEAR => {
            let cause = TripCause::from_code(r.u8()?).ok_or_else(|| r.out_of_range())?;
            HostMessage::Clear { cause }
        }
        kind::HEARTBEAT => HostMessage::Heartbeat,
        kind::GET => HostMessage::Get { index: r.u16()? },
        kind::SET => HostMessage::Set { index: r.u16()?, value: r.i64()?, from: Ticks(r.u64()?) },
        kind::SEED => HostMessage::Seed(Concealed(r.array_ref()?)),
        kind::FEED => HostMessage::Feed(Concealed(read_tail(&mut r, MAX_FEED)?)),
        kind::PATTERN => {
            let codes = read_tail(&mut r, MAX_PATTERN)?;
            if let Some(at) = codes.iter().position(|code| *code >= PATTERN_CODES) {
                return Err(DecodeError::OutOfRange { offset: at as u16 });
            }
            HostMessage::Pattern(codes)
        }
        kind::SOURCE => {
            HostMessage::Source(SettingsSource::from_code(r.u8()?).ok_or_else(|| r.out_of_range())?)
        }
        kind::REBOOT => {
            HostMessage::Reboot(RebootMode::from_code(r.u8()?).ok_or_else(|| r.out_of_range())?)
        }
        kind::SET_SLOT_CLOCK => HostMessage::SetSlotClock(read_timing(&mut r)?),
        unknown => return Err(DecodeError::UnknownKind(unknown)),
    };
    r.end()?;
    Ok((header, message))
}

/// Reads a frame from a device. Texts, tags and settings stay where they are, in the frame.
///
/// # Errors
/// [`DecodeError`]; after an unknown kind the header is still at [`Frame::header`].
pub fn decode_device(frame: Frame<'_>) -> Result<(Header, DeviceMessage<'_>), DecodeError> {
    let header = frame.header()?;
    let mut r = FieldReader::new(frame.payload());
    let message = match frame.kind() {
        kind::HELLO => DeviceMessage::Hello { command: r.u32()?, hello: read_hello(&mut r)? },
        kind::ACK => DeviceMessage::Ack { command: r.u32()?, tick: Ticks(r.u64()?) },
        kind::ERROR => {
            let command = r.u32()?;
            let code = ErrorCode::from_code(r.u8()?).ok_or_else(|| r.out_of_range())?;
            DeviceMessage::Error { command, code, detail: r.u32()? }
        }
        kind::HEALTH => DeviceMessage::Health(read_health(&mut r)?),
        kind::LOG => {
            let level = LogLevel::from_code(r.u8()?).ok_or_else(|| r.out_of_range())?;
            let text = r.rest();
            let text = text_of(&r, text, MAX_LOG_TEXT)?;
            DeviceMessage::Log { level, text }
        }
        kind::TAGS => DeviceMessage::Tags(read_tags(&mut r)?),
        kind::GAP => {
            let (from, to) = (Ticks(r.u64()?), Ticks(r.u64()?));
            if from > to {
                return Err(r.out_of_range());
            }
            DeviceMessage::Gap { from, to, lost: r.u64()? }
        }
        kind::SLOT_MARK => DeviceMessage::SlotMark(read_timing(&mut r)?),
        kind::LOCK_LOST => DeviceMessage::LockLost { tick: Ticks(r.u64()?) },
        kind::CLOCK_EDGES => DeviceMessage::ClockEdges(read_clock_edges(&mut r)?),
        kind::SETTINGS => DeviceMessage::Settings(read_settings(&mut r)?),
        kind::STOPPED => DeviceMessage::Stopped { end: SlotIndex(r.u64()?), tick: Ticks(r.u64()?) },
        kind::VALUE => read_value(&mut r)?,
        kind::TELEMETRY => {
            let tick = Ticks(r.u64()?);
            DeviceMessage::Telemetry(Telemetry::new(tick, r.rest())?)
        }
        unknown => return Err(DecodeError::UnknownKind(unknown)),
    };
    r.end()?;
    Ok((header, message))
}

fn read_configure(r: &mut FieldReader<'_>) -> Result<Configure, DecodeError> {
    Ok(Configure {
        slot_ticks: r.u32()?,
        sync_spacing: r.u16()?,
        sync_seed: r.u32()?,
        intensity_weights: [r.u16()?, r.u16()?, r.u16()?, r.u16()?],
        key_basis_weight: r.u16()?,
        random_swap: read_bool(r)?,
        burst_slots: r.u32()?,
        slot_clock: SlotClockMode::from_code(r.u8()?).ok_or_else(|| r.out_of_range())?,
        gate: read_gate(r)?,
    })
}

/// Without a gate its start and its width are zero; with one the width is not.
fn read_gate(r: &mut FieldReader<'_>) -> Result<Option<GateWindow>, DecodeError> {
    let gated = read_bool(r)?;
    let start = r.u32()?;
    if !gated && start != 0 {
        return Err(r.out_of_range());
    }
    let width = r.u32()?;
    if gated != (width != 0) {
        return Err(r.out_of_range());
    }
    Ok(gated.then_some(GateWindow { start, width }))
}

/// Everything to the end of the payload: at least one byte, at most so many.
fn read_tail<'a>(r: &mut FieldReader<'a>, most: usize) -> Result<&'a [u8], DecodeError> {
    let bytes = r.rest();
    match bytes.len() {
        0 => Err(DecodeError::WrongLength { offset: 0 }),
        length if length > most => Err(DecodeError::WrongLength { offset: most as u16 }),
        _ => Ok(bytes),
    }
}

fn read_value<'a>(r: &mut FieldReader<'a>) -> Result<DeviceMessage<'a>, DecodeError> {
    let (command, index) = (r.u32()?, r.u16()?);
    let access = Access::from_code(r.u8()?).ok_or_else(|| r.out_of_range())?;
    let unit = Unit::from_code(r.u8()?).ok_or_else(|| r.out_of_range())?;
    let (value, min, max) = (r.i64()?, r.i64()?, r.i64()?);
    if min > max {
        return Err(r.out_of_range());
    }
    let name = read_name(r)?;
    if !name.is_ascii() {
        return Err(r.out_of_range());
    }
    Ok(DeviceMessage::Value {
        command,
        index,
        value,
        entry: Entry { name, unit, access, min, max },
    })
}

fn read_hello<'a>(r: &mut FieldReader<'a>) -> Result<Hello<'a>, DecodeError> {
    let role = Role::from_code(r.u8()?).ok_or_else(|| r.out_of_range())?;
    let channels = r.u8()?;
    let random_class = RandomClass::from_code(r.u8()?).ok_or_else(|| r.out_of_range())?;
    let phase = PhaseRandomisation::from_code(r.u8()?).ok_or_else(|| r.out_of_range())?;
    let (numerator, denominator) = (r.u64()?, r.u32()?);
    let tick_length = TickLength::new(numerator, denominator)
        .map_err(|_| DecodeError::OutOfRange { offset: 8 })?;
    if tick_length.denominator() != denominator {
        return Err(DecodeError::OutOfRange { offset: 8 });
    }
    let capabilities = Capabilities(r.u32()?);
    let max_slot_rate = Hertz(r.u32()?);
    let settling_time = Picoseconds(r.u64()? as i64);
    let levels_nano = [r.u64()?, r.u64()?, r.u64()?, r.u64()?];
    let intensity_uncertainty_ppm = Some(r.u32()?).filter(|ppm| *ppm != u32::MAX);
    let (board, firmware, serial) = (read_name(r)?, read_name(r)?, read_name(r)?);
    let random_name = read_name(r)?;
    if !random_name.is_ascii() {
        return Err(r.out_of_range());
    }
    Ok(Hello {
        role,
        board,
        firmware,
        serial,
        tick_length,
        channels,
        capabilities,
        max_slot_rate,
        settling_time,
        random_class,
        random_name,
        levels_nano,
        phase,
        intensity_uncertainty_ppm,
    })
}

fn read_name<'a>(r: &mut FieldReader<'a>) -> Result<&'a str, DecodeError> {
    let length = usize::from(r.u8()?);
    if length > MAX_TEXT {
        return Err(r.out_of_range());
    }
    let text = r.bytes(length)?;
    text_of(r, text, MAX_TEXT)
}

fn text_of<'a>(r: &FieldReader<'a>, bytes: &'a [u8], most: usize) -> Result<&'a str, DecodeError> {
    if bytes.len() > most {
        return Err(r.out_of_range());
    }
    core::str::from_utf8(bytes).map_err(|_| r.out_of_range())
}

fn read_bool(r: &mut FieldReader<'_>) -> Result<bool, DecodeError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(r.out_of_range()),
    }
}

fn read_health(r: &mut FieldReader<'_>) -> Result<Health, DecodeError> {
    let now = Ticks(r.u64()?);
    let state = r.u8()?;
    if state > 3 {
        return Err(r.out_of_range());
    }
    let interlock = match (state, r.u8()?) {
        (0, 0) => InterlockState::Safe,
        (1, 0) => InterlockState::Armed,
        (2, 0) => InterlockState::Emitting,
        (3, code) => {
            InterlockState::Tripped(TripCause::from_code(code).ok_or_else(|| r.out_of_range())?)
        }
        _ => return Err(r.out_of_range()),
    };
    Ok(Health {
        now,
        interlock,
        slots: r.u64()?,
        starved_slots: r.u64()?,
        edges: r.u64()?,
        lost_edges: r.u64()?,
        lost_settings: r.u64()?,
        bad_frames: r.u32()?,
        missing_frames: r.u32()?,
        locked: read_bool(r)?,
        lock_losses: r.u32()?,
    })
}

fn read_tags<'a>(r: &mut FieldReader<'a>) -> Result<TagBatch<'a>, DecodeError> {
    let (base, reached) = (Ticks(r.u64()?), Ticks(r.u64()?));
    let (channel_bits, count) = (r.u8()?, r.u16()?);
    let marked = channel_bits & crate::tags::MARKED != 0;
    let channel_bits = channel_bits & !crate::tags::MARKED;
    TagBatch::new(base, reached, channel_bits, marked, count, r.rest()).map_err(DecodeError::Tags)
}

fn read_clock_edges<'a>(r: &mut FieldReader<'a>) -> Result<ClockEdges<'a>, DecodeError> {
    let input = ClockInput::from_code(r.u8()?).ok_or_else(|| r.out_of_range())?;
    let (lost, base, count) = (r.u32()?, Ticks(r.u64()?), r.u16()?);
    ClockEdges::new(input, lost, base, count, r.rest()).map_err(DecodeError::Tags)
}

fn read_timing(r: &mut FieldReader<'_>) -> Result<SlotTiming, DecodeError> {
    let slot = SlotIndex(r.u64()?);
    let start = FineTicks::from_parts(r.u64()?, r.u32()?);
    let period = FineTicks::from_parts(r.u32()?.into(), r.u32()?);
    if period.0 == 0 {
        return Err(DecodeError::OutOfRange { offset: 20 });
    }
    Ok(SlotTiming { slot, start, period })
}

fn read_settings<'a>(r: &mut FieldReader<'a>) -> Result<SettingsBatch<'a>, DecodeError> {
    let first = SlotIndex(r.u64()?);
    let bits_per_slot = r.u8()?;
    let source = SettingsSource::from_code(r.u8()?).ok_or_else(|| r.out_of_range())?;
    let count = r.u16()?;
    let batch = SettingsBatch { first, bits_per_slot, source, count, packed: r.rest() };
    batch.check().map_err(|error| error.at())?;
    Ok(batch)
}
