//! What a person at the bench does, as a line of text: a bench far away has a line for it beside
//! its devices' own cables.
//!
//! | line | what |
//! |---|---|
//! | `world SEED SLOT_TICKS START LOSS_MILLIBEL DARK_HZ` | another bench, just booted |
//! | `signal ROLE WHAT` | `contact`, `random`, `player` or `link` fails at `alice` or `bob` |
//! | `reboot ROLE` | a reset |
//! | `pass STEPS` | so many steps pass, whatever the hosts do |
//! | `light` | nothing |
//!
//! Each is answered by the light so far: `light ALICE_NOW BOB_NOW UNTIL PULSES`.

use crate::plan::Plan;
use core::fmt;
use core::str::FromStr;
use helio_firmware::Event;
use helio_units::Ticks;
use helio_wire::Role;

/// One deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// Another bench.
    World(Plan),
    /// Something happens to a board: one of the four events that a board can signal of itself.
    Signal(Role, Event),
    /// A reset.
    Reboot(Role),
    /// So many steps pass, whatever the hosts do.
    Pass(u32),
    /// A look.
    Light,
}

/// The light that has left a bench so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Light {
    /// Time of Alice's device.
    pub alice_now: Ticks,
    /// Time of Bob's device.
    pub bob_now: Ticks,
    /// Time of Alice's device after which there was none: the end of the last step with any.
    pub until: Ticks,
    /// Pulses of the signal laser.
    pub pulses: u64,
}

/// A line that is no [`Hand`] or no [`Light`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonsense;

const EVENTS: [(&str, Event); 4] = [
    ("contact", Event::ContactOpen),
    ("random", Event::RandomFault),
    ("player", Event::PlayerFault),
    ("link", Event::LinkReset),
];

const ROLES: [(&str, Role); 2] = [("alice", Role::Alice), ("bob", Role::Bob)];

impl FromStr for Hand {
    type Err = Nonsense;

    fn from_str(line: &str) -> Result<Hand, Nonsense> {
        let mut words = line.split_ascii_whitespace();
        let hand = match words.next().ok_or(Nonsense)? {
            "world" => Hand::World(Plan {
                seed: number(&mut words)?,
                slot_ticks: number(&mut words)?,
                start: number(&mut words)?,
                loss_millibel: number(&mut words)?,
                dark_rate_hz: number(&mut words)?,
            }),
            "signal" => Hand::Signal(named(&ROLES, &mut words)?, named(&EVENTS, &mut words)?),
            "reboot" => Hand::Reboot(named(&ROLES, &mut words)?),
            "pass" => Hand::Pass(number(&mut words)?),
            "light" => Hand::Light,
            _ => return Err(Nonsense),
        };
        if words.next().is_some() { Err(Nonsense) } else { Ok(hand) }
    }
}

impl fmt::Display for Hand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hand::World(Plan { seed, slot_ticks, start, loss_millibel, dark_rate_hz }) => {
                write!(f, "world {seed} {slot_ticks} {start} {loss_millibel} {dark_rate_hz}")
            }
            Hand::Signal(role, event) => {
                write!(f, "signal {} {}", name(&ROLES, role), name(&EVENTS, event))
            }
            Hand::Reboot(role) => write!(f, "reboot {}", name(&ROLES, role)),
            Hand::Pass(steps) => write!(f, "pass {steps}"),
            Hand::Light => f.write_str("light"),
        }
    }
}

impl FromStr for Light {
    type Err = Nonsense;

    fn from_str(line: &str) -> Result<Light, Nonsense> {
        let mut words = line.split_ascii_whitespace();
        if words.next() != Some("light") {
            return Err(Nonsense);
        }
        Ok(Light {
            alice_now: Ticks(number(&mut words)?),
            bob_now: Ticks(number(&mut words)?),
            until: Ticks(number(&mut words)?),
            pulses: number(&mut words)?,
        })
    }
}

impl fmt::Display for Light {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Light { alice_now, bob_now, until, pulses } = self;
        write!(f, "light {} {} {} {pulses}", alice_now.0, bob_now.0, until.0)
    }
}

fn number<'a, N: FromStr>(words: &mut impl Iterator<Item = &'a str>) -> Result<N, Nonsense> {
    words.next().and_then(|word| word.parse().ok()).ok_or(Nonsense)
}

fn named<'a, T: Copy>(
    names: &[(&str, T)],
    words: &mut impl Iterator<Item = &'a str>,
) -> Result<T, Nonsense> {
    let word = words.next().ok_or(Nonsense)?;
    names.iter().find(|(name, _)| *name == word).map(|(_, of)| *of).ok_or(Nonsense)
}

/// An event that a board does not signal has no name, and the line no meaning.
fn name<T: PartialEq>(names: &[(&'static str, T)], of: &T) -> &'static str {
    names.iter().find(|(_, named)| named == of).map_or("nothing", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn what_is_written_is_read() {
        let hands = [
            Hand::World(Plan { seed: u64::MAX, ..Plan::default() }),
            Hand::Signal(Role::Alice, Event::ContactOpen),
            Hand::Signal(Role::Bob, Event::LinkReset),
            Hand::Reboot(Role::Bob),
            Hand::Pass(7),
            Hand::Light,
        ];
        for hand in hands {
            assert_eq!(hand.to_string().parse(), Ok(hand));
        }
        let light = Light { alice_now: Ticks(1), bob_now: Ticks(2), until: Ticks(3), pulses: 4 };
        assert_eq!(light.to_string().parse(), Ok(light));
    }

    #[test]
    fn what_is_none_is_refused() {
        for line in ["", "pass", "pass x", "pass 1 2", "signal eve contact", "world 1 2", "dance"] {
            assert_eq!(line.parse::<Hand>(), Err(Nonsense), "{line}");
        }
        assert_eq!("light 1 2 3".parse::<Light>(), Err(Nonsense));
        assert_eq!(
            Hand::Signal(Role::Bob, Event::Locked).to_string().parse::<Hand>(),
            Err(Nonsense)
        );
    }
}
