//! `helio trace g2 --log`: the correlation over decades of delay.

use std::fmt::Write;
use std::path::Path;

use helio_timetag::analysis::{LogBin, LogCorrelation, LogCorrelationSettings};
use helio_trace::PhotonTime;
use helio_units::{TickLength, Ticks};
use serde_json::{Value, json};

use super::output::{Answer, Table};
use super::show::{chart, time};
use super::source::{Source, exact_ps, file_name, seconds, tick_json};
use crate::exit::Failure;
use crate::plot::{Axis, Figure, Layer, Panel, Range};
use crate::term::{grouped, si, trimmed};

/// Eight bins an octave: bins of 9 to 12 % of the delay.
const BITS: u32 = 3;
/// Pairs that unrelated light puts into the bin of the shortest delays.
const DEFAULT_PAIRS: f64 = 10.0;

/// What the delays are to be, in ticks where they are asked for.
pub(super) struct Wanted {
    pub(super) channels: [u8; 2],
    /// The product of both channels' counts.
    pub(super) product: f64,
    pub(super) duration: Ticks,
    pub(super) shortest: Option<Ticks>,
    pub(super) longest: Option<Ticks>,
}

/// Counts the pairs.
pub(super) fn correlate(
    source: &Source,
    wanted: &Wanted,
    tick: TickLength,
) -> Result<LogCorrelation, Failure> {
    let duration = wanted.duration.0;
    let longest = wanted.longest.unwrap_or(Ticks((duration / 10).max(2)));
    // The first bin beyond the shortest delay is an eighth of it.
    let filled = DEFAULT_PAIRS * 2f64.powi(BITS as i32) * duration as f64 / wanted.product;
    let default = Ticks((filled as u64).clamp(1, (longest.0 / 2).max(1)));
    let shortest = wanted.shortest.unwrap_or(default);
    if shortest >= longest {
        return Err(Failure::usage(format!(
            "--bin is the shortest delay and has to be below the longest, {}; choose a shorter one",
            si(seconds(tick, longest), "s", 3)
        )));
    }
    let [a, b] = wanted.channels;
    let settings = LogCorrelationSettings { a, b, shortest, longest, bits: BITS };
    let mut correlation = LogCorrelation::new(settings).map_err(Failure::usage)?;
    source.open(PhotonTime::Picoseconds)?.scan(|_, chunk| {
        chunk.photons.iter().try_for_each(|tag| correlation.push(tag.tick, tag.channel))
    })?;
    Ok(correlation)
}

/// g² over decades, to be told.
pub(super) struct Report<'a> {
    pub(super) path: &'a Path,
    pub(super) correlation: &'a LogCorrelation,
    pub(super) tick: TickLength,
}

impl Report<'_> {
    fn channels(&self) -> String {
        let LogCorrelationSettings { a, b, .. } = self.correlation.settings();
        match a == b {
            true => format!("channel {a} with itself"),
            false => format!("channels {a} and later {b}"),
        }
    }

    fn delay_s(&self, bin: &LogBin) -> f64 {
        bin.delay() * self.tick.as_ps_f64() * 1e-12
    }
}

