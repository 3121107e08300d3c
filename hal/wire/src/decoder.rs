//! Bytes from the cable to frames.

use crate::frame::{CHECKSUM_LENGTH, CRC, MAX_FRAME, MAX_RAW};
use crate::{Frame, HEADER_LENGTH};
use zeroize::Zeroize;

/// Why the bytes up to a zero are no frame. Noise on the cable looks like this: it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The byte stuffing is wrong.
    Stuffing,
    /// Too few bytes for a header and a checksum.
    TooShort,
    /// More bytes than [`MAX_FRAME`].
    TooLong,
    /// The checksum is wrong.
    Checksum,
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            FrameError::Stuffing => "the byte stuffing is wrong",
            FrameError::TooShort => "the frame is too short for header and checksum",
            FrameError::TooLong => "the frame is too long",
            FrameError::Checksum => "the checksum is wrong",
        })
    }
}

impl core::error::Error for FrameError {}

/// What a [`Decoder`] has seen since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecoderCounters {
    /// Whole frames with a right checksum.
    pub frames: u64,
    /// [`FrameError::Stuffing`].
    pub bad_stuffing: u64,
    /// [`FrameError::TooShort`].
    pub too_short: u64,
    /// [`FrameError::TooLong`].
    pub too_long: u64,
    /// [`FrameError::Checksum`].
    pub bad_checksum: u64,
    /// Bytes in what was none of the whole frames, zeros not counted.
    pub skipped_bytes: u64,
}

impl DecoderCounters {
    /// All that was no frame.
    pub const fn bad_frames(&self) -> u64 {
        self.bad_stuffing + self.too_short + self.too_long + self.bad_checksum
    }
}

/// Finds frames in a stream of bytes cut anywhere, in a fixed buffer.
///
/// After anything that is no frame it is in step again at the next zero byte. A frame that lies
/// whole in the pushed bytes is copied once (while the stuffing is removed), one that is spread
/// over pushes twice.
#[derive(Clone, Debug)]
pub struct Decoder {
    buffer: [u8; MAX_FRAME],
    /// Stuffed bytes of a frame whose zero has not come yet.
    held: usize,
    /// Bytes of a frame that is too long, until its zero comes.
    overrun: u64,
    counters: DecoderCounters,
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder::new()
    }
}

impl Decoder {
    /// In step, nothing seen.
    pub const fn new() -> Decoder {
        let counters = DecoderCounters {
            frames: 0,
            bad_stuffing: 0,
            too_short: 0,
            too_long: 0,
            bad_checksum: 0,
            skipped_bytes: 0,
        };
        Decoder { buffer: [0; MAX_FRAME], held: 0, overrun: 0, counters }
    }

    /// What was seen so far.
    pub const fn counters(&self) -> &DecoderCounters {
        &self.counters
    }

    /// Forgets a frame begun, for example after the port was opened again. The counters stay.
    pub fn reset(&mut self) {
        (self.held, self.overrun) = (0, 0);
    }

    /// Leaves nothing of past frames in the buffer: after one with a secret. Bytes of a frame begun
    /// stay.
    pub fn wipe(&mut self) {
        self.buffer[self.held..].zeroize();
    }

