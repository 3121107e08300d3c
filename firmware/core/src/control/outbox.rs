//! What control has to say and has not sent yet. Answers go first, then health, then log lines;
//! none is dropped for want of room on the cable.

use super::table::Table;
use crate::cable::{NotSent, Outlet, Transmit, frame_room};
use crate::identity::Profile;
use heapless::Deque;
use helio_bench::{Access, Board, TripCause};
use helio_units::{SlotIndex, Ticks};
use helio_wire::{DeviceMessage, ErrorCode, Health, LogLevel, Stream, TelemetryWriter};

/// Answers that may wait for room on the cable.
pub const ANSWERS: usize = 32;

/// Answers that are kept free for what a poll says by itself: the ends of runs, and the commands
/// that waited for them.
const SPARE: usize = 4;

/// Log lines that may wait; further ones are not made.
const LOGS: usize = 8;

/// Entries in a frame of telemetry; more take more frames.
const VALUES: usize = 24;

/// The longest payload: telemetry (a `Hello` with four names has 208 bytes).
const FRAME: usize = frame_room(8 + 10 * VALUES);

#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Hello { command: u32 },
    Ack { command: u32, tick: Ticks },
    Error { command: u32, code: ErrorCode, detail: u32 },
    Stopped { end: SlotIndex, tick: Ticks },
    Value { command: u32, index: u16 },
}

pub struct Outbox {
    control: Outlet,
    health: Outlet,
    /// With the epoch each belongs to.
    answers: Deque<(Answer, u16), ANSWERS>,
    report: Option<(Health, u16)>,
    /// The entry from which telemetry goes on, and when it was asked for.
    telemetry: Option<(u16, Ticks, u16)>,
    logs: Deque<(LogLevel, &'static str, u16), LOGS>,
    buffer: [u8; FRAME],
}

impl Outbox {
    pub fn new(boot_nonce: u32) -> Outbox {
        Outbox {
            control: Outlet::new(Stream::Control, boot_nonce),
            health: Outlet::new(Stream::Health, boot_nonce),
            answers: Deque::new(),
            report: None,
            telemetry: None,
            logs: Deque::new(),
            buffer: [0; FRAME],
        }
    }

    /// Whether a further command could not be answered.
    pub fn is_full(&self) -> bool {
        self.answers.len() + SPARE >= ANSWERS
    }

    pub fn answer(&mut self, answer: Answer, epoch: u16) {
        let kept = self.answers.push_back((answer, epoch));
        debug_assert!(kept.is_ok(), "commands are refused before the queue is full");
    }

    /// The newest report counts: one that still waits is replaced.
    pub fn health(&mut self, health: Health, epoch: u16) {
        self.report = Some((health, epoch));
    }

    /// Values of all entries that only the device writes. What still waits is replaced.
    pub fn telemetry(&mut self, now: Ticks, epoch: u16) {
        self.telemetry = Some((0, now, epoch));
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    pub fn log(&mut self, level: LogLevel, text: &'static str, epoch: u16) {
        let _ = self.logs.push_back((level, text, epoch));
    }

    /// Sends what there is room for, in order.
    pub fn send<B: Board>(
        &mut self,
        profile: &Profile,
        table: &mut Table<B>,
        tx: &mut impl Transmit,
    ) {
        let Outbox { control, health, answers, report, telemetry, logs, buffer } = self;
        while let Some(&(answer, epoch)) = answers.front() {
            let message = match answer {
                Answer::Hello { command } => {
                    DeviceMessage::Hello { command, hello: profile.hello() }
                }
                Answer::Ack { command, tick } => DeviceMessage::Ack { command, tick },
                Answer::Error { command, code, detail } => {
                    DeviceMessage::Error { command, code, detail }
                }
                Answer::Stopped { end, tick } => DeviceMessage::Stopped { end, tick },
                Answer::Value { command, index } => {
                    let value = table.read(index);
                    // Commands past the end of the table are refused before.
                    let Some(entry) = table.entry(index) else {
                        answers.pop_front();
                        continue;
                    };
                    DeviceMessage::Value { command, index, value, entry }
                }
            };
            if control.send(epoch, &message, buffer, tx) == Err(NotSent::NoRoom) {
                return;
            }
            answers.pop_front();
        }
        if let Some((said, epoch)) = *report {
            if health.send(epoch, &DeviceMessage::Health(said), buffer, tx) == Err(NotSent::NoRoom)
            {
                return;
            }
            *report = None;
        }
        while let Some((from, tick, epoch)) = *telemetry {
            let mut values = TelemetryWriter::<{ 10 * VALUES }>::new(tick);
            let mut index = from;
            while let Some(entry) = table.entry(index) {
                let counts = entry.access == Access::ReadOnly;
                if counts && !values.push(index, table.read(index)) {
                    break;
                }
                index += 1;
            }
            let message = DeviceMessage::Telemetry(values.telemetry());
            if health.send(epoch, &message, buffer, tx) == Err(NotSent::NoRoom) {
                return;
            }
            *telemetry = (index < table.len()).then_some((index, tick, epoch));
        }
        while let Some(&(level, text, epoch)) = logs.front() {
            let message = DeviceMessage::Log { level, text };
            if control.send(epoch, &message, buffer, tx) == Err(NotSent::NoRoom) {
                return;
            }
            logs.pop_front();
        }
    }
}

/// The log line of a trip: what happened, and the remedy.
pub fn trip_text(cause: TripCause) -> &'static str {
    match cause {
        TripCause::HeartbeatLost => "interlock: no heartbeat from the host; clear and arm again",
        TripCause::BadFrames => "interlock: too many bad frames; check the cable",
        TripCause::UnknownCommand => "interlock: unknown command; host and firmware differ",
        TripCause::RandomFault => "interlock: the random source failed its health test",
        TripCause::LinkReset => "interlock: the link was reset, or the host does not read",
        TripCause::PlayerFault => "interlock: the slot player lost slots or does not obey",
        TripCause::External => "interlock: the contact is open",
    }
}
