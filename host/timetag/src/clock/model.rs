//! How one clock reads against another.

/// Bob's clock as a function of Alice's: where Alice's clock reads `a`, Bob's reads
/// `a + offset + frequency · u + drift · u² / 2`, with `u = a − reference`.
///
/// For Alice's slots, `a` is the time of a slot on Alice's own grid: slot number · slot length.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClockModel {
    /// The reading of Alice's clock at which the three numbers below hold, in ps.
    pub reference_ps: i64,
    /// Bob's reading less Alice's at the reference, in ps.
    pub offset_ps: f64,
    /// How much faster Bob's clock runs at the reference, in millionths (µs/s).
    pub frequency_ppm: f64,
    /// By how much that grows, in 10⁻⁹ a second (ns/s²).
    pub drift_ppb_per_s: f64,
}

impl ClockModel {
    /// Bob's reading less Alice's when Alice's clock reads `a_ps`, in ps.
    pub fn difference_ps(&self, a_ps: i64) -> f64 {
        self.at_seconds((a_ps - self.reference_ps) as f64 * 1e-12)
    }

    /// What Bob's clock reads when Alice's reads `a_ps`, rounded to whole ps.
    pub fn to_b(&self, a_ps: i64) -> i64 {
        a_ps + self.difference_ps(a_ps).round() as i64
    }

    /// What Alice's clock reads when Bob's reads `b_ps`, rounded to whole ps.
    pub fn to_a(&self, b_ps: i64) -> i64 {
        // A clock's frequency is far below one, so each step gains four digits or more.
        (0..5).fold(b_ps, |a, _| b_ps - self.difference_ps(a).round() as i64)
    }

    /// The same clock, told at another reading of Alice's.
    pub fn at(&self, reference_ps: i64) -> ClockModel {
        let u = (reference_ps - self.reference_ps) as f64 * 1e-12;
        ClockModel {
            reference_ps,
            offset_ps: self.at_seconds(u),
            frequency_ppm: self.frequency_ppm + 1e-3 * self.drift_ppb_per_s * u,
            drift_ppb_per_s: self.drift_ppb_per_s,
        }
    }

    /// Pairs of clicks, both lists in order of time, that lie within ±`reach_ps` of this model: Alice's
    /// reading, and by how much Bob's is later than the model says, in ps. In order of Alice's time.
    pub fn residuals<'a>(
        &self,
        alice: &'a [i64],
        bob: &'a [i64],
        reach_ps: f64,
    ) -> impl Iterator<Item = (i64, f64)> + use<'a> {
        let (model, mut from) = (*self, 0);
        alice.iter().flat_map(move |&a| {
            let difference = model.difference_ps(a);
            let residual = move |b: i64| (b - a) as f64 - difference;
            from += bob[from..].iter().take_while(|b| residual(**b) < -reach_ps).count();
            let near = bob[from..].iter().map(move |b| residual(*b));
            near.take_while(move |ps| *ps <= reach_ps).map(move |ps| (a, ps))
        })
    }

    /// Offset in ps, frequency in ps/s, drift in ps/s².
    pub(crate) fn coefficients(&self) -> [f64; 3] {
        [self.offset_ps, 1e6 * self.frequency_ppm, 1e3 * self.drift_ppb_per_s]
    }

    pub(crate) fn from_coefficients(reference_ps: i64, c: [f64; 3]) -> ClockModel {
        ClockModel {
            reference_ps,
            offset_ps: c[0],
            frequency_ppm: 1e-6 * c[1],
            drift_ppb_per_s: 1e-3 * c[2],
        }
    }

    fn at_seconds(&self, u: f64) -> f64 {
        let [offset, frequency, drift] = self.coefficients();
        offset + u * (frequency + 0.5 * drift * u)
    }
}

/// Standard errors of a [`ClockModel`]'s numbers at its reference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClockUncertainty {
    /// Of the offset, in ps.
    pub offset_ps: f64,
    /// Of the frequency, in millionths.
    pub frequency_ppm: f64,
    /// Of the drift, in 10⁻⁹ a second.
    pub drift_ppb_per_s: f64,
}

impl ClockUncertainty {
    pub(crate) fn from_coefficients(c: [f64; 3]) -> ClockUncertainty {
        ClockUncertainty {
            offset_ps: c[0],
            frequency_ppm: 1e-6 * c[1],
            drift_ppb_per_s: 1e-3 * c[2],
        }
    }
}

