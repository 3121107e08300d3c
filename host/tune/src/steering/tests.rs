//! Steering against edges whose truth is known: offset, drift, jitter, misses, false edges.

use super::*;
use helio_timetag::clock::synthetic::Dice;
use proptest::prelude::*;

const TICKS_PER_SECOND: f64 = 150e6;
const SEED: u32 = 0x1357_9BDF;

/// A light whose truth is known; times in Bob's ticks.
#[derive(Clone, Copy, Debug)]
struct Light {
    slot_ticks: u32,
    ppm: f64,
    drift_ppb_per_s: f64,
    jitter_ticks: f64,
    missed: f64,
    /// False edges a second.
    false_hz: f64,
    /// Time of Alice's slot 0.
    start: f64,
    /// The light is cut between these two times, in seconds from slot 0.
    cut_s: (f64, f64),
    seed: u64,
}

impl Light {
    fn new(seed: u64) -> Light {
        Light {
            slot_ticks: 30,
            ppm: 3.7,
            drift_ppb_per_s: 2.0,
            jitter_ticks: 0.1,
            missed: 0.0,
            false_hz: 0.0,
            start: 1_234_567.89,
            cut_s: (0.0, 0.0),
            seed,
        }
    }

    fn config(&self) -> SteeringConfig {
        SteeringConfig {
            tick: TickLength::CYCLE_150_MHZ,
            slot_ticks: self.slot_ticks,
            sync_spacing: 64,
            sync_seed: SEED,
        }
    }

    /// When a slot begins.
    fn begin(&self, slot: f64) -> f64 {
        let nominal = slot * f64::from(self.slot_ticks);
        let seconds = nominal / TICKS_PER_SECOND;
        self.start + nominal * (1.0 + 1e-6 * self.ppm + 0.5e-9 * self.drift_ppb_per_s * seconds)
    }

    /// Edges between Bob's run and `until_s` seconds after slot 0.
    fn edges(&self, run: f64, until_s: f64) -> Vec<Ticks> {
        let mut dice = Dice::new(self.seed);
        let mut sequence = SyncSequence::new(SEED).unwrap();
        let mut edges = Vec::new();
        let cut = self.cut_s.0 * TICKS_PER_SECOND..self.cut_s.1 * TICKS_PER_SECOND;
        loop {
            let slot = 64 * sequence.position();
            let time = self.begin(slot as f64 + 0.5) + self.jitter_ticks * dice.normal();
            let bright = sequence.next_bit();
            let after = time - self.start;
            if after > until_s * TICKS_PER_SECOND {
                break;
            }
            if bright && dice.uniform() > self.missed && time > run && !cut.contains(&after) {
                edges.push(time);
            }
        }
        let end = self.start + until_s * TICKS_PER_SECOND;
        if self.false_hz > 0.0 {
            let mut time = run;
            loop {
                time += dice.exponential(TICKS_PER_SECOND / self.false_hz);
                if time > end {
                    break;
                }
                edges.push(time);
            }
        }
        edges.sort_by(f64::total_cmp);
        edges.into_iter().map(|time| Ticks(time as u64)).collect()
    }

    /// Runs for so long; what was ordered for which beat, in intervals, and how it stands.
    fn steer(&self, run: f64, until_s: f64) -> (Vec<(u64, SlotTiming)>, Standing) {
        self.steer_by(&self.edges(run, until_s), run, until_s)
    }

    /// The same, by these edges; a batch of them for each 5 ms.
    fn steer_by(
        &self,
        edges: &[Ticks],
        run: f64,
        until_s: f64,
    ) -> (Vec<(u64, SlotTiming)>, Standing) {
        let mut steering = Steering::new(self.config()).unwrap();
        let end = self.start + until_s * TICKS_PER_SECOND;
        let (mut given, mut orders, mut now) = (0, Vec::new(), run as u64);
        while (now as f64) < end {
            now += 750_000;
            // One that is far away is of the batch in which it stands.
            let later = |edge: &Ticks| (now..=end as u64).contains(&edge.0);
            let count = edges[given..].iter().position(later).unwrap_or(edges.len() - given);
            steering.edges(edges[given..given + count].iter().copied());
            given += count;
            if let Some(Word::Steer(timing)) = steering.reached(Ticks(now)) {
                orders.push(((now + 7_500_000) / 15_000_000, timing));
            }
        }
        (orders, steering.standing())
    }

