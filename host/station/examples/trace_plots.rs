//! Draws a picture of each analysis of traces with the program `helio` itself:
//!
//! ```sh
//! cargo build --release -p helio-station
//! cargo run --release -p helio-station --example trace_plots -- docs/plots
//! ```
//!
//! It prints each command. Real recordings are those of the tests; where none fits, the light is
//! SIMULATED and seeded: the same picture every time. A second argument is the ending, `svg` or
//! `png`.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use helio_timetag::analysis::synthetic::{
    Dice, coherent, renewal, response, single_emitter, split, thermal,
};
use helio_timetag::clock::ClockModel;
use helio_timetag::clock::synthetic::PairSource;

const T2: &str = "host/trace/tests/data/lpq_hydraharp_v30_t2.ptu";
/// Of the shared data, too large to be kept here.
const T3: &str = "../shared/data/timetags/picoharp300_t3_hazelnut_prefix.ptu";

/// Ticks of 1 ps and channels.
type Tags = Vec<(u64, u8)>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let folder = PathBuf::from(args.next().unwrap_or_else(|| "docs/plots".into()));
    let ending = args.next().map_or("svg".into(), |e| e.to_string_lossy().into_owned());
    std::fs::create_dir_all(&folder)?;
    let work = std::env::temp_dir().join("helio-trace-plots");
    std::fs::create_dir_all(&work)?;
    let helio = std::env::current_exe()?.with_file_name("..").join("helio");

    let made = |name: &str, tags: Tags| -> Result<String, Box<dyn Error>> {
        let mut text = String::from("time_ps,channel\n");
        for (tick, channel) in tags {
            writeln!(text, "{tick},{channel}")?;
        }
        let path = work.join(name);
        std::fs::write(&path, text)?;
        Ok(path.to_string_lossy().into_owned())
    };
    let emitter =
        made("single emitter (simulated)", split(1, &single_emitter(1, 3_000.0, 0.1, 400_000)))?;
    let chaotic = made("thermal light (simulated)", split(2, &thermal(2, 1e6, 2e6, 500_000)))?;
    let afterpulses = made("detector (simulated)", detector(400_000))?;
    let pairs = made("pairs (simulated)", pairs(150_000))?;
    let laser = made("pulsed laser (simulated)", pulses(400_000, 0.0))?;
    let drifting = made("drifting laser (simulated)", pulses(200_000, 2e-9))?;
    let clock = made("clock (simulated)", clock(200_000))?;
    let heralds = made("two pair sources (simulated)", two_sources(200_000))?;
    let (alice, bob) = two_clocks();
    let alice = made("Alice (simulated)", alice)?;
    let bob = made("Bob (simulated)", bob)?;

    let plots: &[(&str, &[&str])] = &[
        ("rates", &["rates", T2, "--bin", "50ms"]),
        ("g2", &["g2", T2]),
        ("g2-antibunched", &["g2", &emitter, "--range", "20ns", "--bin", "200ps"]),
        ("g2-log", &["g2", T2, "--log"]),
        ("g2-log-thermal", &["g2", &chaotic, "--log", "--bin", "10ns", "--range", "100us"]),
        ("gaps", &["histogram", T2]),
        ("gaps-afterpulses", &["histogram", &afterpulses]),
        ("gaps-linear", &["histogram", T2, "--bin", "2ns", "--range", "400ns"]),
        (
            "start-stop",
            &["histogram", &pairs, "--of", "start-stop", "--range", "400ns", "--bin", "2ns"],
        ),
        ("sync", &["histogram", T3, "--of", "sync"]),
        ("counts", &["histogram", T2, "--of", "counts", "--bin", "200us"]),
        ("drift-rate", &["drift", T2, "--bin", "50ms"]),
        ("drift-peak", &["drift", &drifting, "--period", "12.5ns"]),
        ("allan", &["allan", &clock]),
        ("jitter", &["jitter", &laser, "--period", "12.5ns"]),
        ("coincidences", &["coincidences", &heralds, "--within", "2ns"]),
        ("clocks", &["sync", &alice, &bob]),
    ];
    for (name, args) in plots {
        if args.contains(&T3) && !Path::new(T3).exists() {
            println!("skipped: {T3} is not there");
            continue;
        }
        let file = folder.join(format!("{name}.{ending}"));
        println!("helio trace {} --plot {}", args.join(" "), file.display());
        let done =
            Command::new(&helio).arg("trace").args(*args).arg("--plot").arg(&file).output()?;
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
        }
    }
    std::fs::remove_dir_all(&work)?;
    Ok(())
}

