//! Batches of telemetry: written entry by entry, read the same way.

use helio_units::Ticks;

use crate::frame::TELEMETRY_HEAD;
use crate::{DecodeError, MAX_TELEMETRY, Telemetry};

/// Bytes of an entry: index and value.
const ENTRY: usize = 10;

impl<'a> Telemetry<'a> {
    /// Checks that the bytes are whole entries, and not too many.
    pub(crate) fn new(tick: Ticks, packed: &'a [u8]) -> Result<Telemetry<'a>, DecodeError> {
        let whole = (packed.len() / ENTRY).min(MAX_TELEMETRY) * ENTRY;
        if packed.len() != whole {
            return Err(DecodeError::WrongLength { offset: (TELEMETRY_HEAD + whole) as u16 });
        }
        Ok(Telemetry { tick, packed })
    }

    /// Indexes in the table of settings and values, in the order in which they were read.
    pub fn iter(&self) -> impl Iterator<Item = (u16, i64)> + use<'a> {
        let (entries, _) = self.packed.as_chunks::<ENTRY>();
        entries.iter().map(|[i0, i1, value @ ..]| {
            (u16::from_le_bytes([*i0, *i1]), i64::from_le_bytes(*value))
        })
    }
}

/// Collects values for a [`Telemetry`], at most `N` bytes of them: ten an entry.
#[derive(Clone, Debug)]
pub struct TelemetryWriter<const N: usize> {
    tick: Ticks,
    length: usize,
    packed: [u8; N],
}

impl<const N: usize> TelemetryWriter<N> {
    /// Without entries.
    pub const fn new(tick: Ticks) -> TelemetryWriter<N> {
        TelemetryWriter { tick, length: 0, packed: [0; N] }
    }

    /// Adds a value; `false` if there is no room for it.
    pub fn push(&mut self, index: u16, value: i64) -> bool {
        let end = self.length + ENTRY;
        if self.length / ENTRY == MAX_TELEMETRY || end > N {
            return false;
        }
        let entry = &mut self.packed[self.length..end];
        entry[..2].copy_from_slice(&index.to_le_bytes());
        entry[2..].copy_from_slice(&value.to_le_bytes());
        self.length = end;
        true
    }

    /// What has been pushed.
    pub fn telemetry(&self) -> Telemetry<'_> {
        Telemetry { tick: self.tick, packed: &self.packed[..self.length] }
    }
}
