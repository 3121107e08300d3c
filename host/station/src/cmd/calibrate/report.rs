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

    /// What a station loads, with everything that was found as comments.
    pub fn file(&self) -> String {
        let Findings { tolerance, longest_dead_time_ps, missing, .. } = &self.findings;
        // JSON's escapes are TOML's too.
        let quoted = |text: &str| Value::from(text).to_string();
        let share = |share: f64| format!("\"{} %\"", trimmed(100.0 * share, 9));
        let mut text = format!(
            "# Calibration of {} of {}.\n# Written by helio calibrate {}; {} s in the dark, {} s of light, {} \
             standard errors to each side.\n# Both stations: write file = \"THIS FILE\" alone under \
             [detectors].\n#\n# found\n",
            quoted(&self.device),
            utc(self.made_unix_s),
            env!("CARGO_PKG_VERSION"),
            self.asked.dark_s,
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
             dark_probability = {:e}\nid = {}\ndate = \"{}\"\ndevice = {}\nvalid_days = {}\n\
             longest_dead_time = \"{} ns\"\n",
            share(tolerance.efficiency),
            share(tolerance.dark),
            tolerance.dark_probability,
            quoted(&self.id()),
            self.day(),
            quoted(&self.device),
            self.valid_days,
            longest_dead_time_ps / 1000,
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
        for (level, nano) in self.findings.photons_at_most_nano.iter().flatten() {
            words.push(format!("level {level}: at most {} photons a pulse", *nano as f64 / 1e9));
        }
        if let Some(ppm) = self.findings.intensity_uncertainty_ppm {
            words.push(format!(
                "[protocol] intensity_uncertainty = \"{:.4} %\" holds the levels that Alice's device states",
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
        let tolerance = &self.findings.tolerance;
        _ = writeln!(
            text,
            "\nfor the key, {} standard errors against it:\n  efficiency_tolerance {:.4} %, dark_tolerance {:.2} \
             %, dark_probability {:.3e}, longest_dead_time {} ns",
            self.asked.sigmas,
            100.0 * tolerance.efficiency,
            100.0 * tolerance.dark,
            tolerance.dark_probability,
            self.findings.longest_dead_time_ps / 1000,
        );
        for words in self.proposals() {
            _ = writeln!(text, "  {words}");
        }
        for words in &self.findings.missing {
            _ = writeln!(text, "not found: {words}");
        }
        text.push_str(
            "not measured by any run here: efficiencies at other wavelengths, modes and polarizations, and \
             their maximum over the arrival time; --unseen bounds them\n",
        );
        text
    }

    fn json(&self) -> Value {
        let Findings { tolerance, longest_dead_time_ps, photons_at_most_nano, missing, .. } =
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
            "unseen": self.asked.unseen,
            "quantities": quantities.collect::<Vec<_>>(),
            "efficiency_tolerance": tolerance.efficiency,
            "dark_tolerance": tolerance.dark,
            "dark_probability": tolerance.dark_probability,
            "longest_dead_time_ps": longest_dead_time_ps,
            "photons_at_most_nano": photons_at_most_nano,
            "intensity_uncertainty_ppm": self.findings.intensity_uncertainty_ppm,
            "missing": missing,
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
