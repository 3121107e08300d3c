//! One device: what it sends, as notes, and what it counts.

use super::Tally;
use super::controller::Note;
use super::ledger::{Truth, no_setting_is_missing, no_tag_is_missing};
use crate::host::slotter;
use helio_link::Event;
use helio_timetag::{Buffer, SlotBatch, Slotter, TagBatch, TagDecoder};
use helio_units::{TickLength, Ticks};
use helio_wire::{Arrival, Decoder, DeviceMessage, Health, SequenceTracker, Stream, decode_device};

/// A stream of events as notes: tags, settings, holes, detections.
pub(crate) struct Slots {
    decoder: TagDecoder,
    slotter: Slotter,
    batch: TagBatch,
    slots: SlotBatch,
    epoch: u16,
    /// Of the run of the message that comes next.
    no_settings: Option<(u64, u64)>,
    /// Nothing is lost before this one: what is not final at the end of a run is final then.
    whole: bool,
}

impl Slots {
    /// At the end of a cable that may be cut: what was not final is not used.
    pub fn of_a_host() -> Slots {
        Slots {
            decoder: TagDecoder::new(),
            slotter: Slotter::new(slotter(2, TickLength::CYCLE_150_MHZ))
                .expect("the window fits a slot"),
            batch: TagBatch::default(),
            slots: SlotBatch::default(),
            epoch: 0,
            no_settings: None,
            whole: false,
        }
    }

    fn at_the_device() -> Slots {
        Slots { whole: true, ..Slots::of_a_host() }
    }

    pub fn event(&mut self, event: &Event<'_>, notes: &mut Vec<Note>) {
        match event {
            Event::Message(header, message) => {
                if let Some((from, to)) = self.no_settings.take() {
                    notes.push(Note::NoSettings { epoch: header.epoch, from, to });
                }
                if header.stream == Stream::Tags && header.epoch != self.epoch {
                    self.end(notes);
                    self.epoch = header.epoch;
                }
                self.message(header.epoch, message, notes);
                self.decoder.push(message, &mut self.batch);
            }
            Event::Lost { stream: Stream::Tags, .. } => self.decoder.frames_lost(&mut self.batch),
            Event::MissingTicks { from, to } => {
                notes.push(Note::Hole { from: *from, to: Ticks(to.0 + 1) });
            }
            Event::MissingSlots { from, to } => {
                self.no_settings = Some((from.0, to.0));
            }
            Event::Rebooted { .. } => {
                self.end(notes);
                notes.push(Note::Reboot);
            }
            _ => {}
        }
        self.slotter.push(&self.batch, &mut self.slots);
        self.batch.clear();
        self.note_detections(notes);
    }

    fn message(&self, epoch: u16, message: &DeviceMessage<'_>, notes: &mut Vec<Note>) {
        match message {
            DeviceMessage::Tags(tags) => {
                notes.push(Note::From(tags.base));
                let tag = |edge: helio_bench::Edge| Note::Tag {
                    epoch,
                    tick: edge.tick,
                    channel: edge.channel,
                };
                notes.extend(tags.iter().map(tag));
                notes.push(Note::Reached(tags.reached));
            }
            DeviceMessage::Gap { from, to, .. } => {
                notes.push(Note::Hole { from: *from, to: *to });
            }
            DeviceMessage::Settings(batch) => {
                let setting = |(slot, code): (helio_units::SlotIndex, u8)| Note::Setting {
                    epoch,
                    slot: slot.0,
                    code,
                };
                notes.extend(batch.iter().map(setting));
            }
            _ => {}
        }
    }

    /// A run is over, or the device began anew.
    pub fn end(&mut self, notes: &mut Vec<Note>) {
        if self.whole {
            self.slotter.flush(&mut self.slots);
            self.note_detections(notes);
        }
        let (epoch, whole) = (self.epoch, self.whole);
        *self = Slots { epoch, whole, ..Slots::of_a_host() };
    }

    fn note_detections(&mut self, notes: &mut Vec<Note>) {
        let epoch = self.epoch;
        let note =
            |d: &helio_timetag::Detection| Note::Detection { epoch, slot: d.slot, mask: d.mask };
        notes.extend(self.slots.detections.iter().map(note));
        self.slots.clear();
    }
}

