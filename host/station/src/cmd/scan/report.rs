//! A scan as text, JSON, picture and table.

use std::fmt::Write;

use helio_tune::fit::{Extremum, Point};
use helio_tune::scan::{self, Verdict};
use serde_json::{Value, json};

use super::entry::Left;
use super::measure::Measure;
use super::{Found, words};
use crate::cmd::trace::{Answer, Table};
use crate::plot::{Axis, Figure, Layer, Panel, Range};
use crate::term::{trimmed, with_error};

pub(super) struct Report {
    /// What was stepped, and the unit of its values.
    pub setting: String,
    pub unit: &'static str,
    pub measure: Measure,
    pub goal: Extremum,
    pub points: Vec<Point>,
    pub found: Found,
    pub simulated: bool,
    /// Of an entry of a device: how it was left.
    pub left: Option<Left>,
}

impl Report {
    /// The best value, if it may be trusted.
    pub fn good(&self) -> Option<f64> {
        match &self.found {
            Found::Best(Ok(best)) if best.verdict == Verdict::Good => Some(best.fit.extremum.value),
            Found::Target(_, Ok(at)) => Some(at.value),
            _ => None,
        }
    }

    fn verdict(&self) -> (&'static str, String) {
        let (unit, setting) = (self.unit, &self.setting);
        match &self.found {
            Found::Target(target, Ok(at)) => {
                let at = with_error(at.value, at.error);
                ("good", format!("{} is {target} at {setting} {at} {unit}", self.measure))
            }
            Found::Target(_, Err(why)) | Found::Best(Err(why)) => {
                let best = scan::best_point(self.goal, &self.points);
                let best = best.map_or(String::new(), |p| {
                    format!("; the best of the points is {} {unit}", trimmed(p.x, 6))
                });
                ("no-fit", format!("no curve: {why}{best}"))
            }
            Found::Best(Ok(best)) => {
                let at = with_error(best.fit.extremum.value, best.fit.extremum.error);
                let fit = format!(
                    "{} of a {} fit, χ²/ν {} of {}",
                    words(self.goal),
                    best.fit.curve.name(),
                    trimmed(best.fit.chi2_per_freedom, 3),
                    best.fit.freedom
                );
                match best.verdict {
                    Verdict::Good => ("good", format!("best: {setting} {at} {unit} ({fit})")),
                    Verdict::PoorFit => (
                        "poor-fit",
                        format!(
                            "best: about {setting} {at} {unit} ({fit}); the curve misses the points by more \
                             than chance: scan closer around it, or choose another --fit"
                        ),
                    ),
                    Verdict::Outside => {
                        ("outside", format!("the {fit} lies outside, near {at} {unit}: scan there"))
                    }
                    Verdict::Opposite => (
                        "opposite",
                        format!(
                            "the curve has no {} among the points; the best value lies beyond an end",
                            words(self.goal)
                        ),
                    ),
                }
            }
        }
    }

    fn curve(&self) -> Vec<(f64, f64)> {
        let Found::Best(Ok(best)) = &self.found else { return Vec::new() };
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else {
            return Vec::new();
        };
        scan::steps(first.x, last.x, 201).into_iter().map(|x| (x, best.fit.at(x))).collect()
    }
}

impl Answer for Report {
    fn text(&self) -> String {
        let unit = self.unit;
        let simulated = if self.simulated { ", SIMULATED" } else { "" };
        let mut text = format!("scan of {}{simulated}: {}\n\n", self.setting, self.measure);
        for point in &self.points {
            let y = match point.y.error < 1e-4 {
                true => format!("{:.3e} ± {:.0e}", point.y.value, point.y.error),
                false => with_error(point.y.value, point.y.error),
            };
            _ = writeln!(text, "{:>12} {unit:<4} {y} {}", trimmed(point.x, 6), self.measure.unit());
        }
        _ = writeln!(text, "\n{}", self.verdict().1);
        if let Some(left) = &self.left {
            _ = writeln!(text, "{}", left.words());
        }
        text
    }

    fn json(&self) -> Value {
        let (verdict, words_) = self.verdict();
        let best = match &self.found {
            Found::Best(Ok(best)) => Some(best.fit.extremum),
            Found::Target(_, Ok(at)) => Some(*at),
            _ => None,
        };
        let fit = match &self.found {
            Found::Best(Ok(best)) => Some(json!({
                "curve": best.fit.curve.name(),
                "parameters": &best.fit.parameters[..best.fit.curve.parameters()],
                "chi2_per_freedom": best.fit.chi2_per_freedom,
                "freedom": best.fit.freedom,
            })),
            _ => None,
        };
        let points =
            self.points.iter().map(|p| json!({ "x": p.x, "y": p.y.value, "error": p.y.error }));
        json!({
            "setting": self.setting,
            "unit": self.unit,
            "measure": self.measure.to_string(),
            "goal": words(self.goal),
            "simulated": self.simulated,
            "points": points.collect::<Vec<_>>(),
            "verdict": verdict,
            "words": words_,
            "best": best.map(|b| json!({ "value": b.value, "error": b.error })),
            "fit": fit,
            "device": self.left.as_ref().map(Left::to_json),
        })
    }

    fn figure(&self) -> Figure {
        let marks = self.points.iter().map(|p| (p.x, p.y.value, p.y.error)).collect();
        let mut layers = vec![Layer::marks("measured", marks)];
        if let Found::Best(Ok(best)) = &self.found {
            layers.push(Layer::line(format!("{} fit", best.fit.curve.name()), self.curve()));
            let by = |a: &f64, b: &f64| a.total_cmp(b);
            let ys = || self.points.iter().map(|p| p.y.value);
            if let (Some(low), Some(high)) = (ys().min_by(by), ys().max_by(by))
                && matches!(best.verdict, Verdict::Good | Verdict::PoorFit)
            {
                let at = best.fit.extremum.value;
                layers.push(Layer::line("best", vec![(at, low), (at, high)]));
            }
        }
        let title = match &self.found {
            Found::Best(Ok(best)) if matches!(best.verdict, Verdict::Good | Verdict::PoorFit) => {
                let at = with_error(best.fit.extremum.value, best.fit.extremum.error);
                format!("{}, best {at} {}", self.setting, self.unit)
            }
            _ => format!("{}: {}", self.setting, self.verdict().0),
        };
        Figure::new(vec![Panel {
            title,
            x: Axis { label: self.setting.clone(), unit: self.unit, range: Range::Data },
            y: Axis {
                label: self.measure.to_string(),
                unit: self.measure.unit(),
                range: Range::Data,
            },
            layers,
        }])
    }

    fn table(&self) -> Table {
        Table::default()
            .with("x", self.points.iter().map(|p| p.x))
            .with("y", self.points.iter().map(|p| p.y.value))
            .with("error", self.points.iter().map(|p| p.y.error))
    }
}
