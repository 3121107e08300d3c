//! How long an edge takes from the detector to the host.
//!
//! A device and its host have a clock each. What joins them are commands: a device carries one out
//! at a tick that its answer tells, and that lay between sending the command and receiving the
//! answer. So each exchange bounds the difference of the clocks from both sides, to within its
//! round trip, and a quick one bounds it well. This is Cristian's method (Distributed Computing 3,
//! 146, 1989). Clocks drift, so that an old bound is worth less than a new one.
//!
//! No clock is read here: the caller tells host time, in nanoseconds of any monotonic clock.

use helio_units::{TickLength, Ticks};

/// By how much two clocks may run apart: a quartz each of ±50 ppm, in parts per million.
const DRIFT_PPM: i128 = 100;
/// Buckets an octave: a quantile is told to within 1/8 octave, 9 %.
const PER_OCTAVE: u32 = 8;
/// Octaves from 1 µs on: up to 1 µs × 2²⁴ = 17 s.
const OCTAVES: u32 = 24;
const BUCKETS: usize = (PER_OCTAVE * OCTAVES) as usize;
/// Lower end of the first bucket; whatever is quicker lies in it too.
const SHORTEST_NS: f64 = 1_000.0;

/// Latencies by size.
#[derive(Clone, Debug)]
pub struct LatencyHistogram {
    counts: [u64; BUCKETS],
    total: u64,
    longest_ns: u64,
    tick: TickLength,
    joined: Option<Bounds>,
}

/// Host time less device time, in nanoseconds, lay between these at `at`.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    low: i128,
    high: i128,
    at: u64,
}

impl Bounds {
    /// As they hold at another time.
    fn at(self, now: u64) -> Bounds {
        let drift = i128::from(now.abs_diff(self.at)) * DRIFT_PPM / 1_000_000;
        Bounds { low: self.low - drift, high: self.high + drift, at: now }
    }
}

impl LatencyHistogram {
    /// Empty, for a device with ticks of this length.
    pub fn new(tick: TickLength) -> LatencyHistogram {
        LatencyHistogram { counts: [0; BUCKETS], total: 0, longest_ns: 0, tick, joined: None }
    }

    /// A command sent at `sent_ns` took effect at `tick`, and its answer came at `received_ns`.
    /// Commands that wait for something else in the device (`Start`, `Stop`) count too: their tick
    /// is that of the effect.
    pub fn answered(&mut self, sent_ns: u64, tick: Ticks, received_ns: u64) {
        let device = self.device_ns(tick);
        let (sent, received) = (i128::from(sent_ns), i128::from(received_ns));
        let fresh = Bounds { low: sent - device, high: received - device, at: received_ns };
        self.joined = Some(match self.joined.map(|old| old.at(received_ns)) {
            // Each bound holds by itself.
            Some(old) if old.low.max(fresh.low) <= old.high.min(fresh.high) => {
                let (low, high) = (old.low.max(fresh.low), old.high.min(fresh.high));
                Bounds { low, high, at: received_ns }
            }
            // Clocks that contradict what was known: the device began anew, or the host slept.
            _ => fresh,
        });
    }

    /// The device starts anew: its clock does too.
    pub fn rebooted(&mut self) {
        self.joined = None;
    }

    /// An edge of this tick was received at `received_ns`; it counts once clocks have been joined.
    /// Its latency is taken from the middle of the bounds.
    pub fn arrived(&mut self, edge: Ticks, received_ns: u64) {
        let Some(bounds) = self.joined else { return };
        let Bounds { low, high, .. } = bounds.at(received_ns);
        let latency = i128::from(received_ns) - self.device_ns(edge) - (low + high) / 2;
        let latency = latency.clamp(0, i128::from(u64::MAX)) as u64;
        self.longest_ns = self.longest_ns.max(latency);
        self.total += 1;
        self.counts[bucket(latency)] += 1;
    }

    /// Edges counted.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// Longest latency in nanoseconds.
    pub fn longest_ns(&self) -> u64 {
        self.longest_ns
    }

    /// The latency in nanoseconds that a share of 0 to 1 of the edges stays within, to 9 %;
    /// `None` without edges.
    pub fn quantile_ns(&self, share: f64) -> Option<f64> {
        let wanted = (share.clamp(0.0, 1.0) * self.total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let at = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(upper_ns(at).min(self.longest_ns as f64))
    }

    /// Half the width of the bounds on the clocks' difference at this time: by so much each
    /// latency may be wrong, all in the same way. `None` before an answer.
    pub fn uncertainty_ns(&self, now_ns: u64) -> Option<u64> {
        let Bounds { low, high, .. } = self.joined?.at(now_ns);
        u64::try_from((high - low) / 2).ok()
    }

    /// Buckets that are not empty: their upper ends in nanoseconds and what lies in them.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let filled = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        filled.map(|(at, count)| (upper_ns(at), *count))
    }

