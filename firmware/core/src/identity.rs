//! Who a device is: what it answers to `Hello`, and the limits a configuration is held to.

use crate::receiver::Receiver;
use helio_bench::{
    GateLimits, Modulator, PhaseRandomisation, PulseSource, RandomClass, RandomSource,
    SourceStatement,
};
use helio_units::{Hertz, MeanPhotons, Picoseconds, TickLength};
use helio_wire::{Capabilities, Hello, MAX_TEXT, Role};

/// A name in a [`Hello`].
pub type Text = heapless::String<MAX_TEXT>;

/// The beginning of `text` that fits a [`Text`].
pub fn text(text: &str) -> Text {
    let mut short = Text::new();
    for c in text.chars() {
        if short.push(c).is_err() {
            break;
        }
    }
    short
}

/// The same, with a question mark for what is not ASCII.
fn ascii(name: &str) -> Text {
    let chars = name.chars().map(|c| if c.is_ascii() { c } else { '?' });
    chars.take(MAX_TEXT).collect()
}

/// What the board knows of itself; the parts add the rest.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Board name.
    pub board: Text,
    /// Serial number.
    pub serial: Text,
    /// Random at each boot and not zero: how a host knows that a device has started anew.
    pub boot_nonce: u32,
    /// Exact length of a tick of `now` and of the edges.
    pub tick_length: TickLength,
    /// Highest slot rate that the board's player and firmware keep up with.
    pub max_slot_rate: Hertz,
    /// What else is true of the board, [`Capabilities::SIMULATED`] above all; what the firmware
    /// itself does is added.
    pub capabilities: Capabilities,
}

/// Everything about a device that does not change while it runs. About 300 bytes.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Which station.
    pub role: Role,
    /// The board.
    pub identity: Identity,
    /// Detector channels.
    pub channels: u8,
    /// Bob: which gates' windows are possible, where there are gates.
    pub gate_limits: GateLimits,
    /// Of the modulator; zero without one.
    pub settling_time: Picoseconds,
    /// Class of the random source.
    pub random_class: RandomClass,
    /// Name of the random source, ASCII.
    pub random_name: Text,
    /// Random bytes a second that the source gives; `None`: as many as the slots take.
    pub random_rate: Option<u32>,
    /// Bob: whether the only slot clock is [`helio_bench::SlotClockMode::Free`]: there is no input for
    /// sync pulses, and nothing to steer.
    pub free_clock_only: bool,
    /// Alice: how many levels there are.
    pub levels: usize,
    /// Alice: their mean photon numbers in 10⁻⁹.
    pub levels_nano: [u64; 4],
    /// Alice: highest rate of the laser driver.
    pub max_trigger_rate: Hertz,
    /// Alice: shortest and longest delay of a pulse; `None` where it cannot be set.
    pub delay_range: Option<(Picoseconds, Picoseconds)>,
    /// Alice: phase of the pulses.
    pub phase: PhaseRandomisation,
    /// Alice: uncertainty of the levels.
    pub intensity_uncertainty_ppm: Option<u32>,
}

impl Profile {
    /// The profile of a sender, asked from its parts.
    pub fn alice(
        mut identity: Identity,
        source: &impl PulseSource,
        modulator: &impl Modulator,
        random: &impl RandomSource,
    ) -> Profile {
        identity.capabilities = identity.capabilities.with(Capabilities::REPORTS_SETTINGS);
        let levels = source.levels();
        let mut levels_nano = [0; 4];
        for (nano, level) in levels_nano.iter_mut().zip(levels) {
            *nano = nano_photons(*level);
        }
        let SourceStatement { phase, intensity_uncertainty } = source.statement();
        Profile {
            role: Role::Alice,
            identity,
            channels: 0,
            gate_limits: GateLimits::NONE,
            settling_time: modulator.settling_time(),
            random_class: random.class(),
            random_name: ascii(random.name()),
            random_rate: random.bytes_per_second(),
            free_clock_only: false,
            levels: levels.len().min(4),
            levels_nano,
            max_trigger_rate: source.max_trigger_rate(),
            delay_range: source.delay_range(),
            phase,
            intensity_uncertainty_ppm: intensity_uncertainty.map(parts_per_million_up),
        }
    }

