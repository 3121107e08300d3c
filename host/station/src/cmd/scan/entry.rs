//! An entry of a device's own table, stepped between measurements and put back.

use helio_link::DeviceAddress;
use helio_wire::Role;
use serde_json::{Value, json};

use crate::cmd::desk_args::DeskArgs;
use crate::cmd::device::{RunLog, RunLogArgs, Session, Setting, no_such};
use crate::desk::Desk;
use crate::exit::Failure;
use crate::quantity::setting;

/// The entry, the values that it shall have, and what it had.
pub(super) struct Entry {
    role: Role,
    address: DeviceAddress,
    log: RunLog,
    /// As it stands now.
    setting: Setting,
    before: i64,
    /// Something may have been written.
    touched: bool,
    values: Vec<i64>,
    half_wave: Option<f64>,
}

/// How it was left.
pub(super) struct Left {
    role: Role,
    setting: Setting,
    before: i64,
    log: String,
}

impl Entry {
    /// Looks the entry up and its values over, and changes nothing.
    ///
    /// # Errors
    /// No device has it, both have, or it cannot be set to one of the values.
    pub fn find(
        desk: &mut Desk,
        args: &DeskArgs,
        log: &RunLogArgs,
        (role, name): (Option<Role>, &str),
        (from, to, steps): (&str, &str, usize),
    ) -> Result<Entry, Failure> {
        if desk.alice().is_none() {
            return Err(Failure::usage(
                "both devices are needed on this desk, for the settings of both must meet; name Alice's \
                 with --alice",
            ));
        }
        let (mut all, mut found) = (Vec::new(), Vec::new());
        for one in [Role::Alice, Role::Bob] {
            if role.is_some_and(|role| role != one) {
                continue;
            }
            let address = match one {
                Role::Alice => args.alice.clone(),
                Role::Bob => args.bob.clone(),
            };
            let address = address.unwrap_or(DeviceAddress::Sim);
            let (table, log) = on(desk, one, &address, &RunLog::new(log), |session| {
                session.log.check()?;
                Ok((session.table()?, session.log.clone()))
            })?;
            if let Some(setting) = table.iter().find(|setting| setting.name == name) {
                let half_wave = table.iter().find(|s| s.name == "modulator.half_wave");
                let half_wave =
                    half_wave.filter(|half| half.unit == setting.unit && half.value > 0);
                found.push(Entry {
                    role: one,
                    address,
                    log,
                    before: setting.value,
                    touched: false,
                    values: Vec::new(),
                    half_wave: half_wave.map(|half| half.value as f64 * setting::axis(half.unit).1),
                    setting: setting.clone(),
                });
            }
            all.extend(table);
        }
        let Some(mut entry) = found.pop() else { return Err(no_such(&all, name)) };
        if !found.is_empty() {
            return Err(Failure::usage(format!(
                "both devices have a {name}; choose alice:{name} or bob:{name}"
            )));
        }
        let [from, to] = [entry.setting.parse(from)?, entry.setting.parse(to)?];
        entry.values = values(&entry.setting, from, to, steps)?;
        Ok(entry)
    }

    /// Values and what stands on the axis for each.
    pub fn axis(&self) -> Vec<f64> {
        self.values.iter().map(|value| *value as f64 * setting::axis(self.setting.unit).1).collect()
    }

    /// Unit of the axis.
    pub fn unit(&self) -> &'static str {
        setting::axis(self.setting.unit).0
    }

    /// Voltage that turns the polarization by a right angle, in the axis' unit, where the device tells it.
    pub fn half_wave(&self) -> Option<f64> {
        self.half_wave
    }

    /// Sets the value of a step.
    ///
    /// # Errors
    /// The device refuses or fails, or the run log cannot be written.
    pub fn step(&mut self, desk: &mut Desk, step: usize) -> Result<(), Failure> {
        let Some(value) = self.values.get(step).copied() else { return Ok(()) };
        self.set(desk, value)
    }

    /// Ends the scan: sets the best value, if there is one that may be set, else what was there.
    ///
    /// # Errors
    /// The device refuses or fails; the sentence says what it should have been left at.
    pub fn leave(&mut self, desk: &mut Desk, best: Option<f64>) -> Result<Left, Failure> {
        let best = best.map(|best| (best / setting::axis(self.setting.unit).1).round() as i64);
        let (least, most) = (self.values.iter().min(), self.values.iter().max());
        let scanned = |value: &i64| least <= Some(value) && Some(value) <= most;
        // What lies beyond the steps was not looked at.
        let value = best.filter(scanned).unwrap_or(self.before);
        if self.touched {
            self.set(desk, value).map_err(|why| self.astray(value, &why))?;
        }
        Ok(Left {
            role: self.role,
            setting: self.setting.clone(),
            before: self.before,
            log: self.log.path().display().to_string(),
        })
    }

    fn astray(&self, value: i64, why: &Failure) -> Failure {
        let (name, value) = (&self.setting.name, self.setting.show(value));
        let sentence = format!(
            "{name} of {:?}'s device could not be set to {value} at the end ({}); set it by hand: helio \
             device set {name} \"{value}\"",
            self.role, why.sentence
        );
        Failure::new(why.exit, sentence)
    }

    fn set(&mut self, desk: &mut Desk, value: i64) -> Result<(), Failure> {
        self.touched = true;
        let Entry { setting, role, address, log, .. } = self;
        *setting = on(desk, *role, address, log, |session| session.set(setting, value))?;
        Ok(())
    }
}

