//! The loop of a slot clock that the host steers: the device's edges of SYNC IN to orders for it,
//! which ride with the host's beats.

use helio_bench::{ClockInput, SlotClockMode};
use helio_link::{Event, Rider};
use helio_tune::steering::{Standing, Steering, SteeringConfig, Word};
use helio_units::TickLength;
use helio_wire::{Configure, DeviceMessage, ErrorCode, HostMessage, Role};

/// Words without a place in the sequence after which a person is told: 10 s.
const DARK: u32 = 100;
/// Orders, of which the device takes none, after which a person is told: 2 s.
const DEAF: u32 = 20;

/// Who steers this run, if its host is to.
pub fn rider(role: Role, tick: TickLength, configure: &Configure, epoch: u16) -> Option<Rider> {
    if role != Role::Bob || configure.slot_clock != SlotClockMode::Steered {
        return None;
    }
    let config = SteeringConfig {
        tick,
        slot_ticks: configure.slot_ticks,
        sync_spacing: configure.sync_spacing,
        sync_seed: configure.sync_seed,
    };
    let Some(steering) = Steering::new(config) else {
        log::warn!(
            "Bob's slot clock is not steered, and this run makes no key: it needs slots of a tick \
             or more, a sync slot in 2 or more, and a sync seed of 1 to 2^31 - 1; correct them in \
             both stations' files"
        );
        return None;
    };
    let mut desk =
        Desk { steering, before: Standing::default(), dark: 0, untaken: 0, refusal: None };
    Some(Box::new(move |event| {
        let Event::Message(header, message) = event else { return None };
        if header.epoch != epoch { None } else { desk.hear(message) }
    }))
}

/// The steering of a run, and what of it was told.
struct Desk {
    steering: Steering,
    before: Standing,
    /// Words since the place was known.
    dark: u32,
    /// Orders since the device took one.
    untaken: u32,
    /// What the device refused a command with since, as far as it may have been an order.
    refusal: Option<ErrorCode>,
}

impl Desk {
    fn hear(&mut self, message: &DeviceMessage<'_>) -> Option<HostMessage<'static>> {
        let word = match message {
            DeviceMessage::ClockEdges(edges) if edges.input == ClockInput::SyncIn => {
                self.steering.edges(edges.iter());
                None
            }
            DeviceMessage::Tags(tags) => self.steering.reached(tags.reached),
            // An order was taken.
            DeviceMessage::SlotMark(_) => {
                (self.untaken, self.refusal) = (0, None);
                None
            }
            // Each is answered by the next order. That of a refused one is of other slots: those a
            // device numbered before it lost its lock are over by then.
            DeviceMessage::Error {
                code: code @ (ErrorCode::TooLate | ErrorCode::Full | ErrorCode::WrongState),
                ..
            } => {
                self.refusal = Some(*code);
                None
            }
            _ => None,
        }?;
        self.tell(&word);
        Some(match word {
            Word::Steer(timing) => HostMessage::SetSlotClock(timing),
            Word::Nothing => HostMessage::Heartbeat,
        })
    }

    /// Tells what is new, each thing once.
    fn tell(&mut self, word: &Word) {
        let now = self.steering.standing();
        if now.locks != self.before.locks {
            let ppm = now.frequency_ppm;
            log::info!("Bob's slot clock: sync light found, his clock runs {ppm:+.3} ppm fast");
        }
        if now.losses != self.before.losses {
            log::warn!("Bob's slot clock: sync light lost; looked for anew");
        }
        self.before = now;
        if now.ended {
            log::warn!(
                "Bob's slot clock: his device's time leapt or its run is weeks old; no slot has a \
                 number any more: start the stations again"
            );
        }
        self.dark = if now.locked { 0 } else { self.dark.saturating_add(1) };
        if self.dark == DARK && !now.ended {
            log::warn!(
                "Bob's slot clock: no sync light in the run's sequence for 10 s; see to the sync \
                 fibre and SYNC IN's threshold, and to Alice's light; it is looked for on and on, \
                 and if it is there and not found within minutes, start the stations again"
            );
        }
        if matches!(word, Word::Steer(_)) {
            self.untaken = self.untaken.saturating_add(1);
        }
        if self.untaken == DEAF {
            let remedy = match self.refusal {
                Some(ErrorCode::TooLate) => {
                    "they come too late: give the device a cable or a network that answers within \
                     40 ms, and the station more of its processor"
                }
                Some(ErrorCode::Full) => {
                    "it has no room for them: see to the firmware, which takes 10 a second"
                }
                Some(ErrorCode::WrongState) => {
                    "its slots are other ones, or it is not configured to be steered: start the \
                     stations again"
                }
                _ => "it says nothing to them: see to the cable and the firmware",
            };
            log::warn!(
                "Bob's slot clock: his device took none of the last {DEAF} orders; {remedy}"
            );
        }
    }
}
