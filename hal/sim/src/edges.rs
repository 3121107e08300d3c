//! The edge source: a buffer of fixed size between the world and the firmware.

use helio_bench::{Drained, Edge, EdgeSource, Loss};
use helio_units::{TickLength, Ticks};

/// Room for `M` edges. What finds it full is lost, counted and reported as one [`Loss`] that
/// covers all channels.
#[derive(Clone, Debug)]
pub struct SimEdges<const M: usize> {
    channels: u8,
    tick_length: TickLength,
    /// Ready edges in order, then staged ones in no order.
    buffer: [Edge; M],
    head: usize,
    ready: usize,
    end: usize,
    /// All before this is ready or lost.
    reached: Ticks,
    /// Waits for the edges before it to be drained, and for the record to be whole again.
    loss: Option<Loss>,
    overflowed: bool,
}

impl<const M: usize> SimEdges<M> {
    pub(crate) fn new(channels: u8, tick_length: TickLength, now: Ticks) -> SimEdges<M> {
        SimEdges {
            channels,
            tick_length,
            buffer: [Edge { tick: Ticks(0), channel: 0 }; M],
            head: 0,
            ready: 0,
            end: 0,
            reached: now,
            loss: None,
            overflowed: false,
        }
    }

    /// Takes an edge at or after the last [`SimEdges::commit`]; in any order.
    #[inline]
    pub(crate) fn stage(&mut self, edge: Edge) {
        if let Some(loss) = &mut self.loss
            && (loss.from..loss.to).contains(&edge.tick)
        {
            loss.lost += 1;
            return;
        }
        if self.end == M {
            if self.head == 0 {
                self.overflow(edge);
                return;
            }
            self.compact();
        }
        self.buffer[self.end] = edge;
        self.end += 1;
    }

    /// Makes all edges before `until` ready, in order. Later ones stay staged.
    pub(crate) fn commit(&mut self, until: Ticks) {
        self.reached = self.reached.max(until);
        if self.overflowed {
            self.overflowed = false;
            self.cut_loss();
        }
        let staged = &mut self.buffer[self.ready..self.end];
        staged.sort_unstable();
        self.ready += staged.partition_point(|edge| edge.tick < until);
    }

    fn compact(&mut self) {
        self.buffer.copy_within(self.head..self.end, 0);
        self.ready -= self.head;
        self.end -= self.head;
        self.head = 0;
    }

    #[cold]
    fn overflow(&mut self, edge: Edge) {
        self.overflowed = true;
        let loss = self.loss.get_or_insert(Loss { from: edge.tick, to: edge.tick, lost: 0 });
        loss.from = loss.from.min(edge.tick);
        loss.to = loss.to.max(Ticks(edge.tick.0 + 1));
        loss.lost += 1;
    }

    /// The record is whole again from here on: drops what was kept from the midst of the loss, so
    /// that nothing comes out of it.
    #[cold]
    fn cut_loss(&mut self) {
        let Some(loss) = &mut self.loss else { return };
        loss.to = loss.to.max(self.reached);
        let (mut end, mut ready) = (self.head, self.ready);
        for at in self.head..self.end {
            let edge = self.buffer[at];
            if edge.tick < loss.from || edge.tick >= loss.to {
                self.buffer[end] = edge;
                end += 1;
            } else {
                loss.lost += 1;
                if at < self.ready {
                    ready -= 1;
                }
            }
        }
        (self.end, self.ready) = (end, ready);
    }
}

impl<const M: usize> EdgeSource for SimEdges<M> {
    fn channels(&self) -> u8 {
        self.channels
    }

    fn tick_length(&self) -> TickLength {
        self.tick_length
    }

