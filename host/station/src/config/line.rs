//! The line to the other station: the section `[line]`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use helio_link::DeviceAddress;

use super::section::{Keys, Result, Section};
use super::value::texts;
use crate::quantity::Span;

pub(super) const LINE: Keys = &["listen", "connect", "silence", "lost_after", "clock_tolerance"];

/// Spans of this section in picoseconds: their defaults and the longest, a day.
const SILENCE: Span = Span(30_000_000_000_000);
const LOST_AFTER: Span = Span(10_000_000_000_000);
/// Three signs of life.
const SHORTEST_LOST_AFTER: Duration = Duration::from_secs(3);
const CLOCK_TOLERANCE: Span = Span(60_000_000_000_000);
const DAY: Span = Span(86_400_000_000_000_000);

/// The line to the other station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineConfig {
    /// Who calls whom.
    pub endpoint: Endpoint,
    /// After this long without a message a block in progress fails.
    pub silence: Duration,
    /// A line without a sign of life for this long is given up.
    pub lost_after: Duration,
    /// The two stations' wall clocks may differ by this much.
    pub clock_tolerance: Duration,
}

/// This station's end of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Waits at this HOST:PORT of its own.
    Listen(String),
    /// Calls the other station at this HOST:PORT.
    Connect(String),
}

pub(super) fn read(line: &Section<'_>) -> Result<LineConfig> {
    let endpoint = match (line.maybe::<HostPort>("listen")?, line.maybe::<HostPort>("connect")?) {
        (Some(at), None) => Endpoint::Listen(at.0),
        (None, Some(at)) => Endpoint::Connect(at.0),
        (Some(_), Some(_)) => {
            return Err(line.fault(
                "connect",
                "stands beside `listen`; remove one, one station listens and the other connects",
            ));
        }
        (None, None) => {
            return Err(line.absent(
                "listen",
                "is missing, and so is `connect`; write listen = \"0.0.0.0:7010\" at one station \
                 and connect = \"HOST:7010\" at the other",
            ));
        }
    };
    let span = |key, default| -> Result<Duration> {
        let span: Span = line.or(key, default)?;
        if span > DAY {
            return Err(line.fault(key, format_args!("is {span}; choose at most {DAY}")));
        }
        Ok(span.duration())
    };
    let lost_after = span("lost_after", LOST_AFTER)?;
    if lost_after < SHORTEST_LOST_AFTER {
        let seconds = SHORTEST_LOST_AFTER.as_secs();
        let complaint = format!(
            "is {lost_after:?}; a sign of life comes each second, choose {seconds} s or more"
        );
        return Err(line.fault("lost_after", complaint));
    }
    Ok(LineConfig {
        endpoint,
        silence: span("silence", SILENCE)?,
        lost_after,
        clock_tolerance: span("clock_tolerance", CLOCK_TOLERANCE)?,
    })
}

/// A host's name or number and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostPort(pub String);

impl FromStr for HostPort {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<HostPort, &'static str> {
        // The same form as in a device's address.
        match format!("tcp:{text}").parse::<DeviceAddress>() {
            Ok(DeviceAddress::Tcp { .. }) => Ok(HostPort(text.to_owned())),
            _ => {
                Err("a host and a port are wanted; write for example 127.0.0.1:7010 or [::1]:7010")
            }
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

texts!(HostPort);
