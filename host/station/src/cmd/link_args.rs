//! Options that say what the light passes through, shared by the commands that simulate it.

use std::str::FromStr;

use clap::Args;
use helio_sim::Path;
use helio_units::{Decibel, Picoseconds};

use crate::bench::Scenario;
use crate::exit::Failure;

/// The way from Alice to Bob, and who else is on it.
#[derive(Clone, Debug, Args)]
pub struct LinkArgs {
    /// Length of the fibre in km, at 0.2 dB/km
    #[arg(long, default_value_t = 25.0, conflicts_with = "loss")]
    km: f64,
    /// A fixed loss in dB in place of a fibre
    #[arg(long, value_name = "DB")]
    loss: Option<f64>,
    /// Eavesdropper: intercept-resend=SHARE, a share of the pulses between 0 and 1
    #[arg(long, value_name = "ATTACK")]
    eve: Option<Eavesdropper>,
}

impl LinkArgs {
    /// The scenario with this link.
    ///
    /// # Errors
    /// A number out of its range.
    pub fn apply(&self, scenario: Scenario) -> Result<Scenario, Failure> {
        within("km", self.km, 0.0, 1000.0)?;
        within("loss", self.loss.unwrap_or(0.0), 0.0, 200.0)?;
        let path = match self.loss {
            Some(loss) => Path::Fixed { loss: Decibel(loss), delay: Picoseconds(0) },
            None => Path::Fibre {
                length_km: self.km,
                attenuation_per_km: Decibel(0.2),
                group_index: 1.468,
            },
        };
        Ok(Scenario { path, intercepted: self.eve.map_or(0.0, |e| e.0), ..scenario })
    }
}

/// Refuses an option's value outside its range.
///
/// # Errors
/// One sentence with the range.
pub fn within(name: &str, value: f64, low: f64, high: f64) -> Result<(), Failure> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    // What is far outside is told by its size.
    let value = match value.abs() {
        1e9.. => format!("{value:e}"),
        _ => value.to_string(),
    };
    Err(Failure::usage(format!(
        "--{name} {value} is outside {low} to {high}; choose a number within"
    )))
}

/// `intercept-resend=0.2`
#[derive(Clone, Copy, Debug, PartialEq)]
struct Eavesdropper(f64);

impl FromStr for Eavesdropper {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let share = text.strip_prefix("intercept-resend=").and_then(|s| s.parse().ok());
        match share {
            Some(share) if (0.0..=1.0).contains(&share) => Ok(Eavesdropper(share)),
            _ => Err("write intercept-resend=SHARE with a share between 0 and 1".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eavesdropper_is_a_share() {
        assert_eq!("intercept-resend=0.2".parse(), Ok(Eavesdropper(0.2)));
        for bad in ["intercept-resend", "intercept-resend=1.1", "intercept-resend=x", "pns=0.1", ""]
        {
            assert!(bad.parse::<Eavesdropper>().is_err(), "{bad}");
        }
    }
}
