//! Result words, and where they lie in time.

use super::config::{LvdsOutput, Part};

/// Bits of the reference index over SPI.
pub const INDEX_BITS: u32 = 24;

/// Bytes that one transfer reads: index and stop result of four channels, three bytes each,
/// registers 8 to 31.
pub const RESULT_BYTES: usize = 24;

/// spiopc_read_results, to which the first address is added.
const READ_RESULTS: u8 = 0x60;

/// A transfer that takes one result from each channel: send this, drop the first byte that comes
/// back.
pub const RESULT_REQUEST: [u8; 1 + RESULT_BYTES] = {
    let mut frame = [0; 1 + RESULT_BYTES];
    frame[0] = READ_RESULTS | 8;
    frame
};

/// A hit as the chip tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawResult {
    /// REFID: reference periods since the index was reset, modulo 2²⁴ (or the width over LVDS).
    pub index: u32,
    /// TSTOP: the time since that period began, in its REFCLK_DIVISIONS-th parts; 20 bits.
    pub stop: u32,
}

/// A stop result beyond 20 bits that is not the empty word: the transfer was disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl RawResult {
    /// From the six bytes of a channel, most significant first; `None` where its FIFO was empty,
    /// which reads as ones.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(b: &[u8; 6]) -> Result<Option<RawResult>, Malformed> {
        let index = u32::from_be_bytes([0, b[0], b[1], b[2]]);
        let stop = u32::from_be_bytes([0, b[3], b[4], b[5]]);
        if stop == 0xFF_FFFF && index == 0xFF_FFFF {
            Ok(None)
        } else if stop >> 20 != 0 {
            Err(Malformed)
        } else {
            Ok(Some(RawResult { index, stop }))
        }
    }

    /// From the bytes of a transfer, the result of `channel`, counted from zero.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn of_channel(
        part: Part,
        bytes: &[u8; RESULT_BYTES],
        channel: u8,
    ) -> Result<Option<RawResult>, Malformed> {
        let at = 6 * usize::from(part.place(channel));
        let mut six = [0; 6];
        six.copy_from_slice(&bytes[at..at + 6]);
        RawResult::decode(&six)
    }

    /// From a frame of the LVDS output, as its bits were shifted in: index first, each most
    /// significant bit first, the frame's last bit in bit 0 of `frame`.
    pub const fn from_lvds(output: LvdsOutput, frame: u64) -> RawResult {
        let (index, stop) = (output.index_bits(), output.stop_bits());
        RawResult {
            index: (frame >> stop) as u32 & ((1 << index) - 1),
            stop: frame as u32 & ((1 << stop) - 1),
        }
    }
}

/// The one count in `from..=to` whose low `bits` bits are `index`; `None` where there is none, or
/// where the span is so long that there could be two: a time is never guessed.
///
/// `bits` is at most 32.
pub const fn unwrap_index(index: u32, bits: u32, from: u64, to: u64) -> Option<u64> {
    let turn = 1u64 << bits;
    if to < from || to - from >= turn {
        return None;
    }
    let ahead = (index as u64).wrapping_sub(from) & (turn - 1);
    match from.checked_add(ahead) {
        Some(count) if count <= to => Some(count),
        _ => None,
    }
}
