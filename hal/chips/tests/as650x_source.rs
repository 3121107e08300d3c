//! The AS650x as a source of edges, against a chip in software.

#[path = "common/tagger.rs"]
mod tagger;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::rc::Rc;

use embedded_hal::spi::{self, Operation, SpiDevice};
use helio_bench::{Edge, EdgeSource};
use helio_chips::as650x::{As650x, As650xSource, Config, Merger, Part, RESULT_BYTES, Resolution};
use helio_units::{TickLength, Ticks};
use proptest::prelude::*;
use tagger::{Broken, DIVISIONS, TURN, drain, source, source_of};

#[test]
fn ticks_are_of_exact_length() {
    let (_, source) = source(Default::default());
    assert_eq!(source.tick_length(), TickLength::new(10, 1).unwrap());
    assert_eq!(source.channels(), 4);
}

#[test]
fn silence_longer_than_a_turn_of_the_index_costs_nothing() {
    let d = u64::from(DIVISIONS);
    let hit = 5 * TURN * d / 2 + 77;
    let (world, mut source) = source([vec![3 * d], vec![], vec![hit], vec![]]);
    let (mut all, mut losses) = (vec![], vec![]);
    drain(&mut source, &world, 8, &mut all, &mut losses);
    // Two and a half turns without an edge, asked twice a turn.
    for _ in 0..6 {
        world.borrow_mut().advance(TURN / 2);
        drain(&mut source, &world, 8, &mut all, &mut losses);
    }
    let expected = [Edge { tick: Ticks(3 * d), channel: 0 }, Edge { tick: Ticks(hit), channel: 2 }];
    assert_eq!(all, expected);
    assert_eq!(losses, []);
}

#[test]
fn not_asked_for_a_turn_with_nothing_to_tell_is_no_loss() {
    let d = u64::from(DIVISIONS);
    let late = 7 * TURN * d;
    let (world, mut source) = source([vec![late], vec![], vec![], vec![]]);
    let (mut all, mut losses) = (vec![], vec![]);
    world.borrow_mut().advance(7 * TURN - 200);
    drain(&mut source, &world, 8, &mut all, &mut losses);
    world.borrow_mut().advance(1_000);
    drain(&mut source, &world, 8, &mut all, &mut losses);
    assert_eq!(all, [Edge { tick: Ticks(late), channel: 0 }]);
    assert_eq!(losses, []);
}

#[test]
fn a_hit_that_may_have_waited_a_turn_is_lost_and_told() {
    let d = u64::from(DIVISIONS);
    let (world, mut source) = source([vec![500 * d], vec![], vec![], vec![]]);
    world.borrow_mut().advance(TURN + 1_000);
    let (mut all, mut losses) = (vec![], vec![]);
    drain(&mut source, &world, 8, &mut all, &mut losses);
    assert_eq!(all, []);
    assert_eq!(losses.len(), 1);
    let loss = losses[0];
    assert!(loss.from.0 <= 500 * d && 500 * d < loss.to.0 && loss.lost == 1, "{loss:?}");
}

#[test]
fn a_bus_that_failed_is_told_as_a_loss_and_kept_as_a_fault() {
    let d = u64::from(DIVISIONS);
    let (world, mut source) = source([vec![500 * d, 9_000 * d], vec![], vec![], vec![]]);
    let (mut all, mut losses) = (vec![], vec![]);
    world.borrow_mut().advance(1_000);
    world.borrow_mut().fails = true;
    drain(&mut source, &world, 8, &mut all, &mut losses);
    world.borrow_mut().advance(10_000);
    drain(&mut source, &world, 8, &mut all, &mut losses);
    assert_eq!(source.fault(), Some(Broken));
    assert_eq!(source.fault(), None);
    assert_eq!(all, [Edge { tick: Ticks(9_000 * d), channel: 0 }]);
    assert!(losses[0].from.0 <= 500 * d && 500 * d < losses[0].to.0, "{losses:?}");
}

