//! What a served bench must be told.

use std::fmt;
use std::str::FromStr;

use helio_sim::BenchConfig;
use helio_wire::Role;

use super::fault::SimFault;

/// A bench, its ports and its pace.
#[derive(Clone, Debug, PartialEq)]
pub struct SimSetup {
    /// The optics and the one seed of everything, also of the devices' settings.
    pub bench: BenchConfig,
    /// `HOST:PORT` of Alice's device, and of Bob's. Port 0 takes a free one, which
    /// [`SimNote::PortOpen`](super::SimNote::PortOpen) tells.
    pub ports: [String; 2],
    /// How fast time passes, while it does.
    pub speed: Speed,
}

/// How fast simulated time passes. Read and shown as `fastest`, `real time`, `2x`; on a command line
/// `real-time` is read too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many times as fast as the wall clock, 0.001 to 1000, or as near to it as this computer
    /// comes. A delay is not caught up with.
    RealTime(f64),
    /// As fast as this computer and the hosts can.
    Fastest,
}

/// A text that is no [`Speed`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no speed; write fastest, real-time or a factor from 0.001x to 1000x, as in 2x")]
pub struct InvalidSpeed(String);

impl Speed {
    /// The factor, if there is one.
    ///
    /// # Errors
    /// [`SimFault::Speed`]: out of its range.
    pub(super) fn factor(self) -> Result<Option<f64>, SimFault> {
        match self {
            Speed::Fastest => Ok(None),
            Speed::RealTime(factor) if (0.001..=1000.0).contains(&factor) => Ok(Some(factor)),
            Speed::RealTime(factor) => Err(SimFault::Speed(factor)),
        }
    }
}

impl FromStr for Speed {
    type Err = InvalidSpeed;

    fn from_str(text: &str) -> Result<Speed, InvalidSpeed> {
        let speed = match text {
            "fastest" => Some(Speed::Fastest),
            "real time" | "real-time" => Some(Speed::RealTime(1.0)),
            _ => text.strip_suffix('x').and_then(|x| x.parse().ok()).map(Speed::RealTime),
        };
        let invalid = || InvalidSpeed(text.to_owned());
        speed.filter(|speed| speed.factor().is_ok()).ok_or_else(invalid)
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Speed::Fastest => f.write_str("fastest"),
            Speed::RealTime(1.0) => f.write_str("real time"),
            Speed::RealTime(factor) => write!(f, "{factor}x"),
        }
    }
}

/// Host and port number of `HOST:PORT` or `[IPV6]:PORT`.
pub(super) fn host_and_port(role: Role, text: &str) -> Result<(&str, u16), SimFault> {
    let wrong = |complaint| SimFault::Address { role, text: text.to_owned(), complaint };
    let (host, port) = text.rsplit_once(':').ok_or_else(|| wrong("lacks the port number"))?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if bracketed.is_none() && host.contains(':') {
        return Err(wrong("wants square brackets around an IPv6 address"));
    }
    let host = bracketed.unwrap_or(host);
    if host.is_empty() {
        return Err(wrong("lacks the host"));
    }
    if host.contains(|c: char| c.is_whitespace() || c.is_control() || "[]/".contains(c)) {
        return Err(wrong("has a host that is neither a name nor a number"));
    }
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|_| digits);
    Ok((host, port.ok_or_else(|| wrong("has no port number from 0 to 65535"))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn speeds_are_read_and_shown() {
        for (text, speed) in [
            ("fastest", Speed::Fastest),
            ("real time", Speed::RealTime(1.0)),
            ("2x", Speed::RealTime(2.0)),
            ("0.25x", Speed::RealTime(0.25)),
        ] {
            assert_eq!(text.parse(), Ok(speed));
            assert_eq!(speed.to_string(), text);
        }
        assert_eq!("real-time".parse(), Ok(Speed::RealTime(1.0)), "a word for command lines");
        for text in ["", "x", "2", "-1x", "0x", "NaNx", "infx", "1e9x", "Fastest", "real  time"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_port_is_a_host_and_a_number() {
        let read = |text| host_and_port(Role::Bob, text).map_err(|fault| fault.to_string());
        assert_eq!(read("127.0.0.1:7001"), Ok(("127.0.0.1", 7001)));
        assert_eq!(read("localhost:0"), Ok(("localhost", 0)));
        assert_eq!(read("[::1]:65535"), Ok(("::1", 65535)));
        for text in ["", "7001", ":1", "h:", "h:+1", "h:65536", "::1:7", "[]:1", "a b:1", "h/:1"] {
            let said = read(text).unwrap_err();
            assert!(said.contains("Bob") && said.contains("write HOST:PORT"), "{said}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(
            text in prop_oneof![any::<String>(), "[\\[\\]a:/ ]{0,6}:[0-9+]{0,6}", "[-0-9.eE]{1,9}x"]
        ) {
            if let Ok((host, _)) = host_and_port(Role::Alice, &text) {
                prop_assert!(!host.is_empty());
            }
            if let Ok(speed) = text.parse::<Speed>() {
                prop_assert_eq!(speed.to_string().parse(), Ok(speed));
            }
        }
    }
}
