//! `helio scan`: steps a setting, measures, fits, proposes.

mod entry;
mod measure;
mod report;
mod setting;

use clap::Args;
use helio_tune::fit::{Curve, Extremum, Point};
use helio_tune::scan;

use crate::cli::Global;
use crate::cmd::desk_args::DeskArgs;
use crate::cmd::device::RunLogArgs;
use crate::cmd::link_args::within;
use crate::cmd::trace::Output;
use crate::desk::measure::Measurement;
use crate::desk::{Desk, DeskPlan};
use crate::exit::Failure;
use crate::shutdown::Shutdown;
use crate::term::Progress;
use entry::Entry;
use measure::Measure;
use report::Report;
use setting::{Command, Setting};

/// Step a setting, measure at each step, fit, and propose the best value with its error
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  helio scan device:modulator.voltage.d --from 0V --to 4V --plot scan.svg
  helio scan device:detector.bias.0 --from 1V --to 6V --km 50 --apply
  helio scan device:laser.attenuation --from 0 --to 12 --target 0.02
  helio scan bob:detector.threshold.0 --from 100mV --to 1V --bob usb:B-0001 --alice usb:A-0001
  helio scan rotation --from -0.5 --to 0.3                     the simulated polarization controller
  helio scan delay:0 --from -20 --to 20                        a detector's delay, of any device
  helio scan command --set './stage {}' --from 0 --to 5 --back 0 --bob usb:B-0001 --alice usb:A-0001

Settings: device:NAME, an entry of a device's own table as helio device get shows it (alice:NAME or bob:NAME where \
both have it), with units as for helio device set; rotation and modulator:H|V|D|A (rad) and loss (dB) of the simulated \
desk; delay:N (ns), which is the program's own; command, a program of yours that sets the value, on any desk.

Measures: qber, qber-key, qber-test, error:H|V|D|A, visibility, rate, rate:N (clicks a second of all \
detectors, of one), inside:N (share of slots with a click of the detector in its window), counted (photons \
counted a pulse, over all levels), yield (clicks a second in the basis of their pulse times 1 - 2h(QBER), a guide to \
what a key's rate goes with).

A device is set between measurements, dark, and what was there is put back at the end, also after an error or Ctrl-C; \
with --apply the best value stays, if the fit is good. Each change is in the device's run log. What a \
command sets stays at the last step, unless --back names the value for the end, or --apply gives it the best one. Exit codes: 2 no such name, a value out of its range or in no unit of the entry, 3 \
the run log cannot be written, 5 a device fails.")]
pub struct Scan {
    /// What is stepped
    setting: Setting,
    /// The first value
    #[arg(long, allow_hyphen_values = true)]
    from: String,
    /// The last value
    #[arg(long, allow_hyphen_values = true)]
    to: String,
    /// How many values, 5 to 1000
    #[arg(long, default_value_t = 15)]
    steps: usize,
    /// Seconds of the device's time at each value
    #[arg(long, default_value_t = 0.5)]
    seconds: f64,
    /// What is measured [default: what fits the setting]
    #[arg(long)]
    measure: Option<Measure>,
    /// The curve: parabola, gaussian, sin2, or sin2=RAD with so many radians a unit of the setting [default:
    /// what fits the setting]
    #[arg(long, value_parser = setting::curve)]
    fit: Option<Curve>,
    /// Instead of the best value, find the one at which the measure, falling or rising exponentially, is this
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, conflicts_with = "fit")]
    target: Option<f64>,
    /// For the setting command: the program and its arguments, {} standing for the value
    #[arg(long, value_name = "COMMAND", required_if_eq("setting", "command"))]
    set: Option<Command>,
    /// Leave a device, or a command, at the best value if the fit is good
    #[arg(long)]
    apply: bool,
    /// For the setting command: the value that it is given at the end, after an error or Ctrl-C too; with
    /// --apply only where there is no good fit [default: none, it stays at the last step]
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, requires = "set")]
    back: Option<f64>,
    #[command(flatten)]
    desk: DeskArgs,
    /// Where changes of devices are written down.
    #[command(flatten)]
    log: RunLogArgs,
    #[command(flatten)]
    output: Output,
}

/// Scans.
///
/// # Errors
/// The devices, the command line, the command or the output is at fault.
pub fn run(args: &Scan, global: &Global) -> Result<(), Failure> {
    within("steps", args.steps as f64, 5.0, 1000.0)?;
    within("seconds", args.seconds, 0.01, 1e4)?;
    if args.target.is_some_and(|target| target.is_nan() || target <= 0.0) {
        return Err(Failure::usage("--target is not above zero; choose a value of the measure"));
    }
    if args.apply && args.set.is_none() && !matches!(args.setting, Setting::Device(..)) {
        return Err(Failure::usage(format!(
            "--apply cannot set {}; it is for device:NAME and for command",
            args.setting
        )));
    }
    args.output.check(global)?;
    args.setting.check(args.desk.is_named())?;
    let shutdown = Shutdown::install();
    let mut bench = Bench::open(args)?;
    let scanned = bench.scan(args, &shutdown);
    let best = scanned.as_ref().ok().and_then(Report::good).filter(|_| args.apply);
    // However the scan ended, a device is not left at some step of it.
    let left = bench.entry.take().zip(bench.desk.as_mut());
    let left = left.map(|(mut entry, desk)| entry.leave(desk, best)).transpose();
    let left = left.and_then(|left| {
        if let (Some(command), Some(value)) = (&args.set, best.or(args.back)) {
            command.set(value, None)?;
        }
        Ok(left)
    });
    match (scanned, left) {
        (Ok(report), left) => args.output.give(global, &Report { left: left?, ..report }),
        (Err(why), Ok(_)) => Err(why),
        (Err(why), Err(too)) => Err(why.and(too)),
    }
}