    /// Takes bytes as they come and hands each whole frame, or why there is none, to `sink`.
    /// Zeros with nothing between them are no frames and no errors.
    pub fn push(&mut self, mut bytes: &[u8], mut sink: impl FnMut(Result<Frame<'_>, FrameError>)) {
        while let Some(end) = bytes.iter().position(|b| *b == 0) {
            let (stuffed, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if self.held == 0 && self.overrun == 0 {
                if !stuffed.is_empty() {
                    sink(self.whole(stuffed));
                }
            } else {
                self.hold(stuffed);
                sink(self.held_frame());
            }
        }
        self.hold(bytes);
    }

    /// Keeps part of a frame, or only its length if it is too long to be one.
    fn hold(&mut self, part: &[u8]) {
        if self.overrun == 0 {
            let end = self.held + part.len();
            if end < MAX_FRAME {
                self.buffer[self.held..end].copy_from_slice(part);
                self.held = end;
                return;
            }
            self.overrun = self.held as u64;
            self.held = 0;
        }
        self.overrun += part.len() as u64;
    }

    fn whole(&mut self, stuffed: &[u8]) -> Result<Frame<'_>, FrameError> {
        let raw = if stuffed.len() >= MAX_FRAME {
            Err(FrameError::TooLong)
        } else {
            cobs::decode(stuffed, &mut self.buffer)
                .map(|report| report.frame_size())
                .map_err(|_| FrameError::Stuffing)
        };
        self.check(raw, stuffed.len() as u64)
    }

    fn held_frame(&mut self) -> Result<Frame<'_>, FrameError> {
        if self.overrun > 0 {
            let skipped = self.overrun;
            self.overrun = 0;
            return self.check(Err(FrameError::TooLong), skipped);
        }
        let stuffed = core::mem::take(&mut self.held);
        let raw = cobs::decode_in_place(&mut self.buffer[..stuffed]);
        self.check(raw.map_err(|_| FrameError::Stuffing), stuffed as u64)
    }

    /// Checks the unstuffed frame of this length at the front of the buffer, and counts it.
    fn check(
        &mut self,
        raw: Result<usize, FrameError>,
        stuffed: u64,
    ) -> Result<Frame<'_>, FrameError> {
        let checked = raw.and_then(|length| check_raw(&self.buffer[..length]));
        let c = &mut self.counters;
        match checked {
            Ok(_) => c.frames += 1,
            Err(FrameError::Stuffing) => c.bad_stuffing += 1,
            Err(FrameError::TooShort) => c.too_short += 1,
            Err(FrameError::TooLong) => c.too_long += 1,
            Err(FrameError::Checksum) => c.bad_checksum += 1,
        }
        if checked.is_err() {
            c.skipped_bytes += stuffed;
        }
        checked
    }
}

fn check_raw(raw: &[u8]) -> Result<Frame<'_>, FrameError> {
    if raw.len() < HEADER_LENGTH + CHECKSUM_LENGTH {
        return Err(FrameError::TooShort);
    }
    if raw.len() > MAX_RAW {
        return Err(FrameError::TooLong);
    }
    let (covered, checksum) = raw.split_last_chunk().ok_or(FrameError::TooShort)?;
    if CRC.checksum(covered) != u32::from_le_bytes(*checksum) {
        return Err(FrameError::Checksum);
    }
    Frame::split(covered).ok_or(FrameError::TooShort)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Concealed, Header, HostMessage, Stream, encode_host};

    #[test]
    fn a_wiped_buffer_holds_nothing_of_a_seed() {
        let seed = [0xA5; 32];
        let header = Header { stream: Stream::Control, boot_nonce: 1, epoch: 0, sequence: 0 };
        let mut frame = [0; MAX_FRAME];
        let length = encode_host(&header, &HostMessage::Seed(Concealed(&seed)), &mut frame);
        let length = length.unwrap();
        // Whole, cut in two, and followed by the beginning of another frame.
        for cut in [0, 30] {
            let mut decoder = Decoder::new();
            let mut frames = 0;
            let mut sink =
                |frame: Result<Frame<'_>, FrameError>| frames += u32::from(frame.is_ok());
            decoder.push(&frame[..cut], &mut sink);
            decoder.push(&frame[cut..length], &mut sink);
            decoder.push(&frame[..5], &mut sink);
            assert!(decoder.buffer.windows(4).any(|bytes| bytes == [0xA5; 4]));
            decoder.wipe();
            assert!(!decoder.buffer.windows(4).any(|bytes| bytes == [0xA5; 4]));
            decoder.push(&frame[5..length], &mut sink);
            assert_eq!(frames, 2);
        }
    }
}
