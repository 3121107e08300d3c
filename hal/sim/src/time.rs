//! The two clocks.
//!
//! Alice's ticks are the reference. Time is counted along the light: what Alice emits at her time
//! t meets Bob's clock at the reading that it shows one channel delay later, so the delay is part
//! of the reading of Bob's clock at Alice's zero, no light is ever under way between two steps,
//! and both devices stop at the same light front. Nothing else passes between the two, so neither
//! device can tell.
//!
//! In Alice's slot n, Bob's clock counts `slot_ticks · (1 + y + n·d)` ticks, evenly; y is the
//! offset, d the drift of a slot. All is integer, in 2⁻⁸⁰ ticks, so a reading is a function of n
//! alone: exact, the same on every target, and the same however the run was cut into steps.

use helio_units::{FineTicks, TickLength, Ticks};

use crate::config::BenchConfig;

const FRACTION_BITS: u32 = 80;
const ONE: f64 = 1_208_925_819_614_629_174_706_176.0;

/// Reading of Bob's clock at the begin of one of Alice's slots, and its rate.
#[derive(Clone, Debug)]
pub(crate) struct BobClock {
    /// Whole ticks.
    whole: i128,
    /// 2⁻⁸⁰ ticks, below one tick.
    fraction: i128,
    /// Bob's ticks in this slot of Alice's, 2⁻⁸⁰ ticks.
    period: i128,
    /// What each slot adds to the period.
    step: i128,
}

impl BobClock {
    pub(crate) fn new(config: &BenchConfig) -> BobClock {
        let slot_ticks = f64::from(config.slot_ticks);
        let offset = slot_ticks * config.clock.offset_ppm * 1e-6;
        let slot_seconds = config.slot_ps() * 1e-12;
        let drift = slot_ticks * config.clock.drift_ppb_per_s * 1e-9 * slot_seconds;
        let delay = config.channel.path.delay_ps() / config.tick_length.as_ps_f64();
        let delay = (delay * ONE) as i128;
        BobClock {
            whole: i128::from(config.clock.start.0) + (delay >> FRACTION_BITS),
            fraction: delay & MASK,
            // Even, so that mid-slot is exact.
            period: (i128::from(config.slot_ticks) << FRACTION_BITS)
                + ((offset * ONE) as i128 & !1),
            step: (drift * ONE) as i128 & !1,
        }
    }

    /// The whole tick from which [`Pulses`] counts.
    pub(crate) fn base(&self) -> i128 {
        self.whole
    }

    /// The reading, rounded down.
    pub(crate) fn now(&self) -> Ticks {
        Ticks(self.whole as u64)
    }

    /// The reading in 2⁻³² ticks.
    pub(crate) fn now_fine(&self) -> FineTicks {
        let fraction = self.fraction >> (FRACTION_BITS - FineTicks::FRACTION_BITS);
        FineTicks((self.whole << FineTicks::FRACTION_BITS) + fraction)
    }

    /// Bob's ticks in the present slot, in 2⁻³² ticks.
    pub(crate) fn period_fine(&self) -> FineTicks {
        FineTicks(self.period >> (FRACTION_BITS - FineTicks::FRACTION_BITS))
    }

    /// Arrival of the pulses of the next slots.
    pub(crate) fn pulses(&self) -> Pulses {
        let first = self.fraction + self.period / 2;
        // From mid-slot to mid-slot, the step counts half in each of the two slots.
        Pulses { at: first, to_next: self.period + self.step / 2, step: self.step }
    }

    /// Moves on by whole slots of Alice's.
    pub(crate) fn advance(&mut self, slots: u32) {
        let n = i128::from(slots);
        let end = self.fraction + n * self.period + n * (n - 1) / 2 * self.step;
        self.whole += end >> FRACTION_BITS;
        self.fraction = end & MASK;
        self.period += n * self.step;
    }
}

const MASK: i128 = (1 << FRACTION_BITS) - 1;

/// When pulses from the middle of Alice's slots arrive, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Pulses {
    at: i128,
    to_next: i128,
    step: i128,
}

impl Pulses {
    /// The next arrival, in 2⁻³² ticks from [`BobClock::base`], rounded down.
    #[inline(always)]
    pub(crate) fn next_arrival(&mut self) -> i64 {
        let arrival = (self.at >> (FRACTION_BITS - FineTicks::FRACTION_BITS)) as i64;
        self.at += self.to_next;
        self.to_next += self.step;
        arrival
    }
}

/// A span of picoseconds in 2⁻³² ticks, rounded towards zero.
///
/// At the nominal length of the tick: a clock that is 100 ppm off measures a dead time of 50 ns
/// 5 fs wrong.
pub(crate) fn fine_span(ps: f64, tick: TickLength) -> i64 {
    (ps / tick.as_ps_f64() * 4_294_967_296.0) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ClockConfig, Path};
    use helio_units::{Decibel, Picoseconds};

    fn config(offset_ppm: f64, drift_ppb_per_s: f64, delay: i64) -> BenchConfig {
        let clock = ClockConfig { offset_ppm, drift_ppb_per_s, start: Ticks(1_000) };
        let mut config = BenchConfig { clock, ..BenchConfig::default() };
        config.channel.path = Path::Fixed { loss: Decibel(0.0), delay: Picoseconds(delay) };
        config
    }

    #[test]
    fn clocks_of_one_rate_differ_by_start_and_delay() {
        let mut clock = BobClock::new(&config(0.0, 0.0, 200_000));
        assert_eq!(clock.now(), Ticks(1_030));
        assert_eq!(clock.pulses().next_arrival() >> 32, 15);
        clock.advance(7);
        assert_eq!(clock.now(), Ticks(1_030 + 210));
    }

    #[test]
    fn offset_and_drift_add_up_over_a_minute() {
        let (y, d) = (40.0, -500.0);
        let mut clock = BobClock::new(&config(y, d, 0));
        let seconds = 60;
        for _ in 0..seconds * 5_000 {
            clock.advance(1_000);
        }
        let t = f64::from(seconds);
        let gained = 150e6 * (y * 1e-6 * t + d * 1e-9 * t * t / 2.0);
        let nominal = 1_000 + 150_000_000 * i128::from(seconds);
        let reading = clock.now_fine().0 - (nominal << 32);
        let error = reading as f64 / 4_294_967_296.0 - gained;
        // The sum over slots differs from the integral by half a slot's drift: 4.5e-7 ticks.
        assert!(error.abs() < 1e-3, "{error}");
    }

    #[test]
    fn readings_do_not_depend_on_how_the_run_is_cut() {
        let whole = {
            let mut clock = BobClock::new(&config(-99.9, 77.0, 123_456));
            clock.advance(5_000);
            (clock.now_fine(), clock.period)
        };
        let mut clock = BobClock::new(&config(-99.9, 77.0, 123_456));
        for n in [1, 2, 997, 3_000, 1_000] {
            clock.advance(n);
        }
        assert_eq!((clock.now_fine(), clock.period), whole);
    }

    #[test]
    fn pulses_arrive_in_the_middle_of_alices_slots() {
        let mut clock = BobClock::new(&config(100.0, 1_000.0, 0));
        let mut pulses = clock.pulses();
        let base = clock.base();
        for _ in 0..256 {
            let begin = clock.now_fine();
            clock.advance(1);
            let middle = (begin.0 + clock.now_fine().0) / 2;
            let arrival = (base << 32) + i128::from(pulses.next_arrival());
            assert!((arrival - middle).abs() <= 2, "{}", arrival - middle);
        }
    }
}