    /// By how many ticks an order is off, at its begin and 100 ms later.
    fn errors(&self, timing: &SlotTiming) -> [f64; 2] {
        let later = SlotIndex(timing.slot.0 + 15_000_000 / u64::from(self.slot_ticks));
        [timing.slot, later].map(|slot| {
            let told = timing.start_of(slot).0 as f64 / 4_294_967_296.0;
            told - self.begin(slot.0 as f64)
        })
    }

    /// Checks every order: on time, for a sync slot, and right to within `ticks`.
    fn check(&self, orders: &[(u64, SlotTiming)], ticks: f64) {
        for (interval, timing) in orders {
            assert!(timing.slot.0.is_multiple_of(64), "{timing:?}");
            let from = 15_000_000 * interval + 6_000_000;
            let ahead = timing.start.floor().0 as i64 - from as i64;
            let spacing = 64 * i64::from(self.slot_ticks);
            assert!((0..=2 * spacing).contains(&ahead), "{ahead} {timing:?}");
            for error in self.errors(timing) {
                assert!(error.abs() < ticks, "{error} ticks: {self:?} {timing:?}");
            }
        }
    }
}

#[test]
fn orders_come_each_interval_once_the_light_is_found() {
    let light = Light::new(1);
    let (orders, standing) = light.steer(1_000_000.0, 3.0);
    assert!(standing.locked, "{standing:?}");
    assert_eq!((standing.locks, standing.losses), (1, 0));
    assert!((standing.frequency_ppm - 3.7).abs() < 0.02, "{standing:?}");
    assert!((19..=30).contains(&orders.len()), "{}", orders.len());
    assert!(orders.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1));
    light.check(&orders, 0.6);
}

#[test]
fn every_clock_of_the_stated_range_is_found() {
    for (n, ppm) in [-99.0, -50.0, -1.0, 0.3, 20.0, 99.0].into_iter().enumerate() {
        for slot_ticks in [30, 150, 3_000] {
            let drift_ppb_per_s = if n % 2 == 0 { 50.0 } else { -50.0 };
            let start = 1e6 + 40e6 * n as f64;
            let light = Light { slot_ticks, ppm, drift_ppb_per_s, start, ..Light::new(n as u64) };
            let (orders, standing) = light.steer(1e6, 2.0);
            assert!(standing.locked && orders.len() >= 8, "{light:?} {standing:?}");
            light.check(&orders, 1.5);
        }
    }
}

/// Share of runs that order right, within a second.
fn found(light: impl Fn(u64) -> Light, runs: u64) -> u64 {
    let good = |seed| {
        let light = light(seed);
        let (orders, _) = light.steer(1e6, 2.0);
        light.check(&orders, 2.5);
        u64::from(!orders.is_empty())
    };
    (0..runs).map(good).sum()
}

#[test]
fn missing_and_false_edges_are_borne() {
    let bad =
        |seed| Light { missed: 0.5, false_hz: 20_000.0, jitter_ticks: 1.0, ..Light::new(seed) };
    assert_eq!(found(bad, 12), 12);
    // Nine edges of ten missing, and false ones as frequent as true ones.
    let worse = |seed| Light { missed: 0.9, false_hz: 4_000.0, ..Light::new(seed) };
    assert_eq!(found(worse, 12), 12);
}

#[test]
fn noise_gives_no_order() {
    for seed in 0..6 {
        let light = Light { missed: 1.0, false_hz: 30_000.0, ..Light::new(seed) };
        let (orders, standing) = light.steer(1e6, 1.0);
        assert_eq!((orders.len(), standing.locks), (0, 0), "{seed}");
    }
}

