//! Delays that can be set in steps of picoseconds, by tables that a loopback measured.
//!
//! These chips cannot be read: what a code does is known by measuring it, pulse output to tag
//! input, code by code. Neighbouring codes need not be in order (the SY89297U states −5 ps to
//! +25 ps a step), so a delay is looked up among what was measured, not computed. The nearest of a
//! fixed set of delays never falls when what is asked for rises: that is all that monotonic means
//! here, and no table can break it.

use helio_units::Picoseconds;

/// Codes of a ten-bit delay.
pub const CODES: usize = 1024;

/// 1.2 ticks of the reference board's 20000/3 ps: what a fine delay must span, so that with the
/// tick it reaches every time and has something left for drift.
pub const SPAN_NEEDED: Picoseconds = Picoseconds(8_000);

/// What was set instead of what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen<Code> {
    /// What goes to the chip.
    pub code: Code,
    /// The delay that the table gives it.
    pub delay: Picoseconds,
}

/// Why a delay cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelayError {
    /// It is shorter or longer than every code's.
    OutOfRange {
        /// What was asked for.
        asked: Picoseconds,
        /// The shortest delay of the table.
        shortest: Picoseconds,
        /// The longest delay of the table.
        longest: Picoseconds,
    },
    /// The codes span less than asked for.
    SpanTooShort {
        /// What the table spans.
        span: Picoseconds,
        /// What it should.
        needed: Picoseconds,
    },
}

impl core::fmt::Display for DelayError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            DelayError::OutOfRange { asked, shortest, longest } => write!(
                f,
                "a delay of {} ps is outside {} ps to {} ps",
                asked.0, shortest.0, longest.0
            ),
            DelayError::SpanTooShort { span, needed } => write!(
                f,
                "the delay spans {} ps, and {} ps are needed: measure it again, or put two in series",
                span.0, needed.0
            ),
        }
    }
}

impl core::error::Error for DelayError {}

/// The delay of each code, and whether anybody measured it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayTable {
    delays: [i32; CODES],
    measured: bool,
}

impl DelayTable {
    /// From a loopback, in picoseconds, code by code; delays beyond ±2 ms are cut to that.
    pub fn measured(delays: &[Picoseconds; CODES]) -> DelayTable {
        let cut = |ps: Picoseconds| ps.0.clamp(-2_000_000_000, 2_000_000_000) as i32;
        DelayTable { delays: delays.map(cut), measured: true }
    }

    /// What a data sheet says of a typical part: good enough to begin a loopback with, and for
    /// nothing else.
    pub const fn nominal(shortest_ps: i32, step_ps: i32) -> DelayTable {
        let mut delays = [0; CODES];
        let mut code = 0;
        while code < CODES {
            delays[code] = shortest_ps + step_ps * code as i32;
            code += 1;
        }
        DelayTable { delays, measured: false }
    }

    /// Whether it comes from a loopback.
    pub const fn is_measured(&self) -> bool {
        self.measured
    }

    /// The delay of a code; its low ten bits count.
    pub const fn delay(&self, code: u16) -> Picoseconds {
        Picoseconds(self.delays[code as usize % CODES] as i64)
    }

    /// Shortest and longest delay.
    pub fn ends(&self) -> (Picoseconds, Picoseconds) {
        let ends = self
            .delays
            .iter()
            .fold((i32::MAX, i32::MIN), |(low, high), delay| (low.min(*delay), high.max(*delay)));
        (Picoseconds(ends.0.into()), Picoseconds(ends.1.into()))
    }

    /// Checks that the delay spans at least `needed`, which is [`SPAN_NEEDED`] for a tick.
    ///
    /// # Errors
    /// [`DelayError::SpanTooShort`].
    pub fn check_span(&self, needed: Picoseconds) -> Result<(), DelayError> {
        check_span(self.ends(), needed)
    }

    /// The code whose delay is nearest; the lower of two that are as near, and of their codes the
    /// lowest.
    ///
    /// # Errors
    /// [`DelayError::OutOfRange`].
    pub fn nearest(&self, asked: Picoseconds) -> Result<Chosen<u16>, DelayError> {
        check_range(self.ends(), asked)?;
        Ok(self.closest(asked))
    }

    fn closest(&self, asked: Picoseconds) -> Chosen<u16> {
        let distance = |delay: i32| (i64::from(delay) - asked.0).unsigned_abs();
        let mut best = 0;
        for (code, delay) in self.delays.iter().enumerate() {
            let (new, old) = (distance(*delay), distance(self.delays[best]));
            if new < old || new == old && *delay < self.delays[best] {
                best = code;
            }
        }
        Chosen { code: best as u16, delay: self.delay(best as u16) }
    }
}

/// Two delays in series, for a span that neither has.
///
/// The first runs from its shortest to its longest while the second stands at its shortest; then
/// the second runs. So there is one row of delays, in which the nearest is looked up: were both
/// moved at once, their errors would add up differently for each pair, and nothing would be
/// monotonic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series<'a> {
    /// The one that moves first.
    pub first: &'a DelayTable,
    /// The one that moves when the first is at its longest.
    pub second: &'a DelayTable,
}

impl Series<'_> {
    /// Shortest and longest delay of both together.
    pub fn ends(&self) -> (Picoseconds, Picoseconds) {
        let ((a, b), (c, d)) = (self.first.ends(), self.second.ends());
        (Picoseconds(a.0 + c.0), Picoseconds(b.0 + d.0))
    }

    /// Checks that the delays together span at least `needed`.
    ///
    /// # Errors
    /// [`DelayError::SpanTooShort`].
    pub fn check_span(&self, needed: Picoseconds) -> Result<(), DelayError> {
        check_span(self.ends(), needed)
    }

    /// The codes of the first and the second whose delays add up nearest.
    ///
    /// # Errors
    /// [`DelayError::OutOfRange`].
    pub fn nearest(&self, asked: Picoseconds) -> Result<Chosen<(u16, u16)>, DelayError> {
        check_range(self.ends(), asked)?;
        let (first_longest, second_shortest) = (self.first.ends().1, self.second.ends().0);
        // Where the first is at its longest both rows meet, so each may be asked beyond its end.
        let a = self.first.closest(Picoseconds(asked.0 - second_shortest.0));
        let b = self.second.closest(Picoseconds(asked.0 - first_longest.0));
        let by_first = Picoseconds(a.delay.0 + second_shortest.0);
        let by_second = Picoseconds(b.delay.0 + first_longest.0);
        let distance = |delay: Picoseconds| (delay.0 - asked.0).unsigned_abs();
        if distance(by_first) <= distance(by_second) {
            let code = (a.code, self.second.closest(second_shortest).code);
            Ok(Chosen { code, delay: by_first })
        } else {
            let code = (self.first.closest(first_longest).code, b.code);
            Ok(Chosen { code, delay: by_second })
        }
    }
}

fn check_span(
    (shortest, longest): (Picoseconds, Picoseconds),
    needed: Picoseconds,
) -> Result<(), DelayError> {
    let span = Picoseconds(longest.0 - shortest.0);
    if span < needed { Err(DelayError::SpanTooShort { span, needed }) } else { Ok(()) }
}

fn check_range(
    (shortest, longest): (Picoseconds, Picoseconds),
    asked: Picoseconds,
) -> Result<(), DelayError> {
    if asked < shortest || asked > longest {
        Err(DelayError::OutOfRange { asked, shortest, longest })
    } else {
        Ok(())
    }
}
