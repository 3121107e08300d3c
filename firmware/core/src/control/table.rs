//! The table of settings: the firmware's own entries, then the board's.

use crate::kept::Kept;
use crate::planes::{Counters, DEAD_TIMES};
use heapless::Vec;
use helio_bench::{
    Access, Board, BootCause, Entry, InterlockState, PartFault, SettingsSource, Unit,
};
use helio_units::{Picoseconds, Ticks};
use helio_wire::{ErrorCode, HostMessage};

use super::state::Refused;

/// Changes that may wait for their tick.
const WAITING: usize = 8;

/// Entries that only the firmware writes, in order of their index.
const COUNTED: [(&str, Unit); 15] = [
    ("boot.cause", Unit::None),
    ("count.boots", Unit::None),
    ("count.trips.heartbeat", Unit::None),
    ("count.trips.frames", Unit::None),
    ("count.trips.command", Unit::None),
    ("count.trips.random", Unit::None),
    ("count.trips.link", Unit::None),
    ("count.trips.player", Unit::None),
    ("count.trips.contact", Unit::None),
    ("count.slots", Unit::Slots),
    ("count.edges", Unit::None),
    ("count.edges.lost", Unit::None),
    ("count.early", Unit::None),
    ("random.source", Unit::None),
    ("random.queue", Unit::Bytes),
];

/// Dead times of the detectors, one a channel.
const DEAD_TIME: [&str; DEAD_TIMES] = [
    "detector.dead_time.0",
    "detector.dead_time.1",
    "detector.dead_time.2",
    "detector.dead_time.3",
    "detector.dead_time.4",
    "detector.dead_time.5",
    "detector.dead_time.6",
    "detector.dead_time.7",
];

/// Delays of the pulses, in order of the states' codes.
const DELAY: [&str; 4] = ["laser.delay.h", "laser.delay.v", "laser.delay.d", "laser.delay.a"];

/// A change that waits for its tick.
#[derive(Clone, Copy)]
struct Change {
    command: u32,
    index: u16,
    value: i64,
    from: Ticks,
}

/// What an index stands for.
enum Place {
    Counted(usize),
    DeadTime(usize),
    Delay(usize),
    Board(u16),
}

pub(crate) struct Table<B> {
    pub board: B,
    pub kept: Kept,
    pub counters: Counters,
    pub source: SettingsSource,
    /// Random bytes of the host's that wait.
    pub queued: u64,
    pub dead_times: [u32; DEAD_TIMES],
    /// In picoseconds.
    pub delays: [i32; DELAY.len()],
    /// Within which; `None` without such entries.
    delay_range: Option<(i32, i32)>,
    cause: BootCause,
    channels: usize,
    waiting: Vec<Change, WAITING>,
}

impl<B: Board> Table<B> {
    /// Just booted: counts that, and remembers it.
    pub fn new(
        mut board: B,
        channels: u8,
        delay_range: Option<(Picoseconds, Picoseconds)>,
    ) -> Table<B> {
        let ps = |delay: Picoseconds| delay.0.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        let before = board.kept().and_then(|bytes| Kept::recover(bytes));
        let mut kept = before.unwrap_or_default();
        let cause = if kept.ordered { BootCause::Command } else { board.boot_cause() };
        kept.ordered = false;
        kept.boots = kept.boots.saturating_add(1);
        let mut table = Table {
            board,
            kept,
            counters: Counters::default(),
            source: SettingsSource::Own,
            queued: 0,
            dead_times: [0; DEAD_TIMES],
            delays: [0; DELAY.len()],
            delay_range: delay_range.map(|(min, max)| (ps(min), ps(max))),
            cause,
            channels: usize::from(channels).min(DEAD_TIMES),
            waiting: Vec::new(),
        };
        table.store();
        table
    }

    /// Writes what outlives a reset.
    pub fn store(&mut self) {
        let kept = self.kept.with(&self.counters);
        if let Some(bytes) = self.board.kept() {
            kept.store(bytes);
        }
    }

    /// Number of entries.
    pub fn len(&self) -> u16 {
        let own = (COUNTED.len() + self.channels + self.delayed()) as u16;
        own.saturating_add(self.board.entries())
    }

    /// Entries of delays.
    fn delayed(&self) -> usize {
        if self.delay_range.is_some() { DELAY.len() } else { 0 }
    }

