//! A host that wants its device to run: it tries again until it does.

use crate::host::configure;
use helio_bench::{InterlockState, TripCause};
use helio_link::{Connection, Event, Transport};
use helio_rig::Plan;
use helio_units::Ticks;
use helio_wire::{DeviceMessage, HostMessage};
use std::time::Duration;

/// Steps after which a command that was not answered is given up: 15 ms.
const PATIENCE: u32 = 30;
/// Steps between two words of a host: 50 ms.
const BEAT: u32 = 100;
/// What a host says before a run, in this order; the end of the list is a running device.
const CLEARING: usize = 2;
const CONFIGURE: usize = CLEARING + TripCause::ALL.len() + 1;
const RUNNING: usize = CONFIGURE + 3;

/// Something that came from the device, kept for the ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Note {
    /// Of this epoch; nothing of an earlier one comes after it.
    Tag {
        epoch: u16,
        tick: Ticks,
        channel: u8,
    },
    Setting {
        epoch: u16,
        slot: u64,
        code: u8,
    },
    /// Settings of these slots are missing.
    NoSettings {
        epoch: u16,
        from: u64,
        to: u64,
    },
    Hole {
        from: Ticks,
        to: Ticks,
    },
    /// Tags are complete from here on or up to here.
    From(Ticks),
    Reached(Ticks),
    Detection {
        epoch: u16,
        slot: u64,
        mask: u8,
    },
    Reboot,
}

pub(crate) struct Controller<T> {
    connection: Connection<T>,
    pub notes: Vec<Note>,
    slots: super::side::Slots,
    stage: usize,
    waits: Option<(u32, u32)>,
    running: Option<u16>,
    lost: bool,
    silent: u32,
    nonce: u32,
}

impl<T: Transport> Controller<T> {
    pub fn new(end: T) -> Controller<T> {
        Controller {
            connection: Connection::new(end),
            notes: Vec::new(),
            slots: super::side::Slots::of_a_host(),
            stage: 0,
            waits: None,
            running: None,
            lost: false,
            silent: 0,
            nonce: 0,
        }
    }

    /// What it has heard, for good.
    pub fn take(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    pub fn runs(&self, generation: u16) -> bool {
        self.running == Some(generation) && self.stage == RUNNING
    }

    /// Told once.
    pub fn has_lost_its_run(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }

    pub fn turn(&mut self, generation: u16, may_start: bool) {
        self.hear();
        self.silent += 1;
        if self.running.is_some_and(|of| of != generation) {
            (self.stage, self.waits) = (0, None);
        }
        match &mut self.waits {
            Some((_, left)) if *left > 0 => *left -= 1,
            Some(_) => (self.stage, self.waits) = (0, None),
            None if self.stage < RUNNING && (may_start || self.stage < RUNNING - 1) => {
                self.say(generation);
            }
            None => {}
        }
        if self.silent >= BEAT {
            self.silent = 0;
            self.connection.beat().expect("the line takes all");
        }
    }

    fn say(&mut self, generation: u16) {
        const CLEARED: usize = CONFIGURE - 1;
        const ARM: usize = CONFIGURE + 1;
        let message = match self.stage {
            0 => HostMessage::Hello,
            1 => HostMessage::Stop,
            CLEARED => HostMessage::Disarm,
            CONFIGURE => HostMessage::Configure(configure(Plan::default().slot_ticks)),
            ARM => {
                // Fresh at each arming, also after another host's.
                self.nonce = self.nonce.wrapping_add(1);
                HostMessage::Arm { nonce: u32::from(generation) << 16 | self.nonce & 0xffff }
            }
            stage if stage < CLEARED => {
                HostMessage::Clear { cause: TripCause::ALL[stage - CLEARING] }
            }
            _ => HostMessage::Start { epoch: generation, slots: 0 },
        };
        let number = self.connection.send(&message).expect("the line takes all");
        self.waits = Some((number, PATIENCE));
        self.silent = 0;
        if self.stage == 0 {
            self.running = None;
        }
        if let HostMessage::Start { epoch, .. } = message {
            self.running = Some(epoch);
        }
    }

    pub fn hear(&mut self) {
        loop {
            let Controller { connection, notes, slots, .. } = self;
            let (mut answered, mut refused, mut ended) = (None, None, false);
            let runs = self.stage == RUNNING;
            let came = connection.receive(Duration::ZERO, |event| {
                slots.event(&event, notes);
                match &event {
                    Event::Message(_, DeviceMessage::Hello { command, .. })
                    | Event::Message(_, DeviceMessage::Ack { command, .. }) => {
                        answered = answered.max(Some(*command));
                    }
                    Event::Message(_, DeviceMessage::Error { command, .. }) => {
                        refused = refused.max(Some(*command));
                    }
                    Event::Message(_, DeviceMessage::Stopped { .. }) => ended |= runs,
                    Event::Message(_, DeviceMessage::Health(health)) => {
                        ended |= runs && matches!(health.interlock, InterlockState::Tripped(_));
                    }
                    Event::Rebooted { .. } => ended = true,
                    _ => {}
                }
            });
            if came.is_err() {
                return;
            }
            self.progress(answered, refused);
            self.lost |= ended;
        }
    }

    fn progress(&mut self, answered: Option<u32>, refused: Option<u32>) {
        let Some((number, _)) = self.waits else { return };
        if answered == Some(number) {
            (self.stage, self.waits) = (self.stage + 1, None);
        } else if refused == Some(number) {
            // Clearing what has not tripped and stopping what does not run is refused, rightly.
            let goes_on = (1..CONFIGURE).contains(&self.stage);
            (self.stage, self.waits) = (if goes_on { self.stage + 1 } else { 0 }, None);
            if !goes_on {
                self.running = None;
            }
        }
    }
}
