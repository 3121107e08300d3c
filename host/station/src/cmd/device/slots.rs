//! Slots of a try by hand: how long they are by the clocks of both devices, and where their settings
//! come from.

use helio_bench::{SettingsSource, SlotClockMode};
use helio_units::{Picoseconds, TickLength, Ticks};
use helio_wire::{Capabilities, Configure, Role};

use super::session::Session;
use crate::bench::Scenario;
use crate::bench::device::DeviceIdentity;
use crate::exit::{Exit, Failure};
use crate::quantity::{Tick, gcd};

/// As short slots as every board follows: 1 µs.
const SLOT: Picoseconds = Picoseconds(1_000_000);
/// Slots of 333 µs and more do not fit into a device's queue of a millisecond.
const LONGEST: Picoseconds = Picoseconds(300_000_000);
/// Weight of an event that is certain.
pub(super) const ALL: u16 = 4096;

/// What a sender and its receiver are told for a try by hand: as short slots as all boards follow, or
/// those of the simulated light, each in its own ticks. Without a receiver both are the sender's.
///
/// # Errors
/// The two devices have no slot in common.
pub(super) fn configure(
    sender: &Session,
    receiver: Option<&Session>,
) -> Result<[Configure; 2], Failure> {
    let own = &sender.identity;
    let other = receiver.map_or(own, |receiver| &receiver.identity);
    let shortest = match sender.is_simulated() {
        true => Ticks(Scenario::default().slot_ticks.into()),
        false => own.tick_length.ticks_covering(SLOT),
    };
    let [sent, received] = slot_ticks(own.tick_length, other.tick_length, shortest)
        .ok_or_else(|| {
            let [own, other] = [own, other].map(|device| Tick(device.tick_length));
            Failure::new(Exit::Device, format!(
                "no slot of 300 µs or less is a whole number of ticks both of the sender ({own}) and of \
                 the receiver ({other}); choose another receiver"
            ))
        })?;
    let listen = Configure { intensity_weights: [0; 4], ..told(other, received) };
    Ok([told(own, sent), if receiver.is_some() { listen } else { told(own, sent) }])
}

fn told(device: &DeviceIdentity, slot_ticks: u32) -> Configure {
    let simulated = Scenario::default().configure(ALL / 2);
    // Nobody asks for slot numbers here. A receiver that plays settings needs them; another one may
    // have nothing to lock its slots to.
    let plays = device.capabilities.has(Capabilities::ACTIVE_RECEIVER);
    let slot_clock = match device.role == Role::Bob && !plays {
        true => SlotClockMode::Free,
        false => SlotClockMode::Sync,
    };
    let intensity_weights = [ALL, 0, 0, 0];
    Configure { slot_ticks, intensity_weights, random_swap: false, slot_clock, ..simulated }
}

/// The shortest slot of at least so many ticks of `own` that is a whole number of ticks of both, in
/// ticks of each; `None` where it is longer than devices bear.
fn slot_ticks(own: TickLength, other: TickLength, shortest: Ticks) -> Option<[u32; 2]> {
    // A tick of `own` is `a / b` ticks of the other one.
    let a = u128::from(own.numerator_ps()) * u128::from(other.denominator());
    let b = u128::from(other.numerator_ps()) * u128::from(own.denominator());
    let step = b / gcd(a, b);
    let slot = u128::from(shortest.0.max(1)).div_ceil(step) * step;
    // One that is asked for is not too long, whatever it is.
    if slot > u128::from(shortest.0.max(own.ticks_covering(LONGEST).0)) {
        return None;
    }
    let there = slot.checked_mul(a)? / b;
    Some([u32::try_from(slot).ok()?, u32::try_from(there).ok()?])
}

/// A source for people.
pub(super) fn source_words(device: &DeviceIdentity, source: SettingsSource) -> String {
    let name = source.name(&device.random_name);
    match source {
        SettingsSource::Expanded => format!("{name} (ChaCha20 keyed by {})", device.random_name),
        _ => name.to_owned(),
    }
}

/// A source for scripts and the run log.
pub(super) fn source_name(device: &DeviceIdentity, source: Option<SettingsSource>) -> Option<&str> {
    source.map(|source| source.name(&device.random_name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slot_is_a_whole_number_of_ticks_of_both_devices() {
        let tick = |ps, parts| TickLength::new(ps, parts).unwrap();
        let (pico, converter) = (TickLength::CYCLE_150_MHZ, tick(20, 3));
        for (own, other, shortest, slot) in [
            (pico, pico, 150, Some([150, 150])),
            (pico, converter, 150, Some([150, 150_000])),
            (converter, pico, 150_000, Some([150_000, 150])),
            // 81 ps: the next slot that both have.
            (pico, tick(81, 1), 150, Some([243, 20_000])),
            (pico, pico, 30, Some([30, 30])),
            // The first one lasts 6.7 ms.
            (pico, tick(999_983, 150), 150, None),
        ] {
            assert_eq!(slot_ticks(own, other, Ticks(shortest)), slot, "{own:?} {other:?}");
        }
    }

    proptest! {
        #[test]
        fn both_slots_last_equally_long(
            a in 1u64..1_000_000_000_000, b in 1u32.., c in 1u64..1_000_000_000_000, d in 1u32..,
            shortest in any::<u64>()
        ) {
            let ticks = TickLength::new(a, b).ok().zip(TickLength::new(c, d).ok());
            let Some((own, other)) = ticks else { return Ok(()) };
            if let Some([m, n]) = slot_ticks(own, other, Ticks(shortest)) {
                prop_assert!(u64::from(m) >= shortest && n > 0);
                let ps = |n: u32, of: TickLength, by: TickLength| {
                    u128::from(n) * u128::from(of.numerator_ps()) * u128::from(by.denominator())
                };
                prop_assert_eq!(ps(m, own, other), ps(n, other, own));
            }
        }
    }
}
