//! What can be stepped.

use std::f64::consts::FRAC_PI_2;
use std::fmt;
use std::process::{Child, Stdio};
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use helio_bench::Polarization;
use helio_sim::{BenchConfig, Path};
use helio_tune::ObserverConfig;
use helio_tune::fit::Curve;
use helio_units::{Decibel, Picoseconds, TickLength};
use helio_wire::Role;

use super::measure::{Measure, state, state_name};
use crate::exit::{Exit, Failure};
use crate::shutdown::Shutdown;
use crate::slotting::fine_ticks;

/// A command that does not end within this time is ended.
const PATIENCE: Duration = Duration::from_secs(60);

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A polarization controller in front of Bob: adds to the channel's rotation, rad.
    Rotation,
    /// A modulator's angle of one state: adds to the state's error, rad.
    Modulator(Polarization),
    /// An attenuator in the channel: adds to its loss, dB.
    Loss,
    /// Delay of a detector, ns.
    Delay(usize),
    /// Whatever a program sets.
    Command,
    /// An entry of a device's own table, by its name; of either device where none is said.
    Device(Option<Role>, String),
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Setting, String> {
        let bad = || {
            "choose rotation, modulator:H (or V, D, A), loss, delay:0 (a detector's number), command or \
             device:NAME, alice:NAME, bob:NAME with a name that helio device get shows"
                .to_owned()
        };
        match text.split_once(':') {
            None if text == "rotation" => Ok(Setting::Rotation),
            None if text == "loss" => Ok(Setting::Loss),
            None if text == "command" => Ok(Setting::Command),
            Some(("modulator", of)) => state(of).map(Setting::Modulator).ok_or_else(bad),
            Some((_, "")) => Err(bad()),
            Some(("device", name)) => Ok(Setting::Device(None, name.to_owned())),
            Some(("alice", name)) => Ok(Setting::Device(Some(Role::Alice), name.to_owned())),
            Some(("bob", name)) => Ok(Setting::Device(Some(Role::Bob), name.to_owned())),
            Some(("delay", of)) => of.parse().map(Setting::Delay).map_err(|_| bad()),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Rotation => f.write_str("rotation"),
            Setting::Modulator(of) => write!(f, "modulator:{}", state_name(*of)),
            Setting::Loss => f.write_str("loss"),
            Setting::Delay(of) => write!(f, "delay:{of}"),
            Setting::Command => f.write_str("command"),
            Setting::Device(_, name) => f.write_str(name),
        }
    }
}

