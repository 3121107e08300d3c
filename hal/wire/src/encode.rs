//! Messages to frames.

use helio_bench::{InterlockState, SlotTiming};
use helio_units::{FineTicks, Ticks};

use crate::field::FieldWriter;
use crate::frame::{MAX_FEED, MAX_LOG_TEXT, MAX_PATTERN, MAX_TEXT, PATTERN_CODES, seal};
use crate::tags::{MARKED, MAX_CHANNEL_BITS};
use crate::{Configure, DeviceMessage, Header, Health, Hello, HostMessage};

/// Why a message was not written. The buffer may have been touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The frame does not fit; [`crate::MAX_FRAME`] bytes hold any.
    BufferTooSmall,
    /// The payload would be longer than [`crate::MAX_PAYLOAD`].
    PayloadTooLong,
    /// A text is longer than its field allows, or a name of a random source is not ASCII.
    Text,
    /// A value has no form on the wire: a negative or too long slot period, a slot before tick 0,
    /// a gap that ends before it begins, an uncertainty of `u32::MAX`, a batch whose public fields
    /// do not agree, a gate without width, an empty or too long pattern or feed, a setting of more
    /// than four bits, an entry whose limits are the wrong way round.
    OutOfRange,
}

impl core::fmt::Display for EncodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            EncodeError::BufferTooSmall => "the buffer is shorter than the frame",
            EncodeError::PayloadTooLong => "the payload is longer than a frame carries",
            EncodeError::Text => "a text is too long or has a character its field does not allow",
            EncodeError::OutOfRange => "a value has no form on the wire",
        })
    }
}

impl core::error::Error for EncodeError {}

/// Writes a frame from the host, ready for the cable with its final zero; returns its length.
///
/// Seeds, random bytes and patterns are copied once, into `out`.
///
/// # Errors
/// [`EncodeError`]; the frame must not be sent.
pub fn encode_host(
    header: &Header,
    message: &HostMessage<'_>,
    out: &mut [u8],
) -> Result<usize, EncodeError> {
    let mut w = FieldWriter::new();
    let mut tail: &[u8] = &[];
    match message {
        HostMessage::Hello | HostMessage::Disarm | HostMessage::Stop | HostMessage::Heartbeat => {}
        HostMessage::Configure(configure) => {
            if configure.gate.is_some_and(|gate| gate.width == 0) {
                return Err(EncodeError::OutOfRange);
            }
            write_configure(&mut w, configure);
        }
        HostMessage::Arm { nonce } => {
            w.u32(*nonce);
        }
        HostMessage::Start { epoch, slots } => {
            w.u16(*epoch).u64(*slots);
        }
        HostMessage::Clear { cause } => {
            w.u8(cause.code());
        }
        HostMessage::Get { index } => {
            w.u16(*index);
        }
        HostMessage::Set { index, value, from } => {
            w.u16(*index).u64(*value as u64).u64(from.0);
        }
        HostMessage::Seed(seed) => tail = seed.0,
        HostMessage::Feed(bytes) => {
            if bytes.0.is_empty() || bytes.0.len() > MAX_FEED {
                return Err(EncodeError::OutOfRange);
            }
            tail = bytes.0;
        }
        HostMessage::Pattern(codes) => {
            let known = codes.iter().all(|code| *code < PATTERN_CODES);
            if codes.is_empty() || codes.len() > MAX_PATTERN || !known {
                return Err(EncodeError::OutOfRange);
            }
            tail = codes;
        }
        HostMessage::Source(source) => {
            w.u8(source.code());
        }
        HostMessage::Reboot(mode) => {
            w.u8(mode.code());
        }
        HostMessage::SetSlotClock(timing) => write_timing(&mut w, timing)?,
    }
    seal(header, message.kind(), [w.as_slice(), tail], out)
}

