//! What help and documents show of the table of settings, against the tables that there are: those of
//! the simulated devices and those of the RP2350 images.

use std::path::Path;

use clap::{CommandFactory, Parser, Subcommand};
use embedded_hal::spi::{ErrorType, Operation, SpiDevice};
use helio_bench::{Board, BootCause};
use helio_link::DeviceAddress;
use helio_panel::{Analog, Chip, Input, Panel, Parts};
use helio_units::TickLength;

use super::run_log::RunLogArgs;
use super::settings::Setting;
use super::target::{Target, Which};
use super::{Command, Global};
use crate::cmd::scan::Scan;

/// The commands that speak of settings.
#[derive(Parser)]
struct Helio {
    #[command(flatten)]
    _global: Global,
    #[command(subcommand)]
    _line: Line,
}

#[derive(Subcommand)]
enum Line {
    #[command(subcommand)]
    Device(Command),
    Scan(Box<Scan>),
}

/// Chips that take everything.
struct Mute;

impl ErrorType for Mute {
    type Error = core::convert::Infallible;
}

impl SpiDevice for Mute {
    fn transaction(&mut self, _: &mut [Operation<'_, u8>]) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl Analog for Mute {
    fn take(&mut self) -> Option<u16> {
        None
    }
    fn begin(&mut self, _: Input) {}
}

fn listed(board: impl Board) -> Vec<Setting> {
    let entries = (0..board.entries()).filter_map(|index| Some((index, board.entry(index)?)));
    let setting = |(index, entry): (u16, helio_bench::Entry<'_>)| Setting {
        index,
        name: entry.name.into(),
        unit: entry.unit,
        access: entry.access,
        value: entry.min,
        min: entry.min,
        max: entry.max,
    };
    entries.map(setting).collect()
}

/// What the panels of the four images add to the firmware's own entries, which the simulated devices
/// have as well.
fn of_images() -> Vec<Vec<Setting>> {
    let parts = || Parts {
        dac: Mute,
        delays: Some(Mute),
        stopwatch: Mute,
        analog: Mute,
        clock: TickLength::CYCLE_150_MHZ,
    };
    let chip = Chip { stepping: 2, cause: BootCause::Power, faults: 0 };
    vec![
        listed(Panel::alice(parts(), chip, None)),
        listed(Panel::bob(parts(), 2, chip, None)),
        listed(Panel::bob(parts(), 4, chip, None)),
        listed(Panel::converter(parts(), chip, None)),
    ]
}

fn of_simulated(role: Which) -> Vec<Setting> {
    let (device, log) = (Some(DeviceAddress::Sim), RunLogArgs { log_dir: None });
    Target { device, role, record: None, log }.open().unwrap().table().unwrap()
}

struct Tables {
    alice: Vec<Setting>,
    bob: Vec<Setting>,
    images: Vec<Vec<Setting>>,
}

impl Tables {
    fn new() -> Tables {
        let [alice, bob] = [Which::Alice, Which::Bob].map(of_simulated);
        Tables { alice, bob, images: of_images() }
    }

    /// The tables that a line with these words can mean.
    fn meant(&self, words: &[String]) -> Vec<&[Setting]> {
        let behind = |option: &str| {
            let at = words.iter().position(|word| word == option)?;
            words.get(at + 1).map(String::as_str)
        };
        match (behind("--device"), behind("--role")) {
            (Some("sim"), Some("bob")) => vec![&self.bob],
            (Some("sim"), _) => vec![&self.alice],
            // What a program serves is simulated, and one of the two.
            (Some(tcp), _) if tcp.starts_with("tcp:") => vec![&self.alice, &self.bob],
            _ => {
                let simulated = [&self.alice, &self.bob].into_iter();
                simulated.chain(&self.images).map(Vec::as_slice).collect()
            }
        }
    }

    /// Whether one of the tables has an entry whose name is this, or begins so, for `get`.
    fn get(&self, words: &[String], name: &str) -> bool {
        self.meant(words).iter().any(|table| table.iter().any(|s| s.name.starts_with(name)))
    }

    /// Whether one of the tables has the entry and each of the values can be set.
    fn set(&self, words: &[String], name: &str, values: &[&str]) -> bool {
        self.meant(words).iter().any(|table| {
            let entry = table.iter().find(|s| s.name == name);
            entry.is_some_and(|s| values.iter().all(|value| s.parse(value).is_ok()))
        })
    }
}

/// The words of a line of a shell, up to what it is explained by.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for c in line.chars().chain([' ']) {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => (quote, begun) = (Some(c), true),
            (' ', None) if begun => {
                words.push(std::mem::take(&mut word));
                begun = false;
            }
            // Two spaces: the explanation.
            (' ', None) => break,
            (c, _) => {
                word.push(c);
                begun = true;
            }
        }
    }
    words
}

