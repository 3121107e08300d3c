//! The loop of a slot clock that the host steers: the device's edges of SYNC IN to orders for it,
//! which ride with the host's beats.

use helio_bench::{ClockInput, SlotClockMode};
use helio_link::{Event, Rider};
use helio_tune::steering::{Standing, Steering, SteeringConfig, Word};
use helio_units::TickLength;
use helio_wire::{Configure, DeviceMessage, ErrorCode, HostMessage, Role};

/// Who steers this run, if its host is to.
pub fn rider(role: Role, tick: TickLength, configure: &Configure, epoch: u16) -> Option<Rider> {
    if role != Role::Bob || configure.slot_clock != SlotClockMode::Steered {
        return None;
    }
    let mut steering = Steering::new(SteeringConfig {
        tick,
        slot_ticks: configure.slot_ticks,
        sync_spacing: configure.sync_spacing,
        sync_seed: configure.sync_seed,
    })?;
    let mut before = Standing::default();
    Some(Box::new(move |event| {
        let Event::Message(header, message) = event else { return None };
        if header.epoch != epoch {
            return None;
        }
        let word = match message {
            DeviceMessage::ClockEdges(edges) if edges.input == ClockInput::SyncIn => {
                steering.edges(edges.iter());
                None
            }
            DeviceMessage::Tags(tags) => steering.reached(tags.reached),
            DeviceMessage::Error { code: ErrorCode::TooLate, .. } => {
                log::debug!("an order for the slot clock came too late; the next one follows");
                None
            }
            _ => None,
        }?;
        let now = steering.standing();
        if now.locks != before.locks {
            let ppm = now.frequency_ppm;
            log::info!("Bob's slot clock: sync light found, his clock runs {ppm:+.3} ppm fast");
        }
        if now.losses != before.losses {
            log::warn!("Bob's slot clock: sync light lost; looked for anew");
        }
        before = now;
        Some(match word {
            Word::Steer(timing) => HostMessage::SetSlotClock(timing),
            Word::Nothing => HostMessage::Heartbeat,
        })
    }))
}