/// Writes a frame from the device, ready for the cable with its final zero; returns its length.
///
/// The payload of tags, settings and log lines is copied once, from the batch into `out`.
///
/// # Errors
/// [`EncodeError`]; the frame must not be sent.
pub fn encode_device(
    header: &Header,
    message: &DeviceMessage<'_>,
    out: &mut [u8],
) -> Result<usize, EncodeError> {
    let mut w = FieldWriter::new();
    let mut tail: &[u8] = &[];
    match message {
        DeviceMessage::Hello { command, hello } => {
            w.u32(*command);
            write_hello(&mut w, hello)?;
        }
        DeviceMessage::Ack { command, tick } => {
            w.u32(*command).u64(tick.0);
        }
        DeviceMessage::Error { command, code, detail } => {
            w.u32(*command).u8(code.code()).u32(*detail);
        }
        DeviceMessage::Health(health) => write_health(&mut w, health),
        DeviceMessage::Log { level, text } => {
            if text.len() > MAX_LOG_TEXT {
                return Err(EncodeError::Text);
            }
            w.u8(level.code());
            tail = text.as_bytes();
        }
        DeviceMessage::Tags(batch) => {
            if batch.channel_bits > MAX_CHANNEL_BITS {
                return Err(EncodeError::OutOfRange);
            }
            let bits = batch.channel_bits | if batch.marked { MARKED } else { 0 };
            w.u64(batch.base.0).u64(batch.reached.0).u8(bits).u16(batch.count);
            tail = batch.codes;
        }
        DeviceMessage::Gap { from, to, lost } => {
            if from > to {
                return Err(EncodeError::OutOfRange);
            }
            w.u64(from.0).u64(to.0).u64(*lost);
        }
        DeviceMessage::SlotMark(timing) => write_timing(&mut w, timing)?,
        DeviceMessage::LockLost { tick } => {
            w.u64(tick.0);
        }
        DeviceMessage::ClockEdges(edges) => {
            w.u8(edges.input.code()).u32(edges.lost).u64(edges.base().0).u16(edges.count());
            tail = edges.codes();
        }
        DeviceMessage::Settings(batch) => {
            batch.check().map_err(|_| EncodeError::OutOfRange)?;
            w.u64(batch.first.0).u8(batch.bits_per_slot).u8(batch.source.code()).u16(batch.count);
            tail = batch.packed;
        }
        DeviceMessage::Stopped { end, tick } => {
            w.u64(end.0).u64(tick.0);
        }
        DeviceMessage::Value { command, index, value, entry } => {
            if entry.name.len() > MAX_TEXT || !entry.name.is_ascii() {
                return Err(EncodeError::Text);
            }
            if entry.min > entry.max {
                return Err(EncodeError::OutOfRange);
            }
            w.u32(*command).u16(*index).u8(entry.access.code()).u8(entry.unit.code());
            w.u64(*value as u64).u64(entry.min as u64).u64(entry.max as u64);
            w.u8(entry.name.len() as u8).bytes(entry.name.as_bytes());
        }
        DeviceMessage::Telemetry(telemetry) => {
            w.u64(telemetry.tick.0);
            tail = telemetry.packed;
        }
    }
    seal(header, message.kind(), [w.as_slice(), tail], out)
}

fn write_configure(w: &mut FieldWriter, c: &Configure) {
    w.u32(c.slot_ticks).u16(c.sync_spacing).u32(c.sync_seed);
    for weight in c.intensity_weights {
        w.u16(weight);
    }
    w.u16(c.key_basis_weight).u8(c.random_swap.into());
    w.u32(c.burst_slots).u8(c.slot_clock.code());
    let (gated, start, width) = c.gate.map_or((0, 0, 0), |g| (1, g.start, g.width));
    w.u8(gated).u32(start).u32(width);
}

fn write_hello(w: &mut FieldWriter, hello: &Hello<'_>) -> Result<(), EncodeError> {
    let uncertainty = match hello.intensity_uncertainty_ppm {
        Some(u32::MAX) => return Err(EncodeError::OutOfRange),
        Some(ppm) => ppm,
        None => u32::MAX,
    };
    w.u8(hello.role.code())
        .u8(hello.channels)
        .u8(hello.random_class.code())
        .u8(hello.phase.code())
        .u64(hello.tick_length.numerator_ps())
        .u32(hello.tick_length.denominator())
        .u32(hello.capabilities.0)
        .u32(hello.max_slot_rate.0)
        .u64(hello.settling_time.0 as u64);
    for level in hello.levels_nano {
        w.u64(level);
    }
    w.u32(uncertainty);
    if !hello.random_name.is_ascii() {
        return Err(EncodeError::Text);
    }
    for text in [hello.board, hello.firmware, hello.serial, hello.random_name] {
        if text.len() > MAX_TEXT {
            return Err(EncodeError::Text);
        }
        w.u8(text.len() as u8).bytes(text.as_bytes());
    }
    Ok(())
}

fn write_health(w: &mut FieldWriter, h: &Health) {
    let (state, cause) = match h.interlock {
        InterlockState::Safe => (0, 0),
        InterlockState::Armed => (1, 0),
        InterlockState::Emitting => (2, 0),
        InterlockState::Tripped(cause) => (3, cause.code()),
    };
    w.u64(h.now.0).u8(state).u8(cause);
    for counter in [h.slots, h.starved_slots, h.edges, h.lost_edges, h.lost_settings] {
        w.u64(counter);
    }
    w.u32(h.bad_frames).u32(h.missing_frames).u8(h.locked.into()).u32(h.lock_losses);
}

fn write_timing(w: &mut FieldWriter, timing: &SlotTiming) -> Result<(), EncodeError> {
    let Ticks(start) = whole(timing.start)?;
    let Ticks(period) = whole(timing.period)?;
    let period = u32::try_from(period).map_err(|_| EncodeError::OutOfRange)?;
    if timing.period.0 == 0 {
        return Err(EncodeError::OutOfRange);
    }
    w.u64(timing.slot.0).u64(start).u32(timing.start.fraction());
    w.u32(period).u32(timing.period.fraction());
    Ok(())
}

/// The whole ticks of a time; on the wire they have 64 bits and no sign.
fn whole(time: FineTicks) -> Result<Ticks, EncodeError> {
    u64::try_from(time.0 >> FineTicks::FRACTION_BITS)
        .map(Ticks)
        .map_err(|_| EncodeError::OutOfRange)
}