#[test]
fn bob_may_begin_before_or_after_alice() {
    // Nine tenths of a second of noise before the light, and the light on for as long.
    for (run, start) in [(1e6, 136e6), (150e6, 15e6)] {
        let light = Light { start, false_hz: 100.0, ..Light::new(9) };
        let (orders, standing) = light.steer(run, 3.0);
        assert!(standing.locked && orders.len() > 5, "{standing:?}");
        light.check(&orders, 1.5);
    }
}

#[test]
fn light_that_begins_late_is_found_from_where_it_is() {
    // Dark for 20 s from slot 0 on, with false edges all the while or without; and a slot 0 that
    // comes 20 s after Bob's begin, as where the other station is slow.
    for (start, dark_s, false_hz) in [(15e6, 20.0, 0.0), (15e6, 20.0, 100.0), (3e9, 0.0, 100.0)] {
        let light = Light { start, cut_s: (0.0, dark_s), false_hz, ..Light::new(6) };
        let (orders, standing) = light.steer(1e6, dark_s + 4.5);
        assert!(standing.locked && orders.len() >= 10, "{light:?} {standing:?}");
        light.check(&orders, 1.5);
    }
}

/// The device has lost its lock by itself before it hears of another place.
#[test]
fn nothing_is_ordered_after_a_loss_until_the_device_has_lost_its_lock_too() {
    let light = Light::new(11);
    let shift = 64_000.3 * 30.0;
    let at = light.start + 2.0 * TICKS_PER_SECOND;
    let moved = Light { start: light.start + shift, ..light };
    let mut edges = light.edges(1e6, 5.0);
    edges.retain(|edge| (edge.0 as f64) < at);
    edges.extend(moved.edges(1e6, 5.0).into_iter().filter(|edge| edge.0 as f64 > at));
    let (orders, standing) = light.steer_by(&edges, 1e6, 4.5);
    assert!(standing.locked && standing.losses == 1, "{standing:?}");
    let gaps: Vec<u64> = orders.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    let wide: Vec<u64> = gaps.into_iter().filter(|gap| *gap > 1).collect();
    assert!(wide.len() == 1 && wide[0] >= RESTRAINT, "{wide:?}");
    let loss = orders.windows(2).position(|pair| pair[1].0 - pair[0].0 > 1).unwrap();
    light.check(&orders[..=loss], 1.5);
    moved.check(&orders[loss + 1..], 1.5);
    // The one before came a lead late, the next one is half an interval early.
    let least = RESTRAINT as i64 * INTERVAL.0 - INTERVAL.0 / 2 - LEAD.0;
    assert!(least > 250_000_000_000, "{least} ps");
}

/// The player of the RP2350 begins with eight words of 2²⁰ − 1 ticks at most, from the next of its
/// buffers of 2¹⁴ ticks on.
#[test]
fn a_player_can_wait_for_the_first_order() {
    let sync_slots = 2 * 64 * 3_000;
    let ahead = TickLength::CYCLE_150_MHZ.ticks_covering(LEAD).0 + sync_slots;
    assert!(ahead <= 8 * ((1 << 20) - 1), "{ahead} ticks");
}

#[test]
fn one_far_edge_or_a_step_back_is_passed_over_and_a_leap_ends_it() {
    let light = Light::new(12);
    let mut edges = light.edges(1e6, 3.0);
    for n in [10, 1_000, 30_000] {
        edges.insert(n, Ticks(150_000_000 * 86_400 * 100));
        edges.insert(n, Ticks(0));
    }
    let (orders, standing) = light.steer_by(&edges, 1e6, 3.0);
    assert!(standing.locked && standing.losses == 0 && orders.len() >= 19, "{standing:?}");
    light.check(&orders, 0.6);

    let mut steering = Steering::new(light.config()).unwrap();
    steering.reached(Ticks(1_000_000_000));
    assert!(steering.reached(Ticks(2_000_000_000)).is_some() && !steering.standing().ended);
    assert_eq!(steering.reached(Ticks(1 << 60)), Some(Word::Nothing));
    assert!(steering.standing().ended);
    assert_eq!(steering.reached(Ticks(u64::MAX)), None);
}

