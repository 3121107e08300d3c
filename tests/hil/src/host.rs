//! A host of one device: sends commands, keeps the device alive, writes down what it says.

use helio_bench::Access;
use helio_link::{Connection, Event, Transport, TransportError};
use helio_timetag::{Buffer, SlotBatch, Slotter, SlotterConfig, TagBatch, TagDecoder, Window};
use helio_units::{FineTicks, Picoseconds, SlotIndex, TickLength, Ticks};
use helio_wire::{
    Capabilities, Configure, DeviceMessage, ErrorCode, Health, HostMessage, Role, Stream,
};
use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

/// By the wall clock, between two words of a host that hears nothing: a device on a table is dark
/// after 250 ms.
const BEAT: Duration = Duration::from_millis(100);

/// Spacing of the public sync slots in all runs: close, so that short runs lock.
pub(crate) const SPACING: u16 = 16;

/// How a command was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Took effect at this tick.
    Ack(Ticks),
    /// To `Hello`.
    Hello,
    /// To `Get`: it stands in [`Heard::value`].
    Value,
    /// Refused, with the detail.
    Refused(ErrorCode, u32),
}

/// What a device has said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Which station.
    pub role: Role,
    /// Board, firmware and serial number.
    pub names: [String; 3],
    /// Of its time.
    pub tick_length: TickLength,
    /// Detectors.
    pub channels: u8,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// What a device has said.
pub struct Heard {
    /// To `Hello`.
    pub facts: Option<Facts>,
    /// The last health report; it counts since the boot.
    pub health: Health,
    /// That of before the run.
    before: Health,
    /// All states of the interlock that were reported, each with its time, since the last
    /// [`Heard::begin`].
    pub states: Vec<(Ticks, helio_bench::InterlockState)>,
    /// Where the run ended.
    pub end: Option<SlotIndex>,
    /// Setting of each slot of the run.
    pub settings: Vec<Option<u8>>,
    /// Tags of the run.
    pub tags: u64,
    /// Tags that the device itself says it lost.
    pub lost: u64,
    /// Time of the last tag.
    pub last_tag: Ticks,
    /// Tags that came before an earlier one, frame by frame.
    pub disordered: u64,
    /// Ticks in missing frames.
    pub missing_ticks: u64,
    /// Slots of the run.
    pub slots: SlotBatch,
    /// The entry of the table that was told last: index, name, access, limits, value.
    pub value: Option<(u16, String, Access, [i64; 2], i64)>,
    /// Nonces of reboots.
    pub reboots: Vec<u32>,
    answers: BTreeMap<u32, Answer>,
    batch: TagBatch,
    decoder: TagDecoder,
    slotter: Slotter,
    /// If not the suite's.
    config: Option<SlotterConfig>,
}

fn new_slotter(config: SlotterConfig) -> Slotter {
    Slotter::new(config).expect("the window fits a slot")
}

/// How tags become slots in the suite: a window of 40 ns, a hold-off of 1 µs, 1 ms of slack.
pub fn slotter(channels: u8, tick: TickLength) -> SlotterConfig {
    let ticks = |ps| tick.ticks_covering(Picoseconds(ps));
    SlotterConfig {
        delays: vec![FineTicks(0); usize::from(channels)],
        window: Window { centre: 1 << 31, half_width: FineTicks::from_ticks(ticks(20_000)) },
        hold_off: FineTicks::from_ticks(ticks(1_000_000)),
        sync_spacing: NonZeroU16::new(SPACING),
        slack: ticks(1_000_000_000),
    }
}

/// A slot's length in a device's own ticks, for one of so many cycles of 150 MHz.
///
/// # Panics
/// If it is no whole number of them.
pub(crate) fn in_ticks(cycles: u32, tick: TickLength) -> u32 {
    let of = TickLength::CYCLE_150_MHZ;
    let span = u64::from(cycles) * of.numerator_ps() * u64::from(tick.denominator());
    let length = tick.numerator_ps() * u64::from(of.denominator());
    assert!(
        span.is_multiple_of(length),
        "{cycles} cycles of 150 MHz are no whole ticks of {tick:?}"
    );
    u32::try_from(span / length).expect("a slot of the suite is short")
}

