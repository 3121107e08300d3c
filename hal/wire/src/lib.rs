//! Frames on the cable between a QKD device and its host, both ways: `no_std`, no allocation,
//! sans-IO. The format is described in `SPEC.md` beside this crate; its byte tables are read by
//! the tests.
//!
//! ```
//! use helio_wire::{Decoder, Header, HostMessage, MAX_FRAME, Stream, decode_host, encode_host};
//!
//! let header = Header { stream: Stream::Control, boot_nonce: 0, epoch: 0, sequence: 0 };
//! let mut frame = [0; MAX_FRAME];
//! let length = encode_host(&header, &HostMessage::Hello, &mut frame)?;
//!
//! let mut decoder = Decoder::new();
//! let mut seen = 0;
//! decoder.push(&frame[..length], |frame| {
//!     let frame = frame.expect("nothing happened to it on the way");
//!     assert_eq!(decode_host(frame), Ok((header, HostMessage::Hello)));
//!     seen += 1;
//! });
//! assert_eq!(seen, 1);
//! # Ok::<(), helio_wire::EncodeError>(())
//! ```
//!
//! Not here: threads and ports (`helio-link`), what a device does with a command
//! (`helio-firmware`), what a tag means (`helio-timetag`).
#![no_std]

mod clock_edges;
mod codes;
mod decode;
mod decoder;
mod encode;
mod field;
mod frame;
mod message;
mod sequence;
mod settings;
mod tag_writer;
mod tags;
mod telemetry;
mod varint;

pub use clock_edges::{ClockEdgeWriter, ClockEdges};
pub use decode::{DecodeError, decode_device, decode_host};
pub use decoder::{Decoder, DecoderCounters, FrameError};
pub use encode::{EncodeError, encode_device, encode_host};
pub use frame::{
    CHECKSUM_LENGTH, Frame, HEADER_LENGTH, MAX_FEED, MAX_FRAME, MAX_LOG_TEXT, MAX_PATTERN,
    MAX_PAYLOAD, MAX_SETTINGS_BYTES, MAX_TAG_CODES, MAX_TELEMETRY, MAX_TEXT, VERSION,
};
pub use message::{
    Capabilities, Concealed, Configure, DeviceMessage, ErrorCode, Header, Health, Hello,
    HostMessage, LogLevel, RebootMode, Role, SettingsBatch, Stream, TagBatch, Telemetry,
};
pub use sequence::{Arrival, SequenceTracker};
pub use settings::SettingsError;
pub use tag_writer::{TagRefused, TagWriter};
pub use tags::{TagIter, TagsError};
pub use telemetry::TelemetryWriter;
