//! Draws how often a search of simulated clicks finds the clock, against clicks and noise:
//!
//! ```sh
//! cargo run --release -p helio-station --example lock_probability -- docs/
//! ```
//!
//! writes `clocks-pairs.svg` and `clocks-slots.svg` into the folder and prints the same as a table.
//! A lock counts if offset, frequency and drift are right within five stated errors; wrong ones are
//! counted on their own. SIMULATED, seeded: the same picture every time.

use std::error::Error;
use std::path::Path;

use helio_station::exit::Failure;
use helio_station::plot::{self, Axis, Figure, Layer, Panel, Range};
use helio_timetag::clock::synthetic::{PairSource, SlotSource, any_clock, sync_bits};
use helio_timetag::clock::{ClockModel, Lock, NoLock, PairSearch, SlotSearch, SyncPlan};

const RUNS: u64 = 20;
const SPAN_S: f64 = 10.0;

fn clock(seed: u64) -> ClockModel {
    any_clock(seed, [1e12, 50.0, 1.0])
}

fn is_right(lock: &Lock, clock: &ClockModel) -> bool {
    lock.errors(clock).iter().all(|error| error.abs() < 5.0)
}

fn pairs(clicks: f64, share: f64, seed: u64) -> (Result<Lock, NoLock>, ClockModel) {
    let (rate, clock) = (clicks / SPAN_S, clock(seed));
    let source = PairSource {
        pairs_hz: rate * share,
        noise_a_hz: rate * (1.0 - share),
        noise_b_hz: rate * (1.0 - share),
        span_s: SPAN_S,
        jitter_ps: 350.0,
        clock,
    };
    let (a, b) = source.clicks(seed);
    // A third of the default work, for the sake of those who draw this.
    let search = PairSearch { max_work: 1e9, ..PairSearch::default() };
    (search.find(&a, &b), clock)
}

fn slots(clicks: f64, share: f64, seed: u64, bits: &[u64]) -> (Result<Lock, NoLock>, ClockModel) {
    let plan = SyncPlan { slot_ps: 200_000.0, spacing: 64, bits };
    let (rate, clock) = (clicks / SPAN_S, clock(seed));
    // Sync pulses as bright as all others: half of each 64th slot.
    let source = SlotSource {
        signal_hz: rate * share * (1.0 - 1.0 / 127.0),
        sync_hz: rate * share / 127.0,
        noise_hz: rate * (1.0 - share),
        span_s: SPAN_S,
        begin_s: 1.0,
        jitter_ps: 400.0,
        clock,
    };
    (SlotSearch::default().find(&source.clicks(&plan, seed), &plan), clock)
}

/// Share of right locks over clicks (log₁₀), a line for each share of signal.
struct Line {
    share: f64,
    points: Vec<(f64, f64)>,
}

fn lines(
    name: &str,
    shares: &[f64],
    steps: &[f64],
    find: impl Fn(f64, f64, u64) -> (Result<Lock, NoLock>, ClockModel),
) -> Vec<Line> {
    let mut lines = Vec::new();
    for &share in shares {
        let mut points = Vec::new();
        // Below five clicks of signal nothing is found, and that takes longest.
        for &log in steps.iter().filter(|log| **log > (5.0 / share).log10()) {
            let (mut right, mut wrong) = (0, 0);
            for run in 0..RUNS {
                let (found, clock) = find(10f64.powf(log), share, run + 1000 * points.len() as u64);
                match found {
                    Ok(lock) if is_right(&lock, &clock) => right += 1,
                    Ok(_) => wrong += 1,
                    Err(_) => {}
                }
            }
            println!(
                "{name} signal {share} log10_clicks {log} right {right} wrong {wrong} of {RUNS}"
            );
            points.push((log, 100.0 * f64::from(right) / RUNS as f64));
            if points.len() > 1 && points[points.len() - 2..].iter().all(|p| p.1 == 100.0) {
                break;
            }
        }
        lines.push(Line { share, points });
    }
    lines
}

fn draw(path: &Path, title: &str, x: &str, lines: Vec<Line>) -> Result<(), Failure> {
    let line = |line: Line| Layer::line(format!("{} % signal", 100.0 * line.share), line.points);
    let panel = Panel {
        title: title.into(),
        x: Axis { label: format!("log10 of {x}"), unit: "", range: Range::Data },
        y: Axis { label: "right locks".into(), unit: "%", range: Range::Fixed(0.0, 105.0) },
        layers: lines.into_iter().map(line).collect(),
    };
    plot::save(&Figure::new(vec![panel]), path)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("give the folder to draw into")?;
    let folder = Path::new(&folder);
    let steps = |from: f64| -> Vec<f64> { (0..=16).map(|i| from + 0.25 * f64::from(i)).collect() };
    let bits = sync_bits(1_200_000);
    let found =
        lines("slots", &[1.0, 0.5, 0.2, 0.1], &steps(3.0), |n, s, seed| slots(n, s, seed, &bits));
    draw(
        &folder.join("clocks-slots.svg"),
        "BB84 sync slots, 5 MHz, each 64th slot, as bright as signal; 10 s, ±1 s, ±50 ppm",
        "Bob's clicks",
        found,
    )?;
    let found = lines("pairs", &[1.0, 0.3, 0.1, 0.03, 0.01], &steps(1.25), pairs);
    draw(
        &folder.join("clocks-pairs.svg"),
        "Pair source, 10 s, ±1 s, ±50 ppm: share of a station's clicks that are pairs",
        "clicks of each station",
        found,
    )?;
    Ok(())
}