/// The examples below a command's help.
fn examples(command: &clap::Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let lines = help.lines().skip_while(|line| *line != "Examples:").skip(1);
    lines.take_while(|line| !line.is_empty()).map(|line| line.trim().to_owned()).collect()
}

/// Says what of a line nothing can obey.
fn check(tables: &Tables, line: &str) {
    let words = words(line);
    let said: Vec<&str> = words.iter().map(String::as_str).collect();
    let obeyed = match said[..] {
        ["helio", "device", "get", name, ..] if !name.starts_with('-') => tables.get(&words, name),
        ["helio", "device", "set", name, value, ..] => tables.set(&words, name, &[value]),
        ["helio", "scan", of, ref options @ ..] => match of.split_once(':') {
            Some(("device" | "alice" | "bob", name)) => {
                let ends: Vec<&str> = options
                    .windows(2)
                    .filter(|two| ["--from", "--to"].contains(&two[0]))
                    .map(|two| two[1])
                    .collect();
                // A number alone is one in the entry's own unit; the entry says which.
                assert_eq!(ends.len(), 2, "{line}");
                tables.set(&words, name, &ends)
            }
            _ => true,
        },
        _ => true,
    };
    assert!(obeyed, "neither the simulator nor an image can obey: {line}");
    let parsed = Helio::try_parse_from(&said);
    assert!(
        parsed.is_ok(),
        "{line}: {}",
        parsed.err().map(|why| why.to_string()).unwrap_or_default()
    );
}

#[test]
fn every_example_of_the_help_can_be_obeyed() {
    let tables = Tables::new();
    let helio = Helio::command();
    let of = |name: &str| helio.find_subcommand(name).unwrap();
    let mut seen = 0;
    for command in of("device").get_subcommands().chain([of("scan")]) {
        let examples = examples(command);
        assert!(!examples.is_empty(), "{} shows no example", command.get_name());
        for line in examples.iter().flat_map(|line| line.split(" && ")) {
            check(&tables, line);
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn every_setting_that_a_document_shows_is_there() {
    let tables = Tables::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let documents = std::fs::read_dir(root.join("docs")).unwrap().map(|file| file.unwrap().path());
    let mut seen = 0;
    for path in documents.chain([root.join("README.md")]) {
        if path.extension().is_none_or(|end| end != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap().replace("\\\n", "");
        let (mut before, mut fence) = ("", None);
        for (line, next) in text.lines().zip(text.lines().skip(1).chain([""])) {
            if let Some(kind) = line.strip_prefix("```") {
                fence = if fence.is_none() { Some(kind) } else { None };
            }
            let command = match fence {
                Some("sh") => Some(line),
                Some(_) => line.strip_prefix("$ "),
                None => None,
            };
            // What is shown to be refused is no advice.
            let refused = next.starts_with("helio: ");
            let speaks =
                |line: &&str| ["helio device ", "helio scan "].iter().any(|c| line.starts_with(c));
            if let Some(command) = command.filter(speaks).filter(|_| !refused) {
                check(&tables, command);
                seen += 1;
            }
            // Within a sentence.
            for (_, code) in
                line.split('`').enumerate().filter(|(at, _)| fence.is_none() && at % 2 == 1)
            {
                if let Some(name) = code.strip_prefix("helio device get ") {
                    assert!(tables.get(&[], name), "{}: {before}{line}", path.display());
                    seen += 1;
                }
            }
            before = line;
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn what_nothing_can_obey_is_found() {
    let tables = Tables::new();
    for (line, there) in [
        ("helio device set laser.level.0 400mV", true),
        ("helio device set laser.level.0 400mV --device sim", false),
        ("helio device set laser.intensity.0 0.4", false),
        ("helio device set detector.threshold.0 -150mV --json", false),
        ("helio device set gate.width \"3 ticks\"", false),
        ("helio device get sensor --device sim", false),
        ("helio scan bob:detector.threshold.0 --from -200mV --to 0mV", false),
        ("helio device fire --slots 10 --no-such", false),
    ] {
        let checked = std::panic::catch_unwind(|| check(&tables, line));
        assert_eq!(checked.is_ok(), there, "{line}");
    }
}
