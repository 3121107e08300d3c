//! The first words on a line: who is there, and which run goes on or begins.
//!
//! Not authenticated: they save both stations a contact, and its pads, that could not succeed, and
//! name the cause. What is agreed here (the run's name) stands in the talk's own Hello, and there
//! it is proven.

use std::time::Duration;

use helio_distill::Role;
use helio_distill::parameters::{PROTOCOL_VERSION, SessionId};
use serde::{Deserialize, Serialize};

use super::frame::{BadFrame, shown};
use crate::store::PairingId;

/// Version of the line: frames and openings.
const VERSION: u32 = 1;
const GREETING: &str = "heliograph line ";

/// What a station says first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Its role.
    pub role: Role,
    /// Version of the talk.
    pub protocol: u8,
    /// Version of the program, for people.
    pub program: String,
    /// Name of the pre-shared secret.
    pub pairing: String,
    /// `SIMULATED` or `real`.
    pub origin: String,
    /// Its half of a new run's name: fresh for each line, 16 hexadecimal digits.
    pub nonce: String,
    /// The run that its device is in.
    pub run: Option<SessionId>,
    /// Its wall clock, seconds since 1970.
    pub unix_s: u64,
}

/// What both stations do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Both devices are in this run: it goes on.
    Resume(SessionId),
    /// A new run of this name.
    Begin(SessionId),
}

/// Why two stations cannot work together, as far as their first words tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpeningFault {
    /// No Heliograph station.
    #[error(transparent)]
    NotAStation(#[from] BadFrame),
    /// Another version of the line or of the talk.
    #[error(
        "the other station speaks version {theirs} of the {what}, this one {mine}; run the same \
         release on both"
    )]
    Version {
        /// `line` or `protocol`.
        what: &'static str,
        /// Version here.
        mine: u32,
        /// Version there.
        theirs: u32,
    },
    /// Two of a kind.
    #[error(
        "the other station is {0} as well; give one of the two the configuration of the other role"
    )]
    SameRole(Role),
    /// Other secrets.
    #[error(
        "the other station holds another secret (pairing {theirs}, here {mine}): it is the wrong \
         peer, or one folder of the pair was not renewed; carry both folders of one `helio pair`"
    )]
    Secret {
        /// Name of the secret here.
        mine: String,
        /// Name of the secret there.
        theirs: String,
    },
    /// A simulated station and a real one.
    #[error(
        "the other station's keys are {theirs}, this one's {mine}; the two never mix, pair stations \
         of one kind"
    )]
    Origin {
        /// Here.
        mine: String,
        /// There.
        theirs: String,
    },
    /// Clocks.
    #[error(
        "the other station's clock is {seconds} s {} this one's; set both by NTP, or raise \
         clock_tolerance", if *ahead { "ahead of" } else { "behind" }
    )]
    Clock {
        /// Difference.
        seconds: u64,
        /// Whether the other one's is ahead.
        ahead: bool,
    },
}

impl Opening {
    /// What this station says: a nonce of 8 random bytes, and what it is.
    pub fn new(role: Role, pairing: PairingId, origin: &str, nonce: [u8; 8]) -> Opening {
        Opening {
            role,
            protocol: PROTOCOL_VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            pairing: pairing.to_string(),
            origin: origin.to_owned(),
            nonce: nonce.iter().map(|byte| format!("{byte:02x}")).collect(),
            run: None,
            unix_s: 0,
        }
    }