impl Heard {
    fn new() -> Heard {
        Heard {
            facts: None,
            health: Health::default(),
            before: Health::default(),
            states: Vec::new(),
            end: None,
            settings: Vec::new(),
            tags: 0,
            lost: 0,
            last_tag: Ticks(0),
            disordered: 0,
            missing_ticks: 0,
            slots: SlotBatch::default(),
            value: None,
            reboots: Vec::new(),
            answers: BTreeMap::new(),
            batch: TagBatch::default(),
            decoder: TagDecoder::new(),
            slotter: new_slotter(slotter(2, TickLength::CYCLE_150_MHZ)),
            config: None,
        }
    }

    /// From the next run on, tags become slots like this.
    ///
    /// # Panics
    /// If the window does not fit a slot.
    pub fn slot_as(&mut self, config: SlotterConfig) {
        self.config = Some(config);
    }

    /// Forgets the run before; the device, and the order of its tags, stay.
    pub fn begin(&mut self) {
        let known = self.facts.as_ref().map(|facts| (facts.channels.max(1), facts.tick_length));
        let (channels, tick) = known.unwrap_or((2, TickLength::CYCLE_150_MHZ));
        let facts = self.facts.take();
        let (answers, last_tag) = (std::mem::take(&mut self.answers), self.last_tag);
        let health = self.health;
        let decoder = std::mem::take(&mut self.decoder);
        let config = self.config.take();
        let slotter = new_slotter(config.clone().unwrap_or_else(|| slotter(channels, tick)));
        *self = Heard {
            facts,
            answers,
            last_tag,
            health,
            before: health,
            decoder,
            slotter,
            config,
            ..Heard::new()
        };
    }

    /// What the last health report counts of the run.
    pub fn of_run(&self) -> Health {
        let (now, before) = (self.health, self.before);
        Health {
            starved_slots: now.starved_slots.wrapping_sub(before.starved_slots),
            edges: now.edges.wrapping_sub(before.edges),
            lost_edges: now.lost_edges.wrapping_sub(before.lost_edges),
            lost_settings: now.lost_settings.wrapping_sub(before.lost_settings),
            lock_losses: now.lock_losses.wrapping_sub(before.lock_losses),
            ..now
        }
    }

    /// The answer to a command, once there is one.
    pub fn answer(&self, command: u32) -> Option<Answer> {
        self.answers.get(&command).copied()
    }

    /// When the last command before `end` took effect, heartbeats included.
    pub fn last_ack_before(&self, end: Ticks) -> Option<Ticks> {
        let ticks = self.answers.values().filter_map(|answer| match answer {
            Answer::Ack(tick) if *tick < end => Some(*tick),
            _ => None,
        });
        ticks.max()
    }

    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Message(_, message) => self.message(message),
            Event::Lost { stream: Stream::Tags, .. } => self.decoder.frames_lost(&mut self.batch),
            Event::MissingTicks { from, to } => self.missing_ticks += to.0 - from.0,
            Event::Rebooted { nonce } => {
                self.reboots.push(*nonce);
                self.decoder = TagDecoder::new();
            }
            _ => {}
        }
        self.slotter.push(&self.batch, &mut self.slots);
        self.batch.clear();
    }

    fn message(&mut self, message: &DeviceMessage<'_>) {
        match message {
            DeviceMessage::Hello { command, hello } => {
                self.facts = Some(Facts {
                    role: hello.role,
                    names: [hello.board, hello.firmware, hello.serial].map(str::to_owned),
                    tick_length: hello.tick_length,
                    channels: hello.channels,
                    capabilities: hello.capabilities,
                });
                self.answers.insert(*command, Answer::Hello);
            }
            DeviceMessage::Ack { command, tick } => {
                self.answers.insert(*command, Answer::Ack(*tick));
            }
            DeviceMessage::Value { command, index, value, entry } => {
                let limits = [entry.min, entry.max];
                self.value = Some((*index, entry.name.to_owned(), entry.access, limits, *value));
                self.answers.insert(*command, Answer::Value);
            }
            DeviceMessage::Error { command, code, detail } => {
                self.answers.insert(*command, Answer::Refused(*code, *detail));
            }
            DeviceMessage::Health(health) => {
                self.states.push((health.now, health.interlock));
                self.health = *health;
            }
            DeviceMessage::Stopped { end, .. } => self.end = Some(*end),
            DeviceMessage::Settings(batch) => {
                let end = batch.first.0 as usize + usize::from(batch.count);
                if self.settings.len() < end {
                    self.settings.resize(end, None);
                }
                for (slot, code) in batch.iter() {
                    self.settings[slot.0 as usize] = Some(code);
                }
            }
            DeviceMessage::Tags(tags) => {
                for edge in tags.iter() {
                    self.disordered += u64::from(edge.tick < self.last_tag);
                    self.last_tag = edge.tick;
                }
                self.tags += u64::from(tags.count);
                self.decoder.push(message, &mut self.batch);
            }
            DeviceMessage::Gap { lost, .. } => {
                self.lost += lost;
                self.decoder.push(message, &mut self.batch);
            }
            _ => self.decoder.push(message, &mut self.batch),
        }
    }

    /// No more tags of this run will come.
    pub fn finish(&mut self) {
        self.slotter.flush(&mut self.slots);
    }
}

