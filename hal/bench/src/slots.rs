//! Data plane, outwards: what the pins do in each slot, and when slots begin.

use crate::table::codes;
use helio_units::{FineTicks, SlotIndex, Ticks};

/// The two bases of BB84 by their role: raw key comes from one, phase errors are bounded from the
/// other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Basis {
    /// Horizontal and vertical polarization.
    Key = 0,
    /// Diagonal and antidiagonal polarization.
    Test = 1,
}

/// The four states of Alice's polarization modulator.
///
/// Bit 1 of the code is the basis, bit 0 the bit value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Polarization {
    /// 0°, key basis, bit 0.
    H = 0,
    /// 90°, key basis, bit 1.
    V = 1,
    /// 45°, test basis, bit 0.
    D = 2,
    /// 135°, test basis, bit 1.
    A = 3,
}

impl Polarization {
    /// All states in order of their code.
    pub const ALL: [Polarization; 4] =
        [Polarization::H, Polarization::V, Polarization::D, Polarization::A];

    /// From the low two bits of `code`.
    pub const fn from_code(code: u8) -> Polarization {
        Polarization::ALL[(code & 3) as usize]
    }

    /// The state that carries `bit` in `basis`.
    pub const fn new(basis: Basis, bit: bool) -> Polarization {
        Polarization::from_code((basis as u8) << 1 | bit as u8)
    }

    /// The basis of this state.
    pub const fn basis(self) -> Basis {
        if self as u8 & 2 == 0 { Basis::Key } else { Basis::Test }
    }

    /// The bit this state carries.
    pub const fn bit(self) -> bool {
        self as u8 & 1 == 1
    }
}

/// Which preset level the pulse has: an index into [`crate::PulseSource::levels`], brightest
/// first. Two bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Intensity(pub u8);

/// The four settings of an active receiver's modulator in front of two detectors.
///
/// Bit 0 of the code is the basis, bit 1 swaps the roles of the detectors: without swap detector 0
/// means bit 0, with swap it means bit 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReceiverSetting {
    /// The basis measured in.
    pub basis: Basis,
    /// Whether the detectors' roles are exchanged.
    pub swap: bool,
}

impl ReceiverSetting {
    /// Two bits: `swap << 1 | basis`.
    pub const fn code(self) -> u8 {
        (self.swap as u8) << 1 | self.basis as u8
    }

    /// From the low two bits of `code`.
    pub const fn from_code(code: u8) -> ReceiverSetting {
        let basis = if code & 1 == 0 { Basis::Key } else { Basis::Test };
        ReceiverSetting { basis, swap: code & 2 != 0 }
    }
}

/// The state of the output pins during one slot, as a slot player clocks them out.
///
/// | bits | pins |
/// |---|---|
/// | 0 | laser trigger |
/// | 1–2 | modulator select: [`Polarization`] at Alice, [`ReceiverSetting`] at Bob |
/// | 3–4 | intensity select: [`Intensity`] |
/// | 5 | detector gate, see [`SlotPlayer::set_gate`] |
/// | 6 | sync marker (drives SYNC OUT or the sync laser) |
/// | 7–15 | zero |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct SlotWord(pub u16);

impl SlotWord {
    /// All pins low: no light, modulator at rest.
    pub const DARK: SlotWord = SlotWord(0);

    /// A pulse of Alice's laser.
    pub const fn pulse(intensity: Intensity, polarization: Polarization) -> SlotWord {
        SlotWord(1 | (polarization as u16) << 1 | (intensity.0 as u16 & 3) << 3)
    }

    /// A slot of Bob's receiver, gate open.
    pub const fn receive(setting: ReceiverSetting) -> SlotWord {
        SlotWord((setting.code() as u16) << 1 | 1 << 5)
    }

    /// A public sync slot: the signal laser stays dark, `marker` drives the sync output.
    pub const fn sync(marker: bool) -> SlotWord {
        SlotWord((marker as u16) << 6)
    }

    /// Whether the laser is triggered.
    pub const fn trigger(self) -> bool {
        self.0 & 1 != 0
    }

    /// The two modulator pins.
    pub const fn modulator(self) -> u8 {
        (self.0 >> 1 & 3) as u8
    }

    /// The two intensity pins.
    pub const fn intensity(self) -> Intensity {
        Intensity((self.0 >> 3 & 3) as u8)
    }

    /// Whether the detector gate is open.
    pub const fn gate(self) -> bool {
        self.0 & 1 << 5 != 0
    }

    /// The sync marker.
    pub const fn marker(self) -> bool {
        self.0 & 1 << 6 != 0
    }
}

/// Why a slot player took no words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayerError {
    /// More words than [`SlotPlayer::space`]; none was taken.
    Full,
    /// The player stands still: [`SlotPlayer::begin`] was not called since the last halt.
    Halted,
}

impl core::fmt::Display for PlayerError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            PlayerError::Full => "more slot words than the player has space for",
            PlayerError::Halted => "the slot player was not begun",
        })
    }
}

