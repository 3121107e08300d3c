//! When the laser may fire: a pure state machine over device time.
//!
//! It knows nothing of frames and drives no pin; [`crate::Control`] feeds it and obeys it. It is
//! the second barrier: the first is hardware that needs no firmware (a pull-down, a monostable
//! fed by the firmware's heartbeat, an interlock contact).
//!
//! | from | to | by |
//! |---|---|---|
//! | `Safe` | `Armed` | arming with a nonce other than the last one |
//! | `Armed` | `Emitting` | start |
//! | `Emitting` | `Armed` | the end of the run |
//! | `Armed`, `Emitting` | `Safe` | disarming |
//! | any but `Tripped` | `Tripped(cause)` | a fault; the first cause stays |
//! | `Tripped(cause)` | `Safe` | clearing that very cause |
//!
//! The loss of a host (no heartbeat, link reset) is a fault only while there is something to
//! supervise: armed, emitting, or a receiver that runs. A receiver has no light; its run leaves
//! the state where it is and is watched all the same.

use helio_bench::{InterlockState, TripCause};
use helio_units::{Picoseconds, TickLength, Ticks};

/// A host that is silent for so long is gone: the deadline of a heartbeat less the longest time
/// between two polls, so that a device polled each millisecond is dark 250 ms after the last
/// heartbeat, and a halt that takes another millisecond still ends within 251 ms.
pub const HEARTBEAT_DEADLINE: Picoseconds = Picoseconds(249_000_000_000);

/// How long the data plane may go on by itself after the last heartbeat that it heard of.
pub const PERMIT: Picoseconds = Picoseconds(250_000_000_000);

/// Bad frames within [`BAD_FRAME_WINDOW`] that a working cable may make; one more trips.
pub const BAD_FRAMES_TOLERATED: usize = 16;

/// The window over which bad frames are counted.
pub const BAD_FRAME_WINDOW: Picoseconds = Picoseconds(1_000_000_000_000);

/// Why a request was refused. The state has not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not in this state.
    WrongState,
    /// This nonce armed the device last time.
    NonceReused,
}

/// The interlock of one device.
#[derive(Clone, Debug)]
pub struct Interlock {
    state: InterlockState,
    receiver_runs: bool,
    last_nonce: Option<u32>,
    alive_at: Ticks,
    deadline: u64,
    permit: u64,
    bad_frames: BadFrames,
}

impl Interlock {
    /// `Safe`, as after every reset.
    pub fn new(tick: TickLength) -> Interlock {
        Interlock {
            state: InterlockState::Safe,
            receiver_runs: false,
            last_nonce: None,
            alive_at: Ticks(0),
            // Spans that light may last are rounded down to whole ticks, not up.
            deadline: tick.ticks_covering(HEARTBEAT_DEADLINE).0.saturating_sub(1).max(1),
            permit: tick.ticks_covering(PERMIT).0.saturating_sub(1).max(1),
            bad_frames: BadFrames::new(tick.ticks_covering(BAD_FRAME_WINDOW)),
        }
    }

    /// Where it stands.
    pub fn state(&self) -> InterlockState {
        self.state
    }

    /// Whether the laser may fire.
    pub fn may_emit(&self) -> bool {
        self.state == InterlockState::Emitting
    }

    /// Until when the data plane may go on without hearing from the control plane.
    pub fn permit_until(&self) -> Ticks {
        Ticks(self.alive_at.0.saturating_add(self.permit))
    }

    /// To be called at each poll, before commands are looked at: trips on a deadline that has
    /// passed.
    pub fn tick(&mut self, now: Ticks) {
        if self.supervised() && now.0.saturating_sub(self.alive_at.0) >= self.deadline {
            self.trip(TripCause::HeartbeatLost);
        }
    }

    /// The host is alive.
    pub fn heartbeat(&mut self, now: Ticks) {
        self.alive_at = now;
    }

