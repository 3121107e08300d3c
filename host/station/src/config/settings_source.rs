//! Where a station's settings come from.

use helio_bench::SettingsSource;
use helio_keys::RandomLabel;
use serde::{Deserialize, Serialize};

/// What a station has its device draw the settings of slots with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingsChoice {
    /// The device's own generator, as it is.
    #[default]
    Device,
    /// ChaCha20 on the device with a key from its own generator.
    Csprng,
    /// ChaCha20 on the device with a key from this computer's operating system, a new one each run.
    HostSeed,
}

impl SettingsChoice {
    /// The words of a configuration.
    pub(super) const WORDS: &[(&str, SettingsChoice)] = &[
        ("device", SettingsChoice::Device),
        ("csprng", SettingsChoice::Csprng),
        ("host-seed", SettingsChoice::HostSeed),
    ];

    /// What the device is told.
    pub fn source(self) -> SettingsSource {
        match self {
            SettingsChoice::Device => SettingsSource::Own,
            SettingsChoice::Csprng => SettingsSource::Expanded,
            SettingsChoice::HostSeed => SettingsSource::HostSeed,
        }
    }

    /// What the certificate says of the settings. A simulated device's generator is one of a known
    /// seed, and so is whatever is expanded from it; of a real one no more is claimed than a cipher.
    pub fn label(self, simulated: bool) -> RandomLabel {
        let name = match self {
            SettingsChoice::Device | SettingsChoice::Csprng if simulated => {
                return RandomLabel::Seeded;
            }
            SettingsChoice::Device => "device",
            SettingsChoice::Csprng | SettingsChoice::HostSeed => self.source().name(""),
        };
        RandomLabel::Expanded { source: name.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_bench::RandomClass;

    #[test]
    fn a_label_claims_no_more_than_the_source_does() {
        for (word, choice) in SettingsChoice::WORDS {
            assert_eq!(serde_json::to_value(choice).unwrap(), *word);
            for (simulated, own) in [(true, RandomClass::Seeded), (false, RandomClass::TrueRandom)]
            {
                let seeded = choice.source().class(own) == RandomClass::Seeded;
                let label = choice.label(simulated);
                assert_eq!(label == RandomLabel::Seeded, seeded, "{choice:?}");
                assert!(seeded || label.to_string() == format!("expanded (computational, {word})"));
            }
        }
    }
}
