//! Checks on a configuration before anything is built from it.

use helio_units::Picoseconds;

use crate::config::{
    BenchConfig, ChannelConfig, DetectorConfig, Eve, Path, SourceConfig, SyncConfig,
};
use crate::trim::MAX_DARK_HZ;

/// A field of the configuration lies outside its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfigError {
    /// The field, as a path from [`BenchConfig`].
    pub field: &'static str,
    /// What it holds.
    pub value: f64,
    /// Smallest value allowed.
    pub min: f64,
    /// Largest value allowed.
    pub max: f64,
}

impl core::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let ConfigError { field, value, min, max } = self;
        write!(f, "simulated bench: {field} = {value} is not within {min} to {max}")
    }
}

impl core::error::Error for ConfigError {}

/// Longest slot: 256 of them must stay below 2³⁰ ticks in the world's relative times.
const MAX_SLOT_TICKS: f64 = 4_194_304.0;

impl BenchConfig {
    /// Checks every field that is used.
    ///
    /// # Errors
    /// The first field outside its range; what is not a number lies outside every range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        within("slot_ticks", f64::from(self.slot_ticks), 1.0, MAX_SLOT_TICKS)?;
        within("slot_ticks · tick_length (ps)", self.slot_ps(), 100.0, 1e9)?;
        self.source.validate(self.slot_ps())?;
        self.channel.validate()?;

        let receiver = &self.receiver;
        within("receiver.insertion_loss", receiver.insertion_loss.0, 0.0, 100.0)?;
        within("receiver.extinction_ratio", receiver.extinction_ratio.0, 0.0, 100.0)?;
        span("receiver.modulator_settling", receiver.modulator_settling, self.slot_ps())?;
        for detector in &receiver.detectors[..usize::from(receiver.kind.detectors())] {
            detector.validate(self.slot_ps())?;
        }

        within("clock.offset_ppm", self.clock.offset_ppm, -200.0, 200.0)?;
        within("clock.drift_ppb_per_s", self.clock.drift_ppb_per_s, -1e3, 1e3)?;
        within("clock.start", self.clock.start.0 as f64, 0.0, 4.6e18)?;
        self.sync.validate(self.slot_ps())?;
        match self.eve {
            Eve::None => Ok(()),
            Eve::InterceptResend { fraction } => within("eve.fraction", fraction, 0.0, 1.0),
        }
    }

    /// Length of a slot in picoseconds.
    pub(crate) fn slot_ps(&self) -> f64 {
        f64::from(self.slot_ticks) * self.tick_length.as_ps_f64()
    }
}

impl SourceConfig {
    fn validate(&self, slot_ps: f64) -> Result<(), ConfigError> {
        within("source.level_count", self.level_count as f64, 1.0, 4.0)?;
        let mut brightest = 100.0;
        for level in &self.levels[..self.level_count] {
            within("source.levels (brightest first)", level.get(), 0.0, brightest)?;
            brightest = level.get();
        }
        for error in self.intensity_error {
            within("source.intensity_error", error, -0.5, 1.0)?;
        }
        within("source.intensity_fluctuation", self.intensity_fluctuation, 0.0, 0.3)?;
        for error in self.state_error_rad {
            within("source.state_error_rad", error, -1.0, 1.0)?;
        }
        if let Some(stated) = self.stated_uncertainty {
            within("source.stated_uncertainty", stated, 0.0, 1.0)?;
        }
        span("source.modulator_settling", self.modulator_settling, slot_ps / 2.0)
    }
}

impl ChannelConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        match self.path {
            Path::Fibre { length_km, attenuation_per_km, group_index } => {
                within("channel.path.length_km", length_km, 0.0, 1e3)?;
                within("channel.path.attenuation_per_km", attenuation_per_km.0, 0.0, 10.0)?;
                within("channel.path.group_index", group_index, 1.0, 2.0)?;
            }
            Path::Fixed { loss, delay } => {
                within("channel.path.loss", loss.0, 0.0, 200.0)?;
                span("channel.path.delay", delay, 1e12)?;
            }
        }
        let turn = core::f64::consts::TAU;
        within("channel.rotation_rad", self.rotation_rad, -turn, turn)?;
        let drift = self.rotation_drift_rad_per_s;
        within("channel.rotation_drift_rad_per_s", drift, -100.0, 100.0)
    }
}

