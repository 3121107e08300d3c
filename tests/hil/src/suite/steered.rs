//! A slot clock that the host steers over the cable: its slots are the sender's, it is lost when the
//! orders stop, and it is found again.

use super::job::{SiftedBit, need_slots, sifted};
use super::{Figures, running};
use crate::desk::Desk;
use crate::host::{SPACING, configure, in_ticks};
use crate::in_process::InProcess;
use crate::stations::{Setup, Stations};
use helio_bench::{ClockInput, SlotClockMode, SlotTiming};
use helio_link::{Event, Rider};
use helio_rig::Plan;
use helio_tune::steering::{LEAD, Steering, SteeringConfig, Word};
use helio_units::{SlotIndex, TickLength, Ticks};
use helio_wire::{Capabilities, DeviceMessage, HostMessage, Role};
use std::sync::{Arc, Mutex};

/// Two seconds of them.
const SLOTS: u64 = 100_000;
/// Orders that are given, and then some that are withheld, ten a second.
const GIVEN: u32 = 5;
const WITHHELD: u32 = 4;
/// A device loses its lock so long after the last order.
const DEADLINE_MS: f64 = 250.0;
/// How much later a device looks, and what it has drawn and played ahead by then.
const LATE_MS: f64 = 5.0;

/// What passed between host and device.
#[derive(Default)]
struct Seen {
    orders: u32,
    marks: Vec<SlotTiming>,
    /// When lock was lost, and how many marks had come by then.
    lost: Vec<(Ticks, usize)>,
}

/// Steers, but for the orders that are withheld.
fn rider(tick: TickLength, slot_cycles: u32, seen: Arc<Mutex<Seen>>) -> Rider {
    let sync_seed = configure(slot_cycles).sync_seed;
    let slot_ticks = in_ticks(slot_cycles, tick);
    let config = SteeringConfig { tick, slot_ticks, sync_spacing: SPACING, sync_seed };
    let mut steering = Steering::new(config).expect("the suite's configuration");
    Box::new(move |event| {
        let Event::Message(_, message) = event else { return None };
        let mut seen = seen.lock().expect("nobody panics with it");
        let word = match message {
            DeviceMessage::ClockEdges(edges) if edges.input == ClockInput::SyncIn => {
                steering.edges(edges.iter());
                return None;
            }
            DeviceMessage::Tags(tags) => steering.reached(tags.reached)?,
            DeviceMessage::SlotMark(timing) => {
                seen.marks.push(*timing);
                return None;
            }
            DeviceMessage::LockLost { tick } => {
                let marks = seen.marks.len();
                seen.lost.push((*tick, marks));
                return None;
            }
            _ => return None,
        };
        let Word::Steer(timing) = word else { return Some(HostMessage::Heartbeat) };
        seen.orders += 1;
        let withheld = (GIVEN + 1..=GIVEN + WITHHELD).contains(&seen.orders);
        Some(if withheld { HostMessage::Heartbeat } else { HostMessage::SetSlotClock(timing) })
    })
}

/// A run; its bits, and what passed.
fn run<D: Desk>(desk: &mut D) -> (Vec<SiftedBit>, Arc<Mutex<Seen>>) {
    let plan = Plan::default();
    let alice = configure(plan.slot_ticks);
    let bob = helio_wire::Configure { slot_clock: SlotClockMode::Steered, ..alice };
    let mut all = Stations::on(desk, Setup { configure: [alice, bob], slotter: None });
    all.arm();
    let seen = Arc::<Mutex<Seen>>::default();
    let slot_cycles = all.slot_cycles();
    let host = all.host(Role::Bob);
    let tick = host.heard.facts.as_ref().expect("it has greeted").tick_length;
    host.connection.ride(Some(rider(tick, slot_cycles, seen.clone())));
    all.start(SLOTS);
    all.finish();
    all.disarm(Role::Bob);
    for role in all.roles() {
        let host = all.host(role);
        host.assert_nothing_lost();
        assert_eq!(host.heard.end, Some(SlotIndex(SLOTS)), "{role:?}");
    }
    let heard = &all.host(Role::Bob).heard;
    let seen_now = seen.lock().expect("nobody panics with it");
    let [(lost, marks)] = seen_now.lost[..] else { panic!("lost at {:?}", seen_now.lost) };
    assert_eq!((heard.of_run().lock_losses, heard.of_run().starved_slots), (1, 0));
    let ms = tick.as_ps_f64() * 1e-9;
    let last = seen_now.marks[marks - 1];
    let after = (lost.0 as f64 - last.start.floor().0 as f64) * ms;
    // The order came after the instant it was made for, and its slot begins a lead after that.
    let earliest = DEADLINE_MS - LEAD.0 as f64 * 1e-9 - LATE_MS;
    assert!(after >= earliest && after <= DEADLINE_MS + LATE_MS, "lost {after} ms after its mark");
    // Nobody knows where slots lie: none has a setting, and none makes a detection.
    let found = seen_now.marks.get(marks).expect("it is found again").slot.0;
    let slot_ms = f64::from(in_ticks(slot_cycles, tick)) * ms;
    let dark = last.slot.0 + ((after + LATE_MS) / slot_ms) as u64;
    assert!(dark < found && found < SLOTS, "lost in slot {dark}, found in {found}");
    let setting = |slot: u64| heard.settings.get(slot as usize).copied().flatten();
    let facts = heard.facts.as_ref().expect("it has greeted");
    let reports = facts.capabilities.has(Capabilities::REPORTS_SETTINGS);
    assert!((dark..found).all(|slot| setting(slot).is_none()), "settings without a clock");
    assert!(!reports || (found..SLOTS).all(|slot| setting(slot).is_some()), "settings are missing");
    let clicked = |d: &helio_timetag::Detection| (dark..found).contains(&d.slot);
    assert!(!heard.slots.detections.iter().any(clicked), "detections without a clock");
    drop(seen_now);
    (sifted(&mut all), seen)
}

pub(super) fn steered<D: Desk>(desk: &mut D) -> Figures {
    running::need_both(desk)?;
    need_slots(desk)?;
    let simulated = desk.rebuild(Plan::default());
    let (bits, seen) = run(desk);
    let seen = seen.lock().expect("nobody panics with it");
    let found = seen.marks[seen.lost[0].1].slot.0;
    let errors = bits.iter().filter(|bit| bit.bits[0] != bit.bits[1]).count();
    let again = bits.iter().filter(|bit| bit.slot >= found).count();
    assert!(again > 300 && again < bits.len() - 300, "{again} of {} after the loss", bits.len());
    assert!(errors * 10 < bits.len(), "{errors} of {} bits are wrong", bits.len());
    let said = format!(
        "{} orders, {WITHHELD} of them withheld, 1 loss of lock; {} sifted bits, {again} after it, \
         {errors} errors",
        seen.orders,
        bits.len()
    );
    if !simulated {
        return Ok(said);
    }
    let mut reference = InProcess::new();
    reference.rebuild(Plan::default());
    let (reference, _) = run(&mut reference);
    assert!(bits == reference, "{} bits here, {} in process", bits.len(), reference.len());
    Ok(said + "; bit for bit those of the run in the process")
}
