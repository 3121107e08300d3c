//! What has been read of several traces and cannot be given yet: in time that grows with the records alone,
//! and in bounded memory.

use std::collections::VecDeque;

use helio_trace::{Chunk, Loss, Marker, TimeTag};
use helio_units::Ticks;

/// Records that wait, all traces together: 16 bytes each. With more, ties and small steps back are no
/// longer waited for.
const MOST: usize = 1 << 20;

/// Several traces in order of time.
pub(super) struct Waiting {
    parts: Vec<Part>,
    /// How far a detection may stand behind a marker, a sync edge or a loss that precedes it in its
    /// file: some instruments time markers coarsely.
    slack: u64,
    most: usize,
}

/// A detection that comes behind what has been given already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfOrder;

/// Records of one trace.
#[derive(Default)]
struct Part {
    photons: VecDeque<TimeTag>,
    markers: VecDeque<Marker>,
    syncs: VecDeque<Ticks>,
    losses: VecDeque<Loss>,
    /// The latest detection, and the latest record of any kind.
    last: Ticks,
    latest: Ticks,
    /// Nothing before this is still to come.
    settled: Ticks,
    reached: Ticks,
    ended: bool,
}

impl Waiting {
    pub(super) fn new(traces: usize, slack: Ticks) -> Waiting {
        let parts = (0..traces).map(|_| Part::default()).collect();
        Waiting { parts, slack: slack.0, most: MOST }
    }

    /// Of the traces that have not ended the one of which least is known; that one is to be read.
    pub(super) fn next(&self) -> Option<usize> {
        let going = self.parts.iter().enumerate().filter(|(_, part)| !part.ended);
        going.min_by_key(|(_, part)| part.settled).map(|(index, _)| index)
    }

    /// Takes the next records of a trace.
    pub(super) fn push(&mut self, trace: usize, chunk: &Chunk) -> Result<(), OutOfOrder> {
        let part = &mut self.parts[trace];
        for tag in &chunk.photons {
            if tag.tick < part.last || tag.tick < part.settled {
                return Err(OutOfOrder);
            }
            part.last = tag.tick;
        }
        part.photons.extend(&chunk.photons);
        extend_sorted(&mut part.markers, &chunk.markers, |marker| marker.tick);
        extend_sorted(&mut part.syncs, &chunk.syncs, |sync| *sync);
        extend_sorted(&mut part.losses, &chunk.losses, |loss| loss.tick);
        part.latest = part.latest.max(chunk.ticks().max().unwrap_or_default());
        part.reached = part.reached.max(chunk.reached);
        Ok(())
    }

    /// Nothing more comes of a trace.
    pub(super) fn end(&mut self, trace: usize) {
        self.parts[trace].ended = true;
    }

    /// Replaces the content of `to` by what nothing else can precede.
    pub(super) fn give(&mut self, to: &mut Chunk) {
        // With no patience left the trace that is behind the others keeps nothing of what it has.
        let full = self.held() > self.most;
        for part in &mut self.parts {
            let slack = if full { 0 } else { self.slack };
            let known = Ticks(part.latest.0.saturating_sub(slack));
            part.settled = part.settled.max(part.last).max(known);
        }
        let until = self.parts.iter().filter(|part| !part.ended).map(|part| part.settled).min();
        let ready = |tick: Ticks| until.is_none_or(|until| tick < until || (full && tick == until));
        to.clear();
        for Part { photons, markers, syncs, losses, .. } in &mut self.parts {
            to.photons.extend(front(photons, |tag| ready(tag.tick)));
            to.markers.extend(front(markers, |marker| ready(marker.tick)));
            to.syncs.extend(front(syncs, |sync| ready(*sync)));
            to.losses.extend(front(losses, |loss| ready(loss.tick)));
        }
        to.photons.sort_by_key(|tag| tag.tick);
        to.markers.sort_by_key(|marker| marker.tick);
        to.syncs.sort();
        to.losses.sort_by_key(|loss| loss.tick);
        let last = until.or(self.parts.iter().map(|part| part.reached).max());
        to.reached = to.reached.max(last.unwrap_or_default());
    }

    /// Records that wait.
    fn held(&self) -> usize {
        let of = |p: &Part| p.photons.len() + p.markers.len() + p.syncs.len() + p.losses.len();
        self.parts.iter().map(of).sum()
    }
}

/// Appends records, and sorts where one of them steps back.
fn extend_sorted<T: Copy>(to: &mut VecDeque<T>, next: &[T], time: impl Fn(&T) -> Ticks) {
    let follows = to.back().zip(next.first()).is_none_or(|(a, b)| time(a) <= time(b));
    to.extend(next);
    if !follows || !next.is_sorted_by_key(&time) {
        to.make_contiguous().sort_by_key(time);
    }
}

