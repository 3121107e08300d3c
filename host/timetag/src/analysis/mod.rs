//! What physicists ask of a stream of tags: rates over time, correlations, gaps.
//!
//! Each analysis takes tags in order of time, in one pass, in memory that does not grow with the
//! length of the trace. Times and bins are whole ticks, so that every bin holds equally many
//! distinguishable times and no pattern comes from the binning; [`TickLength`] turns the results
//! into seconds.
//!
//! [`TickLength`]: helio_units::TickLength

mod allan;
mod clicks;
mod coincidences;
mod correlation;
mod counting;
mod detector;
mod drift;
mod fit;
mod fold;
mod inter_arrival;
mod jitter;
mod linear;
mod log_bins;
mod log_correlation;
mod rates;
mod start_stop;
mod stretches;
pub mod synthetic;
#[cfg(test)]
mod test_light;

pub use allan::{AllanDeviation, AllanPoint};
pub use coincidences::{
    CoincidenceSettings, Coincidences, Combination, Heralding, InvalidCoincidences,
};
pub use correlation::{Bin, Correlation, CorrelationSettings, InvalidCorrelation};
pub use counting::{CountingStatistics, CountingWindows};
pub use detector::{DetectorEstimate, Detectors, NoDetectorEstimate};
pub use drift::{DriftPoint, Line, LineFit, PeakDrift, rate_drift};
pub use fold::{Fold, Phasor, Reference};
pub use inter_arrival::{GapBin, InterArrival};
pub use jitter::{JitterFit, NoJitterFit, Tail};
pub use linear::{InvalidHistogram, LinearHistogram};
pub use log_correlation::{InvalidLogCorrelation, LogBin, LogCorrelation, LogCorrelationSettings};
pub use rates::Rates;
pub use start_stop::StartStop;

use helio_units::Ticks;

/// A tag that is earlier than the one before it. The analyses need time order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tag at tick {tick} follows one at tick {last}; order the tags by time first",
    tick = .tick.0, last = .last.0)]
pub struct OutOfOrder {
    /// The tag's time.
    pub tick: Ticks,
    /// Its predecessor's.
    pub last: Ticks,
}

/// Why pairs and groups of tags could not be counted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Uncounted {
    /// The tags are in no order.
    #[error(transparent)]
    OutOfOrder(#[from] OutOfOrder),
    /// More than 2²² tags wait for others, as the delays are too long for such rates.
    #[error("more than 2^22 detections lie within the delays asked for; choose shorter ones")]
    TooDense,
}

/// A number with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Its standard error, in the same unit.
    pub error: f64,
}
