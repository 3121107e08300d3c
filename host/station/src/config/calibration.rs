//! The calibration of the detectors, section `[detectors]`: what it found, when, of which device, and
//! for how long it is taken.

use std::path::{Path, PathBuf};

use helio_distill::bound::DetectorTolerance;
use helio_distill::certificate::CalibrationState;
use helio_distill::parameters::{DetectorMatch, Receiver};
use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::ConfigFault;
use super::section::{Keys, Result, Section};
use super::source::{self, Source};
use super::value::{Value, read_text};
use crate::quantity::Share;

pub(super) const DETECTORS: Keys = &[
    "file",
    "match",
    "delta1",
    "delta2",
    "efficiency_tolerance",
    "dark_tolerance",
    "dark_probability",
    "id",
    "date",
    "device",
    "valid_days",
    "longest_dead_time",
];
/// What only a calibration has.
const FOUND: [&str; 9] = [
    "delta1",
    "delta2",
    "efficiency_tolerance",
    "dark_tolerance",
    "dark_probability",
    "id",
    "date",
    "device",
    "valid_days",
];
const TOLERANCES: [&str; 3] = ["efficiency_tolerance", "dark_tolerance", "dark_probability"];

/// Days for which a calibration is taken where nothing else is written.
const VALID_DAYS: i64 = 365;

/// Whose detectors were calibrated, and when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Calibration {
    /// Serial of Bob's device.
    pub device: String,
    /// In UTC.
    pub day: Date,
    /// How old it may be.
    pub valid_days: u32,
}

impl Calibration {
    /// Why no real key may rest on it today; `None` if one may.
    pub fn stale(&self, today: Date) -> Option<String> {
        let Calibration { day, valid_days, .. } = *self;
        let age = i64::from(today.since(day).map_or(i32::MAX, |span| span.get_days()));
        match CalibrationState::of_age(age, valid_days) {
            CalibrationState::Later { .. } => Some(format!(
                "is {day}, and today is {today}; write the day of the calibration, or set the clock"
            )),
            CalibrationState::Stale { .. } => Some(format!(
                "is {day}, {age} days ago, and a calibration is taken for {valid_days} days \
                 (`detectors.valid_days`); calibrate again"
            )),
            _ => None,
        }
    }
}

/// What the bound takes, and what it rests on where it is calibrated.
pub(super) fn read(
    detectors: &Section<'_>,
    receiver: Receiver,
) -> Result<(DetectorMatch, Option<Calibration>)> {
    let calibrated =
        detectors.choice("match", &[("calibrated", true), ("assumed", false)], None)?;
    if !calibrated {
        return match FOUND.into_iter().find(|key| detectors.has(key)) {
            None => Ok((DetectorMatch::AssumedMatched, None)),
            Some(key) => Err(detectors.fault(
                "match",
                format_args!(
                    "is \"assumed\" although `{key}` is written; remove that, or write \
                     \"calibrated\""
                ),
            )),
        };
    }
    let (delta1, delta2) = deltas(detectors, receiver)?;
    let id = detectors.need("id")?;
    let date: Day = detectors.need("date")?;
    let valid_days: u32 = detectors.whole("valid_days", 1..=3650, Some(VALID_DAYS))?;
    let device: String = detectors.need("device")?;
    let calibration = Calibration { device: device.clone(), day: date.day, valid_days };
    let date = date.written;
    let found = DetectorMatch::Calibrated { delta1, delta2, id, date, device, valid_days };
    Ok((found, Some(calibration)))
}