impl Answer for Report<'_> {
    fn text(&self) -> String {
        let bins = self.correlation.bins();
        let (n_a, n_b) = self.correlation.counts();
        let LogCorrelationSettings { a, b, .. } = self.correlation.settings();
        let mut text = format!("g²(τ) of {}, logarithmic\n", self.channels());
        let photons = match a == b {
            true => grouped(n_a),
            false => format!("{} and {}", grouped(n_a), grouped(n_b)),
        };
        let duration = si(seconds(self.tick, self.correlation.duration()), "s", 6);
        _ = writeln!(text, "  photons   {photons} in {duration}");
        let end = |ticks: u64| time(seconds(self.tick, Ticks(ticks)));
        let (Some(first), Some(last)) = (bins.get(1), bins.last()) else { return text };
        let (from, to) = (end(first.from), end(last.to));
        _ = writeln!(text, "  bins      {}, 8 an octave, from {from} to {to}", bins.len());
        if self.correlation.ends_early().is_some() {
            _ = writeln!(text, "            longer delays given up: too many photons within them");
        }
        let extreme = |pick: fn(f64, f64) -> bool| {
            bins.iter()
                .filter_map(|bin| Some((bin, bin.g2?, bin.error?)))
                .reduce(|best, next| if pick(next.1, best.1) { next } else { best })
        };
        for (name, found) in [("highest", extreme(|a, b| a > b)), ("lowest", extreme(|a, b| a < b))]
        {
            if let Some((bin, g2, error)) = found {
                let number = crate::term::with_error(g2, error);
                let pairs = grouped(bin.pairs);
                let at = time(self.delay_s(bin));
                _ = writeln!(text, "  {name:<9} {number} at {at} ({pairs} pairs)");
            }
        }
        text.push('\n');
        let values: Vec<f64> = bins[1..].iter().map(|bin| bin.g2.unwrap_or(0.0)).collect();
        let top = trimmed(super::show::columns(&values).into_iter().fold(0.0, f64::max), 3);
        chart(&mut text, &values, 10, &top, [&from, &to]);
        text
    }

    fn json(&self) -> Value {
        let bins = self.correlation.bins();
        let (n_a, n_b) = self.correlation.counts();
        let settings = self.correlation.settings();
        let column = |of: &dyn Fn(&LogBin) -> Value| bins.iter().map(of).collect::<Vec<_>>();
        json!({
            "file": file_name(self.path),
            "tick": tick_json(self.tick),
            "channel_a": settings.a,
            "channel_b": settings.b,
            "count_a": n_a,
            "count_b": n_b,
            "duration_ps": exact_ps(self.tick, self.correlation.duration()),
            "given_up_beyond_ticks": self.correlation.ends_early().map(|t| t.0),
            "from_ticks": column(&|b| json!(b.from)),
            "to_ticks": column(&|b| json!(b.to)),
            "delay_ps": column(&|b| json!(self.delay_s(b) * 1e12)),
            "pairs": column(&|b| json!(b.pairs)),
            "expected": column(&|b| json!(b.expected)),
            "g2": column(&|b| json!(b.g2)),
            "error": column(&|b| json!(b.error)),
        })
    }

    fn figure(&self) -> Figure {
        let bins = self.correlation.bins();
        // The bin of all shorter delays has no place on a logarithmic axis.
        let known = || {
            let shown = bins.iter().skip(1);
            shown.filter_map(|bin| Some((self.delay_s(bin), bin.g2?, bin.error?)))
        };
        Figure::new(vec![Panel {
            title: format!("{}: {}", file_name(self.path), self.channels()),
            x: Axis { label: "delay τ".into(), unit: "s", range: Range::Log },
            y: Axis { label: "g⁽²⁾(τ)".into(), unit: "", range: Range::FromZero },
            layers: vec![
                Layer::band(known().map(|(x, y, e)| (x, (y - e).max(0.0), y + e)).collect()),
                Layer::line("", known().map(|(x, y, _)| (x, y)).collect()),
                Layer::level("", 1.0),
            ],
        }])
    }

    fn table(&self) -> Table {
        let bins = self.correlation.bins();
        let ps = |ticks: u64| ticks as f64 * self.tick.as_ps_f64();
        Table::default()
            .with("from_ps", bins.iter().map(|bin| ps(bin.from)))
            .with("to_ps", bins.iter().map(|bin| ps(bin.to + 1)))
            .with("pairs", bins.iter().map(|bin| bin.pairs))
            .with("expected", bins.iter().map(|bin| bin.expected))
            .with_known("g2", bins.iter().map(|bin| bin.g2))
            .with_known("error", bins.iter().map(|bin| bin.error))
    }
}
