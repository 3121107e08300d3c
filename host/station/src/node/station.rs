//! The station's own thread: one loop over everything that can happen.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvError, Sender, TrySendError, never, select};
use helio_distill::parameters::SessionId;
use helio_distill::{Fault, Local, Role};
use helio_keys::Origin;
use helio_units::TickLength;

use super::device::{DeviceThread, Order};
use super::publish::Gauges;
use super::run_folder::RunFolder;
use super::taped::Taped;
use crate::bench::cable::{CableReport, Item};
use crate::bench::device::DeviceIdentity;
use crate::config::StationConfig;
use crate::exit::{Exit, Failure};
use crate::line::keeper::{Keeper, Note};
use crate::line::{Bye, Frame, Light};
use crate::side::Side;
use crate::status::Status;
use crate::store::DiskStore;

/// The station looks at its clock at least this often.
const TICK: Duration = Duration::from_millis(50);
/// How long a block in progress may take to end when the program is told to.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Makes a side of the talk out of the store.
pub(super) type Make<O, D> = Box<dyn Fn(NewRun, DiskStore<O>) -> Result<D, Failure>>;

/// What a new run is made with.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewRun {
    pub session: SessionId,
    /// Of the device.
    pub tick: TickLength,
    /// Of what a simulated station draws.
    pub seed: u64,
}

/// A station at work.
pub(super) struct Station<O: Origin, D: Side<Store = DiskStore<O>>> {
    pub config: StationConfig,
    pub role: Role,
    pub make: Make<O, D>,
    /// What the talk decides for itself, for the tape.
    pub local: Local,
    /// Whether runs are recorded.
    pub record: bool,
    /// The store, while no run has it.
    pub store: Option<DiskStore<O>>,
    pub run: Option<RunState<D>>,
    pub device: DeviceThread,
    pub device_state: DeviceState,
    pub keeper: Keeper,
    pub line: Option<Line>,
    pub contact: ContactState,
    pub shutdown: Receiver<()>,
    pub stopping: Option<Instant>,
    pub begun: Instant,
    pub ticked: Instant,
    pub gauges: Gauges,
    pub status: Arc<Mutex<Status>>,
}

/// A run of light and the talk about it.
pub(super) struct RunState<D> {
    pub side: Taped<D>,
    pub new: NewRun,
    pub light: RunLight,
    pub folder: Option<RunFolder>,
}

/// Where a run's light is.
pub(super) enum RunLight {
    /// Not begun.
    Dark,
    /// The device was told to begin.
    Ordered(Receiver<Item>),
    /// On.
    On(Receiver<Item>),
    /// Over: since when and why. What was measured is still talked about.
    Over(Instant, String),
}

impl RunLight {
    pub fn items(&self) -> Option<&Receiver<Item>> {
        match self {
            RunLight::Ordered(items) | RunLight::On(items) => Some(items),
            RunLight::Dark | RunLight::Over(..) => None,
        }
    }
}

/// What is known of the device.
#[derive(Default)]
pub(super) struct DeviceState {
    pub identity: Option<DeviceIdentity>,
    /// Length of its tick, once it was there.
    pub tick: Option<TickLength>,
    /// Whether it is there, dark and ready.
    pub dark: bool,
    /// Why it is not there, if it is not.
    pub absent: Option<String>,
    /// When a run's data last came.
    pub heard: Option<Instant>,
    /// Whether it was told that they do not come.
    pub silence_told: bool,
    /// What the run's cable last reported.
    pub report: Option<CableReport>,
    /// After a run that did not last: no other one before this.
    pub rest_until: Option<Instant>,
    /// When the run that is on began.
    pub on_since: Option<Instant>,
    /// Runs in a row that the device ended soon.
    pub short_runs: u32,
}

impl DeviceState {
    /// Whether no run may begin yet.
    pub fn rests(&self) -> bool {
        self.rest_until.is_some_and(|until| Instant::now() < until)
    }
}

/// A line that stands.
pub(super) struct Line {
    pub out: Sender<Frame>,
    pub peer: String,
    pub since: Instant,
    /// What the other station said of its device.
    pub other_light: Option<Light>,
    /// What this station said of its own.
    pub said_light: Option<Light>,
    /// When the other station said something new of its device.
    pub lit_at: Option<Instant>,
    /// Whether it said that it ends the line.
    pub said_bye: bool,
    /// Messages that were no use, of this line.
    pub useless: u32,
}

/// Contact over the station's life.
#[derive(Default)]
pub(super) struct ContactState {
    pub made: u64,
    pub failed_in_a_row: u32,
    /// Contacts since a block was done.
    pub without_block: u32,
    pub last_fault: Option<String>,
}

impl<O: Origin, D: Side<Store = DiskStore<O>>> Station<O, D> {
    /// Serves until the program is told to end, or until nothing but a person can help.
    ///
    /// # Errors
    /// Why the station cannot go on, with the remedy.
    pub fn serve(mut self) -> Result<(), Failure> {
        let end = loop {
            match self.turn() {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(failure) => break Err(failure),
            }
        };
        self.close(&end);
        end
    }

