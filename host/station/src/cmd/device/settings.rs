//! `helio device get` and `set`: the table of settings that a device keeps.

use std::fmt::Write;

use helio_bench::{Access, Unit};
use helio_units::Ticks;
use helio_wire::{DeviceMessage, ErrorCode, HostMessage};
use serde_json::{Value, json};

use super::session::{NoAnswer, Session};
use super::target::Target;
use crate::cli::Global;
use crate::exit::{Exit, Failure, print, print_json};
use crate::quantity::setting;

/// Arguments of `helio device get`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio device get                                all settings, sensors and counters
  helio device get laser.level.0
  helio device get detector --device sim --role bob --json     all whose name begins so

The table is the device's own: names, units and ranges are what it tells. Exit codes: 2 no such name, 5 the \
device does not answer.")]
pub struct Get {
    /// A name, or the beginning of several
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// Arguments of `helio device set`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio device set laser.level.0 400mV
  helio device set laser.delay.h \"250 ps\"
  helio device set detector.threshold.0 600mV --json
  helio device set laser.attenuation 3 --device sim
  helio device set modulator.voltage.a -2.1V --device tcp:localhost:7001

A value has the unit that helio device get shows, or another of the same kind; where there is but one it may be \
left out. Which entries there are is the device's own affair: levels are voltages on a board of this project, and \
mean photon numbers (laser.intensity.0) where a board is calibrated in them. The change is added to the device's run log, with what was there before. Exit codes: 2 no such name, or \
a value out of its range, 3 the run log cannot be written, 5 the device refuses.")]
pub struct Set {
    /// Its name
    name: String,
    /// What it shall be
    #[arg(allow_hyphen_values = true)]
    value: String,
    #[command(flatten)]
    target: Target,
}

/// An entry of the table, as the device tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cmd) struct Setting {
    pub index: u16,
    pub name: String,
    pub unit: Unit,
    pub access: Access,
    pub value: i64,
    pub min: i64,
    pub max: i64,
}

impl Setting {
    /// A value of it as people read it.
    pub fn show(&self, value: i64) -> String {
        setting::show(self.unit, value)
    }

    fn range(&self) -> String {
        format!("{} to {}", self.show(self.min), self.show(self.max))
    }

    /// A value as people write it, one that may be set.
    ///
    /// # Errors
    /// It cannot be set at all, or not to this.
    pub fn parse(&self, text: &str) -> Result<i64, Failure> {
        // What cannot be set needs no better text.
        self.check(self.min)?;
        let value = setting::parse(self.unit, text)
            .map_err(|why| Failure::usage(format!("{}: {why}", self.name)))?;
        self.check(value).map(|()| value)
    }

    /// Whether it may be set to this.
    ///
    /// # Errors
    /// It cannot be set at all, or not to this.
    pub fn check(&self, value: i64) -> Result<(), Failure> {
        if self.access == Access::ReadOnly {
            return Err(Failure::usage(format!(
                "{} is read only; choose a setting that helio device get shows with its range",
                self.name
            )));
        }
        match (self.min..=self.max).contains(&value) {
            true => Ok(()),
            false => Err(out_of_range(self, value)),
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "value": self.value,
            "unit": setting::part(self.unit),
            "min": self.min,
            "max": self.max,
            "writable": match self.access {
                Access::ReadOnly => "never",
                Access::WhenSafe => "when safe",
                Access::Always => "always",
            },
            "shown": self.show(self.value),
        })
    }
}

impl Session {
    /// An entry; `None` past the end of the table.
    ///
    /// # Errors
    /// The device fails.
    pub fn get(&mut self, index: u16) -> Result<Option<Setting>, Failure> {
        let mut told = None;
        let answer = self.exchange(
            &HostMessage::Get { index },
            |_| {},
            |message, number| match message {
                DeviceMessage::Value { command, index, value, entry } if *command == number => {
                    told = Some(Setting {
                        index: *index,
                        name: entry.name.to_owned(),
                        unit: entry.unit,
                        access: entry.access,
                        value: *value,
                        min: entry.min,
                        max: entry.max,
                    });
                    Some(Ticks(0))
                }
                _ => None,
            },
        );
        match answer {
            Ok(_) => Ok(told),
            Err(NoAnswer::Refused(ErrorCode::OutOfRange, _)) => Ok(None),
            Err(no) => Err(self.failure("to tell a setting", no)),
        }
    }