/// What a scan found.
pub(super) enum Found {
    Best(Result<scan::Proposal, helio_tune::fit::NoFit>),
    Target(f64, Result<helio_tune::Measured, helio_tune::fit::NoFit>),
}

/// The desk, and where its settings are stepped.
struct Bench {
    plan: DeskPlan,
    desk: Option<Desk>,
    entry: Option<Entry>,
    values: Vec<f64>,
    /// Full width of the window.
    window_ns: f64,
}

impl Bench {
    fn open(args: &Scan) -> Result<Bench, Failure> {
        let (plan, scenario) = (args.desk.plan()?, args.desk.scenario()?);
        // Before a device is touched.
        let plain = match args.setting {
            Setting::Device(..) => Vec::new(),
            _ => numbers(args)?,
        };
        // Optics that are stepped are another bench at each value.
        let mut desk = match args.setting.is_optical() {
            true => None,
            false => Some(args.desk.open()?),
        };
        let tick = desk.as_ref().map_or(scenario.tick_length, |desk| desk.bob().tick_length);
        let half_width = plan.slotter(tick)?.window.half_width;
        let half_ns = half_width.0 as f64 / (1u64 << 32) as f64 * tick.as_ps_f64() / 1000.0;
        let entry = match (&args.setting, &mut desk) {
            (Setting::Device(role, name), Some(desk)) => {
                let values = (args.from.as_str(), args.to.as_str(), args.steps);
                Some(Entry::find(desk, &args.desk, &args.log, (*role, name), values)?)
            }
            _ => None,
        };
        let values = entry.as_ref().map_or(plain, Entry::axis);
        Ok(Bench { plan, desk, entry, values, window_ns: 2.0 * half_ns })
    }

    fn is_simulated(&self) -> bool {
        self.desk.as_ref().is_none_or(Desk::is_simulated)
    }

    fn scan(&mut self, args: &Scan, shutdown: &Shutdown) -> Result<Report, Failure> {
        let measure = args.measure.unwrap_or_else(|| args.setting.measure());
        let (mut points, values) = (Vec::new(), self.values.clone());
        let scanning = format!("scanning {}", args.setting);
        let mut progress = Progress::of_steps(scanning, values.len() as u64);
        for (step, value) in values.into_iter().enumerate() {
            let look = self.measure(args, value, step, shutdown)?;
            if let Some(y) = measure.of(&look) {
                points.push(Point { x: value, y });
            }
            progress.at(step as u64 + 1);
        }
        drop(progress);
        let goal = measure.goal();
        let found = match args.target {
            Some(target) => Found::Target(target, scan::at_target(&points, target)),
            None => {
                let half_wave = self.entry.as_ref().and_then(Entry::half_wave);
                let fitting = || args.setting.curve(self.window_ns, half_wave);
                let curve = args.fit.unwrap_or_else(fitting);
                Found::Best(scan::propose(curve, goal, &points))
            }
        };
        Ok(Report {
            setting: args.setting.to_string(),
            unit: self.entry.as_ref().map_or(args.setting.unit(), Entry::unit),
            measure,
            goal,
            points,
            found,
            simulated: self.is_simulated(),
            left: None,
        })
    }

    fn measure(
        &mut self,
        args: &Scan,
        value: f64,
        step: usize,
        shutdown: &Shutdown,
    ) -> Result<helio_tune::Look, Failure> {
        if let Some(command) = &args.set {
            command.set(value, Some(shutdown))?;
        }
        let mut stepped = None;
        let desk = match &mut self.desk {
            Some(desk) => desk,
            None => {
                let mut bench = args.desk.bench()?;
                // Each value has its own chance: points must not share their fluctuations.
                bench.seed =
                    bench.seed.wrapping_add((step as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
                args.setting.turn(&mut bench, value);
                stepped.insert(Desk::simulated(bench)?)
            }
        };
        if let Some(entry) = &mut self.entry {
            entry.step(desk, step)?;
        }
        let tick = desk.bob().tick_length;
        let mut observer = self.plan.observer(tick, 1)?;
        args.setting.shift(&mut observer, value, tick)?;
        let seconds = args.seconds;
        let measurement = Measurement { plan: &self.plan, observer, seconds, parts: 1 };
        let looks = measurement.take(desk, shutdown, |_| {})?;
        looks
            .into_iter()
            .next()
            .ok_or_else(|| Failure::usage("--seconds is too short; choose more"))
    }
}

/// The values of a setting that no device keeps.
fn numbers(args: &Scan) -> Result<Vec<f64>, Failure> {
    let [from, to] = [number("from", &args.from)?, number("to", &args.to)?];
    if from == to {
        return Err(Failure::usage("--from and --to are one value; choose two that differ"));
    }
    Ok(scan::steps(from, to, args.steps))
}

fn number(option: &str, text: &str) -> Result<f64, Failure> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| {
        Failure::usage(format!("--{option}: {text:?} is no number; write one, such as 0.5"))
    })
}

/// Which way is better.
pub(super) fn words(goal: Extremum) -> &'static str {
    match goal {
        Extremum::Maximum => "maximum",
        Extremum::Minimum => "minimum",
    }
}
