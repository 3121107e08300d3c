//! What the simulated bench is made of. Checked by [`BenchConfig::validate`].

use helio_units::{Decibel, Hertz, MeanPhotons, Picoseconds, TickLength, Ticks};

/// Most intensity levels, detectors and states: two pins select among four.
pub(crate) const FOUR: usize = 4;

/// The whole bench. `Default` is the bench of the demo: 5 MHz, 25 km, an active receiver.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchConfig {
    /// The one seed of everything random in the optics and electronics.
    pub seed: u64,
    /// What the devices' generators of random bytes say they give in the long run, in bytes a second, as
    /// that of a small chip; `None`: as many as are asked for. None of them is slower for it.
    pub random_bytes_per_second: Option<u32>,
    /// Nominal length of a tick of both devices.
    pub tick_length: TickLength,
    /// Length of a slot in ticks of Alice's clock, 1 to 2²².
    pub slot_ticks: u32,
    /// Alice's source.
    pub source: SourceConfig,
    /// What lies between the stations.
    pub channel: ChannelConfig,
    /// Bob's optics and detectors.
    pub receiver: ReceiverConfig,
    /// Bob's clock as seen from Alice's.
    pub clock: ClockConfig,
    /// The sync laser's path and photodiode.
    pub sync: SyncConfig,
    /// Who sits on the channel.
    pub eve: Eve,
}

/// Alice's pulse source and polarization modulator.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceConfig {
    /// Nominal mean photon numbers at Alice's output, brightest first, at most 100; the first
    /// `level_count` are used.
    pub levels: [MeanPhotons; FOUR],
    /// Number of levels, 1 to 4. Words that select others are dark.
    pub level_count: usize,
    /// Fixed relative error of each level, −0.5 to 1: the true mean is `level · (1 + this)`.
    pub intensity_error: [f64; FOUR],
    /// Relative standard deviation of the mean from pulse to pulse, 0 to 0.3.
    pub intensity_fluctuation: f64,
    /// Error of each state's polarization angle, in radians, order H, V, D, A; −1 to 1.
    pub state_error_rad: [f64; FOUR],
    /// What the source states about its levels; nothing in the optics depends on it.
    pub stated_uncertainty: Option<f64>,
    /// Highest trigger rate of the laser driver.
    pub max_trigger_rate: Hertz,
    /// Settling time of Alice's modulator; at most half a slot, because pulses leave mid-slot.
    pub modulator_settling: Picoseconds,
}

/// The channel from Alice's output to Bob's input.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelConfig {
    /// Loss and delay.
    pub path: Path,
    /// Angle by which the polarization arrives rotated, at the start of the simulation, in
    /// radians, −2π to 2π. Both bases err with probability sin² of it.
    pub rotation_rad: f64,
    /// Slow drift of that angle, −100 to 100 rad/s.
    pub rotation_drift_rad_per_s: f64,
}

/// How light gets from Alice to Bob.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Path {
    /// A fibre: the loss is `attenuation · length`, the delay `length · group_index / c`.
    Fibre {
        /// 0 to 1000 km.
        length_km: f64,
        /// Loss of one kilometre, 0 to 10 dB.
        attenuation_per_km: Decibel,
        /// 1 to 2; 1.468 for standard fibre at 1550 nm.
        group_index: f64,
    },
    /// A fixed loss and delay: an attenuator on the desk, a satellite at one range.
    Fixed {
        /// 0 to 200 dB.
        loss: Decibel,
        /// 0 to 1 s.
        delay: Picoseconds,
    },
}

impl Path {
    /// Loss from end to end.
    pub fn loss(self) -> Decibel {
        match self {
            Path::Fibre { length_km, attenuation_per_km, .. } => {
                Decibel(length_km * attenuation_per_km.0)
            }
            Path::Fixed { loss, .. } => loss,
        }
    }

    /// Delay from end to end in picoseconds.
    pub fn delay_ps(self) -> f64 {
        const KM_PER_PS: f64 = 299_792.458e-12;
        match self {
            Path::Fibre { length_km, group_index, .. } => length_km * group_index / KM_PER_PS,
            Path::Fixed { delay, .. } => delay.0 as f64,
        }
    }
}

/// How Bob's basis is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiverKind {
    /// A modulator with four settings in front of a polarizing splitter with two detectors.
    Active,
    /// A 50/50 splitter, then a polarizing splitter in each arm: detectors H, V, D, A. What the
    /// slot words select is ignored.
    Passive,
}

impl ReceiverKind {
    /// Number of detectors.
    pub const fn detectors(self) -> u8 {
        match self {
            ReceiverKind::Active => 2,
            ReceiverKind::Passive => 4,
        }
    }
}

/// Bob's optics and detectors. The detectors run free until a run is configured with a gate; a
/// passive receiver's always do.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiverConfig {
    /// How the basis is chosen.
    pub kind: ReceiverKind,
    /// Loss from Bob's input to the detectors, 0 to 100 dB.
    pub insertion_loss: Decibel,
    /// Power ratio between the wanted and the unwanted port of the polarizing splitter, 0 to
    /// 100 dB: a share `1/(1 + 10^(this/10))` leaves by the wrong port.
    pub extinction_ratio: Decibel,
    /// Settling time of Bob's modulator, shorter than a slot.
    pub modulator_settling: Picoseconds,
    /// The detectors by channel; the first two or four are used.
    pub detectors: [DetectorConfig; FOUR],
}

