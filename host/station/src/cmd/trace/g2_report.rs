//! g²(τ) as text, as JSON and as a figure.

use std::fmt::Write;
use std::path::Path;

use helio_timetag::analysis::{Bin, Correlation};
use helio_units::TickLength;
use serde_json::{Value, json};

use super::output::{Answer, Table};
use super::source::{exact_ps, file_name, seconds, tick_json};
use crate::plot::{Axis, Figure, Layer, Panel, Range};
use crate::term::{CHART_COLUMNS, bars, grouped, si, trimmed, with_error};

/// A delay in seconds.
fn delay_s(bin: &Bin, tick: TickLength) -> f64 {
    bin.delay as f64 * tick.as_ps_f64() * 1e-12
}

fn channels_text(correlation: &Correlation) -> String {
    let settings = correlation.settings();
    match settings.a == settings.b {
        true => format!("channel {} with itself", settings.a),
        false => format!("channels {} and {}", settings.a, settings.b),
    }
}

/// g² of a trace, to be told.
pub(super) struct Report<'a> {
    pub(super) path: &'a Path,
    pub(super) correlation: &'a Correlation,
    pub(super) tick: TickLength,
}

impl Answer for Report<'_> {
    fn text(&self) -> String {
        text(self.correlation, self.tick)
    }

    fn json(&self) -> Value {
        to_json(self.path, self.correlation, self.tick)
    }

    fn figure(&self) -> Figure {
        figure(self.path, self.correlation, self.tick)
    }

    fn table(&self) -> Table {
        let (bins, tick) = (self.correlation.bins(), self.tick);
        Table::default()
            .with("delay_ps", bins.iter().map(|bin| delay_s(bin, tick) * 1e12))
            .with("pairs", bins.iter().map(|bin| bin.pairs))
            .with("expected", bins.iter().map(|bin| bin.expected))
            .with_known("g2", bins.iter().map(|bin| bin.g2))
            .with_known("error", bins.iter().map(|bin| bin.error))
    }
}

fn to_json(path: &Path, correlation: &Correlation, tick: TickLength) -> Value {
    let (settings, bins) = (correlation.settings(), correlation.bins());
    let (n_a, n_b) = correlation.counts();
    let zero = &bins[bins.len() / 2];
    let column = |of: &dyn Fn(&Bin) -> Value| bins.iter().map(of).collect::<Vec<_>>();
    json!({
        "file": file_name(path),
        "tick": tick_json(tick),
        "channel_a": settings.a,
        "channel_b": settings.b,
        "count_a": n_a,
        "count_b": n_b,
        "duration_ps": exact_ps(tick, correlation.duration()),
        "bin_ticks": settings.bin.0,
        "bin_ps": exact_ps(tick, settings.bin),
        "g2_zero": zero.g2,
        "g2_zero_error": zero.error,
        "delay_ticks": column(&|b| json!(b.delay)),
        "delay_ps": column(&|b| json!(delay_s(b, tick) * 1e12)),
        "pairs": column(&|b| json!(b.pairs)),
        "expected": column(&|b| json!(b.expected)),
        "g2": column(&|b| json!(b.g2)),
        "error": column(&|b| json!(b.error)),
    })
}

