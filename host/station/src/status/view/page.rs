//! A status as a page of text: the first lines say whether somebody has to get up.

use std::fmt::Write;

use super::super::{Level, Status};
use super::words;
use crate::term::{grouped, si};

/// Columns that a page takes.
const COLUMNS: usize = 80;
/// Columns of the labels.
const LABEL: usize = 9;
/// Rows of the table; more are in the JSON.
const BLOCKS: usize = 8;

/// The page, with the end of its last line.
pub fn page(status: &Status) -> String {
    let mut text = String::new();
    head(&mut text, status);
    keys(&mut text, status);
    blocks(&mut text, status);
    bench(&mut text, status);
    events(&mut text, status);
    text
}

fn head(text: &mut String, status: &Status) {
    let station = &status.station;
    let mut title = format!("{}: {}", words::station(status), words::phase(status));
    if let Some(ready) = words::readiness(status) {
        _ = write!(title, ", {ready}");
    }
    _ = writeln!(text, "{title}");
    if let Some(wait) = words::waiting(status) {
        row(text, "waiting", &wait);
    }
    for block in &status.blocks {
        let last = status.blocks.last() == Some(block);
        let waiting = match status.blocks_waiting {
            n if n == 0 || !last => String::new(),
            n => format!("; {} more waiting", grouped(n)),
        };
        row(
            text,
            "block",
            &format!("{}: {}, {:.1} s{waiting}", block.block, block.step, block.seconds),
        );
    }
    let mut folder = station.state_folder.clone();
    if let Some(run) = &station.run_folder {
        _ = write!(folder, "; this run in {run}");
    }
    if let Some(pid) = station.pid {
        _ = write!(folder, "; process {pid}, helio {}", station.program_version);
    }
    row(text, "folder", &folder);
}

fn keys(text: &mut String, status: &Status) {
    let (keys, rates, pads, epsilon) = (&status.keys, &status.rates, &status.pads, &status.epsilon);
    let mut key = String::new();
    if status.station.pid.is_some() {
        let (rate, run) = (words::bit_rate(rates.key_bits_per_s), grouped(rates.run_key_bits));
        _ = write!(key, "{rate}, {run} bits in this run; ");
    }
    _ = write!(key, "{} usable with {} bits", grouped(keys.usable), grouped(keys.usable_bits));
    for (count, what) in [
        (keys.pending, "pending"),
        (keys.burnt_blocks, "burnt"),
        (keys.delivered_bits, "bits delivered"),
    ] {
        if count > 0 {
            _ = write!(key, ", {} {what}", grouped(count));
        }
    }
    row(text, "keys", &key);
    let mut left =
        format!("{} of {} left for blocks", grouped(pads.block_left), grouped(pads.block_size));
    if pads.void {
        left = "void".to_owned();
    } else if let Some(seconds) = words::pads_last_s(status) {
        let last = words::span(seconds);
        let rate = if status.station.pid.is_some() { "the present" } else { "the last" };
        _ = write!(left, ", {last} at {rate} rate");
    }
    let (recovery, size) = (grouped(pads.recovery_left), grouped(pads.recovery_size));
    row(text, "pads", &format!("{left}; {recovery} of {size} for contact and recovery"));
    let mut spent = format!("{} of {:e} spent", words::small(epsilon.spent), epsilon.limit);
    if let Some(blocks) = epsilon.blocks_left {
        _ = write!(spent, ", {} more blocks", grouped(blocks));
    }
    row(text, "epsilon", &spent);
}

