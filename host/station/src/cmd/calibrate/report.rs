//! A calibration as text, JSON, picture, table, and as the file that stations load.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::cmd::trace::{Answer, Table};
use crate::desk::calibrate::{Calibration, Findings};
use crate::plot::{Axis, Figure, Layer, Panel, Range};
use crate::term::{trimmed, utc, with_error};

pub(super) struct Report {
    pub findings: Findings,
    pub device: String,
    pub simulated: bool,
    pub made_unix_s: u64,
    pub valid_days: u32,
    pub asked: Calibration,
}

impl Report {
    fn day(&self) -> String {
        utc(self.made_unix_s).chars().take(10).collect()
    }

    fn id(&self) -> String {
        format!("helio calibrate, {}, {}", self.device, utc(self.made_unix_s))
    }

    /// Seconds without light that were counted, which are at least those that were asked for.
    fn dark_s(&self) -> f64 {
        self.findings.dark.iter().map(|figures| figures.seconds).fold(0.0, f64::max)
    }

    fn rows(&self) -> Vec<[String; 4]> {
        let row = |q: &helio_tune::calibrate::Quantity| {
            // An exponent where two digits of the error stand far behind the point.
            let value = match q.value.error.abs() < 1e-4 && q.value.value.abs() < 1e-2 {
                true => format!("{:.3e} ± {:.1e}", q.value.value, q.value.error),
                false => with_error(q.value.value, q.value.error),
            };
            [
                q.name.to_owned(),
                q.of.clone(),
                format!("{value} {}", q.unit).trim_end().to_owned(),
                q.how.into(),
            ]
        };
        self.findings.quantities.iter().map(row).collect()
    }

    /// The numbers for the key as the file has them: efficiency tolerance, dark tolerance, dark probability,
    /// longest dead time. They are shown as they are written, so that none is rounded to the key's favour.
    fn for_the_key(&self) -> [String; 4] {
        let Findings { tolerance, longest_dead_time_ps, .. } = &self.findings;
        let share = |share: f64| format!("{} %", trimmed(100.0 * share, 9));
        [
            share(tolerance.efficiency),
            share(tolerance.dark),
            format!("{:e}", tolerance.dark_probability),
            longest_dead_time_ps.map_or("not bounded".into(), |ps| format!("{} ns", ps / 1000)),
        ]
    }

    /// What a station loads, with everything that was found as comments.
    pub fn file(&self) -> String {
        let missing = &self.findings.missing;
        let [efficiency, dark, dark_probability, longest] = self.for_the_key();
        // JSON's escapes are TOML's too.
        let quoted = |text: &str| Value::from(text).to_string();
        let mut text = format!(
            "# Calibration of {} of {}.\n# Written by helio calibrate {}; {:.1} s in the dark, {} s of light, {} \
             standard errors to each side.\n# Both stations: write file = \"THIS FILE\" alone under \
             [detectors].\n#\n# found\n",
            quoted(&self.device),
            utc(self.made_unix_s),
            env!("CARGO_PKG_VERSION"),
            self.dark_s(),
            self.asked.light_s,
            self.asked.sigmas,
        );
        for [name, of, value, how] in self.rows() {
            _ = writeln!(text, "#   {name} {of}: {value} ({how})");
        }
        for words in missing {
            _ = writeln!(text, "#   not found: {words}");
        }
        for words in self.proposals() {
            _ = writeln!(text, "#   {words}");
        }
        _ = write!(
            text,
            "\n[detectors]\nmatch = \"calibrated\"\nefficiency_tolerance = {}\ndark_tolerance = {}\n\
             dark_probability = {dark_probability}\nid = {}\ndate = \"{}\"\ndevice = {}\nvalid_days = {}\n\
             longest_dead_time = {}\n",
            quoted(&efficiency),
            quoted(&dark),
            quoted(&self.id()),
            self.day(),
            quoted(&self.device),
            self.valid_days,
            quoted(&longest),
        );
        text
    }

    /// What is to be written elsewhere by hand.
    fn proposals(&self) -> Vec<String> {
        let delays = self.findings.quantities.iter().filter(|q| q.name == "delay");
        let mut words: Vec<String> = delays
            .map(|q| format!("[[channel]] {}: delay = \"{:.3} ns\"", q.of, q.value.value / 1000.0))
            .collect();
        if let Some(width) = self.findings.arrivals.width_for(0.999) {
            words.push(format!(
                "a window of {:.3} ns would hold 99.9 % of the light ([protocol] window, at both stations)",
                width / 1000.0
            ));
        }
        for (level, nano) in self.findings.photons_nano.iter().flatten() {
            let [low, high] = nano.map(|nano| nano as f64 / 1e9);
            words.push(format!("level {level}: {low} to {high} photons a pulse"));
        }
        if self.findings.photons_nano.is_some() {
            words.push(
                "the key takes the stated photon numbers as exact, and an end of a range, of one level alone, \
                 may favour it: intensity_uncertainty has to hold the ranges"
                    .into(),
            );
        }
        if let Some(ppm) = self.findings.intensity_uncertainty_ppm {
            words.push(format!(
                "[protocol] intensity_uncertainty = \"{:.4} %\" holds the levels that Alice's device states, but for \
                 those that are told as not found",
                f64::from(ppm) / 1e4
            ));
        }
        words
    }
}

