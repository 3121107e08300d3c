//! 64-bit words of time and a mask of detectors: S-Fifteen's `a1` event files in both orders of
//! their halves, and the raw output of qcrypto's `readevents`.
//!
//! Bits 3 to 0 are the detectors, several where they clicked together. S-Fifteen: time in bits 63
//! to 10, in 1/256 ns, and bit 4 marks a dummy that the counter's wrap makes, whose time is not
//! used. qcrypto: time in bits 63 to 15, in 125 ps. Bits between are masked. The `a1` file has the
//! low half first, its legacy form and qcrypto the high half. All wrap after 19.5 hours; a word that
//! seems to step back by more than half of that stands behind a wrap.

use crate::order::{Record, Timeline};
use crate::{Chunk, TraceError, TraceFormat};

pub(crate) const BYTES: usize = 8;
const DUMMY: u64 = 1 << 4;

/// The word, with its halves in the order of `format`.
pub(crate) fn word(format: TraceFormat, bytes: &[u8; BYTES]) -> u64 {
    let word = u64::from_le_bytes(*bytes);
    match format {
        TraceFormat::SFifteen => word,
        _ => word.rotate_left(32),
    }
}

/// Bits below the time.
pub(crate) fn time_shift(format: TraceFormat) -> u32 {
    match format {
        TraceFormat::QCrypto => 15,
        _ => 10,
    }
}

pub(crate) struct Words {
    format: TraceFormat,
    shift: u32,
    /// The last word's time, unwrapped.
    last: Option<u64>,
}

impl Words {
    pub(crate) fn new(format: TraceFormat) -> Words {
        Words { format, shift: time_shift(format), last: None }
    }

    /// The time that is nearest to the last one among those that differ by whole wraps.
    fn unwrap(&mut self, time: u64, line: &mut Timeline) -> Option<u64> {
        let bits = 64 - self.shift;
        let last = self.last.unwrap_or(time);
        // The difference, modulo the wrap, with its sign.
        let step = (time.wrapping_sub(last) << self.shift) as i64 >> self.shift;
        let tick = last.checked_add_signed(step)?;
        line.counts.overflow_periods = line.counts.overflow_periods.max(tick >> bits);
        self.last = Some(tick);
        Some(tick)
    }
}

impl Record<BYTES> for Words {
    #[inline]
    fn read(
        &mut self,
        bytes: &[u8; BYTES],
        offset: u64,
        line: &mut Timeline,
        chunk: &mut Chunk,
    ) -> Result<(), TraceError> {
        let word = word(self.format, bytes);
        if word & DUMMY != 0 && self.format != TraceFormat::QCrypto {
            line.counts.overflow_records += 1;
            return Ok(());
        }
        let mask = word & 15;
        if mask == 0 {
            line.counts.unknown_records += 1;
            return Ok(());
        }
        let last = self.last.unwrap_or(0);
        let Some(tick) = self.unwrap(word >> self.shift, line) else {
            return Err(TraceError::WentBack { offset, tick: word >> self.shift, last });
        };
        let before = line.counts.photons + line.counts.late;
        for detector in (0..4).filter(|d| mask >> d & 1 == 1) {
            line.photon(tick, detector, offset, chunk)?;
        }
        line.counts.shared_records += line.counts.photons + line.counts.late - before - 1;
        Ok(())
    }
}
