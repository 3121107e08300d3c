//! What a station does about its line: contact, and trying again without spending pads in haste.

use std::time::{Duration, Instant};

use helio_distill::pads::Purpose;
use helio_distill::release::StationStore;
use helio_keys::Origin;

use super::faults::Gravity;
use super::pause::doubled;
use super::station::{Line, NewRun, RunLight, RunState, Station};
use super::taped::{Tape, Taped};
use crate::config::Endpoint;
use crate::exit::{Exit, Failure};
use crate::line::keeper::{Note, Opened};
use crate::line::{Bye, Frame, Light, OpeningFault, Plan};
use crate::recording::tape::TapeHeader;
use crate::side::Side;
use crate::store::DiskStore;

/// How long two stations may take from first words to proven contact.
const CONTACT: Duration = Duration::from_secs(20);
/// Each failed contact may cost a pad of the reserve: the pause doubles from the first of these to the
/// second.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(60)];
/// Messages of no use after which a line is given up: they cost time, and somebody makes them.
const MOST_USELESS: u32 = 200;
/// A device takes longer to change twice.
const HASTY: Duration = Duration::from_millis(500);

impl<O: Origin, D: Side<Store = DiskStore<O>>> Station<O, D> {
    pub fn line_note(&mut self, note: Note) -> Result<(), Failure> {
        match note {
            Note::Opened(opened) => self.line_opened(*opened),
            Note::Frame(frame) => {
                self.frame(frame);
                Ok(())
            }
            Note::Closed(why) => {
                if let Some(line) = self.line.take() {
                    let open = self.is_open();
                    let lost = if open { "line lost" } else { "line lost before contact" };
                    if !open && self.stopping.is_none() {
                        self.contact_failed(&why);
                    }
                    self.tell(
                        log::Level::Warn,
                        format!("{lost}: {why} ({}); the station looks for it again", line.peer),
                    );
                }
                Ok(())
            }
            Note::Refused(fault) => {
                let exit = match &fault {
                    OpeningFault::NotAStation(_) => None,
                    OpeningFault::SameRole(_) => Some(Exit::Configuration),
                    _ => Some(Exit::Peer),
                };
                self.not_opened(&fault.to_string(), exit)
            }
            Note::Turned(why) => {
                let why = format!("the other station refuses this one: {why}");
                self.not_opened(&why, Some(Exit::Peer))
            }
            Note::Failed(fault) => self.not_opened(&fault.to_string(), None),
        }
    }

    /// Whether a fault that looks like a wrong set-up is tried again: once there was contact, and where
    /// others call, as anybody can. A station that calls, and never had contact, was set up wrongly.
    pub fn goes_on(&self) -> bool {
        self.contact.made > 0 || matches!(self.config.line().endpoint, Endpoint::Listen(_))
    }

    /// First words that led to nothing.
    fn not_opened(&mut self, why: &str, exit: Option<Exit>) -> Result<(), Failure> {
        if let Some(exit) = exit.filter(|_| !self.goes_on()) {
            return Err(Failure::new(exit, why));
        }
        if self.contact.last_fault.as_deref() != Some(why) {
            self.tell(log::Level::Warn, format!("{why}; the station tries again"));
        }
        self.contact.last_fault = Some(why.to_owned());
        Ok(())
    }

    fn line_opened(&mut self, opened: Opened) -> Result<(), Failure> {
        let Opened { plan, other, peer, out } = opened;
        if self.stopping.is_some() {
            return Ok(());
        }
        let same = |run: &RunState<D>, session| run.new.session == session;
        match plan {
            Plan::Resume(session) if self.run.as_ref().is_some_and(|run| same(run, session)) => {}
            // The light ended while the first words were said.
            Plan::Resume(_) => return Ok(()),
            Plan::Begin(session) => {
                self.end_light("a new run begins");
                self.end_run("a new run was agreed on");
                let Some(store) = self.store.take() else {
                    return Err(Failure::new(Exit::Internal, "the station lost its store"));
                };
                let Some(tick) = self.device_state.tick else {
                    return Err(Failure::new(Exit::Internal, "a line before the first device"));
                };
                let new = NewRun { session, tick, seed: super::begin::seed()? };
                let tape = self.tape(&store, new)?;
                let side = Taped::new((self.make)(new, store)?, tape);
                self.run = Some(RunState { side, new, light: RunLight::Dark, folder: None });
            }
        }
        let program = crate::line::shown(&other.program);
        log::debug!("line to {peer}: {plan:?}, the other station runs helio {program}");
        self.line = Some(Line {
            out,
            peer,
            since: Instant::now(),
            other_light: None,
            said_light: None,
            lit_at: None,
            said_bye: false,
            useless: 0,
        });
        let now = self.now_ns();
        if let Some(run) = &mut self.run
            && let Err(fault) = run.side.connect(now)
        {
            let sentence = fault.to_string();
            if let Some(failure) = Gravity::of(&fault).failure(self.goes_on(), &sentence) {
                return Err(failure);
            }
            self.contact_failed(&sentence);
            self.drop_line(&sentence);
        }
        Ok(())
    }

