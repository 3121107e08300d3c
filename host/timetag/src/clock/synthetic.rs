//! Seeded clicks of two stations with clocks of their own, for tests, benchmarks and the figures of
//! the documentation. SIMULATED: nothing here is measured.

use super::ClockModel;
use super::slots::{SyncPlan, SyncSequence};

/// A small generator (xorshift64*): good enough to scatter clicks, and no secret hangs on it.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The same seed, the same clicks.
    pub fn new(seed: u64) -> Dice {
        let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Dice((z ^ (z >> 31)) | 1)
    }

    /// Uniform in (0, 1].
    pub fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        (bits + 1) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal (Box and Muller, Ann. Math. Stat. 29, 610 (1958)).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (core::f64::consts::TAU * self.uniform()).cos()
    }

    /// Exponential with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.uniform().ln()
    }
}

/// A clock with any offset, frequency and drift within these limits, in ps, millionths and 10⁻⁹ a
/// second, at a reading of zero.
pub fn any_clock(seed: u64, [offset_ps, frequency_ppm, drift_ppb_per_s]: [f64; 3]) -> ClockModel {
    let mut dice = Dice::new(seed);
    let mut within = |limit: f64| limit * (2.0 * dice.uniform() - 1.0);
    ClockModel {
        reference_ps: 0,
        offset_ps: within(offset_ps),
        frequency_ppm: within(frequency_ppm),
        drift_ppb_per_s: within(drift_ppb_per_s),
    }
}

/// So many bits of the sequence x³¹ + x²⁸ + 1, packed: which sync slots carry a pulse.
pub fn sync_bits(bits: usize) -> Vec<u64> {
    SyncSequence::new(0x1234_5678).map_or_else(Vec::new, |mut sequence| sequence.take(bits))
}

/// A source of photon pairs between two stations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairSource {
    /// Pairs of which both photons click, a second.
    pub pairs_hz: f64,
    /// Clicks without a partner at Alice, a second.
    pub noise_a_hz: f64,
    /// Clicks without a partner at Bob, a second.
    pub noise_b_hz: f64,
    /// How long both record, in seconds of Alice's clock.
    pub span_s: f64,
    /// Jitter of each side, in ps, rms.
    pub jitter_ps: f64,
    /// Bob's clock.
    pub clock: ClockModel,
}

impl PairSource {
    /// Clicks of Alice and of Bob, each in ps of their own clock and in order of time.
    pub fn clicks(&self, seed: u64) -> (Vec<i64>, Vec<i64>) {
        let mut dice = Dice::new(seed);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let mut each = |rate: f64, to_a: bool, to_b: bool| {
            if rate <= 0.0 {
                return;
            }
            let mut time_s = 0.0;
            loop {
                time_s += dice.exponential(1.0 / rate);
                if time_s >= self.span_s {
                    break;
                }
                let mut blurred = || time_s * 1e12 + self.jitter_ps * dice.normal();
                if to_a {
                    a.push(blurred().round() as i64);
                }
                if to_b {
                    b.push(self.clock.to_b(blurred().round() as i64));
                }
            }
        };
        each(self.pairs_hz, true, true);
        each(self.noise_a_hz, true, false);
        each(self.noise_b_hz, false, true);
        a.sort_unstable();
        b.sort_unstable();
        (a, b)
    }
}

/// Alice's slots as Bob's detectors see them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlotSource {
    /// Clicks in slots that carry signal, a second.
    pub signal_hz: f64,
    /// Clicks in sync slots that carry a pulse, a second.
    pub sync_hz: f64,
    /// Clicks at any time, a second.
    pub noise_hz: f64,
    /// How long Bob records, in seconds of Alice's clock.
    pub span_s: f64,
    /// When Bob begins, in seconds of Alice's clock.
    pub begin_s: f64,
    /// Jitter in ps, rms.
    pub jitter_ps: f64,
    /// Bob's clock.
    pub clock: ClockModel,
}

impl SlotSource {
    /// Bob's clicks in ps of his clock, in order of time. Pulses come in the middle of their slots.
    pub fn clicks(&self, plan: &SyncPlan<'_>, seed: u64) -> Vec<i64> {
        let mut dice = Dice::new(seed);
        let spacing = u64::from(plan.spacing);
        let mut clicks = Vec::new();
        let rates = [self.signal_hz, self.sync_hz, self.noise_hz];
        for (kind, rate) in rates.into_iter().enumerate() {
            if rate <= 0.0 {
                continue;
            }
            let mut time_s = self.begin_s;
            loop {
                time_s += dice.exponential(1.0 / rate);
                if time_s >= self.begin_s + self.span_s {
                    break;
                }
                let mut a_ps = time_s * 1e12;
                if kind < 2 {
                    let mut slot = (a_ps / plan.slot_ps) as u64;
                    if kind == 0 && slot.is_multiple_of(spacing) {
                        slot += 1;
                    }
                    if kind == 1 {
                        // Half of the positions are dark: the next bright one.
                        let mut position = slot / spacing;
                        while !plan.bit(position) {
                            position += 1;
                        }
                        slot = position * spacing;
                    }
                    a_ps = (slot as f64 + 0.5) * plan.slot_ps + self.jitter_ps * dice.normal();
                }
                clicks.push(self.clock.to_b(a_ps.round() as i64));
            }
        }
        clicks.sort_unstable();
        clicks
    }
}
