//! The control plane: commands in, answers and health out, orders to the data plane.
//!
//! To be polled at least once a millisecond of device time; [`crate::interlock`] counts on it.
//! It touches no hardware: the caller drives the enable line as [`Orders::enable`] says.
//!
//! - A command is obeyed when it comes from a host that knows this boot's nonce; `Hello` needs
//!   none. A repeated frame is dropped.
//! - An [`DeviceMessage::Ack`] carries the tick at which the command took effect. `Start` and
//!   `Stop` take effect in the data plane and are answered when it has done so; another `Start` or
//!   `Stop` before that is refused.
//! - Every run has another epoch, not 0: frames of two runs cannot be taken for one another.
//! - Answers and health are never dropped. A host that lets 28 answers wait has
//!   broken the link: the interlock trips, and its commands are not obeyed.

mod check;
mod commands;
mod outbox;
mod state;
mod table;

use crate::cable::Transmit;
use crate::identity::Profile;
use crate::planes::{Event, Orders};
use crate::random::Supply;
use helio_bench::{Board, InterlockState, NoBoard};
use helio_units::{Picoseconds, Ticks};
use helio_wire::{Decoder, Health, RebootMode};
use outbox::Outbox;
use state::State;
use table::Table;

/// Time between two health reports.
pub const HEALTH_INTERVAL: Picoseconds = Picoseconds(500_000_000_000);

/// Time between two batches of telemetry.
pub const TELEMETRY_INTERVAL: Picoseconds = Picoseconds(1_000_000_000_000);

/// A data plane that has not begun or ended a run after this time hangs.
pub const RUN_ORDER_DEADLINE: Picoseconds = Picoseconds(10_000_000_000);

/// The control plane of one device: some 6 KiB, a third of it the buffer of a frame to come.
pub struct Control<B = NoBoard> {
    decoder: Decoder,
    state: State<B>,
    outbox: Outbox,
}

impl Control {
    /// A device that has just booted, with nothing to set.
    pub fn new(profile: Profile) -> Control {
        Control::with_board(profile, NoBoard)
    }
}

impl<B: Board> Control<B> {
    /// A device that has just booted, on a board that can be set and sensed.
    pub fn with_board(profile: Profile, board: B) -> Control<B> {
        let table = Table::new(board, profile.channels, profile.delay_range);
        let state = State::new(profile, table);
        let nonce = state.profile.identity.boot_nonce;
        Control { decoder: Decoder::new(), state, outbox: Outbox::new(nonce) }
    }

    /// Takes what the data plane and the board have to say and what the host has sent since the
    /// last poll, answers, and gives orders.
    ///
    /// `now` never runs backwards.
    pub fn poll(
        &mut self,
        now: Ticks,
        events: &[Event],
        rx: &[u8],
        tx: &mut impl Transmit,
    ) -> Orders {
        let Control { decoder, state, outbox } = self;
        let mut orders = Orders {
            enable: false,
            halt: false,
            configure: None,
            run: None,
            permit_until: Ticks(0),
            source: state.table.source,
            dead_times: state.table.dead_times,
            delays: state.table.delays,
            slot_clock: None,
        };
        for event in events {
            if *event == Event::LinkReset {
                // Half a frame from before is no beginning of what comes now.
                decoder.reset();
            }
            state.event(*event, outbox);
        }
        state.interlock.tick(now);
        state.check_order_deadline(now);
        state.make_changes(now, outbox);
        state.obey_trip(now, &mut orders, outbox);
        decoder.push(rx, |frame| {
            if outbox.is_full() {
                outbox.send(&state.profile, &mut state.table, tx);
            }
            state.frame(frame, now, &mut orders, outbox);
            state.obey_trip(now, &mut orders, outbox);
        });
        if core::mem::take(&mut state.heard_secret) {
            decoder.wipe();
        }
        orders.enable = state.interlock.may_emit();
        orders.permit_until = state.interlock.permit_until();

        if state.interlock.state() != state.reported || now >= state.health_due {
            state.reported = state.interlock.state();
            state.health_due = Ticks(now.0.saturating_add(state.health_interval.0));
            outbox.health(state.health(now), state.epoch);
        }
        if now >= state.telemetry_due {
            state.telemetry_due = Ticks(now.0.saturating_add(state.telemetry_interval.0));
            state.table.store();
            outbox.telemetry(now, state.epoch);
        }
        orders.source = state.table.source;
        orders.dead_times = state.table.dead_times;
        orders.delays = state.table.delays;
        outbox.send(&state.profile, &mut state.table, tx);
        orders
    }

    /// Where the interlock stands.
    pub fn interlock(&self) -> InterlockState {
        self.state.interlock.state()
    }

    /// Whether a run is on: ordered, and not known to have ended.
    pub fn is_running(&self) -> bool {
        self.state.running
    }

    /// What the host gave for settings, piece by piece; to be taken after each poll, before the
    /// orders of that poll are given, as long as there is some and the data plane has room.
    pub fn supply(&mut self) -> Option<Supply> {
        Supply::take(&mut self.state.supplies)
    }

    /// A reset that the host has ordered, once its answer has gone to the cable: the board sends
    /// what waits there, for at most some 10 ms, and starts anew.
    pub fn reboot_ordered(&self) -> Option<RebootMode> {
        self.state.reboot.filter(|_| self.outbox.is_empty())
    }

    /// The board.
    pub fn board_mut(&mut self) -> &mut B {
        &mut self.state.table.board
    }

    /// Who the device is.
    pub fn profile(&self) -> &Profile {
        &self.state.profile
    }

    /// What a health report would say.
    pub fn health(&self, now: Ticks) -> Health {
        self.state.health(now)
    }
}

#[cfg(test)]
mod tests;