impl core::error::Error for PlayerError {}

/// Plays slot words on the output pins, one word a slot, without gaps between words.
///
/// A player holds at most 1 ms of slots, so that a firmware that stops feeding it goes dark within
/// that time: a player that has run out of words parks all pins low and counts the slots it
/// missed. It never repeats a word.
pub trait SlotPlayer {
    /// Begins a train: the next word queued belongs to slot `first`, at the time the slot clock
    /// gives to that slot; at Alice, whose slot clock is the device's own, soon after
    /// [`SlotPlayer::go`].
    fn begin(&mut self, first: SlotIndex);

    /// The first words are queued, and as many as there was room for. Where slots begin when they
    /// can, a player that has no time to spare between its begin and its first word begins here.
    ///
    /// # Errors
    /// [`PlayerError::Halted`]: it cannot begin.
    fn go(&mut self) -> Result<(), PlayerError> {
        Ok(())
    }

    /// How many words can be queued now.
    fn space(&self) -> usize;

    /// Words of the train that have been queued and whose slots are not over. The slot that plays
    /// counts: halted now, it would not be whole.
    fn queued(&self) -> usize;

    /// Queues words for the next slots.
    ///
    /// # Errors
    /// [`PlayerError`]; no word was taken.
    fn play(&mut self, words: &[SlotWord]) -> Result<(), PlayerError>;

    /// Drops what is queued and parks all pins low, at most one slot later.
    fn halt(&mut self);

    /// Slots that found the queue empty since the start of the device. Each stayed dark.
    fn starved(&self) -> u64;

    /// Whether [`SlotPlayer::set_gate`] does what it is told.
    fn gates(&self) -> bool {
        false
    }

    /// Which windows [`SlotPlayer::set_gate`] can be given.
    fn gate_limits(&self) -> GateLimits {
        GateLimits::NONE
    }

    /// From now on, and while no train runs: detectors are open in this window of each slot whose
    /// word has the gate pin, and closed at every other time; above all where no word is played,
    /// because the train was halted, starved, or never begun. `None`: always open, whatever the
    /// pin. Within
    /// [`SlotPlayer::gate_limits`]. Called where [`SlotPlayer::gates`] only.
    fn set_gate(&mut self, _window: Option<GateWindow>) {}
}

/// Where slots lie in device time: slot `s` begins at `start + (s − slot) · period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotTiming {
    /// The slot this timing begins with.
    pub slot: SlotIndex,
    /// When that slot begins.
    pub start: FineTicks,
    /// Length of a slot, in 2⁻³² ticks.
    pub period: FineTicks,
}

impl SlotTiming {
    /// When slot `s` begins; slots before [`SlotTiming::slot`] are extrapolated.
    pub const fn start_of(&self, s: SlotIndex) -> FineTicks {
        FineTicks(self.start.0 + (s.0 as i128 - self.slot.0 as i128) * self.period.0)
    }
}

/// Why a slot clock keeps its old timing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SteerError {
    /// The timing's slot has begun, or begins before the clock can.
    TooLate {
        /// The device's time.
        now: Ticks,
    },
    /// The timing's slot is further ahead than the clock can wait.
    TooFar {
        /// The device's time.
        now: Ticks,
    },
}

impl core::fmt::Display for SteerError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            SteerError::TooLate { now } => write!(f, "the slot is too near (now {})", now.0),
            SteerError::TooFar { now } => write!(f, "the slot is too far ahead (now {})", now.0),
        }
    }
}

impl core::error::Error for SteerError {}

codes! {
    /// What a receiver's slot clock follows.
    SlotClockMode {
        /// Nothing: slots have no numbers on the device and the host finds them. Neither gates nor
        /// an active basis go with it.
        Free = 0,
        /// Sync pulses, from a wire or a photodiode.
        Sync = 1,
        /// The host, which steers it.
        Steered = 2,
    }
}

/// The part of each slot in which a gated detector is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateWindow {
    /// From the begin of the slot, in ticks.
    pub start: u32,
    /// In ticks, not zero.
    pub width: u32,
}

/// What a player needs of a slot beside the gate's window, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateLimits {
    /// From the begin of the slot to the window, or more.
    pub start: u32,
    /// Of the window, or more.
    pub width: u32,
    /// From the window to the end of the slot, or more.
    pub rest: u32,
}

impl GateLimits {
    /// Any window within the slot.
    pub const NONE: GateLimits = GateLimits { start: 0, width: 1, rest: 0 };
}

/// The slot clock of a receiver: a phase accumulator that places each slot boundary on a whole
/// tick, so that slots are one tick longer or shorter now and then and never drift.
pub trait SlotClock {
    /// Uses `timing` from its slot on.
    ///
    /// # Errors
    /// [`SteerError`] where the clock cannot begin that slot in its tick; the old timing stays.
    fn steer(&mut self, timing: SlotTiming) -> Result<(), SteerError>;
}
