//! `helio config`: write, check and show the files of stations and of simulated light.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use helio_distill::Role;
use helio_units::TickLength;
use serde_json::{Map, Value, json};

use crate::bench::Scenario;
use crate::cli::Global;
use crate::config::templates::Template;
use crate::config::{
    AnyConfig, Endpoint, Setting, SimConfig, StationConfig, differences, unlike_light,
};
use crate::exit::{Exit, Failure, print, print_json};
use crate::quantity::Tick;
use crate::term::{grouped, si};

const WALK: &str =
    "A simulated pair on this computer, each of the last three in a terminal of its own:
  helio config init
  helio pair --alice alice --bob bob --simulated
  helio sim --config sim.toml
  helio bob --config bob.toml
  helio alice --config alice.toml";

/// What is asked about configurations.
#[derive(Debug, Subcommand)]
#[command(after_help = WALK)]
pub enum Command {
    /// Write commented files for a simulated pair on this computer: alice.toml, bob.toml, sim.toml
    Init(Init),
    /// Check files; given Alice's and Bob's, compare them, and with sim.toml the light too
    Check(Check),
    /// Print every value that a file puts in force, defaults included
    Show(Show),
}

/// Arguments of `helio config init`.
#[derive(Debug, Args)]
#[command(after_help = WALK)]
pub struct Init {
    /// Which file; all three if none is named
    which: Option<Which>,
    /// The folder to write into; made if it is not there
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

/// Arguments of `helio config check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The files, in any order
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Arguments of `helio config show`.
#[derive(Debug, Args)]
pub struct Show {
    /// A station's file, or that of the light
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    Alice,
    Bob,
    Sim,
}

impl From<Which> for Template {
    fn from(which: Which) -> Template {
        match which {
            Which::Alice => Template::Alice,
            Which::Bob => Template::Bob,
            Which::Sim => Template::Sim,
        }
    }
}

/// Answers.
///
/// # Errors
/// A file that cannot be read or written, and everything that is wrong in one.
pub fn run(command: &Command, global: &Global) -> Result<(), Failure> {
    match command {
        Command::Init(args) => init(args, global),
        Command::Check(args) => check(args, global),
        Command::Show(args) => show(args, global),
    }
}

fn init(args: &Init, global: &Global) -> Result<(), Failure> {
    let templates = args.which.map_or(Template::ALL.to_vec(), |which| vec![which.into()]);
    let files: Vec<(PathBuf, Template)> =
        templates.into_iter().map(|t| (args.dir.join(t.file_name()), t)).collect();
    std::fs::create_dir_all(&args.dir).map_err(|why| {
        Failure::file(&args.dir, format_args!("cannot be made ({why}); choose another folder"))
    })?;
    // All or nothing: no file is written beside one that is kept.
    if let Some((path, _)) = files.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(exists(path));
    }
    for (path, template) in &files {
        write_new(path, &template.text())?;
    }
    if global.json {
        let names: Vec<String> = files.iter().map(|(path, _)| path.display().to_string()).collect();
        return print_json(&json!({ "written": names }));
    }
    for (path, _) in &files {
        print(format_args!("written     {}\n", path.display()))?;
    }
    print(format_args!("\n{WALK}\n"))
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|why| match why.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => Failure::file(
            path,
            format_args!("cannot be written ({why}); check the folder and its disk"),
        ),
    })
}

fn exists(path: &Path) -> Failure {
    Failure::file(path, "is there already and is kept; move it away, or choose another --dir")
}

