//! What a message on the line is: one byte that says the kind, then its body.
//!
//! | kind | body |
//! |---|---|
//! | 0 ping | empty; sent over a silence |
//! | 1 opening | the text of an [`Opening`](super::Opening), first each way |
//! | 2 light | JSON of [`Light`]: how far this station's device is |
//! | 3 bye | JSON of [`Bye`]: why the line is about to end |
//! | 4 talk | a message of `helio-distill` |

use serde::{Deserialize, Serialize};

/// Most bytes of a body that is not talk.
pub const MAX_WORDS: usize = 4096;

/// A message on the line.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// A sign of life.
    Ping,
    /// The first words.
    Opening(Vec<u8>),
    /// How far the device is.
    Light(Light),
    /// The line ends by intent.
    Bye(Bye),
    /// The talk.
    Talk(Vec<u8>),
}

/// How far a station's device is. A hint for the other station's timing and its operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "device")]
pub enum Light {
    /// Not there, or not able to run.
    Absent,
    /// Dark, and ready for a run.
    Ready,
    /// In a run: Bob's listens for the sync slots, Alice's sends them.
    Running,
}

/// Why a station ends a line that works. Nobody has proven yet who hears it: nothing of this station's
/// folders and addresses goes into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "bye")]
pub enum Bye {
    /// Its run is over; another one is to be agreed on.
    NewRun,
    /// Its program ends.
    ShuttingDown,
    /// It does not accept the other one's opening or talk.
    Refused {
        /// Why, in words.
        why: String,
    },
}

/// A message that is no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other end of the line sends what no station sends ({0}); check the address")]
pub struct BadFrame(pub String);

impl Frame {
    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let json = |kind: u8, words: serde_json::Result<Vec<u8>>| {
            let mut bytes = vec![kind];
            bytes.extend(words.unwrap_or_default());
            bytes
        };
        let with = |kind: u8, body: &[u8]| {
            let mut bytes = Vec::with_capacity(1 + body.len());
            bytes.push(kind);
            bytes.extend_from_slice(body);
            bytes
        };
        match self {
            Frame::Ping => vec![0],
            Frame::Opening(text) => with(1, text),
            Frame::Light(light) => json(2, serde_json::to_vec(light)),
            Frame::Bye(bye) => json(3, serde_json::to_vec(bye)),
            Frame::Talk(message) => with(4, message),
        }
    }

    /// From bytes.
    ///
    /// # Errors
    /// [`BadFrame`]; nothing in it is repeated that could harm a terminal.
    pub fn from_bytes(mut bytes: Vec<u8>) -> Result<Frame, BadFrame> {
        let Some(&kind) = bytes.first() else { return Err(BadFrame("an empty message".into())) };
        if kind != 4 && bytes.len() > 1 + MAX_WORDS {
            return Err(BadFrame(format!("{} bytes of words", bytes.len())));
        }
        let json = |_| BadFrame("words that cannot be read".into());
        match kind {
            0 => Ok(Frame::Ping),
            1 | 4 => {
                bytes.remove(0);
                Ok(if kind == 1 { Frame::Opening(bytes) } else { Frame::Talk(bytes) })
            }
            2 => serde_json::from_slice(&bytes[1..]).map(Frame::Light).map_err(json),
            3 => serde_json::from_slice(&bytes[1..]).map(Frame::Bye).map_err(json),
            kind => Err(BadFrame(format!("kind {kind}"))),
        }
    }
}

/// Words of the other station as they may be shown: one line, no control characters, not long.
pub(crate) fn shown(words: &str) -> String {
    let clean = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(frame) = Frame::from_bytes(bytes.clone()) {
                prop_assert_eq!(Frame::from_bytes(frame.to_bytes()), Ok(frame));
            }
        }
    }

    #[test]
    fn frames_come_back() {
        for frame in [
            Frame::Ping,
            Frame::Opening(b"helio".to_vec()),
            Frame::Light(Light::Absent),
            Frame::Light(Light::Ready),
            Frame::Light(Light::Running),
            Frame::Bye(Bye::NewRun),
            Frame::Bye(Bye::Refused { why: "another release".into() }),
            Frame::Bye(Bye::ShuttingDown),
            Frame::Talk(vec![7; 10_000]),
        ] {
            assert_eq!(Frame::from_bytes(frame.to_bytes()), Ok(frame));
        }
        assert!(Frame::from_bytes(vec![]).is_err());
        assert!(Frame::from_bytes(vec![9]).is_err());
        assert!(Frame::from_bytes(vec![2; 10]).is_err());
        assert!(Frame::from_bytes(vec![1; MAX_WORDS + 2]).is_err());
    }

    #[test]
    fn foreign_words_stay_on_their_line() {
        assert_eq!(shown("a\n\x1b[2Jb"), "a  [2Jb");
        assert_eq!(shown(&"x".repeat(1000)).len(), 300);
    }
}
