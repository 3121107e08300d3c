//! What a station shows of itself: gauges kept on the way, put into the shared [`Status`] several
//! times a second.

use std::ops::Range;
use std::time::{Duration, Instant};

use helio_distill::release::BlockState;
use helio_distill::{DetectorErrors as Counted, Role, Stage};
use helio_keys::Origin;
use helio_timetag::{PoolReturn, SlotCounters, TagBatch};
use helio_wire::Stream;

use super::begin::{endpoint_words, slots_per_block};
use super::station::{RunLight, Station};
use crate::bench::device::interlock_words;
use crate::engine::figures;
use crate::line::Light;
use crate::meter::Doing;
use crate::side::{Receiver, Side};
use crate::status::{
    BlockInProgress, DetectorErrors, DetectorOffset, DetectorRate, Device, Epsilon, Keys,
    LastBlock, Line, Lost, Pads, Phase, Queue, Rates, StageLoad, StationEvent, Status, Window,
    unix_now_s,
};
use crate::store::DiskStore;

/// How often the shared status is renewed.
const EVERY: Duration = Duration::from_millis(200);
/// Over how long rates of clicks are taken.
const RATE_OVER: Duration = Duration::from_secs(2);
/// Bins of the histogram shown: whole bins of the one that is kept.
const SHOWN_BINS: usize = 64;

/// What is counted on the way.
#[derive(Default)]
pub(super) struct Gauges {
    pub keys: Keys,
    pub run_key_bits: u64,
    /// Sifted bits of the key basis in the run's blocks that are done.
    pub run_sifted_bits: u64,
    /// Blocks that are being dropped one after the other.
    pub dropped: Option<Range<u64>>,
    /// Where Bob's tag batches return to.
    pub empties: Option<PoolReturn<TagBatch>>,
    /// Name of each detector of the talk, and its input at the device.
    detectors: Vec<(String, u32)>,
    blocks: Vec<LastBlock>,
    events: Vec<StationEvent>,
    clicks: Option<(Instant, SlotCounters)>,
    rates: Rates,
    shown_at: Option<Instant>,
}

impl Gauges {
    /// Nothing counted yet; `detectors` are names and inputs, in order of the talk's detectors.
    pub fn new(detectors: Vec<(String, u32)>) -> Gauges {
        Gauges { detectors, ..Gauges::default() }
    }

    /// Inputs of the device become detectors of the talk.
    pub fn to_detectors(&self, batch: &mut TagBatch) {
        let in_order = self.detectors.iter().zip(0..).all(|((_, input), i)| *input == i);
        if in_order {
            return;
        }
        for tag in &mut batch.tags {
            let detector = self.detectors.iter().position(|(_, input)| *input == tag.channel);
            // An input that is no detector's stays a foreign one.
            tag.channel = detector.map_or(u32::MAX, |d| d as u32);
        }
    }

    /// Back to the pool.
    pub fn give_back(&self, batch: TagBatch) {
        if let Some(empties) = &self.empties {
            empties.give(batch);
        }
    }

    pub fn run_began(&mut self) {
        self.run_key_bits = 0;
        self.run_sifted_bits = 0;
        self.clicks = None;
        // Blocks of the new run have numbers of their own.
        self.dropped = None;
    }

    pub fn block(&mut self, block: LastBlock) {
        self.blocks.insert(0, block);
        self.blocks.truncate(crate::status::MOST_BLOCKS);
    }

    pub fn event(&mut self, event: StationEvent) {
        self.events.push(event);
        let surplus = self.events.len().saturating_sub(crate::status::MOST_EVENTS);
        self.events.drain(..surplus);
    }

    /// Errors by detector with the detectors' names.
    pub fn named(&self, counted: &[Counted]) -> Vec<DetectorErrors> {
        let name = |detector: Option<u8>| match detector {
            Some(d) => self
                .detectors
                .get(usize::from(d))
                .map_or_else(|| format!("detector {d}"), |(name, _)| name.clone()),
            None => "double clicks".to_owned(),
        };
        let one = |c: &Counted| DetectorErrors {
            detector: name(c.detector),
            test: Some(c.test),
            key: c.key,
        };
        counted.iter().map(one).collect()
    }

