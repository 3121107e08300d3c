//! The folder of a run: what was set, what ran, what came out.
//!
//! | file | what it holds |
//! |---|---|
//! | `station.toml` | the configuration as it was read |
//! | `station.json` | versions, device, parameters with the calibration, when and why it ended |
//! | `blocks.jsonl` | a line for each block that ended; private to the station |
//! | `certificates.jsonl` | the public part of each key's certificate |
//! | `private-certificates.jsonl` | the part that must not leave the station |
//! | `events.log` | the log of this run |
//! | `run.svg` | QBER and key rate over time |
//!
//! The folder is for its owner only. A disk that fails costs the records, never the run: it is told
//! once.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use helio_distill::BlockReport;
use helio_distill::certificate::Certificate;
use helio_distill::parameters::{PROTOCOL_VERSION, Parameters};
use helio_keys::{Origin, SimulatedDevices};
use helio_trace::TraceFormat;
use serde_json::{Value, json};

use super::station::{NewRun, Station};
use crate::bench::device::DeviceIdentity;
use crate::bench::talk::TalkSetup;
use crate::block_figure::{self, BlockPoint};
use crate::config::StationConfig;
use crate::plot;
use crate::recording::{Recorder, RecordingFault};
use crate::side::Side;
use crate::status::{Level, unix_now_s};
use crate::store::DiskStore;
use crate::term::utc;

/// The picture is drawn anew at most so often.
const DRAW_EVERY: Duration = Duration::from_secs(30);
/// Blocks in the picture; older ones are thinned out.
const MOST_POINTS: usize = 2_000;

/// An open folder.
pub(crate) struct RunFolder {
    path: PathBuf,
    record: Value,
    points: Vec<BlockPoint>,
    /// When the picture was drawn last.
    drawn_at: Option<Instant>,
    failed: bool,
}

impl RunFolder {
    /// Makes the folder under `runs` and writes what is known at the beginning.
    fn create(runs: &Path, name: &str, config: &str, record: Value) -> std::io::Result<RunFolder> {
        let path = runs.join(name);
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        let folder = RunFolder { path, record, points: Vec::new(), drawn_at: None, failed: false };
        private(&folder.path.join("station.toml"))?.write_all(config.as_bytes())?;
        folder.write_record()?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A block ended.
    pub fn block(&mut self, report: &BlockReport, seconds: f64) {
        self.line("blocks.jsonl", report);
        self.points.push(BlockPoint {
            begin_s: report.id.block as f64 * seconds,
            seconds,
            test: vec![report.test_qber],
            key: report.key_qber,
            key_bits: report.length,
        });
        if self.points.len() > MOST_POINTS {
            // The older half at half the density: the picture still spans the run.
            let half = self.points.len() / 2;
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index > half || index % 2 == 0
            });
        }
        if self.drawn_at.is_none_or(|at| at.elapsed() >= DRAW_EVERY) {
            self.draw();
        }
    }

    /// A key may be used.
    pub fn certificate(&mut self, certificate: &Certificate) {
        self.line("certificates.jsonl", &certificate.public);
        let id = certificate.public.id;
        self.line(
            "private-certificates.jsonl",
            &json!({ "id": id, "private": certificate.private }),
        );
    }

    /// Something happened.
    pub fn event(&mut self, level: Level, text: &str) {
        let line = format!("{} {:<7} {text}\n", utc(unix_now_s()), level.word());
        self.append("events.log", line.as_bytes());
    }

    /// The run is over.
    pub fn finish(mut self, why: &str) {
        self.draw();
        self.record["ended"] = utc(unix_now_s()).into();
        self.record["ended_because"] = why.into();
        let written = self.write_record();
        self.complain(written);
    }

    fn draw(&mut self) {
        if self.points.is_empty() {
            return;
        }
        self.drawn_at = Some(Instant::now());
        let figure = block_figure::figure("time of the run", &self.points, None);
        if let Err(failure) = plot::save(&figure, &self.path.join("run.svg")) {
            self.complain(Err(std::io::Error::other(failure.to_string())));
        }
    }

    fn line(&mut self, name: &str, value: &impl serde::Serialize) {
        match serde_json::to_vec(value) {
            Ok(mut json) => {
                json.push(b'\n');
                self.append(name, &json);
            }
            Err(error) => self.complain(Err(error.into())),
        }
    }

    fn append(&mut self, name: &str, bytes: &[u8]) {
        let written = private(&self.path.join(name)).and_then(|mut file| file.write_all(bytes));
        self.complain(written);
    }

    fn write_record(&self) -> std::io::Result<()> {
        let new = self.path.join("station.json.new");
        let _ = std::fs::remove_file(&new);
        let mut file = private(&new)?;
        serde_json::to_writer_pretty(&mut file, &self.record)?;
        file.write_all(b"\n")?;
        std::fs::rename(&new, self.path.join("station.json"))
    }

    fn complain(&mut self, written: std::io::Result<()>) {
        if let Err(error) = written
            && !self.failed
        {
            self.failed = true;
            log::warn!(
                "{} cannot be written ({error}); keys go on, but this run's records are not \
                 complete: check the disk's space",
                self.path.display()
            );
        }
    }
}

