//! How spans of time become what the slotter takes, for simulated and for configured detectors.

use std::num::NonZeroU16;

use helio_timetag::{SlotterConfig, Window};
use helio_units::{FineTicks, Picoseconds, TickLength, Ticks};

/// Slots by which marks and gaps may come late.
const SLACK_SLOTS: u64 = 64;

/// What Bob's slotter is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slotting {
    /// Length of the device's tick.
    pub tick: TickLength,
    /// Length of a slot in ticks.
    pub slot_ticks: u32,
    /// How late each detector's pulses come.
    pub delays: Vec<Picoseconds>,
    /// Full width of the window around mid-slot.
    pub window: FineTicks,
    /// After a click all slots within this time are dropped.
    pub hold_off: Picoseconds,
    /// Each slot with an index that is a multiple of this is public.
    pub sync_spacing: u16,
}

impl Slotting {
    /// The slotter's configuration. Windows and delays are rounded down to 2⁻³² ticks, the hold-off
    /// up.
    pub fn config(&self) -> SlotterConfig {
        let half_tick = 1 << (FineTicks::FRACTION_BITS - 1);
        let down = |ps: Picoseconds| fine_ticks(self.tick, ps);
        SlotterConfig {
            // A tag is the tick in which its edge fell: on average half a tick early.
            delays: self.delays.iter().map(|d| FineTicks(down(*d).0 - half_tick)).collect(),
            window: Window { centre: 1 << 31, half_width: FineTicks(self.window.0 >> 1) },
            hold_off: FineTicks(-down(Picoseconds(-self.hold_off.0)).0),
            sync_spacing: NonZeroU16::new(self.sync_spacing),
            slack: Ticks(u64::from(self.slot_ticks) * SLACK_SLOTS),
        }
    }
}

/// A span in ticks, rounded down to 2⁻³² of one.
pub fn fine_ticks(tick: TickLength, span: Picoseconds) -> FineTicks {
    let above = (i128::from(span.0) * i128::from(tick.denominator())) << FineTicks::FRACTION_BITS;
    FineTicks(above.div_euclid(i128::from(tick.numerator_ps())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_exact_or_rounded_to_the_safe_side() {
        let board = TickLength::CYCLE_150_MHZ;
        assert_eq!(fine_ticks(board, Picoseconds(20_000)), FineTicks::from_ticks(Ticks(3)));
        assert_eq!(fine_ticks(board, Picoseconds(-20_000)).0, -3 << 32);
        let sevenths = TickLength::new(7, 1).unwrap();
        assert_eq!(fine_ticks(sevenths, Picoseconds(1)).0, (1 << 32) / 7);
        let config = Slotting {
            tick: sevenths,
            slot_ticks: 30,
            delays: vec![Picoseconds(-1)],
            window: fine_ticks(sevenths, Picoseconds(14)),
            hold_off: Picoseconds(1),
            sync_spacing: 64,
        }
        .config();
        assert_eq!(config.hold_off.0, (1 << 32) / 7 + 1);
        assert_eq!(config.window.half_width.0, 1 << 32);
        assert_eq!(config.delays[0].0, -((1i128 << 32) / 7) - 1 - (1 << 31));
    }
}