    /// `Safe → Armed`; the heartbeat deadline runs from here.
    ///
    /// # Errors
    /// Any other state, or the nonce of the last arming.
    pub fn arm(&mut self, nonce: u32, now: Ticks) -> Result<(), Refusal> {
        if self.state != InterlockState::Safe {
            return Err(Refusal::WrongState);
        }
        if self.last_nonce == Some(nonce) {
            return Err(Refusal::NonceReused);
        }
        self.last_nonce = Some(nonce);
        self.state = InterlockState::Armed;
        self.alive_at = now;
        Ok(())
    }

    /// To `Safe`, and a receiver's run ends.
    ///
    /// # Errors
    /// Tripped: that needs [`Interlock::clear`].
    pub fn disarm(&mut self) -> Result<(), Refusal> {
        if let InterlockState::Tripped(_) = self.state {
            return Err(Refusal::WrongState);
        }
        self.state = InterlockState::Safe;
        self.receiver_runs = false;
        Ok(())
    }

    /// `Armed → Emitting`. The heartbeat deadline is not renewed.
    ///
    /// # Errors
    /// Any state but `Armed`.
    pub fn start_emitting(&mut self) -> Result<(), Refusal> {
        if self.state != InterlockState::Armed {
            return Err(Refusal::WrongState);
        }
        self.state = InterlockState::Emitting;
        Ok(())
    }

    /// A receiver begins its run; the heartbeat deadline runs from here.
    ///
    /// # Errors
    /// Tripped, or running already.
    pub fn start_receiving(&mut self, now: Ticks) -> Result<(), Refusal> {
        if self.receiver_runs || !matches!(self.state, InterlockState::Safe | InterlockState::Armed)
        {
            return Err(Refusal::WrongState);
        }
        self.receiver_runs = true;
        self.alive_at = now;
        Ok(())
    }

    /// The run is over: `Emitting → Armed`; a receiver is not supervised any more.
    pub fn run_ended(&mut self) {
        self.receiver_runs = false;
        if self.state == InterlockState::Emitting {
            self.state = InterlockState::Armed;
        }
    }

    /// `Tripped(cause) → Safe`.
    ///
    /// # Errors
    /// Not tripped, or for another cause.
    pub fn clear(&mut self, cause: TripCause) -> Result<(), Refusal> {
        if self.state != InterlockState::Tripped(cause) {
            return Err(Refusal::WrongState);
        }
        self.state = InterlockState::Safe;
        self.bad_frames.forget();
        Ok(())
    }

    /// A fault: dark until it is cleared. A later cause does not hide the first one.
    pub fn fault(&mut self, cause: TripCause) {
        if cause != TripCause::LinkReset || self.supervised() {
            self.trip(cause);
        }
    }

    /// A frame from the host failed its framing or its checksum.
    pub fn bad_frame(&mut self, now: Ticks) {
        if self.bad_frames.count(now) {
            self.trip(TripCause::BadFrames);
        }
    }

    fn supervised(&self) -> bool {
        self.receiver_runs || matches!(self.state, InterlockState::Armed | InterlockState::Emitting)
    }

    fn trip(&mut self, cause: TripCause) {
        self.receiver_runs = false;
        if !matches!(self.state, InterlockState::Tripped(_)) {
            self.state = InterlockState::Tripped(cause);
        }
    }
}

/// The times of the last bad frames: exact, not a leaky count.
#[derive(Clone, Debug)]
struct BadFrames {
    window: Ticks,
    times: [Option<Ticks>; BAD_FRAMES_TOLERATED],
    oldest: usize,
}

impl BadFrames {
    fn new(window: Ticks) -> BadFrames {
        BadFrames { window, times: [None; BAD_FRAMES_TOLERATED], oldest: 0 }
    }

    /// Notes one more; whether there are now more within the window than tolerated.
    fn count(&mut self, now: Ticks) -> bool {
        let displaced = self.times[self.oldest].replace(now);
        self.oldest = (self.oldest + 1) % BAD_FRAMES_TOLERATED;
        displaced.is_some_and(|t| now.0.saturating_sub(t.0) < self.window.0)
    }

    fn forget(&mut self) {
        self.times = [None; BAD_FRAMES_TOLERATED];
    }
}

#[cfg(test)]
mod tests;