    /// The whole table.
    ///
    /// # Errors
    /// As [`Session::get`].
    pub fn table(&mut self) -> Result<Vec<Setting>, Failure> {
        let mut table = Vec::new();
        // A device that never ends has u16::MAX entries.
        for index in 0..=u16::MAX {
            match self.get(index)? {
                Some(setting) => table.push(setting),
                None => break,
            }
        }
        Ok(table)
    }

    /// Changes an entry, and writes down what was changed; gives what is there after it. A change that
    /// cannot be written down is taken back.
    ///
    /// # Errors
    /// The device refuses or fails, or the run log cannot be written.
    pub fn set(&mut self, setting: &Setting, value: i64) -> Result<Setting, Failure> {
        let tick = self.order_value(setting, value)?;
        let written = self.log.write(
            "set",
            json!({
                "name": setting.name,
                "unit": setting::part(setting.unit),
                "old": setting.value,
                "new": value,
                "tick": tick.0,
            }),
        );
        if let Err(why) = written {
            let (name, old) = (&setting.name, setting.show(setting.value));
            return Err(why.and(match self.order_value(setting, setting.value) {
                Ok(_) => format!("{name} is {old} again"),
                Err(too) => format!("{name} is not {old} again: {too}"),
            }));
        }
        self.get(setting.index)?.ok_or_else(|| {
            Failure::new(
                Exit::Device,
                format!("{} is gone from the device's table; replug it", setting.name),
            )
        })
    }

    fn order_value(&mut self, setting: &Setting, value: i64) -> Result<Ticks, Failure> {
        let set = HostMessage::Set { index: setting.index, value, from: Ticks(0) };
        self.order(&set, |_| {}).map_err(|no| match no {
            NoAnswer::Refused(ErrorCode::OutOfRange, HostMessage::AT_SET_VALUE) => {
                out_of_range(setting, value)
            }
            NoAnswer::Refused(ErrorCode::WrongState, _) if setting.access == Access::WhenSafe => {
                Failure::new(
                    Exit::Device,
                    format!(
                        "{} can be changed only while the device is safe; helio device disarm first",
                        setting.name
                    ),
                )
            }
            no => self.failure(&format!("to set {}", setting.name), no),
        })
    }
}

fn out_of_range(setting: &Setting, value: i64) -> Failure {
    Failure::usage(format!(
        "{} cannot be {}; choose a value of {}",
        setting.name,
        setting.show(value),
        setting.range()
    ))
}

/// The entry of this name.
///
/// # Errors
/// There is none; the sentence names one that is alike.
pub(super) fn named<'t>(table: &'t [Setting], name: &str) -> Result<&'t Setting, Failure> {
    table.iter().find(|setting| setting.name == name).ok_or_else(|| no_such(table, name))
}

/// What a device has that sets the same light, where it has no entry whose name begins so.
const STAND_INS: [(&str, [&str; 2]); 1] =
    [("laser.intensity", ["laser.level", "laser.attenuation"])];