impl Left {
    /// In a sentence.
    pub fn words(&self) -> String {
        let Left { role, setting, before, log } = self;
        let (name, now) = (&setting.name, setting.show(setting.value));
        match setting.value == *before {
            true => format!("{name} of {role:?}'s device is {now} again (changes are in {log})"),
            false => {
                let before = setting.show(*before);
                format!("{name} of {role:?}'s device is {now}, was {before} (changes are in {log})")
            }
        }
    }

    /// For scripts.
    pub fn to_json(&self) -> Value {
        json!({
            "role": format!("{:?}", self.role).to_lowercase(),
            "name": self.setting.name,
            "unit": setting::part(self.setting.unit),
            "before": self.before,
            "after": self.setting.value,
            "log": self.log,
        })
    }
}

/// Evenly from one to the other, in whole parts of the entry's unit.
fn values(entry: &Setting, from: i64, to: i64, steps: usize) -> Result<Vec<i64>, Failure> {
    let last = steps.max(2) as i128 - 1;
    let span = i128::from(to) - i128::from(from);
    if span.abs() < last {
        return Err(Failure::usage(format!(
            "{} has {} values from {} to {}; choose fewer --steps, or --from and --to further apart",
            entry.name,
            span.abs() + 1,
            entry.show(from),
            entry.show(to)
        )));
    }
    // Rounded to the nearest; they lie between two that are 64-bit numbers.
    let at = |step: i128| i128::from(from) + (2 * span * step + span.signum() * last) / (2 * last);
    Ok((0..=last).map(|step| at(step) as i64).collect())
}

/// Talks with a device between two runs.
fn on<R>(
    desk: &mut Desk,
    role: Role,
    address: &DeviceAddress,
    log: &RunLog,
    talk: impl FnOnce(&mut Session) -> Result<R, Failure>,
) -> Result<R, Failure> {
    desk.lend(role, |connection, identity| {
        let mut session = Session::with(connection, address.clone(), identity.clone(), log.clone());
        let said = talk(&mut session);
        (session.connection, said)
    })?
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_bench::{Access, Unit};
    use proptest::prelude::*;

    fn entry() -> Setting {
        Setting {
            index: 0,
            name: "detector.bias.0".into(),
            unit: Unit::Millivolts,
            access: Access::WhenSafe,
            value: 3_000,
            min: i64::MIN,
            max: i64::MAX,
        }
    }

    #[test]
    fn values_are_whole_and_none_comes_twice() {
        assert_eq!(values(&entry(), 0, 10, 4).unwrap(), [0, 3, 7, 10]);
        assert_eq!(values(&entry(), 10, -10, 5).unwrap(), [10, 5, 0, -5, -10]);
        let said = values(&entry(), 0, 3, 5).unwrap_err().sentence;
        assert!(said.contains("4 values") && said.contains("3 mV"), "{said}");
    }

    proptest! {
        #[test]
        fn all_values_lie_between_the_ends(from in any::<i64>(), to in any::<i64>(), steps in 5usize..1000) {
            if let Ok(values) = values(&entry(), from, to, steps) {
                prop_assert_eq!((values.first(), values.last()), (Some(&from), Some(&to)));
                let in_order = values.is_sorted_by(|a, b| (from < to) == (a < b) && a != b);
                prop_assert!(in_order);
                prop_assert_eq!(values.len(), steps);
            }
        }
    }
}
