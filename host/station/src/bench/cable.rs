//! A thread between a device and its station: frames in, data items out.
//!
//! Items move down a bounded channel; empty buffers come back through a pool. Losses on the cable become
//! items of their own, in order.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crossbeam_channel::{SendTimeoutError, Sender, TrySendError};
use helio_bench::{InterlockState, SettingsSource, TripCause};
use helio_link::{Connection, Event, LossReport, Transport, TransportError};
use helio_timetag::{DecodeCounters, Pool, TagBatch, TagDecoder, TagEvent};
use helio_units::Ticks;
use helio_wire::{Configure, DeviceMessage, Health, HostMessage, LogLevel, Role};

use super::device::{self, DeviceFault, DeviceIdentity, Run};
use super::given::{FeedSource, Given, LOOK};
use super::steered;

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

/// So many answers in a row with nothing else between them, and a run without an end of its own is
/// over all the same.
const IDLE_ANSWERS: u32 = 10;

/// Marks and gaps that are kept for a station that takes nothing: some minutes of them.
const MOST_OWED: usize = 1 << 15;

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
    /// The device has begun the run.
    Begun,
    /// Settings in order of slots.
    Settings(SettingsRun),
    /// Settings of these slots will not come.
    MissingSettings(std::ops::Range<u64>),
    /// Tags in order of time.
    Tags(TagBatch),
    /// How things stand, several times a second.
    Report(Box<CableReport>),
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
    /// Tags and slots of settings that the station had no room for.
    pub dropped: Dropped,
    /// Why the run ended early.
    pub fault: Option<DeviceFault>,
}

/// What a station that lagged behind its device has lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Tags.
    pub tags: u64,
    /// Slots whose settings are gone.
    pub settings: u64,
}

/// What happens when the station takes nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The device waits: simulated light in this process.
    Wait,
    /// The device waits, and hears that its host is alive: simulated light elsewhere.
    WaitAndBeat,
    /// Light does not wait: what has no room is dropped, counted and told.
    Drop,
}

/// Where a device's data go.
pub struct Outlet<'a> {
    /// To the station.
    pub items: &'a Sender<Item>,
    /// Empty tag batches; `None` for a device without detectors.
    pub pool: Option<Pool<TagBatch>>,
    /// What happens when `items` is full.
    pub when_full: WhenFull,
}

/// Gathers data into items worth a hand-over.
struct Collector<'a> {
    role: Role,
    /// Where settings must come from.
    source: SettingsSource,
    given: Given<'a>,
    bits_per_slot: u64,
    outlet: Outlet<'a>,
    waiting: VecDeque<Item>,
    debt: Debt,
    settings: SettingsRun,
    tags: TagBatch,
    decoder: TagDecoder,
    report: CableReport,
    ended: bool,
    /// Answers that came one after the other with nothing else between them.
    idle_answers: u32,
    /// When it said something else last.
    spoke: Instant,
    /// The station has gone: nobody listens.
    deaf: bool,
}