    /// Clicks a second, from two looks that are far enough apart.
    fn take_rates(&mut self, receiver: &Receiver<'_>) {
        let now = (Instant::now(), *receiver.counters);
        let Some((then, before)) = &self.clicks else {
            self.clicks = Some(now);
            return;
        };
        let seconds = then.elapsed().as_secs_f64();
        if seconds < RATE_OVER.as_secs_f64() {
            return;
        }
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        let detector = |(i, (name, _)): (usize, &(String, u32))| DetectorRate {
            detector: name.clone(),
            clicks_per_s: rate(now.1.clicks[i & 7], before.clicks[i & 7]),
        };
        self.rates.detectors = self.detectors.iter().enumerate().map(detector).collect();
        self.rates.outside_window_per_s = rate(now.1.outside, before.outside);
        self.rates.held_off_per_s = rate(now.1.held_off, before.held_off);
        self.clicks = Some(now);
    }

    fn window(&self, receiver: &Receiver<'_>, tick_ps: f64) -> Window {
        let (config, phases) = (receiver.config, receiver.phases);
        let slot_ps = receiver.phases.period_ticks() * tick_ps;
        let per_shown = (phases.bins() / SHOWN_BINS).max(1);
        let bin_ps = slot_ps * per_shown as f64 / phases.bins() as f64;
        let centre_ps = slot_ps * f64::from(config.window.centre) / 2f64.powi(32);
        let mut histogram = vec![0; phases.bins().div_ceil(per_shown)];
        for detector in 0..self.detectors.len() {
            for (bin, count) in phases.channel(detector).iter().enumerate() {
                histogram[bin / per_shown] += count;
            }
        }
        let offset = |(i, (name, _)): (usize, &(String, u32))| DetectorOffset {
            detector: name.clone(),
            mean_offset_ps: phases
                .mean_offset_ticks(i, config.window.centre)
                .map(|ticks| ticks * tick_ps),
        };
        let half_ticks = config.window.half_width.0 as f64 / 2f64.powi(32);
        Window {
            width_ps: (2.0 * half_ticks * tick_ps).round() as u64,
            detectors: self.detectors.iter().enumerate().map(offset).collect(),
            histogram,
            first_bin_ps: -centre_ps,
            bin_ps,
        }
    }
}

/// Frames with tags or settings: what a device says of itself before its host is there is no loss.
fn data_frames(frames: &[u64; Stream::COUNT]) -> u64 {
    [Stream::Tags, Stream::Settings].iter().map(|s| frames[usize::from(s.code())]).sum()
}

impl<O: Origin, D: Side<Store = DiskStore<O>>> Station<O, D> {
    /// Renews the shared status, if it is time or `now`.
    pub fn publish(&mut self, now: bool) {
        let due = self.gauges.shown_at.is_none_or(|at| at.elapsed() >= EVERY);
        if !due && !now {
            return;
        }
        self.gauges.shown_at = Some(Instant::now());
        let (phase, waiting_for) = self.phase();
        let shared = self.status.clone();
        let mut status: Status = match shared.lock() {
            Ok(status) => status.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        };
        status.station.session = self.run.as_ref().map(|run| run.new.session.to_string());
        let folder = self.run.as_ref().and_then(|run| run.folder.as_ref());
        status.station.run_folder = folder.map(|folder| folder.path().display().to_string());
        status.station.updated_unix_s = Some(unix_now_s());
        status.enter(phase, unix_now_s());
        status.ready = phase == Phase::Running && waiting_for.is_none();
        status.waiting_for = waiting_for;
        status.device = Some(self.shown_device());
        status.line = Some(self.shown_line());
        self.show_talk(&mut status);
        self.show_clicks(&mut status);
        self.show_stages(&mut status);
        status.keys = self.gauges.keys;
        status.last_blocks.clone_from(&self.gauges.blocks);
        status.events.clone_from(&self.gauges.events);
        self.show_rates(&mut status);
        if let Ok(mut shared) = shared.lock() {
            *shared = status;
        }
    }

    /// Counts the store's keys anew.
    pub fn recount_keys(&mut self) {
        let store = self.store.as_ref().or(self.run.as_ref().map(|run| run.side.store()));
        let Some(Ok(entries)) = store.map(DiskStore::entries) else { return };
        let mut keys = Keys::default();
        for entry in entries {
            match entry.state {
                BlockState::Usable if entry.taken_at.is_some() => keys.delivered_bits += entry.bits,
                BlockState::Usable => {
                    keys.usable += 1;
                    keys.usable_bits += entry.bits;
                }
                BlockState::Pending => keys.pending += 1,
                BlockState::Burnt => keys.burnt_blocks += 1,
            }
        }
        self.gauges.keys = keys;
    }

