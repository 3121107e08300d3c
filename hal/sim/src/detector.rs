//! A single-photon detector: dark counts, jitter, dead time, afterpulses.
//!
//! Times are in 2⁻³² ticks of Bob's clock. Events are taken in the order of their pulses; where
//! jitter is so wide that photons of neighbouring slots change places, the one of the later slot
//! counts as fallen into the dead time of the other.
//!
//! A gated detector makes no avalanche while its gate is closed. What counts is when a photon
//! arrives; the edge that it makes has its jitter behind the gate.

use helio_bench::Edge;
use helio_units::{FineTicks, TickLength};

use crate::config::{BenchConfig, DetectorConfig};
use crate::draw::{Chance, Generator, Purpose, exponential, gaussian, generator};
use crate::edges::SimEdges;
use crate::time::fine_span;
use crate::truth::{Cause, Truth};

const NEVER: i128 = i128::MAX;
/// Beyond any reading of a 64-bit clock, so that sums with it do not overflow.
const LONGEST_WAIT: f64 = 1e30;

#[derive(Clone, Debug)]
pub(crate) struct Detector {
    /// Darks and traps.
    rng: Generator,
    timing: Generator,
    channel: u8,
    jitter: f64,
    dead_time: i128,
    delay: i128,
    dark: Spontaneous,
    trap: Chance,
    release: f64,
    /// Filled traps. Each is emptied by an afterpulse.
    filled: u32,
    next_release: i128,
    alive_from: i128,
    gate: Gate,
}

/// When a detector is sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Always: it runs free.
    Open,
    /// From one time to before another. What else there was of the slots before has been taken.
    Window(i128, i128),
}

impl Gate {
    /// Closed for now.
    pub(crate) const CLOSED: Gate = Gate::Window(0, 0);

    fn is_open(self, at: i128) -> bool {
        match self {
            Gate::Open => true,
            Gate::Window(from, to) => (from..to).contains(&at),
        }
    }
}

impl Detector {
    /// The detector on `channel`, from Bob's time `now` on.
    pub(crate) fn new(config: &BenchConfig, channel: u8, now: FineTicks) -> Detector {
        let tick = config.tick_length;
        let detector: &DetectorConfig = &config.receiver.detectors[usize::from(channel)];
        let mut rng = generator(config.seed, Purpose::Detectors, u64::from(channel));
        Detector {
            timing: generator(config.seed, Purpose::DetectorTiming, u64::from(channel)),
            channel,
            jitter: fine_span(detector.jitter_ps, tick) as f64,
            dead_time: i128::from(fine_span(detector.dead_time.0 as f64, tick)),
            delay: i128::from(fine_span(detector.delay.0 as f64, tick)),
            dark: Spontaneous::new(detector.dark_rate_hz, tick, now, &mut rng),
            trap: Chance::new(detector.afterpulse_probability),
            release: fine_span(detector.afterpulse_time_constant_ps, tick) as f64,
            filled: 0,
            next_release: NEVER,
            alive_from: i128::MIN,
            gate: Gate::Open,
            rng,
        }
    }

    /// From here on; all events before have been taken.
    #[inline]
    pub(crate) fn set_gate(&mut self, gate: Gate) {
        self.gate = gate;
    }

    /// It is as `to` from now on; `from` is how it was. What has its own clock, the next dark count,
    /// comes sooner or later by the ratio of the rates: an exponential wait has no memory.
    pub(crate) fn trim(
        &mut self,
        from: &DetectorConfig,
        to: &DetectorConfig,
        tick: TickLength,
        now: FineTicks,
    ) {
        self.delay = i128::from(fine_span(to.delay.0 as f64, tick));
        if from.dark_rate_hz != to.dark_rate_hz {
            self.dark.change(from.dark_rate_hz / to.dark_rate_hz, now);
        }
    }

