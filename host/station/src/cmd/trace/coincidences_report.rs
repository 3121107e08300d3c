//! Coincidences as text, as JSON, as a figure and as a table.

use std::fmt::Write;
use std::path::Path;

use helio_timetag::analysis::{Coincidences, Combination};
use helio_units::TickLength;
use serde_json::{Value, json};

use super::output::{Answer, Table};
use super::source::{exact_ps, file_name, seconds, tick_json};
use crate::plot::{Axis, Figure, Layer, Panel, Range};
use crate::term::{grouped, si, with_error};

/// Coincidences of a trace, to be told.
pub(super) struct Report<'a> {
    pub(super) path: &'a Path,
    pub(super) coincidences: &'a Coincidences,
    pub(super) tick: TickLength,
}

/// The channels with a sign between them.
fn joined(channels: &[u8], sign: &str) -> String {
    let names: Vec<String> = channels.iter().map(u8::to_string).collect();
    names.join(sign)
}

impl Report<'_> {
    fn duration_s(&self) -> f64 {
        seconds(self.tick, self.coincidences.duration())
    }

    fn title(&self) -> String {
        let settings = self.coincidences.settings();
        let window = si(seconds(self.tick, settings.window), "s", 4);
        format!("coincidences within {window} of channels {}", joined(&settings.channels, ", "))
    }

    /// Each channel and its detections.
    fn singles(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        let channels = &self.coincidences.settings().channels;
        channels.iter().copied().zip(self.coincidences.singles().iter().copied())
    }
}

impl Answer for Report<'_> {
    fn text(&self) -> String {
        const BAR: f64 = 20.0;
        let duration = self.duration_s();
        let mut text = format!("{}\n", self.title());
        _ = writeln!(text, "  measured   {}", si(duration, "s", 6));
        for (channel, count) in self.singles() {
            let rate = si(count as f64 / duration, "counts/s", 4);
            _ = writeln!(text, "  channel {channel:<3}{} photons, {rate}", grouped(count));
        }
        let combinations = self.coincidences.combinations();
        let names = combinations.iter().map(|c| joined(&c.channels, ",").len());
        let wide = names.max().unwrap_or(0).max("channels".len());
        let most = combinations.iter().map(|c| c.count).max().unwrap_or(0);
        let height = |count: u64| (count as f64 + 1.0).ln();
        _ = writeln!(
            text,
            "\n  {:<wide$} {:>14} {:>22} {:>20}",
            "channels", "coincidences", "accidentals", "CAR"
        );
        for combination in &combinations {
            let accidental = with_error(combination.accidental, combination.accidental_error);
            let car = combination.car().map_or("–".into(), |(car, error)| with_error(car, error));
            let bar = BAR * height(combination.count) / height(most).max(1e-9);
            let line = format!(
                "  {:<wide$} {:>14} {accidental:>22} {car:>20} {}",
                joined(&combination.channels, ","),
                grouped(combination.count),
                "▇".repeat(bar as usize)
            );
            _ = writeln!(text, "{}", line.trim_end());
        }
        _ = writeln!(text, "\n  heralding efficiency");
        for found in self.coincidences.heralding() {
            let percent = with_error(100.0 * found.efficiency, 100.0 * found.error);
            _ = writeln!(text, "  {} given {}: {percent} %", found.partner, found.herald);
        }
        text
    }

    fn json(&self) -> Value {
        let (settings, duration) = (self.coincidences.settings(), self.duration_s());
        let rate = |count: u64| (duration > 0.0).then(|| count as f64 / duration);
        let combination = |found: &Combination| {
            let car = found.car();
            json!({
                "channels": found.channels,
                "count": found.count,
                "error": found.error,
                "rate_hz": rate(found.count),
                "accidental": found.accidental,
                "accidental_error": found.accidental_error,
                "car": car.map(|car| car.0),
                "car_error": car.map(|car| car.1),
            })
        };
        let single = |(channel, count)| json!({ "channel": channel, "count": count, "rate_hz": rate(count) });
        let heralding = self.coincidences.heralding().into_iter().map(|found| {
            json!({
                "herald": found.herald,
                "partner": found.partner,
                "efficiency": found.efficiency,
                "error": found.error,
            })
        });
        json!({
            "file": file_name(self.path),
            "tick": tick_json(self.tick),
            "duration_ps": exact_ps(self.tick, self.coincidences.duration()),
            "window_ticks": settings.window.0,
            "window_ps": exact_ps(self.tick, settings.window),
            "channels": self.singles().map(single).collect::<Vec<_>>(),
            "combinations":
                self.coincidences.combinations().iter().map(combination).collect::<Vec<_>>(),
            "heralding": heralding.collect::<Vec<_>>(),
        })
    }

    fn figure(&self) -> Figure {
        const NAMED: usize = 11;
        let combinations = self.coincidences.combinations();
        let names =
            combinations.iter().zip(1..).map(|(c, n)| format!("{n}: {}", joined(&c.channels, ",")));
        let label = match combinations.len() <= NAMED {
            true => names.collect::<Vec<_>>().join("; "),
            false => "combination, in the order of the table".into(),
        };
        let points = |of: &dyn Fn(&Combination) -> (f64, f64)| {
            let point = |(n, c): (f64, &Combination)| (n, of(c).0, of(c).1);
            (1..).map(f64::from).zip(&combinations).map(point).collect::<Vec<_>>()
        };
        let logarithmic = combinations.iter().any(|c| c.count > 0 && c.accidental > 0.0);
        // A logarithmic axis has no place for nothing: its error alone, up from the axis.
        let shown = |points: Vec<(f64, f64, f64)>| {
            let (some, none): (Vec<_>, Vec<_>) =
                points.into_iter().partition(|(_, y, _)| !logarithmic || *y > 0.0);
            let bars = none
                .into_iter()
                .flat_map(|(x, _, error)| [(x, 0.0), (x, error), (f64::NAN, f64::NAN)]);
            (some, bars.collect::<Vec<_>>())
        };
        let (counted, none) = shown(points(&|c| (c.count as f64, c.error)));
        let (accidental, _) = shown(points(&|c| (c.accidental, c.accidental_error)));
        let mut layers =
            vec![Layer::marks("counted", counted), Layer::marks("accidentals", accidental)];
        if !none.is_empty() {
            layers.push(Layer::line("none counted: the error", none));
        }
        Figure::new(vec![Panel {
            title: format!("{}: {}", file_name(self.path), self.title()),
            x: Axis { label, unit: "", range: Range::Fixed(0.5, combinations.len() as f64 + 0.5) },
            y: Axis {
                label: "coincidences".into(),
                unit: "",
                range: if logarithmic { Range::Log } else { Range::FromZero },
            },
            layers,
        }])
    }

    fn table(&self) -> Table {
        let combinations = self.coincidences.combinations();
        let each = || combinations.iter();
        Table::default()
            .with("channels", each().map(|c| joined(&c.channels, "+")))
            .with("count", each().map(|c| c.count))
            .with("error", each().map(|c| c.error))
            .with("accidental", each().map(|c| c.accidental))
            .with("accidental_error", each().map(|c| c.accidental_error))
            .with_known("car", each().map(|c| Some(c.car()?.0)))
            .with_known("car_error", each().map(|c| Some(c.car()?.1)))
    }
}