/// A single-photon detector with its electronics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectorConfig {
    /// Probability that a photon at the detector makes an avalanche, 0 to 1.
    pub efficiency: f64,
    /// Dark counts per second, 0 to 10⁷; a Poisson process over all time.
    pub dark_rate_hz: f64,
    /// Standard deviation of the timing, in ps; Gaussian, at most a quarter of a slot.
    pub jitter_ps: f64,
    /// Dead time after each count, 0 to 1 ms; not prolonged by what falls into it.
    pub dead_time: Picoseconds,
    /// Probability that a count is followed by an afterpulse after its dead time, 0 to 0.5.
    pub afterpulse_probability: f64,
    /// Mean delay of an afterpulse from the end of the dead time, in ps; up to 10⁹.
    pub afterpulse_time_constant_ps: f64,
    /// Electrical delay from avalanche to input, 0 to 10 µs.
    pub delay: Picoseconds,
}

/// Bob's clock relative to Alice's, which is the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockConfig {
    /// Relative offset of Bob's tick rate at the start, −200 to 200 ppm; positive runs fast.
    pub offset_ppm: f64,
    /// Change of that offset, −1000 to 1000 ppb/s; it goes on for as long as the simulation runs.
    pub drift_ppb_per_s: f64,
    /// Reading of Bob's clock when Alice's device starts, below 2⁶².
    pub start: Ticks,
}

/// The bright sync pulses' photodiode at Bob.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SyncConfig {
    /// Standard deviation of the timing in ps, at most a quarter of a slot.
    pub jitter_ps: f64,
    /// Probability that a marker makes no edge, 0 to 1.
    pub miss_probability: f64,
    /// Edges without light per second, 0 to 10⁶.
    pub false_rate_hz: f64,
}

/// Who sits on the channel, right behind Alice's output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Eve {
    /// Nobody.
    None,
    /// Measures a share of the pulses in a basis chosen uniformly, and sends on as many photons
    /// as came, in the state she found, with a source like Alice's. Gains stay as they were; in
    /// the wrong basis the bit is random.
    InterceptResend {
        /// Share of the pulses, 0 to 1.
        fraction: f64,
    },
}

const fn level(mean: f64) -> MeanPhotons {
    match MeanPhotons::new(mean) {
        Some(level) => level,
        None => MeanPhotons::VACUUM,
    }
}

impl Default for BenchConfig {
    fn default() -> BenchConfig {
        BenchConfig {
            seed: 1,
            random_bytes_per_second: None,
            tick_length: TickLength::CYCLE_150_MHZ,
            slot_ticks: 30,
            source: SourceConfig::default(),
            channel: ChannelConfig::default(),
            receiver: ReceiverConfig::default(),
            clock: ClockConfig::default(),
            sync: SyncConfig::default(),
            eve: Eve::None,
        }
    }
}

impl Default for SourceConfig {
    /// μ = 0.5, 0.1 and vacuum, exact; 5 ns modulator.
    fn default() -> SourceConfig {
        SourceConfig {
            levels: [level(0.5), level(0.1), MeanPhotons::VACUUM, MeanPhotons::VACUUM],
            level_count: 3,
            intensity_error: [0.0; FOUR],
            intensity_fluctuation: 0.0,
            state_error_rad: [0.0; FOUR],
            stated_uncertainty: Some(0.0),
            max_trigger_rate: Hertz(100_000_000),
            modulator_settling: Picoseconds(5_000),
        }
    }
}

impl Default for ChannelConfig {
    /// 25 km of standard fibre; the rotation gives an error of 0.9 %.
    fn default() -> ChannelConfig {
        ChannelConfig {
            path: Path::Fibre {
                length_km: 25.0,
                attenuation_per_km: Decibel(0.2),
                group_index: 1.468,
            },
            rotation_rad: 0.095,
            rotation_drift_rad_per_s: 0.0,
        }
    }
}

impl Default for ReceiverConfig {
    /// Active, 2 dB, 30 dB of extinction, detectors of ±1 % about an efficiency of 0.5.
    fn default() -> ReceiverConfig {
        let mut config = ReceiverConfig {
            kind: ReceiverKind::Active,
            insertion_loss: Decibel(2.0),
            extinction_ratio: Decibel(30.0),
            modulator_settling: Picoseconds(5_000),
            detectors: [DetectorConfig::default(); FOUR],
        };
        config.mismatch(0.01);
        config
    }
}

impl ReceiverConfig {
    /// Spreads the efficiencies to `η·(1 + relative)` on even channels and `η·(1 − relative)` on
    /// odd ones, η being what stands there.
    pub fn mismatch(&mut self, relative: f64) {
        for (channel, detector) in self.detectors.iter_mut().enumerate() {
            let sign = if channel % 2 == 0 { 1.0 } else { -1.0 };
            detector.efficiency *= 1.0 + sign * relative;
        }
    }
}

impl Default for DetectorConfig {
    fn default() -> DetectorConfig {
        DetectorConfig {
            efficiency: 0.5,
            dark_rate_hz: 100.0,
            jitter_ps: 100.0,
            dead_time: Picoseconds(50_000),
            afterpulse_probability: 0.0,
            afterpulse_time_constant_ps: 1_000_000.0,
            delay: Picoseconds(0),
        }
    }
}

impl Default for ClockConfig {
    fn default() -> ClockConfig {
        ClockConfig { offset_ppm: 3.7, drift_ppb_per_s: 2.0, start: Ticks(1_000_003) }
    }
}

impl Default for SyncConfig {
    fn default() -> SyncConfig {
        SyncConfig { jitter_ps: 50.0, miss_probability: 0.0, false_rate_hz: 0.0 }
    }
}