impl Answer for Report {
    fn text(&self) -> String {
        let simulated = if self.simulated { ", SIMULATED" } else { "" };
        let mut text =
            format!("calibration of {}{simulated}, {}\n\n", self.device, utc(self.made_unix_s));
        for [name, of, value, how] in self.rows() {
            _ = writeln!(text, "{name:<28} {of:<8} {value:<26} {how}");
        }
        let [efficiency, dark, dark_probability, longest] = self.for_the_key();
        _ = writeln!(
            text,
            "\nfor the key, {} standard errors against it:\n  efficiency_tolerance {efficiency}, dark_tolerance {dark}, \
             dark_probability {dark_probability}, longest_dead_time {longest}",
            self.asked.sigmas,
        );
        for words in self.proposals() {
            _ = writeln!(text, "  {words}");
        }
        for words in &self.findings.missing {
            _ = writeln!(text, "not found: {words}");
        }
        for words in &self.findings.unfit {
            _ = writeln!(text, "no station may load this: {words}");
        }
        text.push_str(
            "not measured by any run here: efficiencies at other wavelengths, modes and polarizations, and \
             their maximum over the arrival time; --unseen bounds them\n",
        );
        text
    }

    fn json(&self) -> Value {
        let Findings { tolerance, longest_dead_time_ps, photons_nano, missing, unfit, .. } =
            &self.findings;
        let quantities = self.findings.quantities.iter().map(|q| {
            json!({
                "name": q.name,
                "of": q.of,
                "value": q.value.value,
                "error": q.value.error,
                "unit": q.unit,
                "how": q.how,
            })
        });
        json!({
            "device": self.device,
            "simulated": self.simulated,
            "made": utc(self.made_unix_s),
            "valid_days": self.valid_days,
            "sigmas": self.asked.sigmas,
            "dark_s": self.dark_s(),
            "unseen": self.asked.unseen,
            "quantities": quantities.collect::<Vec<_>>(),
            "efficiency_tolerance": tolerance.efficiency,
            "dark_tolerance": tolerance.dark,
            "dark_probability": tolerance.dark_probability,
            "longest_dead_time_ps": longest_dead_time_ps,
            "photons_nano": photons_nano,
            "intensity_uncertainty_ppm": self.findings.intensity_uncertainty_ppm,
            "missing": missing,
            "unfit": unfit,
        })
    }

    fn figure(&self) -> Figure {
        let arrivals = &self.findings.arrivals;
        let bin = arrivals.bin_ps() * 1e-12;
        let bins = arrivals.all().len();
        let edges: Vec<f64> = (0..=bins).map(|i| i as f64 * bin).collect();
        let mut layers: Vec<Layer> = Vec::new();
        for (channel, name) in self.findings.names.iter().enumerate() {
            let counts = arrivals.channel(channel).iter().map(|n| (*n as f64).max(0.5)).collect();
            layers.push(Layer::step(format!("detector {name}"), edges.clone(), counts));
        }
        if let Some(window) = arrivals.window_bins() {
            let top = arrivals.all().into_iter().max().unwrap_or(1) as f64;
            let edge = |at: usize| [(at as f64 * bin, 0.5), (at as f64 * bin, top)];
            let [from, to] = [edge(window.start), edge(window.end)];
            let between = (f64::NAN, f64::NAN);
            layers.push(Layer::line("window", vec![from[0], from[1], between, to[0], to[1]]));
        }
        Figure::new(vec![Panel {
            title: format!("{}: arrivals in the slot", self.device),
            x: Axis { label: "time in the slot".into(), unit: "s", range: Range::Data },
            y: Axis { label: "clicks in a bin".into(), unit: "", range: Range::Log },
            layers,
        }])
    }

    fn table(&self) -> Table {
        let list = &self.findings.quantities;
        Table::default()
            .with("name", list.iter().map(|q| q.name))
            .with("of", list.iter().map(|q| q.of.clone()))
            .with("value", list.iter().map(|q| q.value.value))
            .with("error", list.iter().map(|q| q.value.error))
            .with("unit", list.iter().map(|q| q.unit))
    }
}
