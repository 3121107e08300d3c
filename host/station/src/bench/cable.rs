//! A thread between a device and its station: frames in, data items out.
//!
//! Items move down a bounded channel; empty buffers come back through a pool. Losses on the cable become
//! items of their own, in order.

use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use helio_bench::InterlockState;
use helio_link::{Connection, Event, LossReport, Transport, TransportError};
use helio_timetag::{DecodeCounters, Pool, TagBatch, TagDecoder};
use helio_wire::{Configure, DeviceMessage, Health, HostMessage, LogLevel, Role};

use super::device::{self, DeviceFault, DeviceIdentity, Run};

/// Tags that make a batch worth passing on.
const BATCH_TAGS: usize = 4096;
/// Slots of settings that make a batch worth passing on.
const BATCH_SLOTS: u64 = 1 << 15;
/// How long the cable may stay silent before the thread looks around.
const POLL: Duration = Duration::from_millis(50);
/// Over such a silence the host beats: a heartbeat may have been lost, or what calls for one.
const BEAT: Duration = Duration::from_millis(200);
/// Over such a silence the device is asked whether it is there.
const ASK: Duration = Duration::from_secs(1);

/// Settings of consecutive slots, packed as on the wire.
#[derive(Debug, Default)]
pub struct SettingsRun {
    /// First slot.
    pub first: u64,
    /// Number of slots.
    pub count: u64,
    /// As [`helio_wire::SettingsBatch::packed`].
    pub packed: Vec<u8>,
}

/// What a device gives its station.
#[derive(Debug)]
pub enum Item {
    /// Settings in order of slots.
    Settings(SettingsRun),
    /// Settings of these slots will not come.
    MissingSettings(std::ops::Range<u64>),
    /// Tags in order of time.
    Tags(TagBatch),
    /// The run is over: nothing follows.
    End(Box<CableReport>),
}

/// What a cable has carried, for the report.
#[derive(Clone, Debug, Default)]
pub struct CableReport {
    /// What was lost on the way.
    pub losses: LossReport,
    /// Tags and what the device lost of them.
    pub tags: DecodeCounters,
    /// The device's own last word.
    pub health: Health,
    /// Why the run ended early.
    pub fault: Option<DeviceFault>,
}

/// Gathers data into items worth a hand-over.
struct Collector<'a> {
    role: Role,
    bits_per_slot: u64,
    out: &'a Sender<Item>,
    pool: Option<Pool<TagBatch>>,
    settings: SettingsRun,
    tags: TagBatch,
    decoder: TagDecoder,
    report: CableReport,
    ended: bool,
    /// Answers that came one after the other with nothing else between them.
    idle_answers: u32,
    /// The station has gone: nobody listens.
    deaf: bool,
}