    /// Photons of one pulse make an avalanche; `arrival` is the middle of the pulse.
    pub(crate) fn photons<const M: usize>(
        &mut self,
        arrival: i128,
        edges: &mut SimEdges<M>,
        truth: &mut Truth,
    ) {
        let at = arrival + (self.jitter * gaussian(&mut self.timing)) as i128;
        if self.gate == Gate::Open {
            self.advance(at, edges, truth);
        } else {
            // The windows beyond this slot's are not known yet.
            self.advance(at.min(arrival), edges, truth);
            if !self.gate.is_open(arrival) {
                truth.lost_to_gate += 1;
                return;
            }
        }
        self.avalanche(at, Cause::Signal, edges, truth);
    }

    /// Dark counts and afterpulses before `until`.
    #[inline]
    pub(crate) fn advance<const M: usize>(
        &mut self,
        until: i128,
        edges: &mut SimEdges<M>,
        truth: &mut Truth,
    ) {
        while self.dark.next.min(self.next_release) < until {
            if self.dark.next <= self.next_release {
                let at = self.dark.take(&mut self.rng);
                self.gated_avalanche(at, Cause::Dark, edges, truth);
            } else {
                let at = self.next_release;
                self.filled -= 1;
                self.plan_release(at);
                self.gated_avalanche(at, Cause::Afterpulse, edges, truth);
            }
        }
    }

    #[inline]
    fn gated_avalanche<const M: usize>(
        &mut self,
        at: i128,
        cause: Cause,
        edges: &mut SimEdges<M>,
        truth: &mut Truth,
    ) {
        if self.gate.is_open(at) {
            self.avalanche(at, cause, edges, truth);
        } else {
            truth.lost_to_gate += 1;
        }
    }

    fn avalanche<const M: usize>(
        &mut self,
        at: i128,
        cause: Cause,
        edges: &mut SimEdges<M>,
        truth: &mut Truth,
    ) {
        if at < self.alive_from {
            truth.lost_in_dead_time += 1;
            return;
        }
        truth.count(cause);
        edges.stage(Edge { tick: FineTicks(at + self.delay).floor(), channel: self.channel });
        self.alive_from = at + self.dead_time;
        if !self.trap.is_zero() {
            self.filled += u32::from(self.trap.happens(&mut self.rng));
            self.plan_release(self.alive_from);
        }
    }

    /// Traps empty independently, each after an exponential time; no release is planned inside a
    /// dead time, so that each filled trap makes one afterpulse. Exponential waits have no memory:
    /// to draw the next one anew after each event changes nothing.
    fn plan_release(&mut self, from: i128) {
        self.next_release = if self.filled == 0 {
            NEVER
        } else {
            let wait = exponential(&mut self.rng) * self.release / f64::from(self.filled);
            from + wait as i128
        };
    }
}

/// Events that come by themselves: a Poisson process.
#[derive(Clone, Debug)]
pub(crate) struct Spontaneous {
    mean_wait: f64,
    pub(crate) next: i128,
}

impl Spontaneous {
    pub(crate) fn new(
        rate_hz: f64,
        tick: TickLength,
        now: FineTicks,
        rng: &mut Generator,
    ) -> Spontaneous {
        if rate_hz <= 0.0 {
            return Spontaneous { mean_wait: 0.0, next: NEVER };
        }
        let mean_wait = 1e12 / rate_hz / tick.as_ps_f64() * 4_294_967_296.0;
        let mut process = Spontaneous { mean_wait, next: now.0 };
        process.take(rng);
        process
    }

    /// From `now` on waits are `factor` times as long.
    fn change(&mut self, factor: f64, now: FineTicks) {
        self.mean_wait *= factor;
        if self.next > now.0 && self.next != NEVER {
            let wait = ((self.next - now.0) as f64 * factor).min(LONGEST_WAIT);
            self.next = now.0 + wait as i128;
        }
    }

    /// The event that is due; plans the next one.
    pub(crate) fn take(&mut self, rng: &mut Generator) -> i128 {
        let due = self.next;
        self.next += (exponential(rng) * self.mean_wait).min(LONGEST_WAIT) as i128;
        due
    }
}