    /// As the body of a frame.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{GREETING}{VERSION}\n").into_bytes();
        text.extend(serde_json::to_vec(self).unwrap_or_default());
        text
    }

    /// From the body of a frame.
    ///
    /// # Errors
    /// [`OpeningFault::NotAStation`] and [`OpeningFault::Version`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Opening, OpeningFault> {
        let bad = |what: &str| OpeningFault::NotAStation(BadFrame(what.to_owned()));
        let text = str::from_utf8(bytes).map_err(|_| bad("an opening that is no text"))?;
        let rest = text.strip_prefix(GREETING).ok_or_else(|| bad("another opening"))?;
        let (version, json) = rest.split_once('\n').ok_or_else(|| bad("half an opening"))?;
        match version.parse() {
            Ok(VERSION) => {}
            Ok(theirs) => {
                return Err(OpeningFault::Version { what: "line", mine: VERSION, theirs });
            }
            Err(_) => return Err(bad("an opening without a version")),
        }
        let opening: Opening =
            serde_json::from_str(json).map_err(|_| bad("an opening that cannot be read"))?;
        if opening.half().is_none() {
            return Err(bad("an opening without its half of a run's name"));
        }
        Ok(opening)
    }

    /// What to do with the other's opening.
    ///
    /// # Errors
    /// [`OpeningFault`].
    pub fn compare(&self, other: &Opening, tolerance: Duration) -> Result<Plan, OpeningFault> {
        if other.protocol != self.protocol {
            let (mine, theirs) = (u32::from(self.protocol), u32::from(other.protocol));
            return Err(OpeningFault::Version { what: "protocol", mine, theirs });
        }
        if other.role == self.role {
            return Err(OpeningFault::SameRole(self.role));
        }
        if other.origin != self.origin {
            let (mine, theirs) = (self.origin.clone(), shown(&other.origin));
            return Err(OpeningFault::Origin { mine, theirs });
        }
        if other.pairing != self.pairing {
            let (mine, theirs) = (self.pairing.clone(), shown(&other.pairing));
            return Err(OpeningFault::Secret { mine, theirs });
        }
        let seconds = self.unix_s.abs_diff(other.unix_s);
        if seconds > tolerance.as_secs() {
            return Err(OpeningFault::Clock { seconds, ahead: other.unix_s > self.unix_s });
        }
        if let Some(run) = self.run.filter(|_| self.run == other.run) {
            return Ok(Plan::Resume(run));
        }
        let (alice, bob) = match self.role {
            Role::Alice => (self, other),
            Role::Bob => (other, self),
        };
        let (Some(first), Some(second)) = (alice.half(), bob.half()) else {
            return Err(OpeningFault::NotAStation(BadFrame("half a run's name".into())));
        };
        let mut name = [0; 16];
        name[..8].copy_from_slice(&first.to_be_bytes());
        name[8..].copy_from_slice(&second.to_be_bytes());
        Ok(Plan::Begin(SessionId(name)))
    }

    fn half(&self) -> Option<u64> {
        let digits = self.nonce.len() == 16 && self.nonce.bytes().all(|b| b.is_ascii_hexdigit());
        u64::from_str_radix(&self.nonce, 16).ok().filter(|_| digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOLERANCE: Duration = Duration::from_secs(60);

    fn opening(role: Role, nonce: u8) -> Opening {
        let opening = Opening::new(role, PairingId([7; 16]), "SIMULATED", [nonce; 8]);
        Opening { unix_s: 1_000_000, ..opening }
    }

    #[test]
    fn both_come_to_the_same_plan() {
        let (mut alice, mut bob) = (opening(Role::Alice, 1), opening(Role::Bob, 2));
        let plan = alice.compare(&bob, TOLERANCE).unwrap();
        assert_eq!(bob.compare(&alice, TOLERANCE), Ok(plan));
        let mut name = [1; 16];
        name[8..].fill(2);
        assert_eq!(plan, Plan::Begin(SessionId(name)));
        // Only a run that both are in goes on.
        alice.run = Some(SessionId([5; 16]));
        assert_eq!(alice.compare(&bob, TOLERANCE), Ok(plan));
        assert_eq!(bob.compare(&alice, TOLERANCE), Ok(plan));
        bob.run = alice.run;
        assert_eq!(alice.compare(&bob, TOLERANCE), Ok(Plan::Resume(SessionId([5; 16]))));
        assert_eq!(bob.compare(&alice, TOLERANCE), Ok(Plan::Resume(SessionId([5; 16]))));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let alice = opening(Role::Alice, 1);
        let against = |change: fn(&mut Opening)| {
            let mut bob = opening(Role::Bob, 2);
            change(&mut bob);
            alice.compare(&bob, TOLERANCE).unwrap_err().to_string()
        };
        assert!(against(|b| b.role = Role::Alice).contains("is Alice as well"));
        assert!(against(|b| b.protocol = 9).contains("version 9 of the protocol"));
        assert!(against(|b| b.pairing = "00".into()).contains("another secret"));
        assert!(against(|b| b.origin = "real".into()).contains("keys are real"));
        assert!(
            against(|b| b.unix_s += 3600).contains("3600 s ahead of this one's; set both by NTP")
        );
        assert!(against(|b| b.unix_s -= 61).contains("61 s behind"));
        let mut bob = opening(Role::Bob, 2);
        bob.unix_s += 60;
        assert!(alice.compare(&bob, TOLERANCE).is_ok());
    }

    #[test]
    fn another_line_version_is_told_before_anything_else_is_read() {
        let fault = Opening::from_bytes(b"heliograph line 2\nwhatever").unwrap_err();
        assert!(fault.to_string().contains("version 2 of the line"), "{fault}");
        let fault = Opening::from_bytes(b"GET / HTTP/1.1\r\n").unwrap_err();
        assert!(fault.to_string().contains("check the address"), "{fault}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_opening_or_refused(
            tail in proptest::collection::vec(any::<u8>(), 0..120),
            cut in 0usize..400,
            flip in any::<u8>(),
        ) {
            let mut bytes = opening(Role::Bob, 3).to_bytes();
            prop_assert_eq!(Opening::from_bytes(&bytes), Ok(opening(Role::Bob, 3)));
            let at = cut % bytes.len();
            bytes[at] ^= flip;
            let _ = Opening::from_bytes(&bytes);
            bytes.truncate(at);
            bytes.extend(tail);
            let _ = Opening::from_bytes(&bytes);
        }
    }
}