impl Collector<'_> {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Message(_, message) => self.message(message),
            Event::Lost { stream: helio_wire::Stream::Tags, .. } => {
                self.decoder.frames_lost(&mut self.tags);
            }
            Event::MissingSlots { from, to } => {
                self.flush_settings();
                self.give(Item::MissingSettings(from.0..to.0));
            }
            Event::Rebooted { .. } => {
                log::error!("{:?}'s device started anew in mid-run; the run is over", self.role);
                self.ended = true;
            }
            Event::BadFrame(error) => log::debug!("{:?}'s cable: {error:?}", self.role),
            Event::Unknown(error) => {
                log::warn!("{:?}'s device speaks another version: {error:?}", self.role);
            }
            Event::Lost { .. } | Event::MissingTicks { .. } => {}
        }
    }

    fn message(&mut self, message: &DeviceMessage<'_>) {
        self.idle_answers = match message {
            DeviceMessage::Hello { .. } | DeviceMessage::Ack { .. } => self.idle_answers + 1,
            _ => 0,
        };
        match message {
            DeviceMessage::Settings(batch) => {
                let end = self.settings.first + self.settings.count;
                let joins = (self.settings.count * self.bits_per_slot).is_multiple_of(8);
                if self.settings.count > 0 && (end != batch.first.0 || !joins) {
                    self.flush_settings();
                }
                if self.settings.count == 0 {
                    self.settings.first = batch.first.0;
                }
                self.settings.count += u64::from(batch.count);
                self.settings.packed.extend_from_slice(batch.packed);
                if self.settings.count >= BATCH_SLOTS {
                    self.flush_settings();
                }
            }
            DeviceMessage::Tags(_)
            | DeviceMessage::Gap { .. }
            | DeviceMessage::SlotMark(_)
            | DeviceMessage::LockLost { .. } => {
                self.decoder.push(message, &mut self.tags);
                if self.tags.tags.len() >= BATCH_TAGS {
                    self.flush_tags();
                }
            }
            DeviceMessage::Health(health) => {
                self.report.health = *health;
                if let InterlockState::Tripped(_) = health.interlock {
                    let (role, state) = (self.role, health.interlock);
                    self.report.fault.get_or_insert(DeviceFault::Tripped { role, state });
                    self.ended = true;
                }
            }
            DeviceMessage::Log { level, text } => {
                let level = match level {
                    LogLevel::Error => log::Level::Error,
                    LogLevel::Warn => log::Level::Warn,
                    LogLevel::Info => log::Level::Info,
                };
                log::log!(level, "{:?}'s device: {text}", self.role);
            }
            DeviceMessage::Stopped { .. } => self.ended = true,
            DeviceMessage::Hello { .. }
            | DeviceMessage::Ack { .. }
            | DeviceMessage::Error { .. } => {}
        }
    }

    fn flush_settings(&mut self) {
        if self.settings.count > 0 {
            // On a dark link tags are few: those of these slots must not wait for a full batch.
            if !(self.tags.tags.is_empty() && self.tags.events.is_empty()) {
                self.flush_tags();
            }
            let full = std::mem::take(&mut self.settings);
            self.give(Item::Settings(full));
        }
    }

    fn flush_tags(&mut self) {
        if self.pool.is_none() {
            return;
        }
        let empty = self.pool.as_ref().and_then(|pool| pool.take().ok());
        let full = std::mem::replace(&mut self.tags, empty.unwrap_or_default());
        self.give(Item::Tags(full));
    }

    fn give(&mut self, item: Item) {
        self.deaf |= self.out.send(item).is_err();
    }
}

/// Brings the device up and carries its data until the run ends. Everything goes to `out`; the last
/// item is [`Item::End`]. Tag batches come from `pool` and return to it by whoever empties them. Gives
/// the connection back: a device that loses its host in mid-run trips.
pub fn carry<T: Transport>(
    mut connection: Connection<T>,
    identity: &DeviceIdentity,
    configure: Configure,
    run: Run,
    pool: Option<Pool<TagBatch>>,
    out: &Sender<Item>,
) -> Connection<T> {
    let role = identity.role;
    let mut collector = Collector {
        role,
        bits_per_slot: if role == Role::Alice { 4 } else { 2 },
        out,
        pool,
        settings: SettingsRun::default(),
        tags: TagBatch::default(),
        decoder: TagDecoder::new(),
        report: CableReport::default(),
        ended: false,
        idle_answers: 0,
        deaf: false,
    };
    let started =
        device::start(&mut connection, role, configure, run, &mut |event| collector.event(event));
    collector.report.fault = started.err();
    collector.idle_answers = 0;
    let (mut beaten, mut heard) = (Instant::now(), Instant::now());
    while collector.report.fault.is_none() && !collector.ended && !collector.deaf {
        let received = match connection.receive(POLL, |event| collector.event(&event)) {
            Ok(()) => {
                heard = Instant::now();
                Ok(())
            }
            Err(TransportError::TimedOut) => {
                // What is half gathered should not wait for more.
                collector.flush_settings();
                collector.flush_tags();
                if heard.elapsed() >= ASK {
                    heard = Instant::now();
                    connection.send(&HostMessage::Hello).map(|_| ())
                } else if beaten.max(heard).elapsed() >= BEAT {
                    beaten = Instant::now();
                    connection.beat()
                } else {
                    Ok(())
                }
            }
            Err(why) => Err(why),
        };
        if let Err(why) = received {
            collector.report.fault = Some(DeviceFault::Port { role, why });
        }
        // On a run a device always has more to say than that it is there: its last word was lost.
        collector.ended |= collector.idle_answers > 1;
    }
    collector.flush_settings();
    collector.flush_tags();
    collector.report.losses = *connection.losses();
    collector.report.tags = *collector.decoder.counters();
    let report = std::mem::take(&mut collector.report);
    collector.give(Item::End(Box::new(report)));
    connection
}
