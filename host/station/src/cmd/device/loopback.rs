//! Edges of one pulse a slot: how well they lie on a grid, and how many are missing.

/// How edges lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Loopback {
    /// Pulses with an edge.
    pub found: u64,
    /// Pulses without one.
    pub missed: u64,
    /// Edges in a slot that had one already, and edges beyond the number of pulses.
    pub extra: u64,
    /// Root mean square distance from the grid, in ticks.
    pub rms_ticks: f64,
    /// Longest distance from it.
    pub longest_ticks: f64,
    /// Length of a slot on that grid.
    pub period_ticks: f64,
}

/// Fits a grid of about `period` ticks to edges in order of time and says how they lie on it; `None`
/// for fewer than three edges. Slots are counted from edge to edge, which is right for a clock within
/// 10 % of `period` over the gaps of one slot, and within 1/2n over gaps of n; jitter is well below
/// half a slot.
pub(super) fn measure(ticks: &[u64], period: f64, pulses: u64) -> Option<Loopback> {
    let (first, mut slot, mut extra) = (*ticks.first()?, 0u64, 0);
    let mut last = first;
    // Slots and ticks since the first edge.
    let mut points: Vec<(f64, f64)> = vec![(0.0, 0.0)];
    for tick in &ticks[1..] {
        let slots = (tick.saturating_sub(last) as f64 / period).round() as u64;
        if slots == 0 {
            extra += 1;
            continue;
        }
        slot += slots;
        last = *tick;
        points.push((slot as f64, (*tick - first) as f64));
    }
    if points.len() < 3 {
        return None;
    }
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (mean_slot, mean_tick) = (mean(|p| p.0), mean(|p| p.1));
    let (mut square, mut product) = (0.0, 0.0);
    for (slot, tick) in &points {
        square += (slot - mean_slot).powi(2);
        product += (slot - mean_slot) * (tick - mean_tick);
    }
    let fitted = product / square;
    let (mut sum, mut longest) = (0.0, 0f64);
    for (slot, tick) in &points {
        let off = tick - mean_tick - fitted * (slot - mean_slot);
        sum += off * off;
        longest = longest.max(off.abs());
    }
    let found = points.len() as u64;
    Some(Loopback {
        found: found.min(pulses),
        missed: pulses.saturating_sub(found),
        extra: extra + found.saturating_sub(pulses),
        rms_ticks: (sum / n).sqrt(),
        longest_ticks: longest,
        period_ticks: fitted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_perfect_grid_has_the_jitter_of_its_ticks() {
        // 30.37 ticks a slot, rounded down to ticks: 1/√12 of a tick.
        let ticks: Vec<u64> = (0..10_000).map(|i| (f64::from(i) * 30.37) as u64).collect();
        let found = measure(&ticks, 30.0, 10_000).unwrap();
        assert_eq!((found.found, found.missed, found.extra), (10_000, 0, 0));
        assert!((found.period_ticks - 30.37).abs() < 1e-4, "{found:?}");
        assert!((found.rms_ticks - 0.2887).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_is_counted() {
        let mut ticks: Vec<u64> = (0..1000).filter(|i| i % 64 != 0).map(|i| i * 150).collect();
        let pulses = ticks.len() as u64;
        ticks.remove(500);
        ticks.insert(100, ticks[99] + 3);
        let found = measure(&ticks, 150.0, pulses).unwrap();
        assert_eq!((found.found, found.missed, found.extra), (pulses - 1, 1, 1));
        assert!(found.rms_ticks < 1e-6);
        assert_eq!(measure(&[], 30.0, 10), None);
        assert_eq!(measure(&[5, 5, 5, 5], 30.0, 10), None);
    }

    proptest! {
        #[test]
        fn any_edges_are_borne(mut ticks in prop::collection::vec(any::<u64>(), 0..50), pulses in any::<u64>()) {
            ticks.sort_unstable();
            if let Some(found) = measure(&ticks, 30.0, pulses) {
                prop_assert!(found.rms_ticks.is_finite() && found.found <= pulses);
            }
        }
    }
}
