//! The dialogue: what each event does, which frames are commands, and what is answered.

use super::outbox::{Answer, Outbox, trip_text};
use super::table::Table;
use super::{HEALTH_INTERVAL, RUN_ORDER_DEADLINE, TELEMETRY_INTERVAL};
use crate::identity::Profile;
use crate::interlock::{Interlock, Refusal};
use crate::planes::{Event, Orders};
use crate::random::Supply;
use heapless::Deque;
use helio_bench::{Board, InterlockState, TripCause};
use helio_units::{SlotIndex, Ticks};
use helio_wire::{
    Arrival, DecodeError, ErrorCode, Frame, FrameError, Health, HostMessage, LogLevel, MAX_FEED,
    RebootMode, SequenceTracker, Stream, decode_host,
};

/// Pieces of what the host gave that may wait for the data plane: a full feed and a pattern.
pub(super) const SUPPLIES: usize = Supply::count(MAX_FEED) + 4;

pub(super) struct State<B> {
    pub profile: Profile,
    pub table: Table<B>,
    pub supplies: Deque<Supply, SUPPLIES>,
    /// Random bytes that the host gave, since boot.
    pub(super) fed: u64,
    /// A seed or random bytes have come since the decoder was wiped.
    pub heard_secret: bool,
    pub(super) seeded: bool,
    pub(super) patterned: bool,
    pub reboot: Option<RebootMode>,
    pub telemetry_due: Ticks,
    pub telemetry_interval: Ticks,
    pub interlock: Interlock,
    sequence: SequenceTracker,
    bad_frames: u32,
    /// Ticks of a slot, once configured.
    pub(super) configured: Option<u32>,
    /// Of the last run, or of the one that runs.
    pub epoch: u16,
    pub running: bool,
    pub(super) pending: Option<Pending>,
    /// The run has ended, and its last data have not reached the cable.
    pub(super) ending: bool,
    /// The command of a slot clock that the data plane has not answered.
    pub(super) steering: Option<u32>,
    pub health_due: Ticks,
    pub health_interval: Ticks,
    pub(super) order_deadline: Ticks,
    /// The state in the last health report.
    pub reported: InterlockState,
    /// The trip that has been obeyed.
    tripped: Option<TripCause>,
}

/// A `Start` or `Stop` that the data plane has not carried out yet.
#[derive(Clone, Copy)]
pub(super) struct Pending {
    pub command: u32,
    pub deadline: Ticks,
    pub starts: bool,
}

/// Why a command is refused.
pub(super) struct Refused(pub ErrorCode, pub u32);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        match refusal {
            Refusal::WrongState => Refused(ErrorCode::WrongState, 0),
            Refusal::NonceReused => Refused(ErrorCode::NonceReused, 0),
        }
    }
}

/// What a command comes to, if it is not refused.
pub(super) enum Done {
    Hello,
    Value(u16),
    Now,
    /// When the data plane says so.
    Later,
}

impl<B: Board> State<B> {
    /// Just booted.
    pub fn new(profile: Profile, table: Table<B>) -> State<B> {
        let tick = profile.identity.tick_length;
        State {
            interlock: Interlock::new(tick),
            sequence: SequenceTracker::new(),
            bad_frames: 0,
            configured: None,
            epoch: 0,
            running: false,
            pending: None,
            ending: false,
            steering: None,
            health_due: Ticks(0),
            health_interval: tick.ticks_covering(HEALTH_INTERVAL),
            order_deadline: tick.ticks_covering(RUN_ORDER_DEADLINE),
            reported: InterlockState::Safe,
            tripped: None,
            table,
            supplies: Deque::new(),
            fed: 0,
            heard_secret: false,
            seeded: false,
            patterned: false,
            reboot: None,
            telemetry_due: tick.ticks_covering(TELEMETRY_INTERVAL),
            telemetry_interval: tick.ticks_covering(TELEMETRY_INTERVAL),
            profile,
        }
    }

    pub fn health(&self, now: Ticks) -> Health {
        let c = &self.table.counters;
        Health {
            now,
            interlock: self.interlock.state(),
            slots: c.slots,
            starved_slots: c.starved_slots,
            edges: c.edges,
            lost_edges: c.lost_edges,
            lost_settings: c.lost_settings,
            bad_frames: self.bad_frames,
            missing_frames: u32::try_from(self.sequence.missing()).unwrap_or(u32::MAX),
            locked: c.locked,
            lock_losses: c.lock_losses,
        }
    }

    pub fn event(&mut self, event: Event, outbox: &mut Outbox) {
        match event {
            Event::Counters(counters) => {
                self.table.counters = counters;
                self.table.queued = self.fed.saturating_sub(counters.fed);
            }
            Event::Steered { command, tick } => {
                self.steering = self.steering.filter(|steering| *steering != command);
                outbox.answer(Answer::Ack { command, tick }, self.epoch);
            }
            Event::NotSteered { command, code } => {
                self.steering = self.steering.filter(|steering| *steering != command);
                let far = code == ErrorCode::OutOfRange;
                let detail = if far { HostMessage::AT_SLOT_CLOCK_START } else { 0 };
                outbox.answer(Answer::Error { command, code, detail }, self.epoch);
            }
            Event::Started { epoch, tick } => {
                if let Some(Pending { command, starts: true, .. }) = self.pending
                    && epoch == self.epoch
                {
                    self.pending = None;
                    outbox.answer(Answer::Ack { command, tick }, epoch);
                }
            }
            // Its light is out and its data plane lives; the host hears of it behind the data.
            Event::Stopping { epoch } if self.running && epoch == self.epoch => {
                self.interlock.run_ended();
                self.ending = true;
            }
            Event::Stopping { .. } => {}
            Event::Stopped { epoch, end, tick } => self.stopped(epoch, end, tick, outbox),
            Event::RandomFault => self.interlock.fault(TripCause::RandomFault),
            Event::PlayerFault => self.interlock.fault(TripCause::PlayerFault),
            Event::LinkReset => self.interlock.fault(TripCause::LinkReset),
            Event::ContactOpen => self.interlock.fault(TripCause::External),
            Event::Locked => outbox.log(LogLevel::Info, "slot clock locked", self.epoch),
            Event::LockLost => outbox.log(LogLevel::Warn, "slot clock lost its lock", self.epoch),
        }
    }

