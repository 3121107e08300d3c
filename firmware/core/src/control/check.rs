//! Whether a device can do what a configuration asks.

use super::state::Refused;
use crate::identity::Profile;
use crate::prbs::Prbs31;
use crate::sequencer::QUEUE;
use crate::sync::MAX_SYNC_PERIOD;
use helio_bench::SlotClockMode;
use helio_units::{Hertz, Picoseconds, Ticks};
use helio_wire::{Capabilities, Configure, ErrorCode, Role};

/// The sum of all weights.
pub const WHOLE: u16 = 4096;

/// Longest slot: of what may wait in the player, one plays, one is next and one is drawn.
const LONGEST_SLOT: Picoseconds = Picoseconds(QUEUE.0 / 3);

/// Refuses a configuration with the first reason found. Nothing is refused later but slots that
/// are too short for the source of settings, which may still be chosen: at the arming and the start.
pub fn configure(profile: &Profile, c: &Configure) -> Result<(), Refused> {
    let out_of_range = |offset| Err(Refused(ErrorCode::OutOfRange, offset));
    let tick = profile.identity.tick_length;
    if c.slot_ticks == 0 || u64::from(c.slot_ticks) > tick.ticks_covering(LONGEST_SLOT).0 {
        return out_of_range(Configure::AT_SLOT_TICKS);
    }
    let sync_period = u64::from(c.slot_ticks) * u64::from(c.sync_spacing);
    if c.sync_spacing < 2 || sync_period > MAX_SYNC_PERIOD {
        return out_of_range(Configure::AT_SYNC_SPACING);
    }
    if Prbs31::new(c.sync_seed).is_none() {
        return out_of_range(Configure::AT_SYNC_SEED);
    }
    if profile.role == Role::Alice {
        let sum: u32 = c.intensity_weights.iter().map(|w| u32::from(*w)).sum();
        let absent = c.intensity_weights[profile.levels..].iter().any(|w| *w != 0);
        if sum != u32::from(WHOLE) || absent {
            return out_of_range(Configure::AT_INTENSITY_WEIGHTS);
        }
    }
    if c.key_basis_weight > WHOLE {
        return out_of_range(Configure::AT_KEY_BASIS_WEIGHT);
    }
    let able = |what| profile.identity.capabilities.has(what);
    if c.burst_slots != 0 && !(profile.role == Role::Alice && able(Capabilities::BURSTS)) {
        return out_of_range(Configure::AT_BURST_SLOTS);
    }
    if profile.role == Role::Bob {
        // Without a clock that is locked there is nothing to choose a basis or to gate by.
        let free = c.slot_clock == SlotClockMode::Free;
        if free && able(Capabilities::ACTIVE_RECEIVER) || !free && profile.free_clock_only {
            return out_of_range(Configure::AT_SLOT_CLOCK);
        }
        if c.gate.is_some() && (free || !able(Capabilities::GATES)) {
            return out_of_range(Configure::AT_GATE);
        }
    } else if c.gate.is_some() {
        return out_of_range(Configure::AT_GATE);
    }
    if let Some(gate) = c.gate {
        let limits = profile.gate_limits;
        if gate.start < limits.start {
            return out_of_range(Configure::AT_GATE_START);
        }
        let needed =
            gate.start.checked_add(gate.width).and_then(|end| end.checked_add(limits.rest));
        if gate.width < limits.width || needed.is_none_or(|ticks| ticks > c.slot_ticks) {
            return out_of_range(Configure::AT_GATE_WIDTH);
        }
    }
    let settled = tick
        .to_ps(Ticks(c.slot_ticks.into()))
        .is_none_or(|slot| profile.settling_time.0 == 0 || slot > profile.settling_time);
    let follows = |rate: Hertz| {
        let ps_per_second = 1_000_000_000_000 * u128::from(tick.denominator());
        let slot = u128::from(c.slot_ticks) * u128::from(tick.numerator_ps());
        slot.saturating_mul(rate.0.into()) >= ps_per_second
    };
    if settled && follows(profile.identity.max_slot_rate) && follows(profile.max_trigger_rate) {
        Ok(())
    } else {
        Err(Refused(ErrorCode::SlotTooShort, 0))
    }
}
