//! A run by hand: armed, started, listened to, and dark again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use helio_bench::{InterlockState, SettingsSource};
use helio_link::Event;
use helio_wire::{Configure, DeviceMessage, HostMessage, Role};

use super::arm::ready;
use super::session::Session;
use crate::bench::device::interlock_words;
use crate::exit::{Exit, Failure};

/// A run that tells nothing for so long is held up.
const HELD_UP: Duration = Duration::from_secs(10);
/// What a receiver still gets of a run after its sender has ended: light on its way, and what waits for
/// a full frame.
const AFTER: Duration = Duration::from_millis(300);
/// Settings that are shown one by one.
const SHOWN: usize = 64;
/// Edges that are kept for whoever looks at each.
const MOST_EDGES: usize = 4_000_000;

/// Stands for a dark sync slot among settings that are shown.
pub(super) const SYNC: u8 = 0xff;

/// What a device has done in a run.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// Slots whose index is a multiple of this are sync slots.
    sync_spacing: u64,
    /// First slot that was not played, of a sender.
    pub end: Option<u64>,
    /// Slots whose settings came, by code; without sync slots.
    pub settings: [u64; 16],
    /// The first settings.
    pub shown: Vec<u8>,
    /// What they were ordered from, or what the device says that they came from.
    pub source: Option<SettingsSource>,
    /// Edges by channel.
    pub channels: [u64; 16],
    /// Tick and channel of each edge.
    pub edges: Vec<(u64, u8)>,
    /// Edges that the device lost, and ticks that the cable lost.
    pub lost: u64,
    pub missing_ticks: u64,
    /// Slots that stayed dark for want of words.
    pub starved: u64,
}

impl Played {
    fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Message(_, DeviceMessage::Settings(batch)) => {
                self.source = Some(batch.source);
                for (slot, code) in batch.iter() {
                    let sync = slot.0.is_multiple_of(self.sync_spacing);
                    let code = if sync { SYNC } else { code };
                    if !sync {
                        self.settings[usize::from(code & 15)] += 1;
                    }
                    if self.shown.len() < SHOWN {
                        self.shown.push(code);
                    }
                }
            }
            Event::Message(_, DeviceMessage::Tags(tags)) => {
                for edge in tags.iter() {
                    self.channels[usize::from(edge.channel & 15)] += 1;
                    if self.edges.len() < MOST_EDGES {
                        self.edges.push((edge.tick.0, edge.channel));
                    }
                }
            }
            Event::Message(_, DeviceMessage::Gap { lost, .. }) => self.lost += lost,
            Event::MissingTicks { from, to } => self.missing_ticks += to.0 - from.0,
            Event::Message(_, DeviceMessage::Stopped { end, .. }) => self.end = Some(end.0),
            _ => {}
        }
    }
}

/// A run of one device: so many slots at a sender, until `over` at a receiver. Dark afterwards, also
/// where it fails.
///
/// # Errors
/// The device refuses, trips, fails, or tells nothing.
pub(super) fn play(
    session: &mut Session,
    configure: Configure,
    source: Option<SettingsSource>,
    slots: u64,
    over: &AtomicBool,
) -> Result<Played, Failure> {
    let played = run(session, configure, source, slots, over);
    let dark = session.disarm();
    // Also where the run failed: the next one is drawn by the device's own generator again.
    let back = session.own_source(source);
    // A sender that ended, or failed, ends the receiver too.
    if session.identity.role == Role::Alice {
        over.store(true, Ordering::Relaxed);
    }
    let played = played?;
    dark?;
    back?;
    Ok(played)
}

fn run(
    session: &mut Session,
    configure: Configure,
    source: Option<SettingsSource>,
    slots: u64,
    over: &AtomicBool,
) -> Result<Played, Failure> {
    ready(session)?;
    session.arm(configure, source)?;
    let sync_spacing = u64::from(configure.sync_spacing.max(1));
    let mut played = Played { sync_spacing, source, ..Played::default() };
    let epoch = session.connection.epoch().wrapping_add(1).max(1);
    let receiver = session.identity.role == Role::Bob;
    let slots = if receiver { 0 } else { slots };
    let start = HostMessage::Start { epoch, slots };
    session
        .order(&start, |event| played.hear(event))
        .map_err(|no| session.failure("to start", no))?;
    let (mut heard, mut after) = (Instant::now(), None::<Instant>);
    while played.end.is_none() && after.is_none_or(|since| since.elapsed() < AFTER) {
        session.listen(|event| {
            if matches!(event, Event::Message(_, message) if tells(message)) {
                heard = Instant::now();
            }
            played.hear(event);
        })?;
        if let Some(state @ InterlockState::Tripped(_)) = session.health.map(|h| h.interlock) {
            let words = interlock_words(state);
            session.log.write("trip", serde_json::json!({ "state": words }))?;
            return Err(Failure::new(
                Exit::Device,
                format!(
                    "{} went dark, {words}; see to it, then helio device disarm --clear",
                    session.address
                ),
            ));
        }
        if receiver && over.load(Ordering::Relaxed) {
            after.get_or_insert_with(Instant::now);
        }
        if heard.elapsed() > HELD_UP {
            return Err(Failure::new(
                Exit::Device,
                format!(
                    "{} has told nothing of its run for 10 s; simulated light waits for both devices, name \
                     the other one too: --with ADDRESS",
                    session.address
                ),
            ));
        }
    }
    if played.end.is_none() {
        session
            .order(&HostMessage::Stop, |event| played.hear(event))
            .map_err(|no| session.failure("to stop", no))?;
    }
    played.starved = session.health.map_or(0, |health| health.starved_slots);
    Ok(played)
}

/// Whether a message shows that a run goes on.
fn tells(message: &DeviceMessage<'_>) -> bool {
    matches!(
        message,
        DeviceMessage::Settings(_) | DeviceMessage::Tags(_) | DeviceMessage::Stopped { .. }
    )
}