fn check(args: &Check, global: &Global) -> Result<(), Failure> {
    let (mut stations, mut lights, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for path in &args.files {
        match AnyConfig::load(path) {
            Ok(AnyConfig::Station(station)) => stations.push(station),
            Ok(AnyConfig::Sim(sim)) => lights.push(sim),
            Err(fault) => faults.push(Failure::from(fault)),
        }
    }
    let tick = lights.first().map_or(TickLength::CYCLE_150_MHZ, |sim| sim.scenario().tick_length);
    let mut checked = Map::new();
    for station in &stations {
        checked.insert(station.path().display().to_string(), derived_json(station, tick));
        if !global.json {
            print(derived(station, tick))?;
        }
    }
    for sim in &lights {
        checked.insert(sim.path().display().to_string(), json!({ "seed": sim.seed() }));
        if !global.json {
            print(light(sim))?;
        }
    }
    let mut compared = Vec::new();
    for alice in stations.iter().filter(|s| s.role() == Role::Alice) {
        for bob in stations.iter().filter(|s| s.role() == Role::Bob) {
            compared.extend(differences(alice, bob));
        }
    }
    for sim in &lights {
        compared.extend(stations.iter().flat_map(|station| unlike_light(station, sim)));
    }
    if global.json {
        let faults: Vec<&str> = faults.iter().map(|fault| fault.sentence.as_str()).collect();
        print_json(&json!({ "files": checked, "faults": faults, "differences": compared }))?;
    }
    if !compared.is_empty() {
        let values =
            if compared.len() == 1 { "1 value" } else { &format!("{} values", compared.len()) };
        let sentence = format!(
            "the files differ in {values} that must be equal, make them equal: {}",
            compared.join("; ")
        );
        faults.push(Failure::new(Exit::Configuration, sentence));
    }
    if faults.is_empty() {
        if stations.len() + lights.len() > 1 && !global.json {
            print("equal       all values that must be equal in these files\n")?;
        }
        return Ok(());
    }
    // Each fault is a line of its own, as if its file had been checked alone.
    let sentences: Vec<&str> = faults.iter().map(|fault| fault.sentence.as_str()).collect();
    Err(Failure::new(faults[0].exit, sentences.join("\nhelio: ")))
}

/// What follows from a station's file, in a few lines.
fn derived(station: &StationConfig, tick: TickLength) -> String {
    let slots = station.parameters(helio_distill::parameters::SessionId([0; 16])).slots_per_block;
    let slot = match station.slot_ticks(tick) {
        Ok(ticks) => format!("{ticks} ticks of {}", Tick(tick)),
        Err(_) => format!("no whole number of ticks of {}, the reference board's", Tick(tick)),
    };
    let rate = station.slot_rate_hz();
    let line = match &station.line().endpoint {
        Endpoint::Listen(at) => format!("listens at {at}"),
        Endpoint::Connect(at) => format!("connects to {at}"),
    };
    let gate = station.gate_words().map(|gate| format!(", open for {gate} of each slot"));
    let inputs = station.detectors().iter().map(|d| format!(", {} at input {}", d.name, d.input));
    format!(
        "{}: no fault\n  station     {}, peer {}, state {}, runs {}\n  device      {}{}\n  line        \
         {line}\n  slot        {} = {slot}\n  block       {} slots = {}\n",
        station.path().display(),
        station.role(),
        station.peer(),
        station.state().display(),
        station.runs().display(),
        station.device(),
        inputs.collect::<String>() + &gate.unwrap_or_default(),
        si(1.0 / rate, "s", 6),
        grouped(u64::from(slots)),
        si(f64::from(slots) / rate, "s", 6),
    )
}

fn derived_json(station: &StationConfig, tick: TickLength) -> Value {
    let slots = station.parameters(helio_distill::parameters::SessionId([0; 16])).slots_per_block;
    json!({
        "role": station.role().to_string().to_lowercase(),
        "state": station.state().display().to_string(),
        "runs": station.runs().display().to_string(),
        "device": station.device().to_string(),
        "tick": Tick(tick).to_string(),
        "slot_ticks": station.slot_ticks(tick).ok(),
        "slot_s": 1.0 / station.slot_rate_hz(),
        "block_s": f64::from(slots) / station.slot_rate_hz(),
    })
}

fn light(sim: &SimConfig) -> String {
    let scenario = sim.scenario();
    let [alice, bob] = sim.ports();
    format!(
        "{}: no fault\n  light       {}, seed {}, at {}\n  ports       Alice {alice}, Bob {bob}\n",
        sim.path().display(),
        path_in_words(&scenario),
        sim.seed(),
        sim.speed(),
    )
}

fn path_in_words(scenario: &Scenario) -> String {
    let loss = crate::term::trimmed(scenario.path.loss().0, 4);
    match scenario.km() {
        Some(km) => format!("{km} km of fibre, {loss} dB"),
        None => format!("{loss} dB"),
    }
}

fn show(args: &Show, global: &Global) -> Result<(), Failure> {
    let config = AnyConfig::load(&args.file)?;
    if global.json {
        let values: Map<String, Value> = config
            .settings()
            .iter()
            .map(|Setting { key, value, line }| {
                (key.clone(), json!({ "value": value, "line": line, "default": line.is_none() }))
            })
            .collect();
        return print_json(&json!({ "file": args.file.display().to_string(), "values": values }));
    }
    let width = config.settings().iter().map(|s| s.key.chars().count()).max().unwrap_or(0);
    let from = |line: &Option<usize>| line.map_or("default".into(), |line| format!("line {line}"));
    let longest = config.settings().iter().map(|s| s.value.chars().count()).max().unwrap_or(0);
    let lines = config.settings().iter().map(|Setting { key, value, line }| {
        format!("{key:width$}  {value:longest$}  {}\n", from(line))
    });
    print(lines.collect::<String>())
}