    /// The profile of a receiver with so many detectors.
    pub fn receiver(identity: Identity, detectors: u8, receiver: &impl Receiver) -> Profile {
        let (capabilities, settling) = (receiver.capabilities(), receiver.settling_time());
        Profile {
            gate_limits: receiver.gate_limits(),
            random_rate: receiver.random_rate(),
            ..Profile::bob(identity, detectors, capabilities, settling, receiver.random())
        }
    }

    /// Of the kind that `capabilities` say, its random source without a limit.
    pub(crate) fn bob(
        mut identity: Identity,
        channels: u8,
        capabilities: Capabilities,
        settling_time: Picoseconds,
        (random_class, random_name): (RandomClass, &str),
    ) -> Profile {
        identity.capabilities = identity.capabilities.with(capabilities);
        Profile {
            role: Role::Bob,
            max_trigger_rate: identity.max_slot_rate,
            identity,
            channels,
            gate_limits: GateLimits::NONE,
            settling_time,
            random_class,
            random_name: ascii(random_name),
            random_rate: None,
            free_clock_only: false,
            levels: 0,
            levels_nano: [0; 4],
            delay_range: None,
            phase: PhaseRandomisation::Unknown,
            intensity_uncertainty_ppm: None,
        }
    }

    /// The shortest slots, in ticks, for which the own random source has bytes enough.
    pub fn shortest_own_slot(&self) -> u32 {
        let Some(rate) = self.random_rate else { return 0 };
        let bytes = match self.role {
            Role::Alice => crate::alice::BYTES_PER_SLOT,
            Role::Bob => crate::receiver::BYTES_PER_SLOT,
        };
        let tick = self.identity.tick_length;
        // bytes / rate seconds, in ticks of numerator / denominator picoseconds.
        let time = bytes as u128 * 1_000_000_000_000 * u128::from(tick.denominator());
        let ticks = time.div_ceil((u128::from(rate) * u128::from(tick.numerator_ps())).max(1));
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }

    /// The answer to `Hello`.
    pub fn hello(&self) -> Hello<'_> {
        Hello {
            role: self.role,
            board: &self.identity.board,
            firmware: env!("CARGO_PKG_VERSION"),
            serial: &self.identity.serial,
            tick_length: self.identity.tick_length,
            channels: self.channels,
            capabilities: self.identity.capabilities,
            max_slot_rate: self.identity.max_slot_rate,
            settling_time: self.settling_time,
            random_class: self.random_class,
            random_name: &self.random_name,
            levels_nano: self.levels_nano,
            phase: self.phase,
            intensity_uncertainty_ppm: self.intensity_uncertainty_ppm,
        }
    }
}

/// To the nearest 10⁻⁹ photons.
fn nano_photons(level: MeanPhotons) -> u64 {
    (level.get() * 1e9 + 0.5) as u64
}

/// An uncertainty is rounded up: nothing rounds in the key's favour.
fn parts_per_million_up(relative: f64) -> u32 {
    let ppm = relative * 1e6;
    let floor = ppm as u32;
    let ceil = if f64::from(floor) < ppm { floor.saturating_add(1) } else { floor };
    ceil.min(u32::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_their_meaning_on_the_wire() {
        assert_eq!(nano_photons(MeanPhotons::new(0.5).unwrap()), 500_000_000);
        assert_eq!(nano_photons(MeanPhotons::new(1.0005e-4).unwrap()), 100_050);
        assert_eq!(parts_per_million_up(0.02), 20_000);
        assert_eq!(parts_per_million_up(0.020_000_01), 20_001);
        assert_eq!(parts_per_million_up(f64::INFINITY), u32::MAX - 1);
    }

    #[test]
    fn long_names_are_cut_at_a_character() {
        let long = "äöüäöüäöüäöüäöüäöüäöü";
        assert_eq!(text(long).as_str(), "äöüäöüäöüäöüäöü");
        assert_eq!(text("short").as_str(), "short");
        assert_eq!(ascii("Zufällig").as_str(), "Zuf?llig");
    }
}
