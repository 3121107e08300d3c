//! The tracker against synthetic sync edges: offset, drift, jitter, misses, false edges.

extern crate std;
use super::*;
use crate::fakes::Noise;
use std::vec::Vec;

/// A link whose truth is known.
#[derive(Clone, Copy, Debug)]
struct Link {
    slot_ticks: u32,
    spacing: u16,
    /// Bob's clock against Alice's.
    ppm: f64,
    /// Change of that in 10⁻⁹ a second.
    drift_ppb: f64,
    jitter_ticks: f64,
    missed: f64,
    /// False edges a sync position.
    false_edges: f64,
    /// Time at Bob of Alice's position 0, in ticks.
    start: f64,
    /// Of the position the link begins with.
    from: u64,
    /// Positions during which the fibre is cut.
    cut: (u64, u64),
    seed: u64,
}

const SEED: u32 = 0x1357_9BDF;
const TICKS_PER_SECOND: f64 = 150e6;

impl Link {
    fn new(seed: u64) -> Link {
        Link {
            slot_ticks: 30,
            spacing: 64,
            ppm: 0.0,
            drift_ppb: 0.0,
            jitter_ticks: 0.1,
            missed: 0.0,
            false_edges: 0.0,
            start: 1234.56,
            from: 0,
            cut: (0, 0),
            seed,
        }
    }

    fn plan(&self) -> SyncPlan {
        let seed = Prbs31::new(SEED).unwrap();
        SyncPlan { slot_ticks: self.slot_ticks, spacing: self.spacing, seed }
    }

    /// When position `k` comes at Bob, in his ticks.
    fn time_of(&self, k: f64) -> f64 {
        let nominal = k * f64::from(self.slot_ticks) * f64::from(self.spacing);
        let seconds = nominal / TICKS_PER_SECOND;
        let rate = self.ppm * 1e-6 + self.drift_ppb * 1e-9 * seconds / 2.0;
        self.start + nominal * (1.0 + rate)
    }

    /// Runs a tracker over positions up to `until` and shows it to `look` once every 78 positions
    /// (1 ms of the default link), after the search had its turn.
    fn run(&self, until: u64, mut look: impl FnMut(u64, &SyncTracker)) -> SyncTracker {
        let mut tracker = SyncTracker::new(self.plan());
        let mut noise = Noise::new(self.seed);
        let mut prbs = self.plan().seed;
        (0..self.from).for_each(|_| {
            prbs.next_bit();
        });
        let mut edges: Vec<f64> = Vec::new();
        for k in self.from..until {
            let dark = self.cut.0 <= k && k < self.cut.1;
            if prbs.next_bit() && !dark && noise.uniform() >= self.missed {
                edges.push(self.time_of(k as f64) + self.jitter_ticks * noise.normal());
            }
            if noise.uniform() < self.false_edges {
                edges.push(self.time_of(k as f64 + noise.uniform()));
            }
            if k % 78 == 77 {
                edges.sort_by(f64::total_cmp);
                for edge in edges.drain(..) {
                    tracker.edge(Ticks(edge as u64));
                }
                tracker.reached(Ticks(self.time_of(k as f64 + 0.5) as u64));
                tracker.search(4096);
                look(k, &tracker);
            }
        }
        tracker
    }

    /// How far the tracker places the next slots from the truth, in ticks; also fails if it
    /// numbers them wrongly.
    fn error_of(&self, k: u64, timing: &SlotTiming) -> f64 {
        let position = timing.slot.0 as f64 / f64::from(self.spacing);
        assert!((position - k as f64).abs() < 200.0, "{self:?}: position {position} at {k}");
        let truth = self.time_of(position) - f64::from(self.slot_ticks) / 2.0;
        let start = timing.start.0 as f64 / (1u64 << 32) as f64;
        start - truth
    }
}