    fn place(&self, index: u16) -> Option<Place> {
        let at = usize::from(index);
        if at < COUNTED.len() {
            return Some(Place::Counted(at));
        }
        let at = at - COUNTED.len();
        if at < self.channels {
            return Some(Place::DeadTime(at));
        }
        let at = at - self.channels;
        if at < self.delayed() {
            return Some(Place::Delay(at));
        }
        let at = (at - self.delayed()) as u16;
        (at < self.board.entries()).then_some(Place::Board(at))
    }

    /// What an entry is; `None` past the end.
    pub fn entry(&self, index: u16) -> Option<Entry<'_>> {
        Some(match self.place(index)? {
            Place::Counted(at) => {
                let (name, unit) = COUNTED[at];
                Entry { name, unit, access: Access::ReadOnly, min: 0, max: i64::MAX }
            }
            Place::DeadTime(at) => Entry {
                name: DEAD_TIME[at],
                unit: Unit::Ticks,
                access: Access::WhenSafe,
                min: 0,
                max: u32::MAX.into(),
            },
            Place::Delay(at) => {
                let (min, max) = self.delay_range?;
                Entry {
                    name: DELAY[at],
                    unit: Unit::Picoseconds,
                    access: Access::Always,
                    min: min.into(),
                    max: max.into(),
                }
            }
            Place::Board(at) => self.board.entry(at)?,
        })
    }

    /// The value of an entry; 0 past the end.
    pub fn read(&mut self, index: u16) -> i64 {
        let kept = self.kept.with(&self.counters);
        let long = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        match self.place(index) {
            Some(Place::Counted(at)) => match at {
                0 => self.cause.code().into(),
                1 => kept.boots.into(),
                2..=8 => kept.trips[at - 2].into(),
                9 => long(kept.slots),
                10 => long(kept.edges),
                11 => long(kept.lost_edges),
                12 => long(self.counters.early_edges),
                13 => self.source.code().into(),
                _ => long(self.queued),
            },
            Some(Place::DeadTime(at)) => self.dead_times[at].into(),
            Some(Place::Delay(at)) => self.delays[at].into(),
            Some(Place::Board(at)) => self.board.read(at),
            None => 0,
        }
    }

    fn write(&mut self, index: u16, value: i64) -> Result<(), PartFault> {
        match self.place(index) {
            Some(Place::DeadTime(at)) => {
                self.dead_times[at] = u32::try_from(value).map_err(|_| PartFault)?;
                Ok(())
            }
            Some(Place::Delay(at)) => {
                self.delays[at] = i32::try_from(value).map_err(|_| PartFault)?;
                Ok(())
            }
            Some(Place::Board(at)) => self.board.write(at, value),
            _ => Err(PartFault),
        }
    }

    /// Makes a change now (`true`) or keeps it for its tick.
    pub fn set(
        &mut self,
        (command, index, value, from): (u32, u16, i64, Ticks),
        state: InterlockState,
        now: Ticks,
    ) -> Result<bool, Refused> {
        self.check(index, value, state)?;
        if from.0 == 0 {
            return self.change(index, value).map(|()| true);
        }
        if from < now {
            return Err(Refused(ErrorCode::TooLate, 0));
        }
        let change = Change { command, index, value, from };
        self.waiting.push(change).map_err(|_| Refused(ErrorCode::Full, 0))?;
        Ok(false)
    }

    /// Whether a value may be written.
    fn check(&self, index: u16, value: i64, state: InterlockState) -> Result<(), Refused> {
        let entry = self.entry(index).ok_or(Refused(ErrorCode::OutOfRange, 0))?;
        let allowed = match entry.access {
            Access::ReadOnly => false,
            Access::WhenSafe => state == InterlockState::Safe,
            Access::Always => true,
        };
        if !allowed {
            return Err(Refused(ErrorCode::WrongState, 0));
        }
        if value < entry.min || value > entry.max {
            return Err(Refused(ErrorCode::OutOfRange, HostMessage::AT_SET_VALUE));
        }
        Ok(())
    }

    fn change(&mut self, index: u16, value: i64) -> Result<(), Refused> {
        self.write(index, value).map_err(|PartFault| Refused(ErrorCode::Failed, 0))
    }

    /// Makes a change whose tick has come and says which command it was of. Changes of the same
    /// tick are made in the order in which they came.
    pub fn due(&mut self, state: InterlockState, now: Ticks) -> Option<(u32, Result<(), Refused>)> {
        let due = self.waiting.iter().enumerate().filter(|(_, change)| change.from <= now);
        let (at, _) = due.min_by_key(|(_, change)| change.from)?;
        let Change { command, index, value, .. } = self.waiting.remove(at);
        let made = self.check(index, value, state).and_then(|()| self.change(index, value));
        Some((command, made))
    }
}
