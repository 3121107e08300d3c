//! Watching devices.

use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use helio_tune::{Look, Observer};

use super::Watch;
use super::show::{Show, Wish};
use super::sight::Sight;
use crate::bench::cable::{CableReport, Item};
use crate::desk::{Heard, Laser, hear};
use crate::exit::Failure;
use crate::shutdown::Shutdown;
use crate::sim::Speed;

/// Light that stands so long is told.
const SILENCE: Duration = Duration::from_secs(3);

pub(super) fn run(args: &Watch, show: &mut Show, shutdown: &Shutdown) -> Result<(), Failure> {
    let plan = args.desk.plan()?;
    let mut desk = args.desk.open()?;
    let tick = desk.bob().tick_length;
    let bad = |err| Failure::usage(format!("{err}; choose another window or delay"));
    let mut observer = Observer::new(plan.observer(tick, args.looks())?).map_err(bad)?;
    let mut watcher = Watcher {
        args,
        names: plan.detectors(),
        source: match args.desk.is_named() {
            true => format!("{} {}", desk.bob().board, desk.bob().serial),
            false => "simulated bench".to_owned(),
        },
        simulated: desk.is_simulated(),
        both: desk.alice().is_some(),
        pace: match args.speed {
            Speed::RealTime(factor) if !args.desk.is_named() => Some(factor),
            _ => None,
        },
        begun: Instant::now(),
        heard: Instant::now(),
        best: [None; 2],
        failed: Ok(()),
    };
    let laser = if watcher.both { Laser::On } else { Laser::Off };
    desk.run(&plan, laser, |heard| {
        if shutdown.is_requested() {
            return ControlFlow::Break(());
        }
        watcher.heard(heard, &mut observer, show).unwrap_or_else(|failure| {
            watcher.failed = Err(failure);
            ControlFlow::Break(())
        })
    })?;
    watcher.failed
}

struct Watcher<'a> {
    args: &'a Watch,
    names: Vec<String>,
    source: String,
    simulated: bool,
    both: bool,
    /// Simulated seconds a second of the wall clock.
    pace: Option<f64>,
    begun: Instant,
    heard: Instant,
    best: [Option<f64>; 2],
    failed: Result<(), Failure>,
}

impl Watcher<'_> {
    fn heard(
        &mut self,
        heard: Heard,
        observer: &mut Observer,
        show: &mut Show,
    ) -> Result<ControlFlow<()>, Failure> {
        let mut report = None;
        match &heard {
            Heard::Nothing if self.heard.elapsed() > SILENCE => {
                self.heard = Instant::now();
                show.say("the devices have told nothing for 3 s: power, cable, light that stands?");
            }
            Heard::Nothing => {}
            Heard::Bob(Item::End(end)) => {
                if let Some(fault) = &end.fault {
                    show.say(&fault.to_string());
                }
            }
            Heard::Alice(_) => self.heard = Instant::now(),
            Heard::Bob(item) => {
                self.heard = Instant::now();
                if let Item::Report(told) = item {
                    report = Some(told.clone());
                }
            }
        }
        hear(observer, heard);
        if let Some(report) = report {
            self.losses(&report, show);
        }
        match show.wish()? {
            Wish::Leave => return Ok(ControlFlow::Break(())),
            Wish::ForgetPeaks => {
                observer.forget_peaks();
                self.best = [None; 2];
            }
            Wish::None => {}
        }
        if observer.since_look_s() < self.args.every_s() {
            return Ok(ControlFlow::Continue(()));
        }
        let Some(look) = observer.look() else { return Ok(ControlFlow::Continue(())) };
        self.wait(look.at_s);
        let at_s = look.at_s;
        show.show(&self.sight(look))?;
        Ok(match self.args.seconds.is_some_and(|seconds| at_s >= seconds) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
    }

    /// Holds simulated light back to its time.
    fn wait(&self, at_s: f64) {
        let Some(pace) = self.pace else { return };
        let due = Duration::try_from_secs_f64(at_s / pace).unwrap_or(Duration::ZERO);
        thread::sleep(due.saturating_sub(self.begun.elapsed()).min(Duration::from_secs(1)));
    }

    fn losses(&self, report: &CableReport, show: &Show) {
        if report.dropped.tags > 0 {
            log::debug!("{} tags were dropped: this computer lags behind", report.dropped.tags);
        }
        if report.health.lost_edges > 0 {
            show.say(&format!("the device has lost {} edges", report.health.lost_edges));
        }
    }

    fn sight(&mut self, look: Look) -> Sight {
        for (best, figures) in self.best.iter_mut().zip(look.bases()) {
            // A handful of clicks is no visibility to hold.
            let good = figures.visibility.filter(|v| v.error < 0.02).map(|v| v.value);
            *best = match (*best, good) {
                (Some(best), Some(now)) => Some(best.max(now)),
                (best, now) => best.or(now),
            };
        }
        let named = self.names.iter().cloned().chain((0..).map(|n| format!("input {n}")));
        Sight {
            source: self.source.clone(),
            simulated: self.simulated,
            at_s: look.at_s,
            channels: named.zip(look.rates).collect(),
            matrix: self.both.then_some(look.matrix),
            best: self.best,
            arrivals: Some(look.arrivals),
            locked: Some(look.locked),
            note: (!self.both).then(|| "Bob alone: no matrix without Alice's settings".into()),
        }
    }
}