    fn stopped(&mut self, epoch: u16, end: SlotIndex, tick: Ticks, outbox: &mut Outbox) {
        outbox.answer(Answer::Stopped { end, tick }, epoch);
        // The end of an earlier run, halted by a trip or a disarming, ends nothing now.
        if !self.running || epoch != self.epoch {
            return;
        }
        self.running = false;
        self.interlock.run_ended();
        if let Some(pending) = self.pending.take() {
            outbox.answer(Answer::Ack { command: pending.command, tick }, epoch);
        }
    }

    pub fn check_order_deadline(&mut self, now: Ticks) {
        if !self.ending && self.pending.is_some_and(|p| now >= p.deadline) {
            self.interlock.fault(TripCause::PlayerFault);
        }
    }

    /// Changes of the table whose tick has come.
    pub fn make_changes(&mut self, now: Ticks, outbox: &mut Outbox) {
        while !outbox.is_full()
            && let Some((command, made)) = self.table.due(self.interlock.state(), now)
        {
            let answer = match made {
                Ok(()) => Answer::Ack { command, tick: now },
                Err(Refused(code, detail)) => Answer::Error { command, code, detail },
            };
            outbox.answer(answer, self.epoch);
        }
    }

    /// After anything that may have tripped: no run survives it.
    pub fn obey_trip(&mut self, now: Ticks, orders: &mut Orders, outbox: &mut Outbox) {
        let tripped = match self.interlock.state() {
            InterlockState::Tripped(cause) => Some(cause),
            _ => None,
        };
        if self.tripped != tripped
            && let Some(cause) = tripped
        {
            outbox.log(LogLevel::Error, trip_text(cause), self.epoch);
            self.table.kept.trip(cause);
            self.table.store();
            self.halt(now, orders, outbox);
        }
        self.tripped = tripped;
    }

    /// Ends the run whatever the data plane does, and answers the command that waits for it.
    pub(super) fn halt(&mut self, now: Ticks, orders: &mut Orders, outbox: &mut Outbox) {
        orders.halt = true;
        orders.run = None;
        self.running = false;
        if let Some(Pending { command, starts, .. }) = self.pending.take() {
            let answer = if starts {
                Answer::Error { command, code: ErrorCode::WrongState, detail: 0 }
            } else {
                Answer::Ack { command, tick: now }
            };
            outbox.answer(answer, self.epoch);
        }
    }

    pub fn frame(
        &mut self,
        frame: Result<Frame<'_>, FrameError>,
        now: Ticks,
        orders: &mut Orders,
        outbox: &mut Outbox,
    ) {
        let Ok(frame) = frame else {
            self.bad_frames = self.bad_frames.saturating_add(1);
            self.interlock.bad_frame(now);
            return;
        };
        if outbox.is_full() {
            self.interlock.fault(TripCause::LinkReset);
            return;
        }
        let command = frame.header().map_or(0, |h| h.sequence);
        let answer = match self.accept(frame, command, now, orders, outbox) {
            Ok(None | Some(Done::Later)) => return,
            Ok(Some(Done::Hello)) => Answer::Hello { command },
            Ok(Some(Done::Value(index))) => Answer::Value { command, index },
            Ok(Some(Done::Now)) => Answer::Ack { command, tick: now },
            Err(Refused(code, detail)) => Answer::Error { command, code, detail },
        };
        outbox.answer(answer, self.epoch);
    }

    /// Looks at the header first; `None` for a frame that was seen before.
    fn accept(
        &mut self,
        frame: Frame<'_>,
        command: u32,
        now: Ticks,
        orders: &mut Orders,
        outbox: &mut Outbox,
    ) -> Result<Option<Done>, Refused> {
        let header = frame.header().map_err(|error| self.unreadable(error))?;
        if header.stream != Stream::Control {
            return Err(self.unreadable(DecodeError::UnknownStream(header.stream.code())));
        }
        let message = decode_host(frame).map(|(_, message)| message);
        let knows_us = header.boot_nonce == self.profile.identity.boot_nonce;
        let asks_us = header.boot_nonce == 0 && message == Ok(HostMessage::Hello);
        if (knows_us || asks_us) && self.sequence.account(&header) == Arrival::Repeat {
            return Ok(None);
        }
        let message = message.map_err(|error| self.unreadable(error))?;
        if !knows_us && message != HostMessage::Hello {
            return Err(Refused(ErrorCode::WrongState, 0));
        }
        self.obey(message, command, now, orders, outbox).map(Some)
    }

    /// Somebody sent exactly this: no noise on the cable, but a host that speaks of other things.
    fn unreadable(&mut self, error: DecodeError) -> Refused {
        if error.is_unknown() {
            self.interlock.fault(TripCause::UnknownCommand);
        }
        let (code, detail) = error.answer();
        Refused(code, detail)
    }
}