impl Setting {
    /// The unit of its values; an entry of a device tells its own.
    pub fn unit(&self) -> &'static str {
        match self {
            Setting::Rotation | Setting::Modulator(_) => "rad",
            Setting::Loss => "dB",
            Setting::Delay(_) => "ns",
            Setting::Command | Setting::Device(..) => "",
        }
    }

    /// What is measured where nothing is asked for.
    pub fn measure(&self) -> Measure {
        match self {
            Setting::Rotation => Measure::Qber,
            Setting::Modulator(of) => Measure::Error(*of),
            Setting::Loss => Measure::Counted,
            Setting::Delay(of) => Measure::Inside(*of),
            Setting::Command => Measure::Rate(None),
            Setting::Device(_, name) => by_name(name),
        }
    }

    /// What is fitted where nothing is asked for. `half_wave` is the voltage that turns by a right angle, in
    /// the unit of the values.
    pub fn curve(&self, window_ns: f64, half_wave: Option<f64>) -> Curve {
        match self {
            // Malus: the error of a state turned by an angle is its sine squared.
            Setting::Rotation | Setting::Modulator(_) => Curve::SineSquared { per_unit: 1.0 },
            Setting::Delay(_) => Curve::Window { width: window_ns },
            Setting::Command => Curve::Gaussian,
            Setting::Loss => Curve::Parabola,
            Setting::Device(_, name) if name.starts_with("modulator.") => match half_wave {
                Some(half) => Curve::SineSquared { per_unit: FRAC_PI_2 / half },
                None => Curve::FreeSineSquared,
            },
            // The table counts delays in ps.
            Setting::Device(_, name) if name.contains(".delay.") => {
                Curve::Window { width: 1000.0 * window_ns }
            }
            Setting::Device(_, name) if name.starts_with("detector.threshold.") => Curve::Gaussian,
            Setting::Device(..) => Curve::Parabola,
        }
    }

    /// Whether it is a part of the simulated optics.
    pub fn is_optical(&self) -> bool {
        matches!(self, Setting::Rotation | Setting::Modulator(_) | Setting::Loss)
    }

    /// Whether the desk can step it.
    pub fn check(&self, real: bool) -> Result<(), Failure> {
        if real && self.is_optical() {
            return Err(Failure::usage(format!(
                "{self} is a part of the simulated desk only; step a real one from outside: helio scan \
                 command --set 'PROGRAM {{}}'"
            )));
        }
        Ok(())
    }

    /// Sets simulated optics.
    pub fn turn(&self, bench: &mut BenchConfig, value: f64) {
        match self {
            Setting::Rotation => bench.channel.rotation_rad += value,
            Setting::Modulator(of) => bench.source.state_error_rad[*of as usize] += value,
            Setting::Loss => {
                let path = bench.channel.path;
                let loss = Decibel(path.loss().0 + value);
                let delay = Picoseconds(path.delay_ps() as i64);
                bench.channel.path = Path::Fixed { loss, delay };
            }
            Setting::Delay(_) | Setting::Command | Setting::Device(..) => {}
        }
    }

    /// Sets what the program itself does with tags.
    pub fn shift(
        &self,
        observer: &mut ObserverConfig,
        value: f64,
        tick: TickLength,
    ) -> Result<(), Failure> {
        let Setting::Delay(of) = self else { return Ok(()) };
        let detectors = observer.slotter.delays.len();
        let delay = observer.slotter.delays.get_mut(*of).ok_or_else(|| {
            Failure::usage(format!(
                "there is no detector {of}; choose one of 0 to {}",
                detectors - 1
            ))
        })?;
        delay.0 += fine_ticks(tick, Picoseconds((value * 1000.0).round() as i64)).0;
        Ok(())
    }
}

/// What shows whether an entry of a device stands well.
fn by_name(name: &str) -> Measure {
    let (part, last) = name.rsplit_once('.').unwrap_or((name, ""));
    let of_state = state(&last.to_uppercase());
    match (part, last.parse(), of_state) {
        ("modulator.voltage", _, Some(of)) => Measure::Error(of),
        ("detector.bias", ..) => Measure::Yield,
        ("detector.delay", Ok(of), _) => Measure::Inside(of),
        ("detector.threshold", Ok(of), _) => Measure::Rate(Some(of)),
        ("laser" | "laser.level" | "laser.intensity" | "laser.delay", ..) => Measure::Counted,
        _ => Measure::Qber,
    }
}

/// The curve of `--fit`.
pub fn curve(text: &str) -> Result<Curve, String> {
    match text.split_once('=') {
        None if text == "parabola" => Ok(Curve::Parabola),
        None if text == "gaussian" => Ok(Curve::Gaussian),
        None if text == "sin2" => Ok(Curve::FreeSineSquared),
        Some(("sin2", radians)) => match radians.parse::<f64>() {
            Ok(per_unit) if per_unit.is_finite() && per_unit > 0.0 => {
                Ok(Curve::SineSquared { per_unit })
            }
            _ => Err("write sin2=RAD with radians above zero".into()),
        },
        _ => Err("choose parabola, gaussian, sin2 or sin2=RAD".into()),
    }
}

/// A program that sets a value, with `{}` where the value goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command(Vec<String>);

impl FromStr for Command {
    type Err = &'static str;

    /// Words are separated by spaces; there is no shell, so that nothing in them has a second meaning.
    fn from_str(text: &str) -> Result<Command, &'static str> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        match words.iter().skip(1).any(|word| word.contains("{}")) {
            true => Ok(Command(words)),
            false => Err("write a program and {} where the value goes, such as './stage {}'"),
        }
    }
}