fn blocks(text: &mut String, status: &Status) {
    let Some(newest) = status.last_blocks.first() else { return };
    let [block, ago, sifted, test] = ["block", "ago", "sifted", "test QBER [95 %]"];
    let [key, leak, bits] = ["key QBER", "leak", "key bits"];
    _ = writeln!(text);
    _ = writeln!(text, "{block:>6} {ago:>11} {sifted:>9} {test:>22} {key:>8} {leak:>8} {bits:>8}");
    for last in status.last_blocks.iter().take(BLOCKS) {
        let now = status.station.now_unix_s;
        let span = |at: u64| words::span(now.saturating_sub(at));
        let ago = last.ended_unix_s.map_or(words::UNKNOWN.to_owned(), span);
        let sifted = last.sifted_bits.map_or(words::UNKNOWN.to_owned(), grouped);
        let test = words::qber(last.test_qber.as_ref());
        let key = words::percent(last.key_qber.as_ref());
        let (leak, bits) = (grouped(last.leak_bits), grouped(last.key_bits));
        let block = last.block;
        _ = writeln!(
            text,
            "{block:>6} {ago:>11} {sifted:>9} {test:>22} {key:>8} {leak:>8} {bits:>8}"
        );
        if let Some(why) = &last.no_key {
            row(text, "", &format!("no key: {why}"));
        }
    }
    for detector in &newest.detectors {
        let (test, key) =
            (words::qber(detector.test.as_ref()), words::percent(detector.key.as_ref()));
        let name = format!("{} in block {}", detector.detector, newest.block);
        _ = writeln!(text, "{name:>28} {test:>22} {key:>8}");
    }
    _ = writeln!(text);
}

fn bench(text: &mut String, status: &Status) {
    if let Some(device) = &status.device {
        row(text, "device", &words::device(device));
    }
    let rates = &status.rates;
    if !rates.detectors.is_empty() {
        let clicks: Vec<String> = (rates.detectors.iter())
            .map(|d| format!("{} {}", d.detector, words::rate(d.clicks_per_s)))
            .collect();
        let outside = words::rate(rates.outside_window_per_s);
        let held_off = words::rate(rates.held_off_per_s);
        let clicks = clicks.join(", ");
        row(
            text,
            "clicks",
            &format!("{clicks}; outside the window {outside}, held off {held_off}"),
        );
    }
    if let Some(window) = &status.window {
        let offset = |d: &super::super::DetectorOffset| {
            format!("{} {}", d.detector, words::offset(d.mean_offset_ps))
        };
        let offsets: Vec<String> = window.detectors.iter().map(offset).collect();
        let width = si(window.width_ps as f64 * 1e-12, "s", 4);
        let offsets = offsets.join(", ");
        row(text, "window", &format!("{width}; clicks against its middle: {offsets}"));
    }
    if let Some(line) = &status.line {
        row(text, "line", &words::line(line, status.station.now_unix_s));
        if let Some(fault) = line.last_fault.as_ref().filter(|_| line.connected) {
            row(text, "", &format!("last fault: {fault}"));
        }
    }
    if status.station.pid.is_some() {
        let full = |q: &super::super::Queue| {
            format!("{} {} of {}", q.name, grouped(q.depth), grouped(q.capacity))
        };
        let queues: Vec<String> = status.queues.iter().map(full).collect();
        if !queues.is_empty() {
            row(text, "queues", &queues.join(", "));
        }
        row(text, "lost", &words::lost(&status.lost));
        let stages: Vec<String> = status.stages.iter().filter_map(words::stage).collect();
        if !stages.is_empty() {
            row(text, "stages", &stages.join("; "));
        }
    }
}

fn events(text: &mut String, status: &Status) {
    let mut label = "events";
    for event in status.events.iter().rev() {
        let ago = words::ago(event.unix_s, status.station.now_unix_s);
        let level = match event.level {
            Level::Info => String::new(),
            level => format!("{}: ", level.word()),
        };
        row(text, label, &format!("{ago}: {level}{}", event.text));
        label = "";
    }
}

/// A label and its words, wrapped below one another; a number stays with the word after it.
fn row(text: &mut String, label: &str, words: &str) {
    _ = write!(text, "{label:<LABEL$}");
    let mut column = LABEL;
    let mut begun = false;
    let is_number = |word: &str| word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    for together in words.split(' ').collect::<Vec<_>>().chunk_by(|word, _| is_number(word)) {
        let together = together.join(" ");
        let length = together.chars().count();
        if begun && column + 1 + length > COLUMNS {
            _ = write!(text, "\n{:LABEL$}", "");
            (column, begun) = (LABEL, false);
        }
        if begun {
            text.push(' ');
            column += 1;
        }
        text.push_str(&together);
        column += length;
        begun = true;
    }
    text.push('\n');
}
