//! Bob's photodiode for the bright sync pulses.

use helio_bench::Edge;
use helio_units::FineTicks;

use crate::config::BenchConfig;
use crate::detector::Spontaneous;
use crate::draw::{Chance, Generator, Purpose, gaussian, generator};
use crate::edges::SimEdges;
use crate::time::fine_span;
use crate::truth::Truth;

#[derive(Clone, Debug)]
pub(crate) struct Photodiode {
    markers: Generator,
    dark: Generator,
    channel: u8,
    jitter: f64,
    miss: Chance,
    false_edges: Spontaneous,
}

impl Photodiode {
    pub(crate) fn new(config: &BenchConfig, now: FineTicks) -> Photodiode {
        let mut dark = generator(config.seed, Purpose::FalseEdges, 0);
        let tick = config.tick_length;
        Photodiode {
            channel: config.receiver.kind.detectors(),
            jitter: fine_span(config.sync.jitter_ps, tick) as f64,
            miss: Chance::new(config.sync.miss_probability),
            false_edges: Spontaneous::new(config.sync.false_rate_hz, tick, now, &mut dark),
            markers: generator(config.seed, Purpose::Photodiode, 0),
            dark,
        }
    }

    /// A sync pulse arrives.
    pub(crate) fn marker<const M: usize>(
        &mut self,
        arrival: i128,
        edges: &mut SimEdges<M>,
        truth: &mut Truth,
    ) {
        truth.markers += 1;
        if self.miss.happens(&mut self.markers) {
            truth.markers_missed += 1;
            return;
        }
        let at = arrival + (self.jitter * gaussian(&mut self.markers)) as i128;
        self.advance(at, edges, truth);
        self.stage(at, edges);
    }

    /// Edges without light before `until`.
    pub(crate) fn advance<const M: usize>(
        &mut self,
        until: i128,
        edges: &mut SimEdges<M>,
        truth: &mut Truth,
    ) {
        while self.false_edges.next < until {
            let at = self.false_edges.take(&mut self.dark);
            truth.false_markers += 1;
            self.stage(at, edges);
        }
    }

    fn stage<const M: usize>(&self, at: i128, edges: &mut SimEdges<M>) {
        edges.stage(Edge { tick: FineTicks(at).floor(), channel: self.channel });
    }
}
