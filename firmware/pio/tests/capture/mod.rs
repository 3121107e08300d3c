//! Every edge is found, in its tick.

use crate::machine::Machine;
use crate::station::Station;
use helio_bench::Edge;
use helio_pio::port;
use helio_pio::{BUFFER_TICKS, Capture, Lane};
use helio_units::Ticks;
use proptest::prelude::*;
use std::sync::atomic::AtomicU32;

/// From a level at the pad to its sample.
const SYNCHRONISER: u64 = 2;

/// First pin of the capture.
const BASE: u32 = 2;

/// The edges of `levels` (bit n is input n, an entry a cycle), through the programs and the
/// reduction: cycle of the pad and channel.
fn found(levels: &[u8]) -> Vec<(u64, u8)> {
    let mut pio = Machine::new();
    port::set_up(&mut pio);
    port::start_capture(&mut pio);
    let (mut main, mut aux) = (Vec::new(), Vec::new());
    for level in levels.iter().chain(&[0; 64]) {
        pio.inputs = u32::from(*level) << BASE;
        pio.cycle();
        main.extend(pio.sm[port::DETECTORS].rx.pop_front().map(AtomicU32::new));
        aux.extend(pio.sm[port::AUX].rx.pop_front().map(AtomicU32::new));
    }
    let (mut m, mut a) = (Lane::<4>::new(0, 15), Lane::<2>::new(0, 3));
    let mut edges: Vec<(u64, u8)> = std::iter::from_fn(|| m.next(&main))
        .map(|s| (u64::from(s.offset) - SYNCHRONISER, s.channel))
        .chain(
            std::iter::from_fn(|| a.next(&aux))
                .map(|s| (u64::from(s.offset) - SYNCHRONISER, s.channel + 4)),
        )
        .collect();
    edges.sort_unstable();
    edges
}

#[test]
fn every_pair_of_edges_is_found_down_to_the_minimum() {
    // On one channel: a tick high, a tick low. Across channels: down to the same tick. At every
    // place in a word of either state machine.
    for phase in 0..16usize {
        for (first, second) in (0..6).flat_map(|a| (0..6).map(move |b| (a, b))) {
            for distance in 0..=40usize {
                if first == second && distance < 2 {
                    continue;
                }
                for high in [1usize, 3] {
                    if first == second && distance <= high {
                        continue;
                    }
                    let mut levels = [0u8; 80];
                    let at = 8 + phase;
                    (at..at + high).for_each(|t| levels[t] |= 1 << first);
                    (at + distance..at + distance + high).for_each(|t| levels[t] |= 1 << second);
                    let mut expected = vec![(at as u64, first), ((at + distance) as u64, second)];
                    expected.sort_unstable();
                    assert_eq!(found(&levels), expected);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_levels_whatever_give_their_rising_edges(levels in proptest::collection::vec(0u8..64, 1..2000)) {
        let mut expected = Vec::new();
        let mut before = 0;
        for (t, level) in levels.iter().enumerate() {
            let rising = level & !before;
            expected.extend((0..6).filter(|c| rising >> c & 1 == 1).map(|c| (t as u64, c)));
            before = *level;
        }
        prop_assert_eq!(found(&levels), expected);
    }
}

/// Pulses on five inputs over several buffers, some across the cuts, with a DMA that is kept
/// waiting now and then; times are exact to a tick all the way.
#[test]
fn capture_goes_on_over_the_ends_of_buffers() {
    const BUFFERS: u64 = 6;
    let end = BUFFERS * u64::from(BUFFER_TICKS);
    let mut station = Station::new();
    (0..100).for_each(|_| station.cycle());
    station.start_capture();
    let mut expected = Vec::new();
    let mut random = 1u64;
    let mut before = 0;
    let mut capture = Capture::new(4, Ticks(0));
    let mut edges = vec![Edge { tick: Ticks(0), channel: 0 }; 100_000];
    let mut found = 0;
    while station.completed_ticks() < end {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let tick = station.ticks().0;
        let cut = (tick + SYNCHRONISER + 2) % u64::from(BUFFER_TICKS) < 4;
        let level = match random >> 60 {
            0 => (random >> 50) as u8 & 31,
            _ if cut => (random >> 40) as u8 & 31,
            _ => 0,
        };
        for channel in (0..5).filter(|c| level & !before & 1 << c != 0) {
            let edge = Edge { tick: Ticks(tick + SYNCHRONISER), channel };
            if edge.tick.0 < end {
                expected.push(edge);
            }
        }
        before = level;
        station.pio.inputs = u32::from(level) << BASE;
        if random >> 50 & 0x3FF == 0 {
            station.busy_until = station.pio.now + 24;
        }
        station.cycle();
        let room = &mut edges[found..];
        if station.ticks().0.is_multiple_of(1 << 14) {
            let drained = capture.drain(&station, room);
            assert_eq!(drained.loss, None);
            found += drained.edges;
        }
    }
    assert!(!station.stalled());
    found += capture.drain(&station, &mut edges[found..]).edges;
    assert!(expected.len() > 10_000);
    assert!(edges[..found] == expected[..]);
}

impl Station {
    fn completed_ticks(&self) -> u64 {
        use helio_pio::CaptureMemory;
        self.completed() * u64::from(BUFFER_TICKS)
    }
}

/// The FIFO holds 8 words, 64 ticks: what keeps the DMA away for longer is noticed.
#[test]
fn a_dma_that_comes_too_late_is_a_stall_and_never_a_shift() {
    for late in 0..120u64 {
        let mut station = Station::new();
        station.start_capture();
        (0..1000).for_each(|_| station.cycle());
        station.busy_until = station.pio.now + late;
        (0..1000).for_each(|_| station.cycle());
        let samples = 8 * (station.main.len() + station.pio.sm[0].rx.len()) as u64;
        let exact = station.ticks().0 - samples < 8;
        assert!(exact || station.stalled(), "{late}");
        if late <= 48 {
            assert!(!station.stalled(), "{late}");
        }
        if late >= 80 {
            assert!(station.stalled(), "{late}");
        }
    }
}