    /// One thing that happens; whether to go on.
    fn turn(&mut self) -> Result<bool, Failure> {
        self.speak();
        self.hear_events()?;
        self.advance()?;
        self.speak();
        self.publish(false);
        if self.is_finished() {
            return Ok(false);
        }
        let items = self.run.as_ref().and_then(|run| run.light.items().cloned());
        let items = items.unwrap_or_else(never);
        let stop = if self.stopping.is_none() { self.shutdown.clone() } else { never() };
        select! {
            recv(self.keeper.notes) -> note => self.hear_line(note)?,
            recv(self.device.notes) -> note => self.hear_device(note)?,
            recv(items) -> item => self.take_item(item),
            recv(stop) -> _ => self.wind_down(),
            default(TICK) => {}
        }
        if self.ticked.elapsed() >= TICK {
            self.ticked = Instant::now();
            let now = self.now_ns();
            if let Some(run) = &mut self.run
                && self.line.is_some()
            {
                let ticked = run.side.tick(now);
                self.note_fault(ticked);
            }
        }
        Ok(true)
    }

    pub fn now_ns(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64
    }

    /// Whether contact is made.
    pub fn is_open(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.side.is_open())
    }

    /// What the talk has to say leaves; without a line it is lost, as the talk expects.
    pub fn speak(&mut self) {
        let Some(run) = &mut self.run else { return };
        while let Some(message) = run.side.poll_message() {
            let Some(line) = &self.line else { continue };
            match line.out.try_send(Frame::Talk(message)) {
                Ok(()) => {}
                // Its threads have ended, and their last note, which says why, is on its way.
                Err(TrySendError::Disconnected(_)) => {}
                Err(TrySendError::Full(_)) => {
                    let text = format!(
                        "line lost: the other station takes nothing ({}); the station looks for it \
                         again",
                        line.peer
                    );
                    self.tell(log::Level::Warn, text);
                    self.drop_line("the other station takes nothing");
                    return;
                }
            }
        }
    }

    /// A fault that no event will tell of.
    pub fn note_fault(&mut self, result: Result<(), Fault>) {
        let Err(fault) = result else { return };
        log::debug!("{fault}");
        if let Some(line) = &mut self.line {
            line.useless += 1;
        }
    }

    fn is_finished(&self) -> bool {
        let Some(since) = self.stopping else { return false };
        let idle = self.run.as_ref().is_none_or(|run| run.side.is_idle());
        idle || self.line.is_none() || since.elapsed() > LAST_WORDS
    }

    /// The program is to end: no new block, the light off, the block in progress to its end.
    fn wind_down(&mut self) {
        self.stopping = Some(Instant::now());
        // A line that ends now is not followed by another one.
        self.keeper.shared.hold_off(Duration::MAX / 4);
        let talks = self.line.is_some() && self.run.as_ref().is_some_and(|run| !run.side.is_idle());
        let text = match talks {
            true => "stopping: the block in progress is brought to its end, for at most 10 s",
            false => "stopping: no block is in progress",
        };
        self.tell(log::Level::Info, text.into());
        if let Some(run) = &mut self.run {
            run.side.wind_down();
        }
        self.end_light("this station is shutting down");
    }

    /// Light off, last words, threads ended, the store closed.
    fn close(mut self, end: &Result<(), Failure>) {
        let now = self.now_ns();
        self.stopping.get_or_insert(Instant::now());
        self.keeper.shared.hold_off(Duration::MAX / 4);
        self.end_light("this station is shutting down");
        if let Some(run) = &mut self.run
            && let Err(fault) = run.side.abort(now)
        {
            log::warn!("the block in progress: {fault}");
        }
        // Events of the last block; what ends the program is known.
        let _ = self.hear_events();
        self.speak();
        if let Some(line) = self.line.take() {
            let bye = match end {
                Ok(()) => Bye::ShuttingDown,
                Err(failure) => Bye::Refused { why: farewell(failure.exit).into() },
            };
            let _ = line.out.try_send(Frame::Bye(bye));
        }
        let why = match end {
            Ok(()) => "stopped; start the same command again to go on".to_owned(),
            Err(failure) => failure.to_string(),
        };
        let level = if end.is_ok() { log::Level::Info } else { log::Level::Error };
        self.tell(level, why.clone());
        self.end_run(&why);
        self.publish(true);
        let Station { device, keeper, .. } = self;
        keeper.stop();
        device.stop();
    }

    /// Puts the run away; gives the store back.
    pub fn end_run(&mut self, why: &str) {
        self.keeper.shared.set_run(None);
        if let Some(run) = self.run.take() {
            if let Some(folder) = run.folder {
                folder.finish(why);
            }
            self.store = Some(run.side.into_store());
        }
    }

    /// The device dark; the run's slots are over.
    pub fn end_light(&mut self, why: &str) {
        self.keeper.shared.set_run(None);
        let Some(run) = &mut self.run else { return };
        if run.light.items().is_some() {
            run.light = RunLight::Over(Instant::now(), why.to_owned());
            self.device.order(Order::Rest);
        }
    }

    pub fn drop_line(&mut self, why: &str) {
        if let Some(line) = self.line.take() {
            log::debug!("line to {} dropped: {why}", line.peer);
        }
    }

    fn hear_line(&mut self, note: Result<Note, RecvError>) -> Result<(), Failure> {
        match note {
            Ok(note) => self.line_note(note),
            Err(RecvError) => Err(super::line::thread_failed("line")),
        }
    }
}

/// What the other station is told of a fault that ends this one: no sentence of its own, as nobody may
/// have proven yet who hears it.
fn farewell(exit: Exit) -> &'static str {
    match exit {
        Exit::File => "its memory cannot be used (its disk, or a restored backup); see there",
        Exit::NoKey => "its pads or its epsilon are at their end; pair the stations again",
        Exit::Configuration => "its configuration does not fit; compare both",
        Exit::Peer => "it does not accept this station; see there",
        _ => "it cannot go on; see there",
    }
}
