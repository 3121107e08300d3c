//! Clicks that wait for their slot: tags with their channel's delay taken off, in order.

use super::batch::SlotCounters;
use super::config::SlotterConfig;
use crate::tag::Tag;

/// A tag with its delay taken off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Click {
    pub tick: u64,
    /// In 2⁻³² ticks.
    pub fraction: u32,
    pub channel: u32,
}

impl Click {
    /// In 2⁻³² ticks.
    pub fn time(self) -> i128 {
        (i128::from(self.tick) << 32) | i128::from(self.fraction)
    }

    /// The low 64 bits of [`Click::time`]: exact for differences below 2³¹ ticks.
    pub fn time_low(self) -> u64 {
        self.tick << 32 | u64::from(self.fraction)
    }

    fn key(self) -> (u64, u32) {
        (self.tick, self.fraction)
    }
}

/// What to add to a channel's ticks: minus its delay.
#[derive(Clone, Copy, Debug, Default)]
struct Shift {
    ticks: i64,
    fraction: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Intake {
    shifts: [Shift; 8],
    channels: u32,
    waiting: Vec<Click>,
    /// Clicks at the front of `waiting` that have been used.
    used: usize,
}

impl Intake {
    pub fn new(config: &SlotterConfig) -> Intake {
        let mut shifts = [Shift::default(); 8];
        for (shift, delay) in shifts.iter_mut().zip(&config.delays) {
            let minus = -delay.0;
            *shift = Shift { ticks: (minus >> 32) as i64, fraction: minus as u32 };
        }
        Intake { shifts, channels: config.delays.len() as u32, waiting: Vec::new(), used: 0 }
    }

    /// Takes tags in; those before `floor` (a raw tick), and those out of order, are counted and
    /// ignored.
    pub fn push(&mut self, tags: &[Tag], mut floor: u64, counters: &mut SlotCounters) {
        self.waiting.drain(..self.used);
        self.used = 0;
        self.waiting.reserve(tags.len());
        let mut newest = self.waiting.last().map_or((0, 0), |c| c.key());
        for tag in tags {
            if tag.tick < floor {
                counters.late_tags += 1;
                continue;
            }
            floor = tag.tick;
            if tag.channel >= self.channels {
                counters.foreign += 1;
                continue;
            }
            let channel = tag.channel & 7;
            counters.clicks[channel as usize] += 1;
            let Shift { ticks, fraction } = self.shifts[channel as usize];
            let click = Click { tick: tag.tick.saturating_add_signed(ticks), fraction, channel };
            self.waiting.push(click);
            if click.key() < newest {
                self.settle_last();
            } else {
                newest = click.key();
            }
        }
    }

    /// Moves the last click to its place. Unequal delays disorder clicks by no more than the
    /// difference of the delays, so the way is short.
    fn settle_last(&mut self) {
        let mut at = self.waiting.len() - 1;
        while at > 0 && self.waiting[at].key() < self.waiting[at - 1].key() {
            self.waiting.swap(at, at - 1);
            at -= 1;
        }
    }

    /// Takes out the waiting clicks before `limit`.
    pub fn take_before(&mut self, limit: i128) -> &[Click] {
        let from = self.used;
        let waiting = &self.waiting[from..];
        let count = match waiting.last() {
            Some(last) if last.time() < limit => waiting.len(),
            _ => waiting.partition_point(|c| c.time() < limit),
        };
        self.used += count;
        &self.waiting[from..from + count]
    }
}