/// What is ready at the front of records in order.
fn front<T>(from: &mut VecDeque<T>, ready: impl Fn(&T) -> bool) -> impl Iterator<Item = T> {
    let count = from.partition_point(ready);
    from.drain(..count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photons(ticks: impl IntoIterator<Item = u64>, channel: u8) -> Chunk {
        let photon = |tick| TimeTag { tick: Ticks(tick), channel };
        Chunk { photons: ticks.into_iter().map(photon).collect(), ..Chunk::default() }
    }

    fn markers(ticks: impl IntoIterator<Item = u64>) -> Chunk {
        let marker = |tick| Marker { tick: Ticks(tick), bits: 1 };
        Chunk { markers: ticks.into_iter().map(marker).collect(), ..Chunk::default() }
    }

    /// All in the order in which it was given, and the most that ever waited.
    fn merged(mut waiting: Waiting, traces: &[Vec<Chunk>]) -> (Chunk, usize) {
        let (mut all, mut to, mut most) = (Chunk::default(), Chunk::default(), 0);
        let mut left: Vec<_> = traces.iter().map(|chunks| chunks.iter()).collect();
        while let Some(next) = waiting.next() {
            match left[next].next() {
                Some(chunk) => waiting.push(next, chunk).unwrap(),
                None => waiting.end(next),
            }
            waiting.give(&mut to);
            all.append(&to);
            most = most.max(waiting.held());
        }
        (all, most)
    }

    #[test]
    fn few_detections_among_many_markers_hold_nothing_up() {
        let sparse: Vec<Chunk> = [photons([0], 1)]
            .into_iter()
            .chain((0..500).map(|i| markers((0..1000).map(move |j| 1000 * i + j))))
            .chain([photons([500_000], 1)])
            .collect();
        let dense: Vec<Chunk> =
            (0..500).map(|i| photons((0..100).map(move |j| 1000 * i + 10 * j), 2)).collect();
        let (all, most) = merged(Waiting::new(2, Ticks(50)), &[sparse, dense]);
        assert_eq!((all.photons.len(), all.markers.len()), (50_002, 500_000));
        assert!(all.photons.is_sorted_by_key(|tag| tag.tick));
        assert!(all.markers.is_sorted_by_key(|marker| marker.tick));
        // A chunk of each, and what is younger than the slack.
        assert!(most <= 1000 + 100 + 2 * 50, "{most}");
    }

    #[test]
    fn a_trace_of_one_instant_does_not_fill_the_memory() {
        let instant = |chunk: Chunk| vec![chunk; 300];
        for same in [photons([7; 100], 1), markers([7; 100])] {
            let waiting = Waiting { most: 1000, ..Waiting::new(2, Ticks(50)) };
            let (all, most) = merged(waiting, &[instant(same), vec![photons([3, 9], 2)]]);
            assert_eq!(all.photons.len() + all.markers.len(), 30_002);
            assert!(all.photons.is_sorted_by_key(|tag| tag.tick));
            assert!(most <= 1000 + 100 + 2, "{most}");
        }
    }

    #[test]
    fn equal_times_come_in_the_order_of_the_files_and_small_steps_back_are_borne() {
        let a = vec![photons([5, 5], 1), photons([5, 8], 1)];
        let b = vec![photons([5], 2), photons([5, 9], 2)];
        let (all, _) = merged(Waiting::new(2, Ticks(50)), &[a, b]);
        let channels: Vec<u8> = all.photons.iter().map(|tag| tag.channel).collect();
        assert_eq!(channels, [1, 1, 1, 2, 2, 1, 2]);
        // A marker that is 40 ticks ahead of the next detection, and markers out of order.
        let a = vec![markers([100, 90]), photons([60, 61], 1), markers([95])];
        let (all, _) = merged(Waiting::new(2, Ticks(50)), &[a, vec![photons([70], 2)]]);
        let times: Vec<u64> = all.photons.iter().map(|tag| tag.tick.0).collect();
        assert_eq!((times, all.markers.len()), (vec![60, 61, 70], 3));
    }

    #[test]
    fn a_detection_behind_what_was_given_is_told() {
        let mut waiting = Waiting::new(1, Ticks(50));
        assert_eq!(waiting.push(0, &photons([5, 4], 1)), Err(OutOfOrder));
        let mut waiting = Waiting::new(1, Ticks(50));
        waiting.push(0, &markers([1000])).unwrap();
        waiting.give(&mut Chunk::default());
        assert_eq!(waiting.push(0, &photons([949], 1)), Err(OutOfOrder));
        assert_eq!(waiting.push(0, &photons([950], 1)), Ok(()));
    }
}