    fn device_ns(&self, tick: Ticks) -> i128 {
        let ps = i128::from(tick.0) * i128::from(self.tick.numerator_ps());
        ps / i128::from(self.tick.denominator()) / 1000
    }
}

fn bucket(latency_ns: u64) -> usize {
    let octaves = (latency_ns as f64 / SHORTEST_NS).log2().max(0.0);
    ((octaves * f64::from(PER_OCTAVE)) as usize).min(BUCKETS - 1)
}

fn upper_ns(bucket: usize) -> f64 {
    SHORTEST_NS * ((bucket + 1) as f64 / f64::from(PER_OCTAVE)).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Ticks of 1 ns: a device whose clock is `offset` behind the host's.
    fn histogram() -> LatencyHistogram {
        LatencyHistogram::new(TickLength::new(1000, 1).unwrap())
    }

    #[test]
    fn clocks_are_joined_by_answers_and_a_quick_one_joins_them_well() {
        let mut h = histogram();
        h.arrived(Ticks(0), 1_000_000);
        assert_eq!((h.count(), h.uncertainty_ns(0)), (0, None));
        // Host = device + 5 s. A slow round trip of 2 ms, then a quick one of 100 µs.
        let offset = 5_000_000_000;
        h.answered(offset, Ticks(1_500_000), offset + 2_000_000);
        assert_eq!(h.uncertainty_ns(offset + 2_000_000), Some(1_000_000));
        h.answered(offset + 3_000_000, Ticks(3_050_000), offset + 3_100_000);
        assert!(h.uncertainty_ns(offset + 3_100_000).unwrap() <= 50_000);
        h.arrived(Ticks(3_100_000), offset + 3_100_000 + 400_000);
        let told = h.quantile_ns(0.5).unwrap();
        assert!((told - 400_000.0).abs() < 50_000.0, "{told}");
        // 1 s later the bounds are 100 µs wider on each side.
        assert!(h.uncertainty_ns(offset + 1_003_100_000).unwrap() >= 100_000);
        h.rebooted();
        assert_eq!(h.uncertainty_ns(0), None);
    }

    #[test]
    fn quantiles_and_buckets_tell_the_same() {
        let mut h = histogram();
        h.answered(0, Ticks(0), 0);
        for latency in 1..=1000 {
            h.arrived(Ticks(0), latency * 1000);
        }
        assert_eq!((h.count(), h.longest_ns()), (1000, 1_000_000));
        for (share, exact) in [(0.5, 500e3), (0.9, 900e3), (0.99, 990e3), (1.0, 1e6)] {
            let told = h.quantile_ns(share).unwrap();
            assert!((told / exact - 1.0).abs() < 0.095, "{share}: {told} for {exact}");
        }
        assert_eq!(h.buckets().map(|(_, count)| count).sum::<u64>(), 1000);
        assert!(h.buckets().is_sorted_by(|a, b| a.0 < b.0));
    }

    proptest! {
        /// No host or device time panics; the true latency is never further off than told.
        #[test]
        fn any_times_are_borne(
            sent in 0..u64::MAX / 2,
            ticks in any::<u64>(),
            trip in 0u64..10_000_000,
            at in any::<u64>(),
            edge in any::<u64>(),
        ) {
            let mut h = histogram();
            h.answered(sent, Ticks(ticks), sent + trip);
            h.answered(at, Ticks(edge), at);
            h.arrived(Ticks(edge), at);
            h.arrived(Ticks(ticks), sent + trip);
            prop_assert!(h.count() == 2 && h.quantile_ns(0.5).is_some());
        }

        #[test]
        fn an_exchange_bounds_the_truth(
            offset in 0i64..1_000_000_000,
            way in 0u64..1_000_000,
            back in 0u64..1_000_000,
            latency in 0u64..10_000_000,
        ) {
            let mut h = histogram();
            let device = 1_000_000u64;
            let host = device + offset as u64;
            h.answered(host, Ticks(device + way), host + way + back);
            let at = host + way + back + latency;
            h.arrived(Ticks(at - latency - offset as u64), at);
            let told = h.longest_ns();
            let off = h.uncertainty_ns(at).unwrap() + 1;
            prop_assert!(told.abs_diff(latency) <= off, "{told} for {latency} within {off}");
        }
    }
}
