//! A chip that is gone, was reset or missed a part of its clock: no time is guessed.

#[path = "common/tagger.rs"]
mod tagger;

use std::cell::RefCell;
use std::rc::Rc;

use embedded_hal::delay::DelayNs;
use helio_bench::{Edge, EdgeSource, Loss};
use helio_chips::as650x::{As650x, As650xSource, Config, Part, StartError, Stop, TOLERANCE};
use helio_units::{TickLength, Ticks};
use tagger::{Bus, DIVISIONS, World, drain, source};

/// Waits in reference periods of 100 ns.
struct Wait(Rc<RefCell<World>>);

impl DelayNs for Wait {
    fn delay_ns(&mut self, ns: u32) {
        self.0.borrow_mut().advance(u64::from(ns).div_ceil(100));
    }
}

/// What was told up to `from` stands; everything from there to the last call is a loss.
fn is_lost_from(losses: &[Loss], from: u64, to: u64) -> bool {
    let first = losses.iter().map(|l| l.from.0).min().unwrap();
    let last = losses.iter().map(|l| l.to.0).max().unwrap();
    first <= from && last >= to && losses.windows(2).all(|l| l[0].to >= l[1].from)
}

#[test]
fn a_chip_that_is_gone_or_was_reset_ends_the_source_and_is_no_darkness() {
    let d = u64::from(DIVISIONS);
    for was_reset in [false, true] {
        let hits = vec![300 * d, 2_000 * d, 9_000 * d, 40_000 * d];
        let (world, mut source) = source([hits, vec![], vec![], vec![]]);
        let (mut all, mut losses) = (vec![], vec![]);
        world.borrow_mut().advance(1_000);
        drain(&mut source, &world, 8, &mut all, &mut losses);
        assert_eq!((source.stop(), losses.len()), (None, 0));
        if was_reset {
            world.borrow_mut().registers.fill(0)
        } else {
            world.borrow_mut().gone = true
        }
        // What it had for us it does not give.
        world.borrow_mut().fifos = Default::default();
        world.borrow_mut().advance(1_500);
        world.borrow_mut().fifos = Default::default();
        drain(&mut source, &world, 8, &mut all, &mut losses);
        assert_eq!(source.stop(), Some(Stop::Silent));
        world.borrow_mut().advance(10_000);
        drain(&mut source, &world, 8, &mut all, &mut losses);
        assert!(is_lost_from(&losses, 2_000 * d, 10_000 * d), "{losses:?}");
        // It does not come back by itself.
        world.borrow_mut().gone = false;
        drain(&mut source, &world, 8, &mut all, &mut losses);
        assert_eq!(source.stop(), Some(Stop::Silent));

        losses.clear();
        source.restart(&mut Wait(world.clone())).unwrap();
        let begun = world.borrow().zero;
        world.borrow_mut().advance(40_000);
        drain(&mut source, &world, 8, &mut all, &mut losses);
        assert_eq!(source.stop(), None);
        assert_eq!(losses.len(), 1);
        assert_eq!(losses[0].to, Ticks(begun * d), "up to the new start");
        assert_eq!(all, [300, 40_000].map(|p| Edge { tick: Ticks(p * d), channel: 0 }));
    }
}

#[test]
fn a_clock_that_the_chip_missed_a_part_of_ends_the_source() {
    let d = u64::from(DIVISIONS);
    let (world, mut source) = source([vec![300 * d, 5_000 * d], vec![], vec![], vec![]]);
    let (mut all, mut losses) = (vec![], vec![]);
    world.borrow_mut().advance(1_000);
    drain(&mut source, &world, 8, &mut all, &mut losses);
    world.borrow_mut().skipped = 4_500;
    world.borrow_mut().advance(5_000);
    drain(&mut source, &world, 8, &mut all, &mut losses);
    assert_eq!(source.stop(), Some(Stop::Astray));
    assert_eq!(all.len(), 1, "no time is guessed");
    assert!(is_lost_from(&losses, 5_000 * d, 6_000 * d), "{losses:?}");
}

#[test]
fn edges_stand_too_early_by_no_more_than_the_start_takes_and_a_slow_start_is_none() {
    let d = u64::from(DIVISIONS);
    let (world, mut source) = source([vec![9_000 * d], vec![], vec![], vec![]]);
    let mut wait = Wait(world.clone());
    world.borrow_mut().sending = TOLERANCE / 2 + 1;
    assert_eq!(source.restart(&mut wait), Err(Stop::Slow));
    assert_eq!(source.stop(), Some(Stop::Slow));
    world.borrow_mut().gone = true;
    assert_eq!(source.restart(&mut wait), Err(Stop::Silent));
    world.borrow_mut().gone = false;
    world.borrow_mut().sending = TOLERANCE / 2;
    source.restart(&mut wait).unwrap();
    world.borrow_mut().advance(9_000);
    let (mut all, mut losses) = (vec![], vec![]);
    drain(&mut source, &world, 8, &mut all, &mut losses);
    assert_eq!(all, [Edge { tick: Ticks((9_000 - TOLERANCE / 2) * d), channel: 0 }]);
    assert_eq!(source.stop(), None);
}

#[test]
fn a_chip_that_is_not_there_does_not_begin() {
    let world = Rc::new(RefCell::new(World { gone: true, ..World::default() }));
    let config = Config::new(Part::As6500, DIVISIONS);
    assert!(As650x::new(Bus(world.clone()), config).is_err());
    let chip = As650x::unconfigured(Bus(world.clone()), config).unwrap();
    let clock = world.clone();
    let reference = TickLength::new(100_000, 1).unwrap();
    let mut source = As650xSource::stopped(chip, move || clock.borrow().now, reference).unwrap();
    assert_eq!(source.restart(&mut Wait(world.clone())), Err(Stop::Silent));
    let drained = source.drain(&mut [Edge { tick: Ticks(0), channel: 0 }; 4]);
    assert_eq!(drained.edges, 0);
    let now = Ticks(world.borrow().now * u64::from(DIVISIONS));
    assert_eq!(drained.loss, Some(Loss { from: Ticks(0), to: now, lost: 0 }));
    world.borrow_mut().gone = false;
    assert_eq!(source.restart(&mut Wait(world.clone())), Ok(()));
    assert_eq!(StartError::Stop(Stop::Slow).to_string(), Stop::Slow.to_string());
}
