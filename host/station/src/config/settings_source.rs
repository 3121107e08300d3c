//! Where a station's settings come from.

use std::path::{Path, PathBuf};

use helio_bench::SettingsSource;
use helio_keys::RandomLabel;
use serde::{Deserialize, Serialize};

use super::section::{Result, Section};

/// What a station has its device draw the settings of slots with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum SettingsChoice {
    /// The device's own generator, as it is.
    #[default]
    Device,
    /// ChaCha20 on the device with a key from its own generator.
    Csprng,
    /// ChaCha20 on the device with a key from this computer's operating system, a new one each run.
    HostSeed,
    /// Bytes of this computer's operating system, sent as they are used up.
    HostFeed,
    /// The same with those of a generator added, a character device or a FIFO.
    HostQrng(PathBuf),
}

/// Before the name of a generator.
const QRNG: &str = "host-qrng:";
/// Longest name of a generator.
const LONGEST_NAME: usize = 31;

/// The words of a configuration.
const WORDS: &[(&str, Word)] = &[
    ("device", Word::Device),
    ("csprng", Word::Csprng),
    ("host-seed", Word::HostSeed),
    ("host-feed", Word::HostFeed),
];

#[derive(Clone, Copy)]
enum Word {
    Device,
    Csprng,
    HostSeed,
    HostFeed,
}

/// Reads the keys `settings_source` and `settings_feed`.
pub(super) fn read(device: &Section<'_>) -> Result<SettingsChoice> {
    let word = device.choice("settings_source", WORDS, Some("device"))?;
    let feed: Option<String> = device.maybe("settings_feed")?;
    match (word, feed) {
        (Word::HostFeed, Some(path)) => {
            let path = PathBuf::from(path);
            match named(&path) {
                Some(_) => Ok(SettingsChoice::HostQrng(path)),
                None => Err(device.fault(
                    "settings_feed",
                    "must end in a name of at most 31 letters, digits, '.', '-' or '_', which the \
                     certificate will state; make a link with such a name",
                )),
            }
        }
        (_, Some(_)) => Err(device.fault(
            "settings_feed",
            "is for settings_source = \"host-feed\"; write that, or remove it",
        )),
        (Word::Device, None) => Ok(SettingsChoice::Device),
        (Word::Csprng, None) => Ok(SettingsChoice::Csprng),
        (Word::HostSeed, None) => Ok(SettingsChoice::HostSeed),
        (Word::HostFeed, None) => Ok(SettingsChoice::HostFeed),
    }
}

/// What a generator is called: the last part of its path.
fn named(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (name.len() <= LONGEST_NAME && name.chars().all(plain)).then_some(name)
}

impl SettingsChoice {
    /// What the device is told.
    pub fn source(&self) -> SettingsSource {
        match self {
            SettingsChoice::Device => SettingsSource::Own,
            SettingsChoice::Csprng => SettingsSource::Expanded,
            SettingsChoice::HostSeed => SettingsSource::HostSeed,
            SettingsChoice::HostFeed | SettingsChoice::HostQrng(_) => SettingsSource::HostFeed,
        }
    }

    /// What the certificate says of the settings. A simulated device's generator is one of a known
    /// seed, and so is whatever is expanded from it; of a real one no more is claimed than a cipher,
    /// and of a generator at this computer, whose health nobody tests here, no more than of the
    /// operating system's bytes that it is added to.
    pub fn label(&self, simulated: bool) -> RandomLabel {
        match self {
            SettingsChoice::Device | SettingsChoice::Csprng if simulated => RandomLabel::Seeded,
            _ => RandomLabel::Expanded { source: self.to_string() },
        }
    }
}

/// As the certificate and the run's record name it.
impl std::fmt::Display for SettingsChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SettingsChoice::Device => f.write_str("device"),
            SettingsChoice::HostQrng(path) => {
                write!(f, "{QRNG}{}", named(path).unwrap_or("unnamed"))
            }
            _ => f.write_str(self.source().name("")),
        }
    }
}

impl From<SettingsChoice> for String {
    fn from(choice: SettingsChoice) -> String {
        choice.to_string()
    }
}

impl TryFrom<String> for SettingsChoice {
    type Error = String;

    fn try_from(word: String) -> std::result::Result<SettingsChoice, String> {
        if let Some(name) =
            word.strip_prefix(QRNG).filter(|name| named(name.as_ref()) == Some(name))
        {
            return Ok(SettingsChoice::HostQrng(name.into()));
        }
        [
            SettingsChoice::Device,
            SettingsChoice::Csprng,
            SettingsChoice::HostSeed,
            SettingsChoice::HostFeed,
        ]
        .into_iter()
        .find(|choice| choice.to_string() == word)
        .ok_or_else(|| format!("{word:?} is no source of settings"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_bench::RandomClass;

    #[test]
    fn a_label_claims_no_more_than_the_source_does() {
        let words = ["device", "csprng", "host-seed", "host-feed", "host-qrng:hwrng"];
        for word in words {
            let choice = SettingsChoice::try_from(word.to_owned()).unwrap();
            assert_eq!(serde_json::to_value(&choice).unwrap(), word);
            for (simulated, own) in [(true, RandomClass::Seeded), (false, RandomClass::TrueRandom)]
            {
                let seeded = choice.source().class(own) == RandomClass::Seeded;
                let label = choice.label(simulated);
                assert_eq!(label == RandomLabel::Seeded, seeded, "{choice:?}");
                assert!(seeded || label.to_string() == format!("expanded (computational, {word})"));
            }
        }
        for word in ["", "pattern", "host-qrng", "host-qrng:", "host-qrng:a b", "host-qrng:a/b"] {
            assert!(SettingsChoice::try_from(word.to_owned()).is_err(), "{word}");
        }
    }
}
