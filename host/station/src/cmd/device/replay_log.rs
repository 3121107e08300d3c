//! `helio device replay-log`: the settings of a run log, set again.

use std::path::{Path, PathBuf};

use helio_bench::Unit;
use helio_units::TickLength;
use serde_json::{Value, json};

use super::run_log::tick_ps;
use super::settings::{Setting, named};
use super::target::Target;
use crate::cli::Global;
use crate::exit::{Failure, print, print_json};
use crate::quantity::setting;

/// Arguments of `helio device replay-log`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio device replay-log ~/.local/state/helio/devices/A-0001.jsonl
  helio device replay-log run.jsonl --device usb:A-0002 --json     on another board

Makes every change of the log again, in its order, so that the device is as it was; what it is set to already is \
left alone. Light is not made again: the log's lines `fire` say what was played. Everything is looked over before the first change is made. Exit codes: 2 the device lacks a \
setting, counts it in another unit or cannot have the value, 3 the file is no run log, 5 the device refuses.")]
pub struct Args {
    /// The run log
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// A change in a log.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    name: String,
    new: i64,
    /// What 1 is.
    unit: String,
    /// Numerator and denominator of the tick's length in picoseconds, where the log tells it.
    tick_ps: Value,
}

impl Change {
    /// The entry that is meant, if it can be set so.
    ///
    /// # Errors
    /// The device has no such entry, counts it in another unit, or cannot set it to this.
    fn meant<'t>(&self, table: &'t [Setting], tick: TickLength) -> Result<&'t Setting, Failure> {
        let setting = named(table, &self.name)?;
        let unit = setting::part(setting.unit);
        if unit != self.unit {
            return Err(Failure::usage(format!(
                "{} is in {} in the log and in {unit} at the device; choose the log of a board alike",
                self.name, self.unit
            )));
        }
        if setting.unit == Unit::Ticks && !self.tick_ps.is_null() && self.tick_ps != tick_ps(tick) {
            return Err(Failure::usage(format!(
                "{} is in ticks, and those of the log's board have another length ({} ps) than the \
                 device's ({} ps); choose the log of a board alike",
                self.name,
                self.tick_ps,
                tick_ps(tick)
            )));
        }
        setting.check(self.new)?;
        Ok(setting)
    }
}

/// The changes of a log, in their order.
fn changes(path: &Path, text: &str) -> Result<Vec<Change>, Failure> {
    let complaint = |line: usize| {
        Failure::file(
            path,
            format!("is no run log at its line {}; choose a file of helio device", line + 1),
        )
    };
    let mut changes = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let value: Value = serde_json::from_str(line).map_err(|_| complaint(at))?;
        let event = value["event"].as_str().ok_or_else(|| complaint(at))?;
        if event != "set" {
            continue;
        }
        let words = value["name"].as_str().zip(value["unit"].as_str());
        let words = words.zip(value["new"].as_i64());
        let ((name, unit), new) = words.ok_or_else(|| complaint(at))?;
        let (name, unit) = (name.to_owned(), unit.to_owned());
        changes.push(Change { name, new, unit, tick_ps: value["tick_ps"].clone() });
    }
    Ok(changes)
}

/// Sets everything again.
///
/// # Errors
/// The file, the device or the output is at fault.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    let text = std::fs::read_to_string(&args.file).map_err(|why| {
        Failure::file(&args.file, format!("cannot be read ({why}); check its name"))
    })?;
    let changes = changes(&args.file, &text)?;
    let mut session = args.target.open()?;
    session.log.check()?;
    let table = session.table()?;
    let tick = session.identity.tick_length;
    // All of them first: half a log is no state that was ever there.
    let meant = changes.iter().map(|change| Ok((change, change.meant(&table, tick)?)));
    let meant = meant.collect::<Result<Vec<_>, Failure>>()?;
    let mut made = 0;
    for (change, setting) in meant {
        let now = session.get(setting.index)?.filter(|now| now.name == setting.name);
        let now = now.unwrap_or_else(|| setting.clone());
        if now.value != change.new {
            session
                .set(&now, change.new)
                .map_err(|why| why.and(format!("{made} changes were made before")))?;
            made += 1;
        }
    }
    let all = changes.len();
    match global.json {
        true => print_json(
            &json!({ "address": session.address.to_string(), "changes": all, "made": made }),
        ),
        false => print(format_args!(
            "{}: {made} of {all} changes made, the others were there\n",
            session.address
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> [Setting; 1] {
        [Setting {
            index: 0,
            name: "gate.width".into(),
            unit: Unit::Ticks,
            access: helio_bench::Access::Always,
            value: 3,
            min: 0,
            max: 9,
        }]
    }

    #[test]
    fn a_log_of_another_unit_or_tick_or_beyond_the_range_is_refused() {
        let tick = TickLength::new(20_000, 3).unwrap();
        let change = |new, unit: &str, tick_ps| Change {
            name: "gate.width".into(),
            new,
            unit: unit.into(),
            tick_ps,
        };
        let same = change(4, "ticks", tick_ps(tick));
        assert_eq!(same.meant(&table(), tick).unwrap().value, 3);
        for (wrong, said) in [
            (change(4, "ns", Value::Null), "in ns in the log"),
            (change(4, "ticks", json!([10, 1])), "another length"),
            (change(10, "ticks", Value::Null), "0 ticks to 9 ticks"),
        ] {
            let told = wrong.meant(&table(), tick).unwrap_err().to_string();
            assert!(told.contains(said), "{told}");
        }
    }

    #[test]
    fn changes_are_taken_in_order_and_other_lines_left_out() {
        let path = Path::new("run.jsonl");
        let log = "{\"event\":\"arm\"}\n\n\
                   {\"event\":\"set\",\"name\":\"gate.width\",\"unit\":\"ticks\",\"new\":4}\n\
                   {\"event\":\"set\",\"name\":\"gate.width\",\"unit\":\"ticks\",\"new\":-5}\n";
        let change = |new| Change {
            name: "gate.width".into(),
            new,
            unit: "ticks".into(),
            tick_ps: Value::Null,
        };
        assert_eq!(changes(path, log).unwrap(), [change(4), change(-5)]);
        for wrong in [
            "x",
            "{}",
            "[1]",
            "{\"event\":\"set\",\"name\":\"a\"}",
            "{\"event\":\"set\",\"name\":\"a\",\"new\":1}",
            "{\"event\":\"set\",\"name\":\"a\",\"unit\":\"ticks\",\"new\":0.5}",
        ] {
            let said = changes(path, wrong).unwrap_err().to_string();
            assert!(said.contains("line 1"), "{said}");
        }
    }
}
