//! `helio device replay-log`: the settings of a run log, set again.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::settings::named;
use super::target::Target;
use crate::cli::Global;
use crate::exit::{Failure, print, print_json};

/// Arguments of `helio device replay-log`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio device replay-log ~/.local/state/helio/devices/A-0001.jsonl
  helio device replay-log run.jsonl --device usb:A-0002 --json     on another board

Makes every change of the log again, in its order, so that the device is as it was; what it is set to already is \
left alone. Light is not made again: the log's lines `fire` say what was played. Exit codes: 2 the device lacks a \
setting or cannot have the value, 3 the file is no run log, 5 the device refuses.")]
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
        let (name, new) = (value["name"].as_str(), value["new"].as_i64());
        let (name, new) = name.zip(new).ok_or_else(|| complaint(at))?;
        changes.push(Change { name: name.to_owned(), new });
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
    // All names first: half a log is no state that was ever there.
    for change in &changes {
        named(&table, &change.name)?;
    }
    let mut made = 0;
    for change in &changes {
        let setting = named(&table, &change.name)?;
        let now = session.get(setting.index)?.filter(|now| now.name == setting.name);
        let now = now.unwrap_or_else(|| setting.clone());
        if now.value != change.new {
            session.set(&now, change.new)?;
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

    #[test]
    fn changes_are_taken_in_order_and_other_lines_left_out() {
        let path = Path::new("run.jsonl");
        let log = "{\"event\":\"arm\"}\n\n{\"event\":\"set\",\"name\":\"gate.width\",\"new\":4}\n\
                   {\"event\":\"set\",\"name\":\"gate.width\",\"new\":-5}\n";
        let change = |new| Change { name: "gate.width".into(), new };
        assert_eq!(changes(path, log).unwrap(), [change(4), change(-5)]);
        for wrong in [
            "x",
            "{}",
            "[1]",
            "{\"event\":\"set\",\"name\":\"a\"}",
            "{\"event\":\"set\",\"name\":\"a\",\"new\":0.5}",
        ] {
            let said = changes(path, wrong).unwrap_err().to_string();
            assert!(said.contains("line 1"), "{said}");
        }
    }
}