    /// A tape for a run, if runs are recorded.
    fn tape(&self, store: &DiskStore<O>, new: NewRun) -> Result<Option<Tape>, Failure> {
        if !self.record {
            return Ok(None);
        }
        let start = || {
            let pads = store.pad_book()?;
            let reserve = pads.size(Purpose::Recovery);
            let header = TapeHeader {
                role: self.role,
                parameters: self.config.parameters(new.session),
                seed: new.seed,
                settings_source: self.config.settings_source().clone(),
                silence_ns: self.local.silence_ns,
                max_blocks: self.local.max_blocks,
                blocks_in_flight: self.local.blocks_in_flight,
                compared: self.local.compared.clone(),
                pads_per_direction: pads.size(Purpose::Block) + reserve,
                reserve,
                watermarks: store.watermarks()?,
                burnt_ahead: [
                    store.burnt_ahead(Purpose::Block)?,
                    store.burnt_ahead(Purpose::Recovery)?,
                ],
                epsilon_spent: store.epsilon_spent()?,
                pending: store.pending()?,
            };
            Ok(Some(Tape::new(header, pads)))
        };
        start().map_err(|fault: Box<dyn std::error::Error>| Failure::new(Exit::File, fault))
    }

    fn frame(&mut self, frame: Frame) {
        match frame {
            Frame::Talk(message) => {
                let now = self.now_ns();
                if let Some(run) = self.run.as_mut().filter(|_| self.line.is_some()) {
                    let result = run.side.handle(now, &message);
                    self.note_fault(result);
                }
            }
            Frame::Light(light) => self.other_light(light),
            Frame::Bye(bye) => {
                // Once a line: whoever says it again and again fills no log.
                let Some(line) = self.line.as_mut().filter(|line| !line.said_bye) else { return };
                line.said_bye = true;
                let (level, why) = match bye {
                    Bye::NewRun => (log::Level::Info, ", for a new run".to_owned()),
                    Bye::Refused { why } => {
                        (log::Level::Warn, format!(" and stops, saying: {why}"))
                    }
                    Bye::ShuttingDown => (log::Level::Info, ": it is shutting down".to_owned()),
                };
                let why = format!("the other station ends the line{}", crate::line::shown(&why));
                self.tell(level, why.clone());
                // It was the last word: the end of the line is no other news, and no fault of it.
                if self.line.is_some() {
                    let open = self.is_open();
                    if !open && self.stopping.is_none() {
                        self.contact_failed(&why);
                    }
                    self.drop_line(&why);
                }
            }
            // Pings and openings do not come here.
            Frame::Ping | Frame::Opening(_) => {}
        }
    }

    /// What the other station says of its device. Anybody on the line can say it as often as he
    /// likes, so it is told only where it changes, and a change soon after another is of no use.
    fn other_light(&mut self, light: Light) {
        let Some(line) = &mut self.line else { return };
        if line.other_light.as_ref() == Some(&light) {
            return;
        }
        let hasty = line.lit_at.is_some_and(|at| at.elapsed() < HASTY);
        line.lit_at = Some(Instant::now());
        line.useless += u32::from(hasty);
        line.other_light = Some(light);
        if light == Light::Absent && !hasty {
            let text = "the other station's device is not there; blocks go on when it is back";
            self.tell(log::Level::Warn, text.into());
        }
    }

    /// Contact that does not come about, and lines that are of no use.
    pub fn check_line(&mut self) {
        let Some(line) = &self.line else { return };
        let open = self.is_open();
        if line.useless > MOST_USELESS {
            let why = format!(
                "{} messages that no station sends came over the line; somebody else is on it",
                line.useless
            );
            self.contact_failed(&why);
            self.tell(log::Level::Warn, why.clone());
            self.drop_line(&why);
        } else if !open && line.since.elapsed() > CONTACT {
            let why = format!("no contact within {} s of the first words", CONTACT.as_secs());
            self.contact_failed(&why);
            self.tell(log::Level::Warn, format!("{why}; the station tries again"));
            self.drop_line(&why);
        }
    }

    /// A contact that failed: the next one waits, longer each time.
    pub fn contact_failed(&mut self, why: &str) {
        let pause = doubled(PAUSES, self.contact.failed_in_a_row);
        self.contact.failed_in_a_row = self.contact.failed_in_a_row.saturating_add(1);
        self.contact.last_fault = Some(why.to_owned());
        self.keeper.shared.hold_off(pause);
    }

    /// Ends a line that works, saying why, so that both agree on a new run.
    pub fn ask_for_new_run(&mut self, why: &str) {
        if let Some(line) = &self.line {
            let _ = line.out.try_send(Frame::Bye(Bye::NewRun));
        }
        self.drop_line(why);
    }
}

/// A thread that ended without a word.
pub(super) fn thread_failed(name: &str) -> Failure {
    let sentence = format!("the {name} thread of this program failed; please report it");
    Failure::new(Exit::Internal, sentence)
}
