//! Edges of an interval against the sequence.

use helio_timetag::clock::{ClockModel, SyncSequence};

/// How edges lie in slots.
pub(super) struct Window {
    pub model: ClockModel,
    pub slot_ps: f64,
    pub spacing: u16,
}

/// What an interval shows.
pub(super) struct Seen {
    /// Edges in bright sync slots, in order.
    pub hits: Vec<i64>,
    /// Edges in dark ones.
    pub wrong: usize,
    /// Edges that were looked at: all but those of later positions.
    pub taken: usize,
}

impl Window {
    /// Looks at the positions from the sequence's to `until`. Without end, the sequence stays at the
    /// last edge.
    pub fn look(&self, edges: &[i64], sequence: &mut SyncSequence, until: u64) -> Seen {
        let mut seen = Seen { hits: Vec::new(), wrong: 0, taken: 0 };
        let spacing = i64::from(self.spacing);
        let (first, mut bright) = (sequence.position(), false);
        for &edge in edges {
            let slot = (self.model.to_a(edge) as f64 / self.slot_ps).floor() as i64;
            let position = u64::try_from(slot.div_euclid(spacing)).unwrap_or(0);
            if position >= until {
                break;
            }
            seen.taken += 1;
            if slot < 0 || slot % spacing != 0 || position < first {
                continue;
            }
            while sequence.position() <= position {
                bright = sequence.next_bit();
            }
            match bright {
                true => seen.hits.push(edge),
                false => seen.wrong += 1,
            }
        }
        if until < u64::MAX {
            sequence.skip_to(until);
        }
        seen
    }
}