impl<'a> Collector<'a> {
    fn new(role: Role, source: SettingsSource, outlet: Outlet<'a>) -> Collector<'a> {
        Collector {
            role,
            source,
            given: Given::default(),
            bits_per_slot: if role == Role::Alice { 4 } else { 2 },
            outlet,
            waiting: VecDeque::new(),
            debt: Debt::default(),
            settings: SettingsRun::default(),
            tags: TagBatch::default(),
            decoder: TagDecoder::new(),
            report: CableReport::default(),
            ended: false,
            idle_answers: 0,
            spoke: Instant::now(),
            deaf: false,
        }
    }

    fn fault(&mut self, fault: DeviceFault) {
        self.report.fault.get_or_insert(fault);
        self.ended = true;
    }

    fn event(&mut self, event: &Event<'_>) {
        if let Err(fault) = self.given.hear(self.role, event) {
            self.fault(fault);
        }
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
                let role = self.role;
                self.report.fault.get_or_insert(DeviceFault::Rebooted { role });
            }
            Event::BadFrame(error) => log::debug!("{:?}'s cable: {error:?}", self.role),
            Event::Unknown(error) => {
                log::warn!("{:?}'s device speaks another version: {error:?}", self.role);
            }
            Event::Replugged | Event::Lost { .. } | Event::MissingTicks { .. } => {}
        }
    }

    fn message(&mut self, message: &DeviceMessage<'_>) {
        self.idle_answers = match message {
            // Most of its answers are to what it is fed.
            DeviceMessage::Ack { .. } | DeviceMessage::Error { .. } if self.given.feeds() => {
                self.idle_answers
            }
            DeviceMessage::Hello { .. } | DeviceMessage::Ack { .. } => self.idle_answers + 1,
            _ => {
                self.spoke = Instant::now();
                0
            }
        };
        match message {
            DeviceMessage::Settings(batch) if batch.source != self.source => {
                // The talk has named another one.
                let (role, source_asked, source_used) = (self.role, self.source, batch.source);
                self.fault(DeviceFault::OtherSource { role, source_used, source_asked });
            }
            // Behind a fault nothing may be used.
            DeviceMessage::Settings(_) if self.report.fault.is_some() => {}
            DeviceMessage::Settings(batch) => {
                match self.given.check(self.role, batch) {
                    Ok(true) => {}
                    Ok(false) => {
                        let first = batch.first.0;
                        self.flush_settings();
                        self.give(Item::MissingSettings(first..first + u64::from(batch.count)));
                        return;
                    }
                    Err(fault) => return self.fault(fault),
                }
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
                self.report.tags = *self.decoder.counters();
                self.give(Item::Report(Box::new(self.report.clone())));
                if let InterlockState::Tripped(cause) = health.interlock {
                    let (role, state) = (self.role, health.interlock);
                    self.fault(match cause {
                        TripCause::RandomFault if self.given.feeds() => {
                            DeviceFault::FeedDry { role }
                        }
                        _ => DeviceFault::Tripped { role, state },
                    });
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
            | DeviceMessage::Error { .. }
            | DeviceMessage::Value { .. }
            | DeviceMessage::Telemetry(_)
            | DeviceMessage::ClockEdges(_) => {}
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
        let Some(pool) = &self.outlet.pool else { return };
        // Who does not wait for the station does not wait for its empties either.
        let empty = match self.outlet.when_full {
            WhenFull::Wait => pool.take().ok(),
            WhenFull::WaitAndBeat | WhenFull::Drop => pool.try_take(),
        };
        let full = std::mem::replace(&mut self.tags, empty.unwrap_or_default());
        self.give(Item::Tags(full));
    }

    fn give(&mut self, item: Item) {
        self.waiting.push_back(item);
    }

    /// Hands what was gathered to the station; `beat` tells the device that its host lives.
    fn hand_over(&mut self, mut beat: impl FnMut()) {
        while let Some(item) = self.waiting.pop_front() {
            if self.deaf {
                continue;
            }
            let ending = matches!(item, Item::End(_));
            match self.outlet.when_full {
                WhenFull::Drop if !ending => self.offer(item),
                WhenFull::WaitAndBeat => {
                    let mut item = item;
                    while let Err(full) = self.outlet.items.send_timeout(item, BEAT / 2) {
                        match full {
                            SendTimeoutError::Timeout(back) => item = back,
                            SendTimeoutError::Disconnected(_) => {
                                self.deaf = true;
                                break;
                            }
                        }
                        beat();
                    }
                }
                _ => self.deaf |= self.outlet.items.send(item).is_err(),
            }
        }
    }

    /// Gives an item if there is room, after what is owed; else it is owed.
    fn offer(&mut self, mut item: Item) {
        match &mut item {
            Item::Settings(_) | Item::MissingSettings(_) => {
                if let Some(owed) = self.debt.settings.take()
                    && !self.try_give(Item::MissingSettings(owed))
                {
                    // No room for what comes first, so none for this.
                    self.debt.owe(item, &mut self.report.dropped);
                    return;
                }
            }
            Item::Tags(batch) => self.debt.settle(batch),
            Item::Begun | Item::Report(_) | Item::End(_) => {}
        }
        self.try_give(item);
    }

    /// Gives an item if there is room, else it is owed; whether there was.
    fn try_give(&mut self, item: Item) -> bool {
        let full = match self.outlet.items.try_send(item) {
            Ok(()) => return true,
            Err(full) => full,
        };
        match full {
            TrySendError::Full(item) => self.debt.owe(item, &mut self.report.dropped),
            TrySendError::Disconnected(_) => self.deaf = true,
        }
        false
    }
}

/// What was dropped and has not been told to the station yet.
#[derive(Default)]
struct Debt {
    /// Slots without settings.
    settings: Option<std::ops::Range<u64>>,
    /// Marks and losses of lock, and a gap where tags were; its tags are gone.
    tags: Option<TagBatch>,
}

impl Debt {
    /// Puts what is owed of tags before what the batch says.
    fn settle(&mut self, batch: &mut TagBatch) {
        if let Some(mut owed) = self.tags.take() {
            owed.events.append(&mut batch.events);
            batch.events = owed.events;
        }
    }

    fn owe(&mut self, item: Item, dropped: &mut Dropped) {
        match item {
            Item::Settings(SettingsRun { first, count, .. }) => {
                dropped.settings += count;
                self.owe_settings(first..first + count);
            }
            Item::MissingSettings(slots) => self.owe_settings(slots),
            Item::Tags(mut batch) => {
                if let (Some(first), Some(last)) = (batch.tags.first(), batch.tags.last()) {
                    let lost = batch.tags.len() as u64;
                    dropped.tags += lost;
                    // Only edges before `reached` are all there: the last one may lie at it.
                    let to = Ticks(last.tick.saturating_add(1)).max(batch.reached);
                    batch.events.push(TagEvent::Gap { from: Ticks(first.tick), to, lost });
                    batch.tags.clear();
                }
                match &mut self.tags {
                    Some(owed) => owed.events.append(&mut batch.events),
                    None => self.tags = Some(batch),
                }
                self.bound();
            }
            Item::Begun | Item::Report(_) | Item::End(_) => {}
        }
    }

    /// A station that takes nothing for minutes is not owed each mark: the stream is lost from the first
    /// gap on, and all gaps are one.
    fn bound(&mut self) {
        let Some(owed) = self.tags.as_mut().filter(|owed| owed.events.len() > MOST_OWED) else {
            return;
        };
        let gaps = owed.events.iter().filter_map(|event| match *event {
            TagEvent::Gap { from, to, lost } => Some((from, to, lost)),
            _ => None,
        });
        let whole = gaps.reduce(|(from, to, lost), gap| {
            (from.min(gap.0), to.max(gap.1), lost.saturating_add(gap.2))
        });
        let Some((from, to, lost)) = whole else { return };
        owed.events.clear();
        owed.events.push(TagEvent::StreamLost { tick: from });
        owed.events.push(TagEvent::Gap { from, to, lost });
    }

    fn owe_settings(&mut self, slots: std::ops::Range<u64>) {
        let first = self.settings.as_ref().map_or(slots.start, |owed| owed.start);
        self.settings = Some(first..slots.end);
    }
}

/// Brings the device up and carries its data until the run ends or `stop` says so. Everything goes to
/// the outlet; the last item is [`Item::End`]. Gives the connection back: a device that loses its host in
/// mid-run trips; and why the run ended early, if it did. `feed` is where a device that is fed has its
/// bytes from.
pub fn carry<T: Transport>(
    mut connection: Connection<T>,
    identity: &DeviceIdentity,
    configure: Configure,
    run: Run,
    feed: Option<&mut FeedSource>,
    outlet: Outlet<'_>,
    stop: impl Fn() -> bool,
) -> (Connection<T>, Option<DeviceFault>) {
    let role = identity.role;
    let mut collector = Collector::new(role, run.source, outlet);
    let tick = identity.tick_length;
    connection.ride(steered::rider(role, tick, &configure, run.epoch));
    let given = Given::give(&mut connection, role, &configure, tick, run.source, feed);
    let started = given.and_then(|given| {
        collector.given = given;
        device::start(&mut connection, role, configure, run, &mut |event| collector.event(event))
    });
    match started {
        // Before the data that came with the answer.
        Ok(()) => collector.waiting.push_front(Item::Begun),
        Err(fault) => collector.report.fault = Some(fault),
    }
    (collector.idle_answers, collector.spoke) = (0, Instant::now());
    let (mut beaten, mut heard) = (Instant::now(), Instant::now());
    let wait = if collector.given.feeds() { LOOK } else { POLL };
    while collector.report.fault.is_none() && !collector.ended && !collector.deaf && !stop() {
        if let Err(fault) = collector.given.advance(&mut connection) {
            collector.fault(fault);
            break;
        }
        let received = match connection.receive(wait, |event| collector.event(&event)) {
            Ok(()) => {
                heard = Instant::now();
                Ok(())
            }
            Err(TransportError::TimedOut) if beaten.max(heard).elapsed() < POLL => Ok(()),
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
        collector.report.losses = *connection.losses();
        collector.hand_over(|| beat(&mut connection));
        // On a run a device always has more to say than that it is there. One that ends by itself has
        // lost its last word; of the light of another process it may be that it is held up.
        if run.slots != 0 {
            collector.ended |= collector.idle_answers > 1;
        } else if collector.idle_answers > IDLE_ANSWERS
            || collector.given.feeds() && collector.spoke.elapsed() > IDLE_ANSWERS * ASK
        {
            collector.report.fault.get_or_insert(DeviceFault::Mute { role });
        }
    }
    collector.flush_settings();
    collector.flush_tags();
    collector.report.losses = *connection.losses();
    collector.report.tags = *collector.decoder.counters();
    let report = std::mem::take(&mut collector.report);
    let fault = report.fault.clone();
    connection.ride(None);
    collector.give(Item::End(Box::new(report)));
    collector.hand_over(|| beat(&mut connection));
    (connection, fault)
}

/// A sign of life on the side. A port that fails here fails again at the next receive.
fn beat<T: Transport>(connection: &mut Connection<T>) {
    let _ = connection.beat();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::bounded;
    use helio_timetag::Tag;

    fn batch(ticks: std::ops::Range<u64>) -> Item {
        let tags = ticks.clone().map(|t| Tag::new(Ticks(t), 0)).collect();
        let mark = TagEvent::LockLost { tick: Ticks(ticks.start) };
        Item::Tags(TagBatch { tags, events: vec![mark], reached: Ticks(ticks.end) })
    }

    fn settings(first: u64, count: u64) -> Item {
        Item::Settings(SettingsRun { first, count, packed: vec![0; count as usize] })
    }

    fn collector(items: &Sender<Item>) -> Collector<'_> {
        let outlet = Outlet { items, pool: None, when_full: WhenFull::Drop };
        Collector::new(Role::Bob, SettingsSource::Own, outlet)
    }

    /// Light does not wait for a station: what has no room becomes a gap and missing settings, in
    /// order, before anything later.
    #[test]
    fn what_finds_no_room_is_told_as_missing() {
        let (items, station) = bounded(2);
        let mut collector = collector(&items);
        for item in [batch(0..10), settings(0, 4), batch(10..20), settings(4, 4), batch(20..30)] {
            collector.give(item);
        }
        collector.hand_over(|| {});
        assert_eq!(collector.report.dropped, Dropped { tags: 20, settings: 4 });
        assert!(matches!(station.recv(), Ok(Item::Tags(b)) if b.tags.len() == 10));
        assert!(matches!(station.recv(), Ok(Item::Settings(run)) if run.first == 0));
        collector.give(batch(30..40));
        collector.hand_over(|| {});
        let Ok(Item::Tags(told)) = station.recv() else { panic!("tags") };
        let gap = |from, to| TagEvent::Gap { from: Ticks(from), to: Ticks(to), lost: 10 };
        let lost = |tick| TagEvent::LockLost { tick: Ticks(tick) };
        assert_eq!(told.events, [lost(10), gap(10, 20), lost(20), gap(20, 30), lost(30)]);
        assert_eq!((told.tags.len(), told.reached), (10, Ticks(40)));
        collector.give(settings(8, 4));
        collector.hand_over(|| {});
        assert!(matches!(station.recv(), Ok(Item::MissingSettings(slots)) if slots == (4..8)));
        assert!(matches!(station.recv(), Ok(Item::Settings(run)) if run.first == 8));
        assert!(station.is_empty());
    }

    /// The device's thread never waits for room: the host's sign of life would stay out.
    #[test]
    fn settings_that_find_no_room_twice_are_owed_together() {
        let (items, station) = bounded(1);
        let mut collector = collector(&items);
        for item in [batch(0..10), settings(0, 4), settings(4, 4), Item::MissingSettings(8..10)] {
            collector.give(item);
        }
        collector.hand_over(|| {});
        assert!(collector.waiting.is_empty());
        assert_eq!(collector.report.dropped, Dropped { tags: 0, settings: 8 });
        assert!(matches!(station.recv(), Ok(Item::Tags(_))));
        // Room for what is owed, none for what comes after it.
        collector.give(settings(10, 2));
        collector.hand_over(|| {});
        assert!(matches!(station.recv(), Ok(Item::MissingSettings(slots)) if slots == (0..10)));
        collector.give(Item::MissingSettings(12..13));
        collector.hand_over(|| {});
        assert!(matches!(station.recv(), Ok(Item::MissingSettings(slots)) if slots == (10..12)));
        assert_eq!(collector.debt.settings, Some(12..13));
    }

    #[test]
    fn the_gap_of_dropped_tags_holds_the_last_of_them() {
        let (mut debt, mut dropped) = (Debt::default(), Dropped::default());
        let tags = [5, 9].map(|t| Tag::new(Ticks(t), 0)).to_vec();
        debt.owe(
            Item::Tags(TagBatch { tags, events: Vec::new(), reached: Ticks(9) }),
            &mut dropped,
        );
        let owed = debt.tags.expect("owed").events;
        assert_eq!(owed, [TagEvent::Gap { from: Ticks(5), to: Ticks(10), lost: 2 }]);
    }

    #[test]
    fn a_station_that_takes_nothing_for_ever_is_owed_one_gap() {
        let (items, station) = bounded(1);
        let mut collector = collector(&items);
        for i in 0..2 * MOST_OWED as u64 {
            collector.give(batch(10 * i..10 * i + 10));
            collector.hand_over(|| {});
        }
        let owed = |collector: &Collector<'_>| collector.debt.tags.as_ref().map(|t| t.events.len());
        assert!(owed(&collector).is_some_and(|events| events <= MOST_OWED + 2));
        let lost = 10 * (2 * MOST_OWED as u64 - 1);
        assert_eq!(collector.report.dropped.tags, lost);
        drop(station.recv());
        collector.give(batch(0..0));
        collector.hand_over(|| {});
        let Ok(Item::Tags(told)) = station.recv() else { panic!("tags") };
        assert_eq!(told.events[0], TagEvent::StreamLost { tick: Ticks(10) });
        let gaps = told.events.iter().map(|event| match event {
            TagEvent::Gap { lost, .. } => *lost,
            _ => 0,
        });
        assert_eq!(gaps.sum::<u64>(), lost, "every tag is counted once");
    }

    #[test]
    fn settings_of_another_source_make_no_key() {
        let (items, station) = bounded(4);
        let mut collector = collector(&items);
        for (first, source) in [(0, SettingsSource::Own), (4, SettingsSource::Pattern)] {
            let first = helio_units::SlotIndex(first);
            let packed = &[0x1b];
            let batch =
                helio_wire::SettingsBatch { first, bits_per_slot: 2, source, count: 4, packed };
            collector.message(&DeviceMessage::Settings(batch));
        }
        let fault = collector.report.fault.clone().expect("a fault");
        let told = fault.to_string();
        assert!(told.contains("from pattern and was told to from its own generator"), "{told}");
        assert!(collector.ended);
        collector.flush_settings();
        collector.hand_over(|| {});
        assert!(matches!(station.recv(), Ok(Item::Settings(run)) if run.count == 4));
        assert!(station.is_empty());
    }

    #[test]
    fn a_station_that_has_gone_ends_the_run() {
        let (items, station) = bounded(1);
        drop(station);
        let mut collector = collector(&items);
        collector.give(settings(0, 4));
        collector.hand_over(|| {});
        assert!(collector.deaf);
    }
}
