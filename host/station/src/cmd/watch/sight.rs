//! What is shown at a refresh, and its words and JSON.

use std::fmt::Write;

use helio_bench::{Basis, Polarization};
use helio_tune::{Arrival, Arrivals, BasisFigures, ChannelRate, ClickMatrix, Measured, News};
use serde_json::{Value, json};

use crate::term::{si, trimmed};

/// What was seen at a refresh.
pub(super) struct Sight {
    /// Where from.
    pub source: String,
    /// Whether the light is simulated.
    pub simulated: bool,
    /// Seconds of the device's or the trace's time.
    pub at_s: f64,
    /// Each channel with its name.
    pub channels: Vec<(String, ChannelRate)>,
    /// Sent and found, where the settings of both devices are known.
    pub matrix: Option<ClickMatrix>,
    /// Best visibility so far, key basis first.
    pub best: [Option<f64>; 2],
    /// Where clicks lie in the slot or period.
    pub arrivals: Option<Arrivals>,
    /// Whether Bob's clock is locked; `None` for a trace.
    pub locked: Option<bool>,
    /// What is worth a word.
    pub note: Option<String>,
}

/// `1.23(4) %`-like: a share in percent with its error.
fn qber_text(share: Option<Measured>) -> String {
    share.map_or("–".into(), |q| format!("{:.2} ± {:.2} %", 100.0 * q.value, 100.0 * q.error))
}

fn state_name(state: Polarization) -> &'static str {
    ["H", "V", "D", "A"][state as usize]
}

fn basis_name(basis: Basis) -> &'static str {
    match basis {
        Basis::Key => "key",
        Basis::Test => "test",
    }
}

/// For programs.
fn basis_json(figures: &BasisFigures) -> Value {
    let number = |m: Option<Measured>| m.map(|m| json!({ "value": m.value, "error": m.error }));
    let states = figures.states.iter().map(|state| {
        json!({
            "state": state_name(state.state),
            "right": state.clicks[0],
            "wrong": state.clicks[1],
            "extinction_db": number(state.extinction_db),
        })
    });
    json!({
        "right": figures.clicks[0],
        "wrong": figures.clicks[1],
        "qber": number(figures.qber),
        "visibility": number(figures.visibility),
        "states": states.collect::<Vec<_>>(),
    })
}

impl Sight {
    /// Both bases, key first.
    pub fn bases(&self) -> Option<[BasisFigures; 2]> {
        self.matrix.map(|matrix| [Basis::Key, Basis::Test].map(|basis| matrix.basis(basis)))
    }

    /// The channels' arrivals.
    pub fn arrivals_of(&self) -> Vec<(&str, Arrival)> {
        let Some(arrivals) = &self.arrivals else { return Vec::new() };
        let found = self.channels.iter();
        found.filter_map(|(name, rate)| Some((name.as_str(), arrivals.of(rate.channel)?))).collect()
    }

    /// The news that are worth a bell.
    pub fn rings(&self) -> bool {
        self.channels.iter().any(|(_, rate)| matches!(rate.news, Some(News::Peak | News::Lost)))
    }

    /// One line.
    pub fn line(&self) -> String {
        let mut line = format!("{:>9.2} s ", self.at_s);
        for (name, rate) in &self.channels {
            let news = rate.news.map_or(String::new(), |news| format!(" {}", news_word(news)));
            _ = write!(line, " {name} {}{news}", si(rate.rate_hz.value, "Hz", 4));
        }
        if let Some([key, test]) = self.bases() {
            _ = write!(line, "  QBER key {} test {}", qber_text(key.qber), qber_text(test.qber));
        }
        for (name, at) in self.arrivals_of() {
            let offset = si(at.offset_ps.value * 1e-12, "s", 3);
            _ = write!(line, "  {name} at {offset}");
        }
        if self.locked == Some(false) {
            line.push_str("  not locked");
        }
        if let Some(note) = &self.note {
            _ = write!(line, "  {note}");
        }
        line
    }

    /// One object.
    pub fn json(&self) -> Value {
        let channels = self.channels.iter().map(|(name, rate)| {
            json!({
                "channel": rate.channel,
                "name": name,
                "rate_hz": rate.rate_hz.value,
                "rate_error_hz": rate.rate_hz.error,
                "peak_hz": rate.peak_hz,
                "counts": rate.total,
                "news": rate.news.map(news_word),
            })
        });
        let bases = self
            .bases()
            .map(|[key, test]| json!({ "key": basis_json(&key), "test": basis_json(&test) }));
        let window = self.arrivals.as_ref().map(|arrivals| {
            let detectors = self.arrivals_of().into_iter().map(|(name, at)| {
                json!({
                    "name": name,
                    "offset_ps": at.offset_ps.value,
                    "offset_error_ps": at.offset_ps.error,
                    "rms_ps": at.rms_ps,
                    "inside": at.inside.value,
                    "clicks": at.clicks,
                    "background": at.background,
                })
            });
            json!({
                "bin_ps": arrivals.bin_ps(),
                "bins": arrivals.window_bins().map(|bins| [bins.start, bins.end]),
                "histogram": arrivals.all(),
                "detectors": detectors.collect::<Vec<_>>(),
            })
        });
        json!({
            "source": self.source,
            "simulated": self.simulated,
            "at_s": self.at_s,
            "channels": channels.collect::<Vec<_>>(),
            "locked": self.locked,
            "matrix": self.matrix.map(|matrix| matrix.clicks),
            "multiple": self.matrix.map(|matrix| matrix.multiple),
            "bases": bases,
            "best_visibility": self.matrix.map(|_| self.best),
            "window": window,
            "note": self.note,
        })
    }

    /// The rows of the matrix, for the eye.
    pub fn matrix_rows(&self) -> Vec<String> {
        let Some(matrix) = &self.matrix else { return Vec::new() };
        let mut rows = vec![format!("{:>10}{:>7}{:>7}{:>7}", "H", "V", "D", "A")];
        let total = matrix.total().max(1) as f64;
        for (state, row) in Polarization::ALL.into_iter().zip(&matrix.clicks) {
            let cells: String =
                row.iter().map(|n| format!("{:>7.2}", 100.0 * *n as f64 / total)).collect();
            rows.push(format!("{}  {cells}", state_name(state)));
        }
        rows
    }

    /// The rows about a basis.
    pub fn basis_rows(&self) -> Vec<String> {
        let Some(bases) = self.bases() else { return Vec::new() };
        let mut rows = Vec::new();
        for (figures, best) in bases.iter().zip(self.best) {
            let visibility = figures.visibility.map_or("–".into(), |v| {
                format!("{:.2} ± {:.2} %", 100.0 * v.value, 100.0 * v.error)
            });
            let best = best.map_or(String::new(), |best| format!(", best {:.2} %", 100.0 * best));
            let name = basis_name(figures.basis);
            rows.push(format!("{name:<5} QBER {}", qber_text(figures.qber)));
            rows.push(format!("  visibility {visibility}{best}"));
            let states = figures.states.iter().map(|state| {
                let name = state_name(state.state);
                state.extinction_db.map_or(format!("{name} –"), |db| {
                    format!("{name} {} ± {}", trimmed(db.value, 3), trimmed(db.error, 1))
                })
            });
            let states: Vec<String> = states.collect();
            rows.push(format!("  extinction {} dB", states.join(", ")));
        }
        rows
    }
}

pub(super) fn news_word(news: News) -> &'static str {
    match news {
        News::Peak => "peak",
        News::Lost => "lost",
        News::Back => "back",
    }
}