    /// Seconds that a block takes at the nominal slot rate.
    pub fn block_seconds(&self) -> f64 {
        let slots = f64::from(slots_per_block(&self.config));
        slots / self.config.slot_rate_hz()
    }

    /// What the station does, and what it waits for if it makes no key.
    fn phase(&self) -> (Phase, Option<String>) {
        if self.stopping.is_some() {
            return (Phase::Stopping, Some("the block in progress is brought to its end".into()));
        }
        if let (None, Some(why)) = (&self.device_state.identity, &self.device_state.absent) {
            return (Phase::WaitingForDevice, Some(why.clone()));
        }
        if self.device_state.identity.is_none() {
            let what = format!("the device at {} to answer", self.config.device());
            return (Phase::WaitingForDevice, Some(what));
        }
        let Some(line) = &self.line else {
            let what = match &self.contact.last_fault {
                Some(fault) => format!("the other station; the last try ended with: {fault}"),
                None => format!(
                    "the other station ({}); start it, and check the network if it runs",
                    endpoint_words(&self.config)
                ),
            };
            return (Phase::WaitingForPeer, Some(what));
        };
        let Some(run) = self.run.as_ref().filter(|run| run.side.is_open()) else {
            return (Phase::MakingContact, Some("the other station's proof".into()));
        };
        match (&run.light, &line.other_light) {
            (_, Some(Light::Absent)) => {
                let what = "the other station's device, which is not there; look there";
                (Phase::StartingLight, Some(what.into()))
            }
            (RunLight::On(_), _) if self.silence().is_some() => {
                let seconds = self.silence().map_or(0, |silence| silence.as_secs());
                let what = format!(
                    "its device, which has sent nothing for {seconds} s: its light is held up, or its \
                     cable"
                );
                (Phase::Running, Some(what))
            }
            (RunLight::On(_), _) => {
                let report = self.device_state.report.as_ref();
                let locked = report.is_some_and(|report| report.health.locked);
                let waiting = match self.role {
                    Role::Bob if !locked => {
                        Some("Alice's sync slots; check the sync fibre if this stays".to_owned())
                    }
                    _ => None,
                };
                (Phase::Running, waiting)
            }
            (RunLight::Over(_, why), _) => {
                (Phase::StartingLight, Some(format!("a new run, for the last one ended: {why}")))
            }
            (RunLight::Ordered(_), _) => {
                (Phase::StartingLight, Some("its device to begin the run".into()))
            }
            (RunLight::Dark, _) => {
                let what = match self.role {
                    _ if !self.device_state.dark => "its device to go dark after the last run",
                    Role::Alice => "Bob's device to listen",
                    Role::Bob => "Alice's device to be dark and ready",
                };
                (Phase::StartingLight, Some(what.into()))
            }
        }
    }

    fn shown_device(&self) -> Device {
        let identity = self.device_state.identity.as_ref();
        let report = self.device_state.report.as_ref();
        let health = report.map(|report| report.health).unwrap_or_default();
        let on = self.is_lit();
        Device {
            address: self.config.device().to_string(),
            connected: identity.is_some(),
            board: identity.map(|i| i.board.clone()),
            serial: identity.map(|i| i.serial.clone()),
            interlock: if on { interlock_words(health.interlock) } else { "dark".into() },
            slots: health.slots,
            slot_rate_hz: if on { self.config.slot_rate_hz() } else { 0.0 },
            locked: (self.role == Role::Bob).then_some(on && health.locked),
            lock_losses: health.lock_losses.into(),
            lost_edges: health.lost_edges,
            lost_settings: health.lost_settings,
            starved_slots: health.starved_slots,
            bad_frames: report.map_or(0, |r| r.losses.bad_frames) + u64::from(health.bad_frames),
        }
    }

    fn shown_line(&self) -> Line {
        let bytes =
            |way: usize| self.keeper.shared.bytes[way].load(std::sync::atomic::Ordering::Relaxed);
        let since = self
            .line
            .as_ref()
            .map(|line| unix_now_s().saturating_sub(line.since.elapsed().as_secs()));
        Line {
            endpoint: endpoint_words(&self.config),
            connected: self.line.is_some(),
            since_unix_s: since,
            bytes_in: bytes(0),
            bytes_out: bytes(1),
            contacts: self.contact.made,
            failed_contacts: self.contact.failed_in_a_row.into(),
            last_fault: self.contact.last_fault.clone(),
        }
    }