/// As they are written, or from the tolerances that were measured.
fn deltas(detectors: &Section<'_>, receiver: Receiver) -> Result<(f64, f64)> {
    let Some(measured) = TOLERANCES.into_iter().find(|key| detectors.has(key)) else {
        let delta = |key| -> Result<f64> {
            detectors.maybe(key)?.ok_or_else(|| {
                detectors.absent(
                    key,
                    "is missing, and nobody may guess how unequal detectors are; write what the \
                     calibration found, or match = \"assumed\", which is printed on each key",
                )
            })
        };
        return Ok((delta("delta1")?, delta("delta2")?));
    };
    if let Some(key) = ["delta1", "delta2"].into_iter().find(|key| detectors.has(key)) {
        let complaint = format_args!(
            "is written and `{measured}` too, from which it follows; remove one of them"
        );
        return Err(detectors.fault(key, complaint));
    }
    let share = |key| detectors.need::<Share>(key).map(|share| share.0 as f64 / 1e9);
    let tolerance = DetectorTolerance {
        efficiency: share("efficiency_tolerance")?,
        dark: share("dark_tolerance")?,
        dark_probability: detectors.need("dark_probability")?,
    };
    let found = tolerance.mismatch(receiver == (Receiver::Active { random_swap: true }));
    let found = found.map_err(|bad| {
        detectors
            .fault("dark_probability", format_args!("cannot be: {bad}; write what was measured"))
    })?;
    if !(found.delta1 < 1.0 && found.delta2 < 1.0) {
        return Err(detectors.fault(
            measured,
            format_args!(
                "and the others give delta1 = {:.3}, delta2 = {:.3}, and from 1 on there is no key; \
                 match the detectors better, or use the random swap",
                found.delta1, found.delta2
            ),
        ));
    }
    Ok((found.delta1, found.delta2))
}

/// The calibration's own file, where the section names one: its path and its text. Nothing else may stand
/// beside it.
pub(super) fn file(own: &Section<'_>, folder: &Path) -> Result<Option<(PathBuf, String)>> {
    let Some(name) = own.maybe::<String>("file")? else { return Ok(None) };
    let other = DETECTORS.iter().find(|key| **key != "file" && own.has(key));
    if let Some(key) = other {
        let complaint = format_args!("stands beside `file`, which has it too; remove one of them");
        return Err(own.fault_at(key, complaint));
    }
    let path = folder.join(name);
    let text = source::read(&path)?;
    Ok(Some((path, text)))
}

/// The section of a calibration's file, as `helio calibrate` writes it.
pub(super) fn of_file<'s>(
    source: &'s Source<'s>,
    tree: &'s Spanned<DeTable<'s>>,
) -> Result<Section<'s>> {
    let top = Section::top(source, tree, &["detectors"])?;
    let detectors = top.section("detectors", DETECTORS)?;
    match detectors.has("file") {
        true => Err(detectors.fault_at("file", "names a further file; write the calibration here")),
        false => Ok(detectors),
    }
}

/// A station's text with its calibration's behind it, so that a run's folder holds both.
pub(super) fn joined(text: &str, path: &Path, calibration: &str) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let lines = calibration.lines().map(|line| format!("# {line}\n"));
    format!("{text}\n# ---- {name} ----\n{}", lines.collect::<String>())
}

/// The fault of a calibration that no real key may rest on.
pub(super) fn fault(path: &std::path::Path, line: Option<usize>, why: &str) -> ConfigFault {
    ConfigFault::content(path, line, format_args!("`detectors.date` {why}"))
}

/// A day, with a time or without, as ISO 8601 writes it.
struct Day {
    written: String,
    day: Date,
}

impl Value for Day {
    fn read(value: &DeValue<'_>) -> std::result::Result<Day, String> {
        let day = |value: &DeValue<'_>| match value {
            DeValue::Datetime(date) => {
                let d = date.date?;
                let (month, day) = (i8::try_from(d.month).ok()?, i8::try_from(d.day).ok()?);
                let day = Date::new(i16::try_from(d.year).ok()?, month, day).ok()?;
                Some(Day { written: date.to_string(), day })
            }
            _ => None,
        };
        let text: Option<String> = match value {
            DeValue::String(_) => Some(read_text(value)?),
            _ => None,
        };
        let read = match &text {
            // TOML's dates are those of ISO 8601.
            Some(text) => DeValue::parse(text).ok().and_then(|value| day(value.get_ref())),
            None => day(value),
        };
        read.ok_or_else(|| "a date of ISO 8601 is wanted; write for example 2026-11-24".into())
    }

    fn show(&self) -> String {
        self.written.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calibration_is_taken_for_its_days_and_not_before_it_was_made() {
        let day = |text: &str| text.parse::<Date>().expect("a date");
        let made = Calibration { device: "b7".into(), day: day("2026-02-27"), valid_days: 30 };
        for today in ["2026-02-26", "2026-02-27", "2026-03-29"] {
            assert_eq!(made.stale(day(today)), None, "{today}");
        }
        let old = made.stale(day("2026-03-30")).expect("31 days");
        assert!(old.contains("31 days ago") && old.contains("calibrate again"), "{old}");
        let early = made.stale(day("2026-02-25")).expect("two days ahead");
        assert!(early.contains("set the clock"), "{early}");
    }
}