impl DetectorConfig {
    fn validate(&self, slot_ps: f64) -> Result<(), ConfigError> {
        within("receiver.detectors.efficiency", self.efficiency, 0.0, 1.0)?;
        within("receiver.detectors.dark_rate_hz", self.dark_rate_hz, 0.0, MAX_DARK_HZ)?;
        within("receiver.detectors.jitter_ps", self.jitter_ps, 0.0, slot_ps / 4.0)?;
        span("receiver.detectors.dead_time", self.dead_time, 1e9)?;
        let probability = self.afterpulse_probability;
        within("receiver.detectors.afterpulse_probability", probability, 0.0, 0.5)?;
        let constant = self.afterpulse_time_constant_ps;
        within("receiver.detectors.afterpulse_time_constant_ps", constant, 1.0, 1e9)?;
        span("receiver.detectors.delay", self.delay, 1e7)
    }
}

impl SyncConfig {
    fn validate(&self, slot_ps: f64) -> Result<(), ConfigError> {
        within("sync.jitter_ps", self.jitter_ps, 0.0, slot_ps / 4.0)?;
        within("sync.miss_probability", self.miss_probability, 0.0, 1.0)?;
        within("sync.false_rate_hz", self.false_rate_hz, 0.0, 1e6)
    }
}

fn within(field: &'static str, value: f64, min: f64, max: f64) -> Result<(), ConfigError> {
    // Written so that what is not a number is refused.
    if value >= min && value <= max { Ok(()) } else { Err(ConfigError { field, value, min, max }) }
}

fn span(field: &'static str, value: Picoseconds, max_ps: f64) -> Result<(), ConfigError> {
    within(field, value.0 as f64, 0.0, max_ps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ReceiverKind;
    use helio_units::{Decibel, MeanPhotons};

    #[test]
    fn the_default_is_valid() {
        assert_eq!(BenchConfig::default().validate(), Ok(()));
    }

    #[test]
    fn each_bad_field_is_named() {
        fn field(change: impl Fn(&mut BenchConfig)) -> &'static str {
            let mut config = BenchConfig::default();
            change(&mut config);
            config.validate().expect_err("accepted").field
        }
        assert_eq!(field(|c| c.slot_ticks = 0), "slot_ticks");
        assert_eq!(field(|c| c.source.level_count = 5), "source.level_count");
        assert_eq!(
            field(|c| c.source.levels[1] = MeanPhotons::new(0.6).unwrap()),
            "source.levels (brightest first)"
        );
        assert_eq!(field(|c| c.channel.rotation_rad = f64::NAN), "channel.rotation_rad");
        assert_eq!(field(|c| c.receiver.insertion_loss = Decibel(-1.0)), "receiver.insertion_loss");
        assert_eq!(
            field(|c| c.source.modulator_settling = Picoseconds(100_001)),
            "source.modulator_settling"
        );
        assert_eq!(field(|c| c.clock.offset_ppm = 300.0), "clock.offset_ppm");
        assert_eq!(field(|c| c.eve = Eve::InterceptResend { fraction: 1.1 }), "eve.fraction");
        assert_eq!(
            field(|c| c.receiver.detectors[1].efficiency = 1.01),
            "receiver.detectors.efficiency"
        );
    }

    #[test]
    fn detectors_that_are_not_there_are_not_checked() {
        let mut config = BenchConfig::default();
        config.receiver.detectors[3].efficiency = 2.0;
        assert_eq!(config.validate(), Ok(()));
        config.receiver.kind = ReceiverKind::Passive;
        assert!(config.validate().is_err());
    }
}
