//! The phase-locked loop over sync positions: a phase accumulator in 2⁻³² ticks, integers only,
//! no division.
//!
//! A position is expected at `due`; the first edge within a window around it measures the phase
//! error, a proportional-integral filter corrects phase and period. Gains and window narrow as
//! edges are found ([`GEARS`]). Positions without a pulse are passed over on the last period.

use helio_units::{FineTicks, Ticks};

/// Stated range of the clocks' offset, in parts per million. The loop clamps its period at
/// 120 · 2⁻²⁰ (114 ppm), so that noise at the edge of the range does not stick to the clamp.
pub const ACQUISITION_PPM: u32 = 100;

/// Longest distance of two sync positions, in ticks: the phase error then fits 64 bits.
pub const MAX_SYNC_PERIOD: u64 = 1 << 30;

/// Gains as negative powers of two, and the number of edges up to which they hold.
///
/// The damping ratio `kp / (2 √ki)` lies between 1 and 2 throughout. The last gear averages over
/// some 64 edges in phase and 512 in frequency: the quantisation of edges to whole ticks (0.29
/// ticks rms) leaves 0.03 ticks of phase noise, and a drift of 10 ppb a second lags by far less.
const GEARS: [Gear; 5] = [
    Gear { until: 16, kp: 1, ki: 4, wide: true },
    Gear { until: 64, kp: 3, ki: 7, wide: true },
    Gear { until: 256, kp: 4, ki: 10, wide: false },
    Gear { until: 1024, kp: 5, ki: 13, wide: false },
    Gear { until: u32::MAX, kp: 6, ki: 15, wide: false },
];

/// Positions in a row without an edge after which phase is looked for anew; the sequence itself
/// has at most 30.
const MISSES_LOST: u32 = 128;

/// Edges outside the window, beyond those inside, that show a new anchor to be a false edge.
const STRAYS_LOST: u32 = 4;

#[derive(Clone, Copy, Debug)]
struct Gear {
    until: u32,
    kp: u32,
    ki: u32,
    wide: bool,
}

/// What became of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It was taken for the coming position, or lies outside its window.
    Edge,
    /// It is the new start of the search for phase.
    Reanchored,
}

/// The loop.
#[derive(Clone, Debug)]
pub struct Pll {
    /// Nominal distance of positions, 2⁻³² ticks.
    nominal: i64,
    /// Measured distance less the nominal one, 2⁻³² ticks.
    deviation: i64,
    /// When the coming position is expected.
    due: FineTicks,
    /// Whole ticks of the coming position's window, both ends inside.
    window: (u64, u64),
    /// Phase error of the edge that was found in it.
    error: Option<i64>,
    anchored: bool,
    gear: usize,
    hits: u32,
    misses: u32,
    strays: u32,
    /// Half widths of the window, in ticks.
    wide: u64,
    narrow: u64,
}

impl Pll {
    /// For positions `period` ticks apart, of slots of `slot_ticks`.
    ///
    /// The wide window is 1/64 of the period: five times what a clock 100 ppm off drifts over the
    /// longest pause of the sequence. The narrow one is an eighth of a slot, at least 2 ticks.
    pub fn new(period: u64, slot_ticks: u32) -> Pll {
        let period = period.min(MAX_SYNC_PERIOD);
        Pll {
            nominal: (period << FineTicks::FRACTION_BITS) as i64,
            deviation: 0,
            due: FineTicks(0),
            window: (0, 0),
            error: None,
            anchored: false,
            gear: 0,
            hits: 0,
            misses: 0,
            strays: 0,
            wide: (period >> 6) + 2,
            narrow: u64::from(slot_ticks >> 3).max(2),
        }
    }

    /// Whether positions are being followed.
    pub fn is_anchored(&self) -> bool {
        self.anchored
    }

    /// Whether phase and period are still too rough to read bits.
    pub fn settling(&self) -> bool {
        GEARS[self.gear].wide
    }

    /// Whether phase and period are good enough to number slots by them.
    pub fn is_settled(&self) -> bool {
        self.anchored && self.gear >= 3
    }

    /// When the coming position is expected.
    pub fn due(&self) -> FineTicks {
        self.due
    }

    /// The measured distance of positions.
    pub fn period(&self) -> FineTicks {
        FineTicks(i128::from(self.nominal + self.deviation))
    }

    /// Measured less nominal distance, 2⁻³² ticks.
    pub fn deviation(&self) -> i64 {
        self.deviation
    }

    /// Whether the window of the coming position lies wholly before `tick`.
    #[inline]
    pub fn has_passed(&self, tick: Ticks) -> bool {
        self.anchored && tick.0 > self.window.1
    }

    /// Whether an edge was found in the window of the coming position.
    pub fn present(&self) -> bool {
        self.error.is_some()
    }

    /// An edge, after all windows before it have been passed.
    #[inline]
    pub fn offer(&mut self, tick: Ticks) -> Heard {
        if !self.anchored {
            self.anchor(tick);
            return Heard::Reanchored;
        }
        if tick.0 >= self.window.0 {
            if self.error.is_none() {
                self.error = Some((middle(tick).0 - self.due.0) as i64);
            }
            return Heard::Edge;
        }
        if self.settling() {
            self.strays += 1;
            if self.strays >= self.hits + STRAYS_LOST {
                self.anchor(tick);
                return Heard::Reanchored;
            }
        }
        Heard::Edge
    }

    /// Goes on to the next position; `correct` says whether the edge found is a measurement.
    pub fn advance(&mut self, correct: bool) {
        let mut step = self.nominal + self.deviation;
        match self.error.take() {
            Some(error) if correct => {
                let gear = GEARS[self.gear];
                step += error >> gear.kp;
                let limit = (self.nominal >> 20) * i64::from(ACQUISITION_PPM + 20);
                self.deviation = (self.deviation + (error >> gear.ki)).clamp(-limit, limit);
                self.misses = 0;
                self.hits = self.hits.saturating_add(1);
                if self.hits >= gear.until && self.gear + 1 < GEARS.len() {
                    self.gear += 1;
                }
            }
            _ => {
                self.misses += 1;
                if self.misses >= MISSES_LOST {
                    self.anchored = false;
                }
            }
        }
        self.due = FineTicks(self.due.0 + i128::from(step));
        self.place_window();
    }

    /// Looks for the phase anew and keeps the period.
    pub fn drop_anchor(&mut self) {
        self.anchored = false;
    }

    fn anchor(&mut self, tick: Ticks) {
        self.anchored = true;
        self.gear = 0;
        (self.hits, self.misses, self.strays) = (0, 0, 0);
        self.error = None;
        self.due = FineTicks(middle(tick).0 + i128::from(self.nominal + self.deviation));
        self.place_window();
    }

    fn place_window(&mut self) {
        let half = if GEARS[self.gear].wide { self.wide } else { self.narrow };
        let centre = self.due.floor().0;
        self.window = (centre.saturating_sub(half), centre + half);
    }
}

/// An edge in tick `n` happened between `n` and `n + 1`: half a tick later on average.
fn middle(tick: Ticks) -> FineTicks {
    FineTicks(FineTicks::from_ticks(tick).0 + (1 << (FineTicks::FRACTION_BITS - 1)))
}