impl Command {
    /// Runs the program and waits for its end; without a `shutdown` nothing interrupts it.
    ///
    /// # Errors
    /// It cannot be run, fails, takes too long or is interrupted.
    pub fn set(&self, value: f64, shutdown: Option<&Shutdown>) -> Result<(), Failure> {
        let value = value.to_string();
        let mut words = self.0.iter().map(|word| word.replace("{}", &value));
        let program = words.next().unwrap_or_default();
        let fault = |why: String| {
            let sentence = format!("--set: {program} {why}; try it with {value} by hand");
            Failure::new(Exit::Usage, sentence)
        };
        let mut child = std::process::Command::new(&program)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|err| fault(format!("cannot be started ({err})")))?;
        let begun = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                // Ctrl-C reaches the program too.
                Ok(Some(_)) if shutdown.is_some_and(Shutdown::is_requested) => {
                    return Err(interrupted(&program, &value));
                }
                Ok(Some(status)) => return Err(fault(format!("failed ({status})"))),
                Ok(None) if shutdown.is_some_and(Shutdown::is_requested) => {
                    end(&mut child);
                    return Err(interrupted(&program, &value));
                }
                Ok(None) if begun.elapsed() > PATIENCE => {
                    end(&mut child);
                    return Err(fault("did not end within 60 s".into()));
                }
                Ok(None) => thread::sleep(Duration::from_millis(5)),
                Err(err) => return Err(fault(format!("was lost ({err})"))),
            }
        }
    }
}

fn interrupted(program: &str, value: &str) -> Failure {
    Failure::new(Exit::Interrupted, format!("interrupted while {program} was setting {value}"))
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_measured_by_what_it_moves() {
        let of = |name: &str| Setting::Device(None, name.into());
        let v = state("V").unwrap();
        for (name, measure) in [
            ("modulator.voltage.v", Measure::Error(v)),
            ("detector.bias.1", Measure::Yield),
            ("detector.delay.1", Measure::Inside(1)),
            ("detector.threshold.0", Measure::Rate(Some(0))),
            ("laser.attenuation", Measure::Counted),
            ("laser.level.1", Measure::Counted),
            ("laser.delay.h", Measure::Counted),
            ("piezo.2", Measure::Qber),
        ] {
            assert_eq!(of(name).measure(), measure, "{name}");
        }
        let modulator = of("modulator.voltage.v");
        assert_eq!(modulator.curve(1.0, None), Curve::FreeSineSquared);
        assert_eq!(
            modulator.curve(1.0, Some(2.0)),
            Curve::SineSquared { per_unit: std::f64::consts::FRAC_PI_4 }
        );
        assert_eq!(of("laser.delay.h").curve(2.0, None), Curve::Window { width: 2000.0 });
    }

    #[test]
    fn settings_are_read_as_they_are_shown() {
        for text in ["rotation", "modulator:D", "loss", "delay:1", "command"] {
            assert_eq!(text.parse::<Setting>().unwrap().to_string(), text);
        }
        for (text, role) in
            [("device", None), ("alice", Some(Role::Alice)), ("bob", Some(Role::Bob))]
        {
            let named = Setting::Device(role, "laser.delay.h".into());
            assert_eq!(format!("{text}:laser.delay.h").parse(), Ok(named));
        }
        for bad in
            ["", "bias", "modulator", "modulator:X", "delay:", "delay:-1", "device:", "eve:x"]
        {
            assert!(bad.parse::<Setting>().unwrap_err().starts_with("choose"), "{bad}");
        }
        assert_eq!(curve("sin2=0.5"), Ok(Curve::SineSquared { per_unit: 0.5 }));
        assert!(curve("sin2=-1").is_err() && curve("cubic").is_err());
        assert!("./stage".parse::<Command>().is_err() && "{}".parse::<Command>().is_err());
    }
}
