//! What stands in each panel.

use helio_distill::ErrorRate;
use ratatui::text::{Line, Span};

use super::super::super::{LastBlock, Level, Status};
use super::super::words;
use super::Ink;
use super::charts::{gauge, histogram, spark};
use crate::term::{grouped, si};

/// Columns before a row of bars.
const BEFORE_SPARK: usize = 33;
/// Columns of a detector's name, a space behind it.
const NAME: usize = 8;
/// Columns of a gauge.
const GAUGE: usize = 8;

/// A row of figures and a bar for each of the last blocks, the newest at the right.
fn with_spark<'a>(
    status: &Status,
    (label, figures): (&str, String),
    width: usize,
    ink: Ink,
    value: impl Fn(&LastBlock) -> Option<f64>,
) -> Line<'a> {
    let values: Vec<Option<f64>> = status.last_blocks.iter().rev().map(value).collect();
    let bars = spark(&values, width.saturating_sub(BEFORE_SPARK));
    let label = format!("{label:<5}");
    let columns = BEFORE_SPARK.saturating_sub(label.chars().count());
    Line::from(vec![
        Span::styled(label, ink.dim()),
        Span::raw(format!("{figures:<columns$}")),
        Span::raw(bars),
    ])
}

/// Error rates by basis and by detector.
pub fn errors<'a>(status: &Status, width: usize, ink: Ink) -> Vec<Line<'a>> {
    let Some(newest) = status.last_blocks.first() else {
        return vec![Line::from("no block has ended yet")];
    };
    let rate = |qber: &Option<ErrorRate>| qber.as_ref().and_then(|q| q.rate);
    let test = ("test", words::qber(newest.test_qber.as_ref()));
    let mut lines = vec![with_spark(status, test, width, ink, |b| rate(&b.test_qber))];
    if status.last_blocks.iter().any(|b| b.key_qber.is_some()) {
        let key = ("key", words::qber(newest.key_qber.as_ref()));
        lines.push(with_spark(status, key, width, ink, |b| rate(&b.key_qber)));
    }
    for detector in &newest.detectors {
        let (test, key) =
            (words::percent(detector.test.as_ref()), words::percent(detector.key.as_ref()));
        let figures = format!("test {test}, key {key}");
        let name: String = detector.detector.chars().take(NAME).collect();
        let label = format!("{name:<NAME$} ");
        let row = (label.as_str(), figures);
        lines.push(with_spark(status, row, width, ink, |block| {
            let same = block.detectors.iter().find(|d| d.detector == detector.detector)?;
            rate(&same.test).or(rate(&same.key))
        }));
    }
    if let Some(why) = &newest.no_key {
        lines.insert(0, Line::styled(format!("block {}, no key: {why}", newest.block), ink.warn()));
    }
    lines
}

/// The title of the arrivals.
pub fn arrivals_title(status: &Status) -> String {
    let width = status.window.as_ref().map(|w| si(w.width_ps as f64 * 1e-12, "s", 4));
    width.map_or("arrivals".to_owned(), |width| format!("arrivals, window {width}"))
}

/// The histogram of arrival phases with the window below it.
pub fn arrivals<'a>(status: &Status, width: usize, height: usize, ink: Ink) -> Vec<Line<'a>> {
    let Some(window) = &status.window else {
        return vec![Line::styled("no detectors at work here", ink.dim())];
    };
    let rows = height.saturating_sub(2);
    let chart = histogram(&window.histogram, window.edges(), width, rows);
    let offset = |d: &super::super::super::DetectorOffset| {
        format!("{} {}", d.detector, words::offset(d.mean_offset_ps))
    };
    let offsets: Vec<String> = window.detectors.iter().map(offset).collect();
    let mut lines: Vec<Line<'_>> = chart.into_iter().map(Line::from).collect();
    lines.push(Line::from(offsets.join(", ")));
    lines
}

