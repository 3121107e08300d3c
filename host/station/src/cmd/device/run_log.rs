//! What was changed on a device, written down so that it can be done again.
//!
//! One file a device, `SERIAL.jsonl`, in the folder of `--log-dir`, or in `helio/devices` of the
//! user's folder for state (`$XDG_STATE_HOME` or `~/.local/state`); one JSON object a
//! line. Every line has `time` (UTC), `device`, `board`, `firmware`, `boot` (the boot nonce), `tick_ps` and
//! `event`; the rest is by event, see `docs/device.md`. Lines are only ever added.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use helio_units::TickLength;
use serde_json::{Value, json};

use crate::bench::device::DeviceIdentity;
use crate::exit::Failure;
use crate::status::unix_now_s;
use crate::term::utc;

/// Where changes are written down.
#[derive(Clone, Debug, Args)]
pub(in crate::cmd) struct RunLogArgs {
    /// Folder of the run logs, one file a device [default: $XDG_STATE_HOME/helio/devices or
    /// ~/.local/state/helio/devices]
    #[arg(long, value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
}

/// The run log of one device.
#[derive(Clone, Debug)]
pub(in crate::cmd) struct RunLog {
    folder: PathBuf,
    about: Option<(String, Value)>,
}

impl RunLog {
    pub fn new(args: &RunLogArgs) -> RunLog {
        RunLog { folder: args.log_dir.clone().unwrap_or_else(default_folder), about: None }
    }

    /// Whose changes are written from here on.
    pub fn about(&mut self, identity: &DeviceIdentity, nonce: Option<u32>) {
        let head = json!({
            "device": identity.serial,
            "board": identity.board,
            "firmware": identity.firmware,
            "boot": nonce,
            "tick_ps": tick_ps(identity.tick_length),
        });
        self.about = Some((identity.serial.clone(), head));
    }

    /// A chip in its boot loader, which knows nothing of a firmware.
    pub fn about_chip(&mut self, chip: &str) {
        let head = json!({ "device": chip, "board": null, "firmware": null, "boot": null, "tick_ps": null });
        self.about = Some((chip.to_owned(), head));
    }

    /// The file of the device.
    pub fn path(&self) -> PathBuf {
        let serial = self.about.as_ref().map_or("unknown", |(serial, _)| serial);
        self.folder.join(format!("{}.jsonl", file_name(serial)))
    }

    /// Whether a change can be written down; to be asked before it is made.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn check(&self) -> Result<(), Failure> {
        self.open().map(drop)
    }

    /// Adds a line: `event`, and the members of `what`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, event: &str, what: Value) -> Result<(), Failure> {
        let mut line = json!({ "time": utc(unix_now_s()), "event": event });
        if let Some(line) = line.as_object_mut() {
            let head = self.about.iter().filter_map(|(_, head)| head.as_object());
            let members = head.chain(what.as_object()).flatten();
            line.extend(members.map(|(name, value)| (name.clone(), value.clone())));
        }
        let path = self.path();
        let mut file = self.open()?;
        // One write, so that two programs do not mix their lines.
        file.write_all(format!("{line}\n").as_bytes())
            .map_err(|why| Failure::unwritable(&path, why))
    }

    fn open(&self) -> Result<fs::File, Failure> {
        let path = self.path();
        fs::create_dir_all(&self.folder).map_err(|why| Failure::unwritable(&self.folder, why))?;
        let opened = OpenOptions::new().append(true).create(true).open(&path);
        opened.map_err(|why| Failure::unwritable(&path, why))
    }
}

fn default_folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let state =
        set("XDG_STATE_HOME").map(PathBuf::from).or_else(|| set("LOCALAPPDATA").map(PathBuf::from));
    let state = state.or_else(|| set("HOME").map(|home| Path::new(&home).join(".local/state")));
    state.unwrap_or_else(|| PathBuf::from(".")).join("helio").join("devices")
}

/// Length of a tick as it stands in a log: numerator and denominator, which are exact.
pub(super) fn tick_ps(tick: TickLength) -> Value {
    json!([tick.numerator_ps(), tick.denominator()])
}

/// A serial number as a file's name: a device may say anything.
fn file_name(serial: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' };
    match serial.is_empty() {
        true => "unknown".into(),
        false => serial.chars().map(safe).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_cannot_choose_where_its_log_lies() {
        assert_eq!(file_name("E661-41_03"), "E661-41_03");
        assert_eq!(file_name("../../etc/passwd"), "______etc_passwd");
        assert_eq!(file_name("virtual Bob"), "virtual_Bob");
        assert_eq!(file_name(""), "unknown");
    }

    #[test]
    fn lines_are_added_and_hold_one_object_each() {
        let folder = tempfile::tempdir().unwrap();
        let args = RunLogArgs { log_dir: Some(folder.path().join("a/b")) };
        let log = RunLog::new(&args);
        log.check().unwrap();
        log.write("set", json!({ "name": "gate.width", "old": 3, "new": 4 })).unwrap();
        RunLog::new(&args).write("disarm", json!({})).unwrap();
        let text = fs::read_to_string(log.path()).unwrap();
        let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["event"], &lines[0]["old"]), (&json!("set"), &json!(3)));
        assert_eq!(lines[1]["event"], "disarm");
    }
}
