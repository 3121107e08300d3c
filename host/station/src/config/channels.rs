//! What is connected to Bob's device: the tables `[[channel]]`.

use helio_distill::parameters::Receiver;

use super::section::{Keys, Result, Section};
use crate::quantity::Delay;

pub(super) const CHANNEL: Keys = &["input", "name", "role", "delay"];

/// Longest delay of a cable and its detector, either way, in picoseconds: 20 km of cable.
const LONGEST_DELAY: i64 = 100_000_000;

/// A detector and where it is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelConfig {
    /// Number of the device's input.
    pub input: u8,
    /// What people call it.
    pub name: String,
    /// How late its pulses come, in picoseconds.
    pub(super) delay_ps: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChannelRole {
    /// A detector of the talk by its number.
    Detector(usize),
    Sync,
}

const ROLES: [(&str, ChannelRole); 5] = [
    ("H", ChannelRole::Detector(0)),
    ("V", ChannelRole::Detector(1)),
    ("D", ChannelRole::Detector(2)),
    ("A", ChannelRole::Detector(3)),
    ("sync", ChannelRole::Sync),
];

/// The detectors of the talk in their order.
pub(super) fn read(top: &Section<'_>, receiver: Receiver) -> Result<Vec<ChannelConfig>> {
    let (count, kind, wanted) = match receiver {
        Receiver::Active { .. } => (2, "an active", "H, V and sync"),
        Receiver::Passive => (4, "a passive", "H, V, D, A and sync"),
    };
    let mut detectors: Vec<Option<ChannelConfig>> = vec![None; count];
    let mut sync = None;
    let mut inputs: Vec<u8> = Vec::new();
    for channel in top.sections("channel", CHANNEL)? {
        let input: u8 = channel.whole("input", 0..=255, None)?;
        let role = channel.choice("role", &ROLES, None)?;
        let role_name = ROLES.iter().find(|(_, r)| *r == role).map_or("", |(name, _)| name);
        let name = channel.or("name", role_name.to_owned())?;
        if inputs.contains(&input) {
            return Err(channel.fault(
                "input",
                format_args!("is {input} a second time; give each channel an input of its own"),
            ));
        }
        inputs.push(input);
        let taken = match role {
            ChannelRole::Detector(i) if i >= count => {
                return Err(channel.fault(
                    "role",
                    format_args!(
                        "is \"{role_name}\", and {kind} receiver has {wanted}; remove this channel, \
                         or change `protocol.receiver`"
                    ),
                ));
            }
            ChannelRole::Detector(i) => {
                if usize::from(input) >= count {
                    return Err(channel.fault(
                        "input",
                        format_args!(
                            "is {input}, and the detectors of {kind} receiver are at 0 to {}; \
                             choose one of them",
                            count - 1
                        ),
                    ));
                }
                let delay: Delay = channel.or("delay", Delay(0))?;
                if delay.0.abs() > LONGEST_DELAY {
                    return Err(channel.fault(
                        "delay",
                        format_args!("is {delay}; choose one within -100 µs and 100 µs"),
                    ));
                }
                let detector = ChannelConfig { input, name, delay_ps: delay.0 };
                detectors[i].replace(detector).is_some()
            }
            ChannelRole::Sync => {
                if usize::from(input) != count {
                    return Err(channel.fault(
                        "input",
                        format_args!(
                            "is {input}, and the sync input is always the device's last one, \
                             behind {count} detectors; write {count}"
                        ),
                    ));
                }
                if channel.has("delay") {
                    return Err(channel.absent(
                        "delay",
                        "has no meaning for the sync input, which the device itself follows; \
                         remove it and shift the detectors",
                    ));
                }
                sync.replace(()).is_some()
            }
        };
        if taken {
            return Err(channel.fault(
                "role",
                format_args!("is \"{role_name}\" a second time; give each channel its own role"),
            ));
        }
    }
    let absent = |i: usize| detectors.get(i).is_some_and(Option::is_none);
    let missing = ROLES.iter().find(|(_, role)| match role {
        ChannelRole::Detector(i) => absent(*i),
        ChannelRole::Sync => sync.is_none(),
    });
    if let Some((name, _)) = missing {
        return Err(top.absent(
            "channel",
            format_args!(
                "lacks the role \"{name}\": {kind} receiver has {wanted}; add a [[channel]] for it"
            ),
        ));
    }
    Ok(detectors.into_iter().flatten().collect())
}