/// What comes in, what comes out, what is kept, what was lost.
pub fn rates<'a>(status: &Status, width: usize, ink: Ink) -> Vec<Line<'a>> {
    let (rates, keys) = (&status.rates, &status.keys);
    let mut lines = vec![
        with_spark(status, ("key", words::bit_rate(rates.key_bits_per_s)), width, ink, |b| {
            Some(b.key_bits as f64)
        }),
        with_spark(status, ("sift", words::bit_rate(rates.sifted_bits_per_s)), width, ink, |b| {
            b.sifted_bits.map(|bits| bits as f64)
        }),
    ];
    let mut say = |label: &str, text: String, style| {
        lines.push(Line::from(vec![
            Span::styled(format!("{label:<5}"), ink.dim()),
            Span::styled(text, style),
        ]));
    };
    let plain = ratatui::style::Style::new();
    if !rates.detectors.is_empty() {
        let click = |d: &super::super::super::DetectorRate| {
            format!("{} {}", d.detector, words::rate(d.clicks_per_s))
        };
        let clicks: Vec<String> = rates.detectors.iter().map(click).collect();
        say("click", format!(" {}", clicks.join(", ")), plain);
        let outside = words::rate(rates.outside_window_per_s);
        let held_off = words::rate(rates.held_off_per_s);
        say("", format!("outside window {outside}, held off {held_off}"), plain);
    }
    say("run", format!("{} bits", grouped(rates.run_key_bits)), plain);
    let (usable, bits) = (grouped(keys.usable), grouped(keys.usable_bits));
    let pending =
        if keys.pending > 0 { format!(", {} pending", keys.pending) } else { String::new() };
    say("keys", format!("{usable} usable, {bits} bits{pending}"), plain);
    let nothing = status.lost == Default::default();
    say("lost", words::lost(&status.lost), if nothing { plain } else { ink.warn() });
    lines
}

/// Pads, ε and queues as gauges.
pub fn stores<'a>(status: &Status, width: usize, ink: Ink) -> Vec<Line<'a>> {
    let (pads, epsilon) = (&status.pads, &status.epsilon);
    let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
    // Wide terminals give the gauges more room.
    let columns = GAUGE + width.saturating_sub(35).min(16) / 2;
    let row = |label: &str, share: f64, text: String, style| {
        Line::from(vec![
            Span::styled(format!("{:<12}", label.chars().take(11).collect::<String>()), ink.dim()),
            Span::styled(gauge(share, columns), style),
            Span::raw(format!(" {text}")),
        ])
    };
    let scarce = |share: f64| if share < 0.1 { ink.warn() } else { ink.good() };
    let mut lines = Vec::new();
    if pads.void {
        lines.push(Line::styled("pads are void", ink.bad()));
    } else {
        let left = share(pads.block_left, pads.block_size);
        let last = words::pads_last_s(status)
            .map_or(String::new(), |last| format!(", {}", words::short_span(last)));
        let text = format!("{}{last}", grouped(pads.block_left));
        lines.push(row("pads", left, text, scarce(left)));
        let left = share(pads.recovery_left, pads.recovery_size);
        lines.push(row("recovery", left, grouped(pads.recovery_left), scarce(left)));
    }
    let spent = epsilon.spent / epsilon.limit;
    let style = if spent > 0.9 { ink.warn() } else { ink.good() };
    lines.push(row("ε spent", spent, words::small(epsilon.spent), style));
    for queue in &status.queues {
        let full = share(queue.depth, queue.capacity);
        let text = format!("{} of {}", grouped(queue.depth), grouped(queue.capacity));
        let style = if full > 0.8 { ink.warn() } else { ratatui::style::Style::new() };
        lines.push(row(&queue.name.replace("the ", ""), full, text, style));
    }
    // Below the queues, where the terminal has rows left.
    let fast = status.stages.iter().filter_map(|s| Some((s, s.mbit_per_s?)));
    lines.extend(fast.map(|(stage, rate)| {
        let waits =
            if stage.queue > 0 { format!(", {} before it", stage.queue) } else { String::new() };
        Line::from(vec![
            Span::styled(format!("{:<12}", stage.stage), ink.dim()),
            Span::raw(format!(
                "{}, waited {:.1} s{waits}",
                words::bit_rate(rate * 1e6),
                stage.wait_s
            )),
        ])
    }));
    lines
}

/// Device and line.
pub fn bench<'a>(status: &Status, ink: Ink) -> Vec<Line<'a>> {
    let row = |label: &str, text: String, good: bool| {
        let style = if good { ratatui::style::Style::new() } else { ink.warn() };
        Line::from(vec![Span::styled(format!("{label:<7}"), ink.dim()), Span::styled(text, style)])
    };
    let mut lines = Vec::new();
    if let Some(device) = &status.device {
        let good = device.connected && device.locked != Some(false);
        lines.push(row("device", words::device(device), good));
    }
    if let Some(line) = &status.line {
        let now = status.station.now_unix_s;
        lines.push(row("line", words::line(line, now), line.connected));
    }
    lines
}

/// What happened, newest first, as many as fit.
pub fn events<'a>(status: &Status, height: usize, ink: Ink) -> Vec<Line<'a>> {
    let now = status.station.now_unix_s;
    let newest = status.events.iter().rev().take(height);
    let lines = newest.map(|event| {
        let text = match event.level {
            Level::Info => event.text.clone(),
            level => format!("{}: {}", level.word(), event.text),
        };
        Line::from(vec![
            Span::styled(format!("{:>15}  ", words::ago(event.unix_s, now)), ink.dim()),
            Span::styled(text, ink.level(event.level)),
        ])
    });
    lines.collect()
}
