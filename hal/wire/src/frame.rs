//! A frame between the stuffing and the message: layout, sizes, checksum.

use crate::{DecodeError, EncodeError, Header, Stream};

/// Version of the format, the first byte of each frame.
pub const VERSION: u8 = 2;
/// Bytes before the payload: version, kind, stream, boot nonce, epoch, sequence.
pub const HEADER_LENGTH: usize = 13;
/// Bytes after the payload: CRC-32/ISO-HDLC of everything before it.
pub const CHECKSUM_LENGTH: usize = 4;
/// Longest payload.
pub const MAX_PAYLOAD: usize = 2048;
/// Longest frame on the cable, stuffing and final zero included. A buffer of this length takes
/// any message.
pub const MAX_FRAME: usize = cobs::max_encoding_length(MAX_RAW) + 1;
/// Longest frame before stuffing.
pub(crate) const MAX_RAW: usize = HEADER_LENGTH + MAX_PAYLOAD + CHECKSUM_LENGTH;

/// Fixed part of a batch of tags.
pub(crate) const TAGS_HEAD: usize = 19;
/// Fixed part of a batch of settings.
pub(crate) const SETTINGS_HEAD: usize = 12;
/// Fixed part of a batch of telemetry.
pub(crate) const TELEMETRY_HEAD: usize = 8;
/// Room for the codes of a batch of tags; also the largest number of tags in a batch.
pub const MAX_TAG_CODES: usize = MAX_PAYLOAD - TAGS_HEAD;
/// Room for the packed settings of a batch.
pub const MAX_SETTINGS_BYTES: usize = MAX_PAYLOAD - SETTINGS_HEAD;
/// Longest name in a [`crate::Hello`], in bytes.
pub const MAX_TEXT: usize = 31;
/// Longest log line, in bytes.
pub const MAX_LOG_TEXT: usize = 120;
/// Most random bytes of a [`crate::HostMessage::Feed`].
pub const MAX_FEED: usize = 1024;
/// Most slots of a [`crate::HostMessage::Pattern`].
pub const MAX_PATTERN: usize = 256;
/// Codes of a pattern are below this: four bits, as of Alice's settings.
pub(crate) const PATTERN_CODES: u8 = 16;
/// Most entries of a [`crate::Telemetry`].
pub const MAX_TELEMETRY: usize = (MAX_PAYLOAD - TELEMETRY_HEAD) / 10;

/// Sixteen tables (16 KiB) check 5 GB/s on a host, where one table (1 KiB) checks 0.5 GB/s. A
/// microcontroller has one table: sixteen would sweep its flash cache at every frame.
#[cfg(target_pointer_width = "64")]
type CrcTable = crc::Table<16>;
#[cfg(not(target_pointer_width = "64"))]
type CrcTable = crc::Table<1>;

pub(crate) static CRC: crc::Crc<u32, CrcTable> =
    crc::Crc::<u32, CrcTable>::new(&crc::CRC_32_ISO_HDLC);

/// A frame whose stuffing and checksum were right. Its version, kind and payload may still be
/// unknown to this end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    head: &'a [u8; HEADER_LENGTH],
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Splits what stands before the checksum; `None` if it is too short to be a frame.
    pub(crate) fn split(covered: &'a [u8]) -> Option<Frame<'a>> {
        let (head, payload) = covered.split_first_chunk()?;
        Some(Frame { head, payload })
    }

    /// Version of the format. The layout of the rest is known for [`VERSION`] only.
    pub const fn version(&self) -> u8 {
        self.head[0]
    }

    /// Kind of message.
    pub const fn kind(&self) -> u8 {
        self.head[1]
    }

    /// Everything after the header, before the checksum.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The header alone: what a receiver needs to account for the frame before it reads, or
    /// refuses, the payload.
    ///
    /// # Errors
    /// [`DecodeError::UnknownVersion`], [`DecodeError::UnknownStream`].
    pub fn header(&self) -> Result<Header, DecodeError> {
        let [version, _, stream, n0, n1, n2, n3, e0, e1, s0, s1, s2, s3] = *self.head;
        if version != VERSION {
            return Err(DecodeError::UnknownVersion(version));
        }
        Ok(Header {
            stream: Stream::from_code(stream).ok_or(DecodeError::UnknownStream(stream))?,
            boot_nonce: u32::from_le_bytes([n0, n1, n2, n3]),
            epoch: u16::from_le_bytes([e0, e1]),
            sequence: u32::from_le_bytes([s0, s1, s2, s3]),
        })
    }
}

/// Writes a frame: header, the two parts of the payload, checksum; stuffed, with its final zero.
pub(crate) fn seal(
    header: &Header,
    kind: u8,
    payload: [&[u8]; 2],
    out: &mut [u8],
) -> Result<usize, EncodeError> {
    if payload[0].len() + payload[1].len() > MAX_PAYLOAD {
        return Err(EncodeError::PayloadTooLong);
    }
    let mut head = [0; HEADER_LENGTH];
    head[0] = VERSION;
    head[1] = kind;
    head[2] = header.stream.code();
    head[3..7].copy_from_slice(&header.boot_nonce.to_le_bytes());
    head[7..9].copy_from_slice(&header.epoch.to_le_bytes());
    head[9..13].copy_from_slice(&header.sequence.to_le_bytes());

    let mut digest = CRC.digest();
    let mut stuffed = cobs::CobsEncoder::new(out);
    // Empty parts are left out: an encoder that ends a full run of 254 bytes with an empty push
    // would count one byte too many.
    for part in [&head[..], payload[0], payload[1]].into_iter().filter(|p| !p.is_empty()) {
        digest.update(part);
        stuffed.push(part).map_err(|_| EncodeError::BufferTooSmall)?;
    }
    let checksum = digest.finalize().to_le_bytes();
    stuffed.push(&checksum).map_err(|_| EncodeError::BufferTooSmall)?;
    let length = stuffed.finalize();
    *out.get_mut(length).ok_or(EncodeError::BufferTooSmall)? = 0;
    Ok(length + 1)
}