    /// Block in progress, pads, ε.
    fn show_talk(&self, status: &mut Status) {
        let Some(run) = &self.run else {
            status.blocks.clear();
            return;
        };
        let progress = run.side.progress();
        let seconds = |since: u64| self.now_ns().saturating_sub(since) as f64 / 1e9;
        let blocks = progress.blocks.iter().map(|block| BlockInProgress {
            block: block.block,
            step: block.step.to_string(),
            seconds: seconds(block.since_ns),
        });
        status.blocks = blocks.collect();
        status.blocks_waiting = progress.blocks_waiting;
        match progress.budget {
            Some(budget) => {
                status.pads = Pads {
                    block_left: budget.block_pads_left,
                    block_size: budget.block_pads,
                    recovery_left: budget.recovery_pads_left,
                    recovery_size: budget.recovery_pads,
                    void: false,
                };
                let per_block = self.config.parameters(run.new.session).epsilon_total;
                status.epsilon = Epsilon::new(budget.epsilon_spent, Some(per_block));
            }
            None => status.pads.void = true,
        }
    }

    fn show_clicks(&mut self, status: &mut Status) {
        let Some(run) = &self.run else { return };
        let tick = self.device_state.identity.as_ref().map(|i| i.tick_length.as_ps_f64());
        if let (Some(receiver), Some(tick_ps)) = (run.side.receiver(), tick) {
            self.gauges.take_rates(&receiver);
            status.window = Some(self.gauges.window(&receiver, tick_ps));
        }
        let items = run.light.items();
        let queue = |name: &str, depth: usize, capacity: Option<usize>| Queue {
            name: name.to_owned(),
            depth: depth as u64,
            capacity: capacity.unwrap_or(0) as u64,
        };
        status.queues = vec![
            queue(
                "from the device",
                items.map_or(0, |i| i.len()),
                items.and_then(|i| i.capacity()),
            ),
            queue("from the line", self.keeper.notes.len(), self.keeper.notes.capacity()),
        ];
        if let Some(line) = &self.line {
            status.queues.push(queue("to the line", line.out.len(), line.out.capacity()));
        }
        if let Some(report) = &self.device_state.report {
            status.lost = Lost {
                tags: report.health.lost_edges + report.dropped.tags,
                frames: data_frames(&report.losses.frames),
                slots_without_setting: report.losses.slots
                    + report.health.lost_settings
                    + report.dropped.settings,
            };
        }
    }

    /// How fast each stage is, and what it waits for.
    fn show_stages(&self, status: &mut Status) {
        let Some(run) = &self.run else { return };
        let (account, bits) = (run.side.account(), self.gauges.run_sifted_bits);
        let load = |stage: Stage| {
            let spent = account.spent(Doing::Stage(stage));
            StageLoad {
                stage: stage.name().to_owned(),
                mbit_per_s: figures::rate(bits, spent.wall),
                cpu_mbit_per_s: figures::rate(bits, spent.cpu),
                wait_s: account.waited(stage).as_secs_f64(),
                queue: match stage {
                    Stage::Intake => run.light.items().map_or(0, |items| items.len() as u64),
                    Stage::Sift => status.blocks_waiting,
                    _ => 0,
                },
            }
        };
        status.stages = Stage::ALL.into_iter().map(load).collect();
    }

    /// Sifted and key bits a second over the last blocks.
    fn show_rates(&mut self, status: &mut Status) {
        let seconds = status.seconds_a_block().unwrap_or_else(|| self.block_seconds());
        let newest = self.gauges.blocks.first().map(|block| block.run.clone());
        let same = |block: &&LastBlock| Some(&block.run) == newest.as_ref();
        let blocks: Vec<&LastBlock> = self.gauges.blocks.iter().filter(same).collect();
        let span = (seconds * blocks.len() as f64).max(f64::MIN_POSITIVE);
        let sum = |bits: fn(&LastBlock) -> u64| {
            if blocks.is_empty() {
                return 0.0;
            }
            blocks.iter().map(|block| bits(block)).sum::<u64>() as f64 / span
        };
        status.rates = Rates {
            sifted_bits_per_s: sum(|block| block.sifted_bits.unwrap_or(0)),
            key_bits_per_s: sum(|block| block.key_bits),
            run_key_bits: self.gauges.run_key_bits,
            ..self.gauges.rates.clone()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_dropped_in_one_run_are_none_of_the_next() {
        let mut gauges = Gauges { dropped: Some(100..150), ..Gauges::default() };
        gauges.run_began();
        assert_eq!(gauges.dropped, None);
    }
}