fn text(correlation: &Correlation, tick: TickLength) -> String {
    const ROWS: usize = 10;
    let (settings, bins) = (correlation.settings(), correlation.bins());
    let (n_a, n_b) = correlation.counts();
    let duration = seconds(tick, correlation.duration());
    let reach = bins.last().map_or(0.0, |bin| delay_s(bin, tick));
    let zero = &bins[bins.len() / 2];

    let mut text = format!("g²(τ) of {}\n", channels_text(correlation));
    let photons = match settings.a == settings.b {
        true => grouped(n_a),
        false => format!("{} and {}", grouped(n_a), grouped(n_b)),
    };
    _ = writeln!(text, "  photons   {photons} in {}", si(duration, "s", 6));
    _ = writeln!(
        text,
        "  bins      {} of {}, to ±{}; unrelated light: {} pairs each",
        bins.len(),
        si(seconds(tick, settings.bin), "s", 4),
        si(reach, "s", 4),
        trimmed(zero.expected, 3)
    );
    if let (Some(g2), Some(error)) = (zero.g2, zero.error) {
        _ = writeln!(text, "  g²(0)     {} ({} pairs)", with_error(g2, error), grouped(zero.pairs));
    }
    let columns = merge_symmetric(&bins);
    let top = columns.iter().copied().fold(1.0, f64::max) * 1.05;
    _ = writeln!(text);
    let one = ((1.0 - 1.0 / top) * ROWS as f64) as usize;
    for (row, line) in bars(&columns, top, ROWS).into_iter().enumerate() {
        let label = match row {
            _ if row == ROWS - 1 => "0".into(),
            _ if row == one => "1".into(),
            0 => trimmed(top, 3),
            _ => String::new(),
        };
        _ = writeln!(text, "{label:>7} ▏{line}");
    }
    let (end, half) = (si(reach, "s", 3), columns.len() / 2);
    let right = columns.len() - half - 1;
    _ = writeln!(text, "{:>8} {:<half$}0{end:>right$}", "", format!("-{end}"));
    text
}

/// g² of neighbouring bins taken together so that the chart fits, the bin around zero in the middle
/// of the middle group. Outer bins that fill no group are left out; few groups
/// are drawn wide, so that the chart always has room for its scale.
fn merge_symmetric(bins: &[Bin]) -> Vec<f64> {
    let group = bins.len().div_ceil(CHART_COLUMNS) | 1;
    let side = (bins.len() / 2).saturating_sub(group / 2) / group;
    let begin = bins.len() / 2 - group / 2 - side * group;
    let wide = ((CHART_COLUMNS / (2 * side + 1)).max(2) - 1) | 1;
    bins[begin..begin + (2 * side + 1) * group]
        .chunks(group)
        .map(|group| {
            let expected: f64 = group.iter().map(|b| b.expected).sum();
            let pairs: f64 = group.iter().map(|b| b.pairs as f64).sum();
            if expected > 0.0 { pairs / expected } else { 0.0 }
        })
        .flat_map(|g2| std::iter::repeat_n(g2, wide))
        .collect()
}

fn figure(path: &Path, correlation: &Correlation, tick: TickLength) -> Figure {
    let bins = correlation.bins();
    let known = || bins.iter().filter_map(|bin| Some((delay_s(bin, tick), bin.g2?, bin.error?)));
    let bin = si(seconds(tick, correlation.settings().bin), "s", 4);
    let title = format!("{}: {}, bins of {bin}", file_name(path), channels_text(correlation));
    Figure::new(vec![Panel {
        title,
        x: Axis { label: "delay τ".into(), unit: "s", range: Range::Data },
        y: Axis { label: "g⁽²⁾(τ)".into(), unit: "", range: Range::FromZero },
        layers: vec![
            Layer::band(known().map(|(x, y, e)| (x, (y - e).max(0.0), y + e)).collect()),
            Layer::line("", known().map(|(x, y, _)| (x, y)).collect()),
            Layer::level("", 1.0),
        ],
    }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(side: i64) -> Vec<Bin> {
        let bin = |delay: i64| {
            let pairs = if delay == 0 { 300 } else { 100 };
            Bin { delay, pairs, expected: 100.0, g2: None, error: None }
        };
        (-side..=side).map(bin).collect()
    }

    #[test]
    fn the_chart_keeps_zero_delay_in_its_middle() {
        for side in [1, 5, 33, 34, 100, 101, 499] {
            let columns = merge_symmetric(&bins(side));
            assert!(columns.len() % 2 == 1 && columns.len() <= CHART_COLUMNS, "{side}");
            let (middle, ends) = (columns[columns.len() / 2], columns[0]);
            assert!(middle > 1.0 && ends == 1.0, "{side}: {columns:?}");
        }
    }
}
