//! `helio scan`: steps a setting, measures, fits, proposes.

mod measure;
mod report;
mod setting;

use clap::Args;
use helio_tune::fit::{Curve, Extremum, Point};
use helio_tune::scan;

use crate::cli::Global;
use crate::cmd::desk_args::DeskArgs;
use crate::cmd::link_args::within;
use crate::cmd::trace::Output;
use crate::desk::measure::Measurement;
use crate::desk::{Desk, DeskPlan};
use crate::exit::Failure;
use crate::shutdown::Shutdown;
use crate::term::Progress;
use measure::Measure;
use report::Report;
use setting::{Command, Setting};

/// Step a setting, measure at each step, fit, and propose the best value with its error
#[derive(Debug, Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "\
Examples:
  helio scan rotation --from -0.5 --to 0.3 --plot scan.svg     the simulated polarization controller
  helio scan modulator:D --from -0.4 --to 0.2                  a simulated modulator's angle
  helio scan loss --from 0 --to 12 --measure counted --target 0.02
  helio scan delay:0 --from -20 --to 20                        a detector's delay, of any device
  helio scan command --set './stage {}' --from 0 --to 5 --bob usb:B-0001 --alice usb:A-0001

Settings: rotation and modulator:H|V|D|A (rad) and loss (dB) of the simulated desk; delay:N (ns), which is \
the program's own; command, a program of yours that sets the value, on any desk. What a device keeps in its own \
table (helio device get) is not stepped yet: a bias, a modulator voltage or an attenuator is set from outside \
with command.

Measures: qber, qber-key, qber-test, error:H|V|D|A, visibility, rate, rate:N (clicks a second of all \
detectors, of one), inside:N (share of slots with a click of the detector in its window), counted (photons \
counted a pulse, over all levels).

Nothing is set for good; with --apply the command is given the best value at the end, if the fit is good."
)]
pub struct Scan {
    /// What is stepped
    setting: Setting,
    /// The first value
    #[arg(long)]
    from: f64,
    /// The last value
    #[arg(long)]
    to: f64,
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
    #[arg(long, value_name = "VALUE", conflicts_with = "fit")]
    target: Option<f64>,
    /// For the setting command: the program and its arguments, {} standing for the value
    #[arg(long, value_name = "COMMAND", required_if_eq("setting", "command"))]
    set: Option<Command>,
    /// Give the command the best value at the end
    #[arg(long, requires = "set")]
    apply: bool,
    #[command(flatten)]
    desk: DeskArgs,
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
    if !(args.from.is_finite() && args.to.is_finite() && args.from != args.to) {
        return Err(Failure::usage("--from and --to are one value; choose two that differ"));
    }
    if args.target.is_some_and(|target| target.is_nan() || target <= 0.0) {
        return Err(Failure::usage("--target is not above zero; choose a value of the measure"));
    }
    args.output.check(global)?;
    args.setting.check(args.desk.is_named())?;
    let shutdown = Shutdown::install();
    let measure = args.measure.unwrap_or_else(|| args.setting.measure());
    let mut points = Vec::new();
    let mut bench = Bench::open(args)?;
    let values = scan::steps(args.from, args.to, args.steps);
    let mut progress =
        Progress::of_steps(format!("scanning {}", args.setting), values.len() as u64);
    for (step, value) in (0u64..).zip(values) {
        let look = bench.measure(args, value, step, &shutdown)?;
        if let Some(y) = measure.of(&look) {
            points.push(Point { x: value, y });
        }
        progress.at(step + 1);
    }
    drop(progress);
    let goal = measure.goal();
    let found = match args.target {
        Some(target) => Found::Target(target, scan::at_target(&points, target)),
        None => {
            let curve = args.fit.unwrap_or_else(|| args.setting.curve(bench.window_ns));
            Found::Best(scan::propose(curve, goal, &points))
        }
    };
    let report = Report {
        setting: args.setting,
        measure,
        goal,
        points,
        found,
        simulated: bench.is_simulated(),
    };
    if let (true, Some(command), Some(best)) = (args.apply, &args.set, report.good()) {
        command.set(best, &shutdown)?;
    }
    args.output.give(global, &report)
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
    /// Full width of the window.
    window_ns: f64,
}

impl Bench {
    fn open(args: &Scan) -> Result<Bench, Failure> {
        let (plan, scenario) = (args.desk.plan()?, args.desk.scenario()?);
        // Optics that are stepped are another bench at each value.
        let desk = match args.setting.is_optical() {
            true => None,
            false => Some(args.desk.open(|| scenario.bench())?),
        };
        let tick = desk.as_ref().map_or(scenario.tick_length, |desk| desk.bob().tick_length);
        let half_width = plan.slotter(tick)?.window.half_width;
        let half_ns = half_width.0 as f64 / (1u64 << 32) as f64 * tick.as_ps_f64() / 1000.0;
        Ok(Bench { plan, desk, window_ns: 2.0 * half_ns })
    }

    fn is_simulated(&self) -> bool {
        self.desk.as_ref().is_none_or(Desk::is_simulated)
    }

    fn measure(
        &mut self,
        args: &Scan,
        value: f64,
        step: u64,
        shutdown: &Shutdown,
    ) -> Result<helio_tune::Look, Failure> {
        if let Some(command) = &args.set {
            command.set(value, shutdown)?;
        }
        let mut stepped = None;
        let desk = match &mut self.desk {
            Some(desk) => desk,
            None => {
                let mut bench = args.desk.scenario()?.bench();
                // Each value has its own chance: points must not share their fluctuations.
                bench.seed = bench.seed.wrapping_add(step.wrapping_mul(0x9E37_79B9_7F4A_7C15));
                args.setting.turn(&mut bench, value);
                stepped.insert(Desk::simulated(bench)?)
            }
        };
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

/// Which way is better.
pub(super) fn words(goal: Extremum) -> &'static str {
    match goal {
        Extremum::Maximum => "maximum",
        Extremum::Minimum => "minimum",
    }
}