fn on_channel(ticks: Vec<u64>, channel: u8) -> Tags {
    ticks.into_iter().map(|tick| (tick, channel)).collect()
}

/// 50 kcps on a detector of 80 ns dead time, 5 % afterpulses after 300 ns.
fn detector(counts: usize) -> Tags {
    let gap = |dice: &mut Dice| {
        let light = dice.exponential(2e7);
        let trapped = dice.uniform() < 0.05;
        80_000.0 + if trapped { light.min(dice.exponential(3e5)) } else { light }
    };
    on_channel(renewal(3, counts, gap), 0)
}

/// Pairs 120 ns apart among unrelated counts.
fn pairs(count: usize) -> Tags {
    let mut dice = Dice::new(4);
    let starts = coherent(5, 2e6, count);
    let mut tags: Tags = Vec::new();
    for start in starts {
        tags.push((start, 0));
        if dice.uniform() < 0.1 {
            tags.push((start + (120_000.0 + 4_000.0 * dice.normal()) as u64, 1));
        }
    }
    tags.extend(coherent(6, 1e6, 2 * count).into_iter().map(|tick| (tick, 1)));
    tags.sort_unstable();
    tags
}

/// Two sources of photon pairs, to channels 1 and 2 and to channels 3 and 4, which lose half of their
/// photons, 300 ps of jitter; among as many unrelated counts.
fn two_sources(pairs: usize) -> Tags {
    let mut dice = Dice::new(9);
    let mut tags: Tags = Vec::new();
    for (seed, channels) in [(10, [1, 2]), (11, [3, 4])] {
        for pair in coherent(seed, 2e6, pairs) {
            for channel in channels {
                if dice.uniform() < 0.5 {
                    let late = (1_000.0 + 300.0 * dice.normal()).max(0.0);
                    tags.push((pair + late as u64, channel));
                }
            }
        }
    }
    for (seed, channel) in (12..16).zip(1..) {
        tags.extend(coherent(seed, 4e6, pairs / 2).into_iter().map(|tick| (tick, channel)));
    }
    tags.sort_unstable();
    tags
}

/// Both sides of a pair source, each by a clock of its own.
fn two_clocks() -> (Tags, Tags) {
    let clock = ClockModel {
        reference_ps: 0,
        offset_ps: 3.2e11,
        frequency_ppm: -12.5,
        drift_ppb_per_s: 0.5,
    };
    let source = PairSource {
        pairs_hz: 5_000.0,
        noise_a_hz: 50_000.0,
        noise_b_hz: 50_000.0,
        span_s: 5.0,
        jitter_ps: 300.0,
        clock,
    };
    let (a, b) = source.clicks(16);
    let positive = |times: Vec<i64>| {
        on_channel(times.into_iter().filter_map(|ps| u64::try_from(ps).ok()).collect(), 0)
    };
    (positive(a), positive(b))
}

/// Counts of an 80 MHz laser whose period is longer than it should be by a share `detuning`, on a
/// silicon detector with 40 ps of jitter and a diffusion tail, in a tenth of dark counts.
fn pulses(counts: usize, detuning: f64) -> Tags {
    let (mut dice, mut now) = (Dice::new(7), 0.0);
    let mut ticks: Vec<u64> = (0..counts)
        .map(|_| {
            now += (1.0 + dice.exponential(800.0)).floor() * 12_500.0 * (1.0 + detuning);
            if dice.uniform() < 0.1 {
                return (now + 12_500.0 * dice.uniform()) as u64;
            }
            (now + response(&mut dice, 4_000.0, 40.0, 0.25, 220.0)) as u64
        })
        .collect();
    ticks.sort_unstable();
    on_channel(ticks, 1)
}

/// A 1 kHz clock with 1 ns of white phase noise and a random walk of its frequency.
fn clock(count: usize) -> Tags {
    let (mut dice, mut phase, mut frequency) = (Dice::new(8), 1e12, 0.0);
    let ticks = (0..count)
        .map(|_| {
            frequency += 2e-12 * dice.normal();
            phase += 1e9 * (1.0 + frequency + 3e-11 * dice.normal());
            (phase + 1_000.0 * dice.normal()) as u64
        })
        .collect();
    on_channel(ticks, 0)
}