/// A file that only its owner reads, to be written at its end.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl<O: Origin, D: Side<Store = DiskStore<O>>> Station<O, D> {
    /// Opens the folder of the run that has just begun.
    pub fn open_folder(&mut self, new: NewRun) {
        let session = new.session;
        let name = format!(
            "{}-{}-{}",
            utc(unix_now_s()).replace(':', "-"),
            self.role.to_string().to_lowercase(),
            &session.to_string()[..8]
        );
        let parameters = self.config.parameters(session);
        let record = record(
            &self.role.to_string().to_lowercase(),
            O::NAME,
            &parameters,
            &self.config,
            self.device_state.identity.as_ref(),
        );
        match RunFolder::create(self.config.runs(), &name, self.config.text(), record) {
            Ok(folder) => {
                if let Err(fault) = self.open_tape(folder.path().to_owned(), new) {
                    self.tell(
                        log::Level::Warn,
                        format!("nothing is recorded of this run: {fault}"),
                    );
                }
                if let Some(run) = &mut self.run {
                    run.folder = Some(folder);
                }
            }
            Err(error) => self.tell(
                log::Level::Warn,
                format!(
                    "{} cannot be made ({error}); keys go on, but nothing is recorded of this run: \
                     check the folder and its permissions",
                    self.config.runs().join(name).display()
                ),
            ),
        }
    }
}

impl<O: Origin, D: Side<Store = DiskStore<O>>> Station<O, D> {
    /// The recording goes into the run's folder.
    fn open_tape(&mut self, folder: PathBuf, new: NewRun) -> Result<(), RecordingFault> {
        let devices = SimulatedDevices::declared(true, true);
        let (Some(run), Some(devices)) = (&mut self.run, devices) else { return Ok(()) };
        if !run.side.wants_folder() {
            return Ok(());
        }
        let setup = TalkSetup {
            devices,
            parameters: self.config.parameters(new.session),
            slotter: self.config.slotter(new.tick).map_err(|fault| RecordingFault::Content {
                path: self.config.path().to_owned(),
                what: fault.to_string(),
            })?,
            seed: new.seed,
            blocks: 0,
        };
        let role = super::begin::device_role(self.role);
        let recorder =
            Recorder::create(&folder, role, &setup, new.tick, TraceFormat::PicoQuantPtu)?;
        run.side.open(&folder, recorder);
        Ok(())
    }
}

fn record(
    role: &str,
    origin: &str,
    parameters: &Parameters,
    config: &StationConfig,
    device: Option<&DeviceIdentity>,
) -> Value {
    json!({
        "role": role,
        "origin": origin,
        "session": parameters.session,
        "began": utc(unix_now_s()),
        "ended": null,
        "ended_because": null,
        "program": env!("CARGO_PKG_VERSION"),
        "protocol": PROTOCOL_VERSION,
        "parameters": parameters,
        "calibration": parameters.detectors,
        "settings_source": config.settings_source(),
        "slot_clock": (role == "bob").then(|| config.slot_clock_word()),
        "gate": config.gate_words(),
        "device": device.map(|d| json!({
            "board": d.board,
            "serial": d.serial,
            "firmware": d.firmware,
            "tick_ps": d.tick_length.as_ps_f64(),
            "random": d.random_name,
            "levels_nano": d.levels_nano,
        })),
    })
}