#[test]
fn a_break_of_the_light_ends_orders_and_they_come_again() {
    for length in [0.25, 0.9, 5.0] {
        let cut_s = (1.03, 1.03 + length);
        let light = Light { cut_s, false_hz: 1_000.0, ..Light::new(4) };
        let (orders, standing) = light.steer(1e6, length + 4.5);
        assert!(standing.locked, "{standing:?}");
        light.check(&orders, 1.5);
        let cut = |s: f64| ((light.start + s * TICKS_PER_SECOND) / 15e6) as u64;
        let (from, to) = (cut(cut_s.0), cut(cut_s.1));
        let during = orders.iter().filter(|order| order.0 > from + 1 && order.0 < to).count();
        assert_eq!(during, 0, "{length} s");
        let after = orders.iter().filter(|order| order.0 > to + 20).count();
        assert!(after >= 10, "{after} orders after {length} s");
    }
}

#[test]
fn nonsense_is_refused() {
    let config = Light::new(0).config();
    assert!(Steering::new(SteeringConfig { sync_seed: 0, ..config }).is_none());
    assert!(Steering::new(SteeringConfig { sync_spacing: 1, ..config }).is_none());
    assert!(Steering::new(SteeringConfig { slot_ticks: 0, ..config }).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_clock_is_followed_or_nothing_is_said(
        ppm in -100.0..100.0f64, drift in -100.0..100.0f64, missed in 0.0..0.7f64,
        false_hz in 0.0..20_000.0f64, start in 1e6..100e6f64, seed: u64,
    ) {
        let light = Light {
            ppm, drift_ppb_per_s: drift, missed, false_hz, start, ..Light::new(seed)
        };
        let (orders, _) = light.steer(1e6, 1.0);
        // An eighth of a slot.
        light.check(&orders, 3.75);
    }

    /// Whatever a device says costs no more than it says: nothing is allocated or walked through
    /// for the time between two of its ticks.
    #[test]
    fn any_edges_give_an_answer(
        near in 0..4u32,
        batches in proptest::collection::vec(
            (any::<u64>(), proptest::collection::vec(any::<u64>(), 0..200), any::<u64>()), 0..20,
        ),
        slot_ticks in 1..5_000u32,
    ) {
        let config = SteeringConfig { slot_ticks, ..Light::new(0).config() };
        let mut steering = Steering::new(config).unwrap();
        // Ticks of 0.1 s, of minutes, of months, and all there are.
        let range = [15_000_000, 10_000_000_000, 1_000_000_000_000_000, u64::MAX][near as usize];
        let mut begin = 0u64;
        for (step, ticks, reached) in batches {
            // A crowd of edges and one that is far away from it, as it comes.
            begin = begin.saturating_add(step % 1_500_000_000);
            let crowd = ticks.iter().map(|tick| begin.saturating_add(tick % 15_000_000));
            let mut crowd: Vec<u64> = crowd.collect();
            crowd.sort_unstable();
            crowd.push(reached % range);
            steering.reached(Ticks(begin));
            steering.edges(crowd.into_iter().map(Ticks));
            steering.edges(ticks.iter().map(|tick| Ticks(tick % range)));
            steering.reached(Ticks(begin.saturating_add(30_000_000)));
            if step % 8 == 0 {
                steering.reached(Ticks(reached % range));
            }
            if let [first, .., last] = steering.edges[..] {
                // A search's span, a silence and what may lie ahead.
                let longest = 2 * EDGE_REACH.0 + LEAP.0 + EDGE_REACH.0;
                prop_assert!(last - first <= longest, "{} ps", last - first);
            }
        }
    }
}