/// Root of the mean square, over everything after `settled`.
fn rms(errors: &[f64]) -> f64 {
    (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt()
}

/// Runs a link and gives the position at which it locked and the phase error from 50 ms later on.
fn lock_and_rms(link: &Link, positions: u64) -> (u64, f64) {
    let (mut locked_at, mut errors) = (None, Vec::new());
    link.run(link.from + positions, |k, tracker| {
        let ahead = Ticks(link.time_of(k as f64 + 80.0) as u64);
        let Some(timing) = tracker.timing_from(ahead) else {
            assert_eq!(locked_at, None, "{link:?}: lock lost at {k}");
            return;
        };
        let error = link.error_of(k, &timing);
        let since = *locked_at.get_or_insert(k);
        assert!(error.abs() < f64::from(link.slot_ticks) / 4.0, "{link:?}: {error} ticks");
        if k > since + 4000 {
            errors.push(error);
        }
    });
    (locked_at.unwrap_or_else(|| panic!("{link:?}: no lock")), rms(&errors))
}

#[test]
fn phase_holds_within_a_fifth_of_a_tick_at_the_edge_of_the_range() {
    for seed in 0..4 {
        for ppm in [-100.0, -37.0, 3.0, 100.0] {
            let start = 1000.0 + seed as f64 * 777.77;
            let link = Link { ppm, drift_ppb: 10.0, start, ..Link::new(seed) };
            let (locked_at, rms) = lock_and_rms(&link, 30_000);
            assert!(rms < 0.2, "{link:?}: {rms} ticks rms");
            assert!(locked_at < 3000, "{link:?}: locked at {locked_at}");
        }
    }
}

#[test]
fn a_clock_in_step_is_known_to_half_a_tick() {
    // Without jitter every edge lies at the same place within its tick.
    for start in [1000.02, 1000.5, 1000.98] {
        let link = Link { jitter_ticks: 0.0, start, ..Link::new(9) };
        let (_, rms) = lock_and_rms(&link, 20_000);
        assert!(rms < 0.5, "{link:?}: {rms} ticks rms");
    }
}

#[test]
fn missed_and_false_edges_cost_time_not_phase() {
    for seed in 10..14 {
        for (missed, false_edges) in [(0.05, 0.0), (0.0, 0.2), (0.03, 0.05), (0.1, 0.1)] {
            let link = Link { ppm: 61.0, missed, false_edges, ..Link::new(seed) };
            let (locked_at, rms) = lock_and_rms(&link, 60_000);
            assert!(rms < 0.2, "{link:?}: {rms} ticks rms");
            assert!(locked_at < 40_000, "{link:?}: locked at {locked_at}");
        }
    }
}

#[test]
fn other_grids_lock_as_well() {
    for (slot_ticks, spacing) in [(100, 2), (30, 7), (8, 1000), (150, 64), (1000, 300)] {
        for ppm in [-90.0, 90.0] {
            let link = Link { slot_ticks, spacing, ppm, ..Link::new(20) };
            let (locked_at, rms) = lock_and_rms(&link, 20_000);
            assert!(rms < 0.2, "{link:?}: {rms} ticks rms");
            assert!(locked_at < 4000, "{link:?}: locked at {locked_at}");
        }
    }
}

#[test]
fn a_run_begun_later_is_numbered_from_its_beginning() {
    let link = Link { from: 2_000_000, ppm: -20.0, ..Link::new(30) };
    let (locked_at, _) = lock_and_rms(&link, 60_000);
    // 2 million steps at 4096 a millisecond.
    assert!(locked_at - link.from < 45_000, "locked at {locked_at}");
}

#[test]
fn beyond_the_search_limit_there_is_no_lock() {
    let link = Link { from: u64::from(SEARCH_LIMIT) + 100_000, ..Link::new(31) };
    let tracker = link.run(link.from + 120_000, |_, tracker| assert!(!tracker.is_locked()));
    assert!(!tracker.is_locked());
}

#[test]
fn a_cut_fibre_loses_lock_in_time_and_numbers_go_on_after_it() {
    for (length, seed) in [(3000, 40), (200_000, 41)] {
        let cut = (20_000, 20_000 + length);
        let link = Link { ppm: 100.0, cut, ..Link::new(seed) };
        let (mut lost_at, mut locked_again) = (None, None);
        link.run(cut.1 + 60_000, |k, tracker| {
            match tracker.timing_from(Ticks(link.time_of(k as f64 + 80.0) as u64)) {
                Some(timing) => {
                    assert!(link.error_of(k, &timing).abs() < 7.5);
                    if k > cut.1 {
                        locked_again.get_or_insert(k);
                    }
                }
                None if k > cut.0 => {
                    lost_at.get_or_insert(k);
                }
                None => {}
            }
        });
        let lost_at = lost_at.unwrap();
        assert!(lost_at < cut.0 + 3 * u64::from(MISMATCH_WINDOW), "lost at {lost_at}");
        let again = locked_again.expect("locks again");
        assert!(again < cut.1 + 10_000 + u64::from(RECKONING_LAG), "locked again at {again}");
    }
}

#[test]
fn short_misses_do_not_lose_lock() {
    // Twenty positions dark is well within what the loop holds over.
    let link = Link { cut: (20_000, 20_020), ..Link::new(50) };
    lock_and_rms(&link, 40_000);
}

#[test]
fn noise_alone_never_locks() {
    for false_edges in [0.1, 0.5, 0.9] {
        let link = Link { missed: 1.0, false_edges, ..Link::new(60) };
        link.run(300_000, |_, tracker| assert!(!tracker.is_locked()));
    }
}

#[test]
fn a_constant_pulse_train_never_locks() {
    let mut tracker = SyncTracker::new(Link::new(0).plan());
    for k in 0..100_000u64 {
        tracker.edge(Ticks(500 + k * 1920));
        tracker.search(4096);
        assert!(!tracker.is_locked());
    }
}

#[test]
fn the_search_takes_its_steps_in_portions() {
    // Between two turns of the search, positions go on: they must not be lost in the count.
    let link = Link { from: 30_000, ..Link::new(70) };
    let mut tracker = SyncTracker::new(link.plan());
    let mut prbs = link.plan().seed;
    (0..link.from).for_each(|_| {
        prbs.next_bit();
    });
    for k in link.from..link.from + 20_000 {
        if prbs.next_bit() {
            tracker.edge(Ticks(link.time_of(k as f64) as u64));
        }
        tracker.search(3);
        if let Some(timing) = tracker.timing_from(Ticks(0)) {
            assert!(link.error_of(k, &timing).abs() < 1.0);
            return;
        }
    }
    panic!("no lock");
}
