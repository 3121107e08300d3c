extern crate std;
use super::*;
use proptest::prelude::*;
use std::cell::Cell;
use std::vec;
use std::vec::Vec;

/// A DMA that goes on while it is read: each look at `completed` may find it further.
struct Memory {
    main: Vec<[AtomicU32; DETECTOR_WORDS]>,
    aux: Vec<[AtomicU32; AUX_WORDS]>,
    completed: Cell<u64>,
    step: u64,
    last: u64,
    fault: Option<CaptureFault>,
}

impl CaptureMemory for Memory {
    fn completed(&self) -> u64 {
        let now = self.completed.get();
        self.completed.set((now + self.step).min(self.last));
        now
    }
    fn fault(&self) -> Option<CaptureFault> {
        self.fault
    }
    fn now(&self) -> Ticks {
        Ticks(1 << 40)
    }
    fn words(&self, n: u64) -> (&[AtomicU32; DETECTOR_WORDS], &[AtomicU32; AUX_WORDS]) {
        (&self.main[n as usize], &self.aux[n as usize])
    }
}

/// Samples with the given pins high for `width` ticks from each edge on.
fn memory(edges: &[(u64, u8)], width: u64, buffers: usize) -> Memory {
    let mut memory = Memory {
        main: (0..buffers).map(|_| [const { AtomicU32::new(0) }; DETECTOR_WORDS]).collect(),
        aux: (0..buffers).map(|_| [const { AtomicU32::new(0) }; AUX_WORDS]).collect(),
        completed: Cell::new(buffers as u64),
        step: 0,
        last: buffers as u64,
        fault: None,
    };
    for &(tick, channel) in edges {
        for t in tick..tick + width {
            let (n, at) = ((t / 16_384) as usize, (t % 16_384) as usize);
            if n >= buffers {
                break;
            }
            if channel < 4 {
                *memory.main[n][at / 8].get_mut() |= 1 << (at % 8 * 4 + usize::from(channel));
            } else {
                *memory.aux[n][at / 16].get_mut() |= 1 << (at % 16 * 2 + usize::from(channel - 4));
            }
        }
    }
    memory
}