/// What the firmware counts, by what it says, since a boot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Boot {
    /// 0 before anything was heard of it.
    pub nonce: u32,
    /// Tags that came out of the device, and those that it said it had lost.
    pub tags: u64,
    pub lost: u64,
    /// Frames of the tag stream that a pulled cable has swallowed.
    pub swallowed: u64,
    /// A cable was pulled: its last frames may be among those.
    pub pulled: bool,
    pub health: Health,
}

/// One device's side: what comes out of it, before anything happens to that.
pub(crate) struct Side {
    /// Of what reaches the device.
    pub commands: Decoder,
    /// Of what it sends.
    frames: Decoder,
    tracker: SequenceTracker,
    slots: Slots,
    sent: Vec<Note>,
    pub boot: Boot,
    /// Pieces of frames: a cable was pulled, or a device reset, within one.
    pub torn: u64,
    /// Where in `sent` the present cable begins.
    begun: usize,
    /// Cables so far: what was sent while it was plugged in, and what its host heard.
    cables: Vec<(std::ops::Range<usize>, Vec<Note>)>,
}

impl Side {
    pub fn new() -> Side {
        Side {
            commands: Decoder::new(),
            frames: Decoder::new(),
            tracker: SequenceTracker::new(),
            slots: Slots::at_the_device(),
            sent: Vec::new(),
            boot: Boot::default(),
            torn: 0,
            begun: 0,
            cables: Vec::new(),
        }
    }

    pub fn note_frames(&mut self, bytes: &[u8]) {
        let Side { frames, tracker, slots, sent, boot, torn, .. } = self;
        frames.push(bytes, |frame| {
            let Ok(frame) = frame else { return *torn += 1 };
            let (header, message) = decode_device(frame).expect("the device's frames are known");
            if header.boot_nonce == 0 {
                // Refused: nobody owns the device, or another pipe.
                return;
            }
            if boot.nonce != header.boot_nonce {
                slots.end(sent);
                *boot = Boot { nonce: header.boot_nonce, ..Boot::default() };
            }
            let missing = match tracker.account(&header) {
                Arrival::InOrder => 0,
                Arrival::First => header.sequence,
                Arrival::Gap { missing } | Arrival::Reboot { missing } => missing,
                Arrival::Repeat => panic!("a device repeats nothing: {header:?}"),
            };
            if missing > 0 && header.stream == Stream::Tags {
                boot.swallowed += u64::from(missing);
                slots.event(&Event::Lost { stream: Stream::Tags, frames: missing }, sent);
            }
            match &message {
                DeviceMessage::Tags(tags) => boot.tags += u64::from(tags.count),
                DeviceMessage::Gap { lost, .. } => boot.lost += lost,
                DeviceMessage::Health(health) => boot.health = *health,
                _ => {}
            }
            slots.event(&Event::Message(header, message), sent);
        });
    }

    /// The device is reset.
    pub fn rebooted(&mut self) {
        self.commands.reset();
        self.slots.end(&mut self.sent);
        self.boot = Boot::default();
    }

    /// The cable is pulled; this is what its host heard.
    pub fn close(&mut self, heard: Vec<Note>) {
        self.commands.reset();
        self.boot.pulled = true;
        let end = self.sent.len();
        self.cables.push((self.begun..end, heard));
        self.begun = end;
    }

    /// What its hosts have heard.
    pub fn heard(&self) -> Vec<Note> {
        self.cables.iter().flat_map(|(_, heard)| heard).copied().collect()
    }

    /// All is over: each tag and each setting that was sent has come to its host or lies in a hole that
    /// it was told of, and nothing came that was not sent.
    pub fn settle(&mut self, tally: &mut Tally) {
        self.slots.end(&mut self.sent);
        let truth = Truth::of(&self.sent);
        for (span, heard) in &self.cables {
            truth.holds(heard, tally);
            no_tag_is_missing(&self.sent[span.clone()], heard);
            no_setting_is_missing(&self.sent[span.clone()], heard);
        }
    }
}