/// Why there is no entry of this name, and which is alike.
pub(in crate::cmd) fn no_such(table: &[Setting], name: &str) -> Failure {
    // Who leaves out a number means one of these, and one that can be set sooner than a counter.
    let likeness = |s: &Setting| {
        let begins = s.name.starts_with(name);
        let settable = s.access != Access::ReadOnly;
        let stands_in = STAND_INS.iter().any(|(missing, there)| {
            name.starts_with(missing) && there.iter().any(|begin| s.name.starts_with(begin))
        });
        ((begins && settable, begins, stands_in && settable), strsim::jaro_winkler(&s.name, name))
    };
    // Of several that are alike in the same way, the first one of the table.
    let alike = table.iter().rev().max_by(|a, b| {
        let (a, b) = (likeness(a), likeness(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    Failure::usage(match alike {
        Some(alike) => {
            let range = match alike.access {
                Access::ReadOnly => "read only".into(),
                Access::WhenSafe | Access::Always => alike.range(),
            };
            format!(
                "the device has no setting {name:?}; choose {} ({range}), or see helio device get",
                alike.name
            )
        }
        None => "the device has no settings; flash a firmware that has".into(),
    })
}

/// Shows the table.
///
/// # Errors
/// The device fails, or has no such entry.
pub(super) fn get(args: &Get, global: &Global) -> Result<(), Failure> {
    let mut session = args.target.open()?;
    let table = session.table()?;
    let name = args.name.as_deref().unwrap_or("");
    let exact: Vec<&Setting> = table.iter().filter(|s| s.name == name).collect();
    let chosen = match exact.is_empty() {
        true => table.iter().filter(|s| s.name.starts_with(name)).collect(),
        false => exact,
    };
    if chosen.is_empty() {
        return Err(no_such(&table, name));
    }
    if global.json {
        let settings: Vec<Value> = chosen.iter().map(|s| s.to_json()).collect();
        return print_json(
            &json!({ "address": session.address.to_string(), "settings": settings }),
        );
    }
    print(text(&chosen))
}

fn text(settings: &[&Setting]) -> String {
    let mut text = format!("{:<32}{:>18}  {}\n", "name", "value", "range");
    for setting in settings {
        let range = match setting.access {
            Access::ReadOnly => "read only".into(),
            Access::WhenSafe => format!("{}, while safe", setting.range()),
            Access::Always => setting.range(),
        };
        _ = writeln!(text, "{:<32}{:>18}  {range}", setting.name, setting.show(setting.value));
    }
    text
}

/// Changes an entry.
///
/// # Errors
/// No such entry, a value that it cannot have, or a device that fails.
pub(super) fn set(args: &Set, global: &Global) -> Result<(), Failure> {
    let mut session = args.target.open()?;
    session.log.check()?;
    let table = session.table()?;
    let setting = named(&table, &args.name)?;
    let value = setting.parse(&args.value)?;
    let after = session.set(setting, value)?;
    let (old, new) = (setting.show(setting.value), after.show(after.value));
    match global.json {
        true => print_json(&json!({
            "address": session.address.to_string(),
            "name": setting.name,
            "old": setting.value,
            "new": after.value,
            "unit": setting::part(setting.unit),
            "log": session.log.path().display().to_string(),
        })),
        false => print(format_args!("{}: {old} -> {new}\n", setting.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_the_device_lacks_is_answered_with_the_one_that_is_meant() {
        let entry = |index, name: &str, unit, access, max| Setting {
            index,
            name: name.into(),
            unit,
            access,
            value: 0,
            min: 0,
            max,
        };
        let (safe, never) = (Access::WhenSafe, Access::ReadOnly);
        let board = [
            entry(0, "laser.delay.h", Unit::Picoseconds, safe, 9),
            entry(1, "laser.level.0", Unit::Millivolts, safe, 2500),
            entry(2, "laser.level.1", Unit::Millivolts, safe, 2500),
            entry(3, "sensor.supply.0", Unit::Millivolts, never, 9900),
        ];
        let simulated = [
            entry(0, "laser.attenuation", Unit::Millidecibels, safe, 60_000),
            entry(1, "modulator.half_wave", Unit::Millivolts, never, 9),
        ];
        let said = |table: &[Setting], name: &str| no_such(table, name).to_string();
        for name in ["laser.intensity", "laser.intensity.2", "laser.level"] {
            let said = said(&board, name);
            assert!(
                said.contains("choose laser.level.") && said.contains("(0 mV to 2.5 V)"),
                "{said}"
            );
        }
        assert!(said(&board, "laser.level").contains("laser.level.0"));
        assert!(said(&board, "sensor.suply.0").contains("sensor.supply.0 (read only)"));
        let said = said(&simulated, "laser.intensity");
        assert!(said.contains("choose laser.attenuation (0 dB to 60 dB)"), "{said}");
    }
}