/// Where the clocks can be before anything is known, and how sure a lock has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchRange {
    /// The offset at the first click lies within plus and minus this, in ps; up to 10¹² (1 s).
    pub offset_ps: f64,
    /// The frequency lies within plus and minus this, in millionths; up to 100.
    pub frequency_ppm: f64,
    /// The drift lies within plus and minus this, in 10⁻⁹ a second; up to 100.
    pub drift_ppb_per_s: f64,
    /// A lock that noise makes more often than this is none; 10⁻³ or less.
    pub false_alarm: f64,
}

impl Default for SearchRange {
    /// ±1 s, ±50 ppm, ±2 ppb/s, one false alarm in 10⁶ searches of noise.
    fn default() -> SearchRange {
        SearchRange {
            offset_ps: 1e12,
            frequency_ppm: 50.0,
            drift_ppb_per_s: 2.0,
            false_alarm: 1e-6,
        }
    }
}

impl SearchRange {
    pub(crate) fn check(&self) -> Result<(), NoLock> {
        let within = |value: f64, most: f64| value > 0.0 && value <= most;
        let sound = within(self.offset_ps, 1e12)
            && within(self.frequency_ppm, 100.0)
            && within(self.drift_ppb_per_s, 100.0)
            && within(self.false_alarm, 1e-3);
        if sound { Ok(()) } else { Err(NoLock::InvalidRange) }
    }
}

/// Two clocks that were found, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lock {
    /// Bob's clock against Alice's.
    pub model: ClockModel,
    /// Its standard errors.
    pub uncertainty: ClockUncertainty,
    /// Spread of the clicks around the model, in ps, rms: the jitter of both sides together.
    pub jitter_ps: f64,
    /// Clicks or pairs of clicks that belong to the signal, as the fit estimates them.
    pub signal: f64,
    /// Clicks or pairs by chance in ±2 `jitter_ps`.
    pub background: f64,
    /// Bob's reading at the last click that the search used, in ps: from here on a
    /// [`Tracker`](super::Tracker) goes on.
    pub used_until_ps: i64,
    /// log₁₀ of the chance that noise alone makes such a lock anywhere in the search range: an
    /// upper bound.
    pub log10_false_alarm: f64,
}

impl Lock {
    /// Errors of offset, frequency and drift, each in units of its stated standard error, where the
    /// true clock is known.
    pub fn errors(&self, truth: &ClockModel) -> [f64; 3] {
        let (truth, stated) = (truth.at(self.model.reference_ps), self.uncertainty);
        [
            (self.model.offset_ps - truth.offset_ps) / stated.offset_ps,
            (self.model.frequency_ppm - truth.frequency_ppm) / stated.frequency_ppm,
            (self.model.drift_ppb_per_s - truth.drift_ppb_per_s) / stated.drift_ppb_per_s,
        ]
    }
}

/// Why no lock is told.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum NoLock {
    /// A range outside what [`SearchRange`] allows.
    #[error(
        "the search range must be above 0 and at most 1 s, 100 ppm and 100 ppb/s, its false alarm \
         at most 1e-3"
    )]
    InvalidRange,
    /// A list is not ordered in time, or spans more than 10¹⁸ ps.
    #[error("the clicks must be in order of time and span less than 11 days; sort them first")]
    OutOfOrder,
    /// Fewer clicks than any lock needs.
    #[error("{clicks} clicks are too few for a lock; record longer")]
    TooFew {
        /// Clicks of the shorter list.
        clicks: usize,
    },
    /// The best place found could well be noise.
    #[error(
        "no place stands out of the noise: the best would be noise with a chance of up to \
         10^{log10_false_alarm:.1}; record more light, or search a smaller range"
    )]
    Noise {
        /// log₁₀ of the chance that noise makes the best place that was found; an upper bound.
        log10_false_alarm: f64,
    },
    /// Two places fit about as well, as with a pulsed source.
    #[error(
        "two offsets {apart_ps:.0} ps apart fit about as well; a periodic source needs a smaller \
         offset range"
    )]
    Ambiguous {
        /// How far the two are from each other, in ps.
        apart_ps: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_agree_and_the_reference_may_move() {
        let model = ClockModel {
            reference_ps: 5_000_000_000_000,
            offset_ps: -7.5e11,
            frequency_ppm: 47.0,
            drift_ppb_per_s: 1.0,
        };
        for a in [0, 1, 5_000_000_000_000, 900_000_000_000_000] {
            let b = model.to_b(a);
            assert!((model.to_a(b) - a).abs() <= 1);
            let moved = model.at(777_000_000_000_000);
            assert!((moved.to_b(a) - b).abs() <= 1, "{a}");
        }
    }
}