/// The host of one device.
pub struct Host<T> {
    /// Its end of the cable.
    pub connection: Connection<T>,
    /// What came.
    pub heard: Heard,
    /// When it last said or heard something.
    quiet_since: Instant,
}

impl<T: Transport> Host<T> {
    /// On a cable that has just been plugged in.
    pub fn new(cable: T) -> Host<T> {
        let connection = Connection::new(cable);
        Host { connection, heard: Heard::new(), quiet_since: Instant::now() }
    }

    /// Sends a command; its number.
    ///
    /// # Errors
    /// Of the transport.
    pub fn send(&mut self, message: &HostMessage) -> Result<u32, TransportError> {
        self.quiet_since = Instant::now();
        self.connection.send(message)
    }

    /// Sends bytes that are no frame of a host's.
    ///
    /// # Errors
    /// Of the transport.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.connection.transport().send(bytes)
    }

    /// Nothing went missing on the cable but health of before this host came.
    ///
    /// # Panics
    /// If something did.
    pub fn assert_nothing_lost(&self) {
        let mut losses = *self.connection.losses();
        losses.frames[usize::from(Stream::Health.code())] = 0;
        assert!(losses.is_clean(), "{losses:?}");
    }

    /// Takes what comes within `timeout`, and says that the host is alive if both have been silent;
    /// whether anything came.
    ///
    /// # Errors
    /// Of the transport.
    pub fn receive(&mut self, timeout: Duration) -> Result<bool, TransportError> {
        let came = self.listen(timeout)?;
        if came {
            // Over data the connection beats, by the device's time.
            self.quiet_since = Instant::now();
        } else if self.quiet_since.elapsed() > BEAT {
            self.quiet_since = Instant::now();
            self.connection.beat()?;
        }
        Ok(came)
    }

    /// As [`Host::receive`], without a word but what the connection says by itself.
    ///
    /// # Errors
    /// Of the transport.
    pub fn listen(&mut self, timeout: Duration) -> Result<bool, TransportError> {
        let heard = &mut self.heard;
        match self.connection.receive(timeout, |event| heard.event(&event)) {
            Ok(()) => Ok(true),
            Err(TransportError::TimedOut) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A run's configuration: half of the slots in each basis, three levels.
pub fn configure(slot_ticks: u32) -> Configure {
    Configure {
        slot_ticks,
        sync_spacing: SPACING,
        sync_seed: 0x1357_9bdf,
        intensity_weights: [2867, 819, 410, 0],
        key_basis_weight: 2048,
        random_swap: true,
        burst_slots: 0,
        slot_clock: helio_bench::SlotClockMode::Sync,
        gate: None,
    }
}
