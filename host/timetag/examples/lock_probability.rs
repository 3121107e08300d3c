//! Draws how often a search of simulated clicks finds the clock, against clicks and noise:
//!
//! ```sh
//! cargo run --release -p helio-timetag --example lock_probability -- docs/
//! ```
//!
//! writes `clocks-pairs.svg` and `clocks-slots.svg` into the folder and prints the same as a table.
//! A lock counts if offset, frequency and drift are right within five stated errors; wrong ones are
//! counted on their own. SIMULATED, seeded: the same picture every time.

use std::error::Error;
use std::path::Path;

use helio_timetag::clock::synthetic::{Dice, PairSource, SlotSource};
use helio_timetag::clock::{ClockModel, Lock, NoLock, PairSearch, SlotSearch, SyncPlan};
use plotters::prelude::*;

const RUNS: u64 = 20;
const SPAN_S: f64 = 10.0;

fn clock(seed: u64) -> ClockModel {
    let mut dice = Dice::new(seed);
    let mut within = |limit: f64| limit * (2.0 * dice.uniform() - 1.0);
    ClockModel {
        reference_ps: 0,
        offset_ps: within(1e12),
        frequency_ppm: within(50.0),
        drift_ppb_per_s: within(1.0),
    }
}

fn is_right(lock: &Lock, clock: &ClockModel) -> bool {
    let (truth, error) = (clock.at(lock.model.reference_ps), lock.uncertainty);
    let close = |x: f64, y: f64, error: f64| (x - y).abs() < 5.0 * error;
    close(lock.model.offset_ps, truth.offset_ps, error.offset_ps)
        && close(lock.model.frequency_ppm, truth.frequency_ppm, error.frequency_ppm)
        && close(lock.model.drift_ppb_per_s, truth.drift_ppb_per_s, error.drift_ppb_per_s)
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

fn draw(path: &Path, title: &str, x: &str, lines: &[Line]) -> Result<(), Box<dyn Error>> {
    let all = || lines.iter().flat_map(|line| line.points.iter().map(|p| p.0));
    let range = all().fold(9.0, f64::min) - 0.1..all().fold(0.0, f64::max) + 0.1;
    let area = SVGBackend::new(path, (900, 460)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(48)
        .y_label_area_size(60)
        .build_cartesian_2d(range, 0.0f64..105.0)?;
    let power = |x: &f64| format!("10^{x}");
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc("right locks (%)")
        .x_label_formatter(&power)
        .x_labels(9)
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 17))
        .light_line_style(WHITE)
        .draw()?;
    const COLORS: [RGBColor; 5] = [
        RGBColor(0, 114, 178),
        RGBColor(213, 94, 0),
        RGBColor(0, 158, 115),
        RGBColor(204, 121, 167),
        RGBColor(86, 86, 86),
    ];
    for (line, color) in lines.iter().zip(COLORS) {
        let drawn = LineSeries::new(line.points.iter().copied(), color.stroke_width(2));
        chart
            .draw_series(drawn.point_size(3))?
            .label(format!("{} % signal", 100.0 * line.share))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .label_font(("sans-serif", 15))
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.4))
        .draw()?;
    area.present()?;
    Ok(())
}

fn sequence(bits: usize) -> Vec<u64> {
    let mut state = 0x1234_5678u32;
    let mut words = vec![0u64; bits.div_ceil(64)];
    for position in 0..bits {
        let bit = (state >> 30 ^ state >> 27) & 1;
        state = (state << 1 | bit) & 0x7FFF_FFFF;
        words[position / 64] |= u64::from(bit) << (position % 64);
    }
    words
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("give the folder to draw into")?;
    let folder = Path::new(&folder);
    let steps = |from: f64| -> Vec<f64> { (0..=16).map(|i| from + 0.25 * f64::from(i)).collect() };
    let bits = sequence(1_200_000);
    let found =
        lines("slots", &[1.0, 0.5, 0.2, 0.1], &steps(3.0), |n, s, seed| slots(n, s, seed, &bits));
    draw(
        &folder.join("clocks-slots.svg"),
        "BB84 sync slots, 5 MHz, each 64th slot, as bright as signal; 10 s, ±1 s, ±50 ppm",
        "Bob's clicks",
        &found,
    )?;
    let found = lines("pairs", &[1.0, 0.3, 0.1, 0.03, 0.01], &steps(1.25), pairs);
    draw(
        &folder.join("clocks-pairs.svg"),
        "Pair source, 10 s, ±1 s, ±50 ppm: share of a station's clicks that are pairs",
        "clicks of each station",
        &found,
    )
}
