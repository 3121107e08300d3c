//! How Bob's device places its slots, and when its detectors are open.

use helio_bench::{GateWindow, SlotClockMode};
use helio_distill::Role;
use helio_distill::parameters::Receiver;
use helio_units::{FineTicks, Picoseconds, TickLength, Ticks};

use super::section::{Result, Section};
use crate::quantity::{Delay, SlotRate, Span, Tick};

/// What Bob's device is told besides the protocol; at Alice all as it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Receiving {
    pub slot_clock: SlotClockMode,
    pub gate: Option<Gate>,
}

/// When gated detectors are open, from the begin of the slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Gate {
    pub start: Delay,
    pub width: Span,
}

const CLOCKS: [(&str, SlotClockMode); 3] = [
    ("sync", SlotClockMode::Sync),
    ("steered", SlotClockMode::Steered),
    ("free", SlotClockMode::Free),
];

/// How a mode is written.
pub(super) fn word(mode: SlotClockMode) -> &'static str {
    CLOCKS.iter().find(|clock| clock.1 == mode).map_or("", |clock| clock.0)
}

const START: &str = "gate_start";
const WIDTH: &str = "gate_width";

pub(super) fn read(
    device: &Section<'_>,
    role: Role,
    receiver: Receiver,
    rate: &SlotRate,
) -> Result<Receiving> {
    let none = Receiving { slot_clock: SlotClockMode::Sync, gate: None };
    if role == Role::Alice {
        let written = ["slot_clock", START, WIDTH].into_iter().find(|key| device.has(key));
        return match written {
            Some(key) => {
                Err(device.fault_at(key, "is for Bob, Alice's clock is the reference; remove it"))
            }
            None => Ok(none),
        };
    }
    let slot_clock = device.choice("slot_clock", &CLOCKS, Some("sync"))?;
    if slot_clock == SlotClockMode::Free {
        let why = "is \"free\": slots would have no numbers and make no key; choose \"sync\" or \
                   \"steered\", and record a free-running receiver with `helio trace record`";
        return Err(device.fault("slot_clock", why));
    }
    let (start, width) = (device.maybe::<Delay>(START)?, device.maybe::<Span>(WIDTH)?);
    let gate = match (start, width) {
        (None, None) => None,
        (Some(start), Some(width)) => Some(Gate { start, width }),
        (Some(_), None) => return Err(device.fault(START, "has no gate_width; write both or none")),
        (None, Some(_)) => return Err(device.fault(WIDTH, "has no gate_start; write both or none")),
    };
    let Some(Gate { start, width }) = gate else { return Ok(Receiving { slot_clock, gate }) };
    if receiver == Receiver::Passive {
        let why = "is for an active receiver, a passive one has no slot player that could close \
                   detectors; remove gate_start and gate_width";
        return Err(device.fault(START, why));
    }
    let slot_ps = 1e12 / rate.hz();
    if start.0 < 0 || start.0 as f64 + width.0 as f64 > slot_ps {
        let why = format_args!(
            "is {start} with a gate_width of {width}, and a slot has {:.3} ns; the gate lies within \
             the slot",
            slot_ps * 1e-3
        );
        return Err(device.fault(START, why));
    }
    Ok(Receiving { slot_clock, gate })
}

impl Receiving {
    /// The gate in the device's ticks: the nearest whole ones.
    ///
    /// # Errors
    /// What is wrong, where the width is less than half a tick, the slot ends before the gate, or
    /// the gate moves within a tick of `clicks`, the full width around mid-slot from which clicks are
    /// taken: slots dither by a tick, and while a gate moves detectors are least alike.
    pub fn window(
        &self,
        tick: TickLength,
        slot_ticks: u32,
        clicks: FineTicks,
    ) -> std::result::Result<Option<GateWindow>, String> {
        let Some(Gate { start, width }) = self.gate else { return Ok(None) };
        let ticks = |ps: i64| u32::try_from(tick.nearest_ticks(Picoseconds(ps))).ok();
        let (Some(start), Some(width)) = (ticks(start.0), ticks(width.0)) else {
            return Err("is longer than the device can say; write less".into());
        };
        let fits = start.checked_add(width).is_some_and(|end| end <= slot_ticks);
        if width == 0 || !fits {
            return Err(format!(
                "is from {start} for {width} ticks of {}, and a slot has {slot_ticks}; write a \
                 gate of a tick or more within the slot",
                Tick(tick)
            ));
        }
        let fine = |ticks: u32| FineTicks::from_ticks(Ticks(u64::from(ticks))).0;
        let (middle, reach) = (fine(slot_ticks) / 2, clicks.0.div_euclid(2) + fine(1));
        if fine(start) > middle - reach || fine(start + width) < middle + reach {
            return Err(format!(
                "is from {start} for {width} ticks of {}, and clicks are taken from the middle of {slot_ticks} \
                 ticks ± half of `window`; open the gate a tick or more before that and close it a tick \
                 or more after it, or write a narrower window",
                Tick(tick)
            ));
        }
        Ok(Some(GateWindow { start, width }))
    }
}
