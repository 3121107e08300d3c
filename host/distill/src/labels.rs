//! Where the randomness of a key comes from, use by use, as both stations tell each other.

use std::collections::BTreeMap;

use helio_keys::RandomLabel;
use serde::{Deserialize, Serialize};

use crate::message::Role;

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

    /// What a station draws: from its device, and from its own source.
    pub(crate) const fn of(role: Role) -> [Use; 2] {
        match role {
            Role::Alice => [Use::AliceSettings, Use::HashSeeds],
            Role::Bob => [Use::BobSettings, Use::DoubleClicks],
        }
    }
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

/// `None` if a code has no meaning, or unless each use of `role` is named once and no other: a use
/// left out would not weaken the key's label, and one that is not its own would replace this
/// station's.
pub(crate) fn from_wire(labels: &[WireLabel], role: Role) -> Option<Labels> {
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
    Use::of(role).iter().eq(read.keys()).then_some(read)
}

/// The labels as text, for certificates.
pub(crate) fn texts(labels: &Labels) -> BTreeMap<Use, String> {
    labels.iter().map(|(&purpose, label)| (purpose, label.to_string())).collect()
}

/// Whether each use has its text.
pub(crate) fn all_named(texts: &BTreeMap<Use, String>) -> bool {
    Use::ALL.iter().all(|purpose| texts.contains_key(purpose))
}

/// A text of the weakest class; `None` if there is none.
pub(crate) fn weakest_text(texts: &BTreeMap<Use, String>) -> Option<&str> {
    texts.values().map(String::as_str).min_by_key(|text| class(text))
}

/// Whether two texts make the same kind of claim.
pub(crate) fn same_class(a: &str, b: &str) -> bool {
    class(a) == class(b)
}

/// Whether a text is that of [`RandomLabel::Seeded`], or of nothing known.
pub(crate) fn is_seeded(text: &str) -> bool {
    class(text) == 0
}

/// How strong a text's claim is; what makes no known claim makes none.
fn class(text: &str) -> u8 {
    match text {
        t if t.starts_with("true random (") => 2,
        t if t.starts_with("expanded (computational, ") => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_round_trip_and_the_weakest_counts() {
        let noise = RandomLabel::TrueRandom { source: "a".into(), health_test: "b".into() };
        let cipher = RandomLabel::Expanded { source: "c".into() };
        let labels = Labels::from([(Use::AliceSettings, noise), (Use::HashSeeds, cipher.clone())]);
        let read = |wire: &[WireLabel]| from_wire(wire, Role::Alice);
        assert_eq!(read(&to_wire(&labels)), Some(labels.clone()));
        assert_eq!(from_wire(&to_wire(&labels), Role::Bob), None);
        let mut more = labels.clone();
        more.insert(Use::DoubleClicks, cipher.clone());
        assert_eq!(read(&to_wire(&more)), None, "a use of the other station's");
        assert_eq!(read(&to_wire(&labels)[1..]), None, "a use left out");
        assert_eq!(read(&[]), None);
        assert_eq!(weakest(&labels), cipher);
        assert_eq!(weakest(&Labels::new()), RandomLabel::Seeded);
        let twice = [to_wire(&labels), to_wire(&labels)].concat();
        assert_eq!(read(&twice), None);
        assert_eq!(read(&[(9, 0, String::new(), String::new())]), None);
        assert_eq!(read(&[(0, 9, String::new(), String::new())]), None);
    }

    /// The words in certificates lead back to the class of the label.
    #[test]
    fn texts_keep_their_class() {
        let noise = RandomLabel::TrueRandom { source: "a".into(), health_test: "b".into() };
        let cipher = RandomLabel::Expanded { source: "true random (".into() };
        for (label, expected) in [(RandomLabel::Seeded, 0), (cipher.clone(), 1), (noise.clone(), 2)]
        {
            assert_eq!(class(&label.to_string()), expected);
        }
        let labels = Labels::from([(Use::AliceSettings, noise), (Use::HashSeeds, cipher.clone())]);
        assert_eq!(weakest_text(&texts(&labels)), Some(cipher.to_string().as_str()));
        assert!(!all_named(&texts(&labels)));
    }
}
