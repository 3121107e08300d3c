//! Where the randomness of a key comes from, use by use, as both stations tell each other.

use std::collections::BTreeMap;

use helio_keys::RandomLabel;
use serde::{Deserialize, Serialize};

/// What random bits are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// Alice's intensities, bases and bits.
    AliceSettings,
    /// Bob's bases and swaps.
    BobSettings,
    /// The bits of double clicks.
    DoubleClicks,
    /// Keys and seeds of the hashes.
    HashSeeds,
}

impl Use {
    const ALL: [Use; 4] = [Use::AliceSettings, Use::BobSettings, Use::DoubleClicks, Use::HashSeeds];
}

/// The label of each use.
pub type Labels = BTreeMap<Use, RandomLabel>;

/// The weakest of all; [`RandomLabel::Seeded`] if none is known.
pub fn weakest(labels: &Labels) -> RandomLabel {
    labels.values().cloned().reduce(RandomLabel::weakest).unwrap_or(RandomLabel::Seeded)
}

/// Use, class, source, health test: as it stands in a Hello.
pub(crate) type WireLabel = (u8, u8, String, String);

pub(crate) fn to_wire(labels: &Labels) -> Vec<WireLabel> {
    labels
        .iter()
        .map(|(purpose, label)| match label.clone() {
            RandomLabel::Seeded => (*purpose as u8, 0, String::new(), String::new()),
            RandomLabel::Expanded { source } => (*purpose as u8, 1, source, String::new()),
            RandomLabel::TrueRandom { source, health_test } => {
                (*purpose as u8, 2, source, health_test)
            }
        })
        .collect()
}

/// `None` if a code has no meaning or a use is named twice.
pub(crate) fn from_wire(labels: &[WireLabel]) -> Option<Labels> {
    let mut read = Labels::new();
    for (purpose, class, source, health_test) in labels.iter().cloned() {
        let purpose = Use::ALL.into_iter().find(|u| *u as u8 == purpose)?;
        let label = match class {
            0 => RandomLabel::Seeded,
            1 => RandomLabel::Expanded { source },
            2 => RandomLabel::TrueRandom { source, health_test },
            _ => return None,
        };
        if read.insert(purpose, label).is_some() {
            return None;
        }
    }
    Some(read)
}

/// The labels as text, for certificates.
pub(crate) fn texts(labels: &Labels) -> BTreeMap<Use, String> {
    labels.iter().map(|(&purpose, label)| (purpose, label.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_round_trip_and_the_weakest_counts() {
        let noise = RandomLabel::TrueRandom { source: "a".into(), health_test: "b".into() };
        let cipher = RandomLabel::Expanded { source: "c".into() };
        let labels = Labels::from([(Use::AliceSettings, noise), (Use::HashSeeds, cipher.clone())]);
        assert_eq!(from_wire(&to_wire(&labels)), Some(labels.clone()));
        assert_eq!(weakest(&labels), cipher);
        assert_eq!(weakest(&Labels::new()), RandomLabel::Seeded);
        let twice = [to_wire(&labels), to_wire(&labels)].concat();
        assert_eq!(from_wire(&twice), None);
        assert_eq!(from_wire(&[(9, 0, String::new(), String::new())]), None);
        assert_eq!(from_wire(&[(0, 9, String::new(), String::new())]), None);
    }
}