fn hits() -> impl Strategy<Value = Vec<u64>> {
    // Bursts, gaps of a few transfers, and now and then more than a turn of the index.
    let gap = prop_oneof![6 => 1u64..3, 6 => 1u64..400, 1 => TURN / 3..3 * TURN];
    proptest::collection::vec((gap, 0..u64::from(DIVISIONS)), 0..40).prop_map(|gaps| {
        let mut period = 0;
        gaps.iter()
            .map(|(gap, stop)| {
                period += gap;
                period * u64::from(DIVISIONS) + stop
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_edge_comes_in_order_or_lies_in_a_loss(
        hits in proptest::array::uniform4(hits()), pause in 1u64..TURN / 2, slots in 1usize..70,
        resolution in 0..3usize,
    ) {
        let mut expected: Vec<Edge> = (0..4u8)
            .flat_map(|n| hits[usize::from(n)].iter().map(move |h| (n, *h)))
            .map(|(channel, h)| Edge { tick: Ticks(h), channel })
            .collect();
        expected.sort();
        let end = expected.last().map_or(0, |e| e.tick.0) / u64::from(DIVISIONS);
        let resolution =
            [Resolution::Single, Resolution::Double, Resolution::Fourfold][resolution];
        let (world, mut source) = source_of(hits, resolution);
        let (mut all, mut losses) = (vec![], vec![]);
        // Short pauses while there is something to see, long ones where all is silent.
        while world.borrow().now <= end + 1 {
            let next = {
                let w = world.borrow();
                w.hits.iter().filter_map(|h| h.front()).min().copied().unwrap_or(0)
            };
            let silent = (next / u64::from(DIVISIONS)).saturating_sub(world.borrow().now);
            world.borrow_mut().advance(if silent > pause { pause } else { pause.min(300) });
            drain(&mut source, &world, slots, &mut all, &mut losses);
        }
        drain(&mut source, &world, slots, &mut all, &mut losses);
        let dropped = world.borrow().dropped.clone();
        let lies_in_loss = |tick: u64| losses.iter().any(|l| l.from.0 <= tick && tick < l.to.0);
        for edge in &expected {
            let seen = all.binary_search(edge).is_ok();
            prop_assert!(seen != dropped.contains(&edge.tick.0) || lies_in_loss(edge.tick.0));
            prop_assert!(seen || lies_in_loss(edge.tick.0), "{:?} vanished", edge);
        }
        prop_assert!(all.iter().all(|e| expected.binary_search(e).is_ok()), "an edge was made up");
        if dropped.is_empty() {
            prop_assert_eq!(&all, &expected);
        }
    }
}

/// A chip that answers with anything at all.
#[derive(Clone)]
struct Noise(Rc<RefCell<(VecDeque<u8>, u64)>>);

impl spi::ErrorType for Noise {
    type Error = Infallible;
}

impl SpiDevice for Noise {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), Infallible> {
        let mut inner = self.0.borrow_mut();
        for operation in operations {
            if let Operation::TransferInPlace(frame) = operation
                && frame[0] == 0x68
            {
                for byte in frame.iter_mut() {
                    *byte = inner.0.pop_front().unwrap_or(0xFF);
                }
                inner.1 += 90_000;
            } else if let Operation::TransferInPlace(frame) = operation {
                frame[1..].copy_from_slice(&Config::new(Part::As6501, DIVISIONS).encode());
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn noise_on_the_bus_makes_no_panic_and_no_disorder(
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0xFF), Just(0)], 0..4000),
    ) {
        let bus = Noise(Rc::new(RefCell::new((bytes.into(), 0))));
        let chip = As650x::new(bus.clone(), Config::new(Part::As6501, DIVISIONS)).unwrap();
        let reference = TickLength::new(100_000, 1).unwrap();
        let mut source =
            As650xSource::start(chip, move || bus.0.borrow().1, reference).unwrap();
        let mut out = [Edge { tick: Ticks(0), channel: 0 }; 16];
        let mut reached = Ticks(0);
        for _ in 0..60 {
            let drained = source.drain(&mut out);
            prop_assert!(reached <= drained.reached);
            for edge in &out[..drained.edges] {
                prop_assert!(reached <= edge.tick && edge.tick <= drained.reached);
            }
            reached = drained.reached;
        }
    }
}

#[test]
fn a_merger_without_room_tells_what_it_dropped() {
    let config = Config { channels: 1, ..Config::new(Part::As6500, DIVISIONS) };
    let mut merger = Merger::new(config);
    let mut all = [0xFF; RESULT_BYTES];
    for period in 0..200u8 {
        all[..6].copy_from_slice(&[0, 0, period, 0, 0, 0]);
        // Read at once: the FIFO was never full.
        assert!(merger.take_in(&all, period.into(), u64::from(period) + 1));
    }
    assert!(!merger.has_room());
    let mut out = [Edge { tick: Ticks(0), channel: 0 }; 256];
    let drained = merger.drain(&mut out);
    let loss = drained.loss.unwrap();
    assert!(loss.lost >= 136, "{loss:?}");
    assert!(drained.edges <= 64);
}