    /// A loss comes with the call that brings the last edges before it; edges after it come with
    /// later calls.
    fn drain(&mut self, out: &mut [Edge]) -> Drained {
        let ready = &self.buffer[self.head..self.ready];
        let limit = match self.loss {
            Some(loss) => ready.partition_point(|edge| edge.tick < loss.from),
            None => ready.len(),
        };
        let edges = limit.min(out.len());
        out[..edges].copy_from_slice(&ready[..edges]);
        let next = ready.get(edges).map_or(self.reached, |edge| edge.tick);
        self.head += edges;

        let (mut reached, mut reported) = (next, None);
        if let Some(loss) = self.loss {
            reached = reached.min(loss.from);
            if edges == limit && loss.to <= self.reached {
                (reached, reported) = (loss.to, self.loss.take());
            }
        }
        if self.head == self.ready {
            self.compact();
        }
        Drained { edges, reached, loss: reported }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;

    fn edges<const M: usize>() -> SimEdges<M> {
        SimEdges::new(3, TickLength::CYCLE_150_MHZ, Ticks(0))
    }

    fn edge(tick: u64, channel: u8) -> Edge {
        Edge { tick: Ticks(tick), channel }
    }

    #[test]
    fn edges_come_out_in_order_up_to_what_is_committed() {
        let mut source = edges::<8>();
        for e in [edge(9, 0), edge(5, 2), edge(12, 1), edge(5, 0)] {
            source.stage(e);
        }
        source.commit(Ticks(10));
        let mut out = [edge(0, 0); 8];
        let drained = source.drain(&mut out);
        assert_eq!(drained, Drained { edges: 3, reached: Ticks(10), loss: None });
        assert_eq!(out[..3], [edge(5, 0), edge(5, 2), edge(9, 0)]);
        source.commit(Ticks(20));
        assert_eq!(source.drain(&mut out).edges, 1);
        assert_eq!(out[0], edge(12, 1));
    }

    #[test]
    fn a_short_buffer_leaves_the_rest_and_reaches_no_further() {
        let mut source = edges::<8>();
        (0..6).for_each(|n| source.stage(edge(n, 0)));
        source.commit(Ticks(10));
        let mut out = [edge(0, 0); 4];
        assert_eq!(source.drain(&mut out), Drained { edges: 4, reached: Ticks(4), loss: None });
        assert_eq!(source.drain(&mut out), Drained { edges: 2, reached: Ticks(10), loss: None });
    }

    /// Whatever overflows when: no edge vanishes uncounted, none comes out of a reported loss,
    /// and time never runs backwards.
    #[test]
    fn every_edge_is_delivered_or_lost() {
        let mut noise = crate::draw::generator(5, crate::draw::Purpose::Photons, 0);
        let mut below = |n: u64| rand_core::Rng::next_u64(&mut noise) % n;
        for _ in 0..300 {
            let mut source = edges::<16>();
            let (mut staged, mut delivered, mut lost) = (0, Vec::new(), 0);
            let (mut cursor, mut losses) = (Ticks(0), Vec::<Loss>::new());
            let mut out = [edge(0, 0); 10];
            for batch in 0..40 {
                for _ in 0..below(14) {
                    source.stage(edge(100 * batch + below(130), below(3) as u8));
                    staged += 1;
                }
                source.commit(Ticks(100 * (batch + 1)));
                for _ in 0..if batch == 39 { 12 } else { below(3) } {
                    let drained = source.drain(&mut out);
                    for e in &out[..drained.edges] {
                        assert!(e.tick >= cursor, "{e:?} after {cursor:?}");
                        delivered.push(*e);
                    }
                    let last = out[..drained.edges].last().map_or(cursor, |e| e.tick);
                    if let Some(loss) = drained.loss {
                        assert!(loss.from >= last && loss.from < loss.to && loss.lost > 0);
                        assert!(drained.reached >= loss.to);
                        lost += loss.lost;
                        losses.push(loss);
                    }
                    assert!(drained.reached >= last);
                    cursor = drained.reached;
                }
            }
            source.commit(Ticks(100_000));
            loop {
                let drained = source.drain(&mut out);
                lost += drained.loss.map_or(0, |loss| loss.lost);
                delivered.extend_from_slice(&out[..drained.edges]);
                if drained.edges == 0 && drained.loss.is_none() {
                    break;
                }
            }
            assert!(delivered.is_sorted());
            assert_eq!(staged, delivered.len() as u64 + lost);
            for loss in losses {
                assert!(delivered.iter().all(|e| e.tick < loss.from || e.tick >= loss.to));
            }
        }
    }
}