fn drain_all(capture: &mut Capture, memory: &Memory, room: usize) -> (Vec<Edge>, Vec<Loss>, Ticks) {
    let (mut edges, mut losses) = (Vec::new(), Vec::new());
    loop {
        let mut out = vec![Edge { tick: Ticks(0), channel: 0 }; room];
        let drained = capture.drain(memory, &mut out);
        edges.extend_from_slice(&out[..drained.edges]);
        losses.extend(drained.loss);
        assert!(edges.iter().all(|e| e.tick <= drained.reached));
        if drained.edges < room {
            return (edges, losses, drained.reached);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn edges_come_in_order_of_time_then_channel(
        mut edges in proptest::collection::vec((1u64..3 * 16_384, 0u8..5), 0..200),
        room in 1usize..50,
    ) {
        // Three ticks apart on each channel: two high, one low.
        edges.sort_unstable();
        let mut last = [0u64; 5];
        edges.retain(|&(t, c)| {
            let clear = last[usize::from(c)] == 0 || t >= last[usize::from(c)] + 3;
            if clear { last[usize::from(c)] = t; }
            clear
        });
        let memory = memory(&edges, 2, 3);
        let mut capture = Capture::new(4, Ticks(1_000_000));
        let (found, losses, reached) = drain_all(&mut capture, &memory, room);
        let expected: Vec<Edge> =
            edges.iter().map(|&(t, channel)| Edge { tick: Ticks(1_000_000 + t), channel }).collect();
        prop_assert_eq!(found, expected);
        prop_assert!(losses.is_empty());
        prop_assert_eq!(reached, Ticks(1_000_000 + 3 * 16_384));
    }
}

#[test]
fn an_active_receiver_has_sync_after_its_two_detectors_and_no_others() {
    let memory = memory(&[(5, 0), (6, 2), (7, 1), (8, 4), (9, 5), (10, 3)], 2, 1);
    let mut capture = Capture::new(2, Ticks(0));
    assert_eq!(capture.channels(), 3);
    let (edges, ..) = drain_all(&mut capture, &memory, 10);
    let pairs: Vec<_> = edges.iter().map(|e| (e.tick.0, e.channel)).collect();
    assert_eq!(pairs, [(5, 0), (7, 1), (8, 2)]);
    assert_eq!(capture.references(), (1, Ticks(9)));
}

fn references(capture: &mut Capture, room: usize) -> (Vec<u64>, u32) {
    let mut out = vec![Ticks(0); room];
    let ReferenceEdges { edges, lost } = capture.drain_references(&mut out);
    (out[..edges].iter().map(|tick| tick.0).collect(), lost)
}

#[test]
fn edges_of_the_reference_come_once_and_in_order_and_what_finds_no_room_is_counted() {
    let every: Vec<(u64, u8)> = (0..100).map(|n| (10 + 100 * n, 5)).collect();
    let memory = memory(&every, 2, 1);
    let mut capture = Capture::new(4, Ticks(1_000));
    let (edges, losses, _) = drain_all(&mut capture, &memory, 10);
    assert!(edges.is_empty() && losses.is_empty());
    assert_eq!(capture.references(), (100, Ticks(1_000 + 9_910)));
    let mut all = Vec::new();
    for (room, left) in [(10, 0), (0, 0), (53, 0), (7, 36)] {
        let (ticks, lost) = references(&mut capture, room);
        all.extend(ticks);
        assert_eq!(lost, left);
    }
    assert!(all.iter().copied().eq((0..64).map(|n| 1_010 + 100 * n)));
    assert_eq!(references(&mut capture, 8), (vec![], 0));
}

#[test]
fn what_is_missing_of_the_reference_comes_behind_what_there_is_and_ahead_of_what_follows() {
    // The fourth buffer is skipped, and its two edges can still be counted.
    let memory = memory(&[(16_384 * 4 + 5, 5), (16_384 * 4 + 50, 5), (16_384 * 5 + 9, 5)], 2, 6);
    let mut capture = Capture::new(4, Ticks(0));
    let (_, losses, _) = drain_all(&mut capture, &memory, 10);
    assert_eq!((losses.len(), references(&mut capture, 8)), (1, (vec![], 2)));
    drain_all(&mut capture, &memory, 10);
    assert_eq!(references(&mut capture, 8), (vec![16_384 * 5 + 9], 0));
}

#[test]
fn a_pin_that_is_high_from_the_start_is_no_edge() {
    let memory = memory(&[(0, 0), (0, 4), (1, 1)], 50, 1);
    let (edges, ..) = drain_all(&mut Capture::new(4, Ticks(0)), &memory, 10);
    assert_eq!(edges, [Edge { tick: Ticks(1), channel: 1 }]);
}

#[test]
fn a_reader_that_falls_behind_loses_whole_buffers_and_no_time() {
    // High across the cut: no new edge where reading goes on.
    let memory = memory(&[(100, 0), (16_384 * 5 - 10, 1), (16_384 * 5 + 77, 0)], 20, 6);
    let mut capture = Capture::new(4, Ticks(0));
    let (edges, losses, reached) = drain_all(&mut capture, &memory, 10);
    // Of the edges in it one could still be counted: at least so many are lost.
    assert_eq!(losses, [Loss { from: Ticks(0), to: Ticks(5 * 16_384), lost: 1 }]);
    assert_eq!(reached, Ticks(5 * 16_384));
    let (more, losses, reached) = drain_all(&mut capture, &memory, 10);
    assert!(edges.is_empty() && losses.is_empty());
    assert_eq!(more, [Edge { tick: Ticks(16_384 * 5 + 77), channel: 0 }]);
    assert_eq!(reached, Ticks(6 * 16_384));
}

#[test]
fn what_is_written_over_while_it_is_read_is_not_believed() {
    let mut memory = memory(&[(100, 0), (100, 5), (16_384 * 9 + 1, 0)], 2, 10);
    memory.completed.set(1);
    memory.step = 3;
    let mut capture = Capture::new(4, Ticks(0));
    let mut out = [Edge { tick: Ticks(0), channel: 0 }; 4];
    let drained = capture.drain(&memory, &mut out);
    assert_eq!(drained.edges, 0);
    let loss = drained.loss.unwrap();
    assert_eq!((loss.from, loss.to), (Ticks(0), drained.reached));
    assert_eq!(drained.reached.0 % 16_384, 0);
    assert_eq!((references(&mut capture, 8), capture.references().0), ((vec![], 0), 0));
}

#[test]
fn after_a_fault_everything_is_a_loss() {
    let mut memory = memory(&[(100, 0)], 2, 1);
    memory.fault = Some(CaptureFault::Stalled);
    let mut capture = Capture::new(4, Ticks(0));
    let (edges, losses, reached) = drain_all(&mut capture, &memory, 10);
    assert_eq!(edges.len(), 1);
    assert_eq!(losses, [Loss { from: Ticks(16_384), to: Ticks(1 << 40), lost: 0 }]);
    assert_eq!(reached, Ticks(1 << 40));
}

#[test]
fn losses_that_touch_are_one_gap() {
    let mut count = LossCount::default();
    let loss = |from, to| Loss { from: Ticks(from), to: Ticks(to), lost: 0 };
    for l in [loss(0, 10), loss(10, 30), loss(30, 30), loss(50, 60)] {
        count.add(l);
    }
    assert_eq!((count.gaps, count.length), (2, Ticks(40)));
}
