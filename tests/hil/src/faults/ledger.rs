//! What the devices sent, what the hosts made of it, and whether that is right.

use super::controller::Note;
use super::{ROLES, Tally};
use crate::host::slotter;
use helio_firmware::Counters;
use helio_link::Event;
use helio_timetag::{Buffer, SlotBatch, Slotter, TagBatch, TagDecoder};
use helio_units::Ticks;
use helio_wire::{Decoder, DeviceMessage, HostMessage, Role, Stream, decode_device, decode_host};
use std::collections::{HashMap, HashSet};

/// A stream of events as notes: tags, settings, holes, detections.
pub(crate) struct Slots {
    decoder: TagDecoder,
    slotter: Slotter,
    batch: TagBatch,
    slots: SlotBatch,
    epoch: u16,
    /// Nothing is lost before this one: what is not final at the end of a run is final then.
    whole: bool,
}

impl Slots {
    /// At the end of a cable that may be cut: what was not final is not used.
    pub fn of_a_host() -> Slots {
        Slots {
            decoder: TagDecoder::new(),
            slotter: Slotter::new(slotter(2)).expect("the window fits a slot"),
            batch: TagBatch::default(),
            slots: SlotBatch::default(),
            epoch: 0,
            whole: false,
        }
    }

    fn at_the_device() -> Slots {
        Slots { whole: true, ..Slots::of_a_host() }
    }

    pub fn event(&mut self, event: &Event<'_>, notes: &mut Vec<Note>) {
        match event {
            Event::Message(header, message) => {
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

/// One device's side.
struct Side {
    /// Of what reaches the device.
    commands: Decoder,
    /// Of what it sends.
    frames: Decoder,
    slots: Slots,
    sent: Vec<Note>,
    /// Tags of this boot, and those that it said it had lost.
    of_this_boot: [u64; 2],
    /// Where in `sent` the present cable begins.
    begun: usize,
    /// Cables so far: what was sent while it was plugged in, and what its host heard.
    cables: Vec<(std::ops::Range<usize>, Vec<Note>)>,
}

pub(super) struct Ledger {
    sides: [Side; 2],
    alive: Ticks,
}

impl Ledger {
    pub fn new() -> Ledger {
        let side = |_| Side {
            commands: Decoder::new(),
            frames: Decoder::new(),
            slots: Slots::at_the_device(),
            sent: Vec::new(),
            of_this_boot: [0; 2],
            begun: 0,
            cables: Vec::new(),
        };
        Ledger { sides: ROLES.map(side), alive: Ticks(0) }
    }

    /// When a word that keeps Alice alive reached her whole.
    pub fn alive(&self) -> Ticks {
        self.alive
    }

    fn side(&mut self, role: Role) -> &mut Side {
        &mut self.sides[usize::from(role.code())]
    }

    pub fn note_commands(&mut self, role: Role, rx: &[u8], now: Ticks) {
        let mut alive = false;
        self.side(role).commands.push(rx, |frame| {
            let word = frame.ok().and_then(|frame| decode_host(frame).ok());
            alive |= matches!(word, Some((_, HostMessage::Heartbeat | HostMessage::Arm { .. })));
        });
        if alive && role == Role::Alice {
            self.alive = now;
        }
    }

    pub fn note_frames(&mut self, role: Role, bytes: &[u8]) {
        let Side { frames, slots, sent, of_this_boot, .. } = self.side(role);
        frames.push(bytes, |frame| {
            let (header, message) =
                decode_device(frame.expect("a device's frames are whole")).expect("and known");
            match &message {
                DeviceMessage::Tags(tags) => of_this_boot[0] += u64::from(tags.count),
                DeviceMessage::Gap { lost, .. } => of_this_boot[1] += lost,
                _ => {}
            }
            slots.event(&Event::Message(header, message), sent);
        });
    }

    pub fn rebooted(&mut self, role: Role) {
        let side = self.side(role);
        side.commands.reset();
        side.slots.end(&mut side.sent);
        side.of_this_boot = [0; 2];
    }

    /// The cable is pulled; this is what its host heard.
    pub fn close(&mut self, role: Role, heard: Vec<Note>) {
        let side = self.side(role);
        side.commands.reset();
        let end = side.sent.len();
        side.cables.push((side.begun..end, heard));
        side.begun = end;
    }

    /// All is over: is it right?
    pub fn settle(&mut self, bob: &Counters, tally: &mut Tally) {
        let [tags, lost] = self.side(Role::Bob).of_this_boot;
        assert!(bob.lost_edges >= lost, "gaps tell of {lost}, the counter of {}", bob.lost_edges);
        assert_eq!(bob.edges, tags + bob.lost_edges, "an edge is sent or counted");
        tally.tags[2] += bob.lost_edges;
        for side in &mut self.sides {
            side.slots.end(&mut side.sent);
            let truth = Truth::of(&side.sent);
            for (span, heard) in &side.cables {
                truth.holds(heard, tally);
                no_tag_is_missing(&side.sent[span.clone()], heard);
            }
        }
        self.sift(tally);
    }

    /// What both hosts have together.
    fn sift(&self, tally: &mut Tally) {
        let [alice, bob] = [0, 1].map(|at: usize| {
            let notes = self.sides[at].cables.iter().flat_map(|(_, heard)| heard);
            notes.copied().collect::<Vec<Note>>()
        });
        tally.bits = bits(&alice, &bob);
    }
}

/// Slots with a bit at both hosts, and those that differ.
pub(crate) fn bits(alice: &[Note], bob: &[Note]) -> [u64; 2] {
    let (sent, measured) = (settings(alice), settings(bob));
    let mut bits = [0; 2];
    for note in bob {
        let Note::Detection { epoch, slot, mask } = note else { continue };
        let key = (*epoch, *slot);
        let (Some(sent), Some(setting)) = (sent.get(&key), measured.get(&key)) else { continue };
        if mask.count_ones() == 1 && sent >> 1 & 1 == setting & 1 {
            let found = (*mask == 0b10) != (setting & 2 != 0);
            bits[0] += 1;
            bits[1] += u64::from(found != (sent & 1 == 1));
        }
    }
    bits
}

fn settings(notes: &[Note]) -> HashMap<(u16, u64), u8> {
    let of = |note: &Note| match note {
        Note::Setting { epoch, slot, code } => Some(((*epoch, *slot), *code)),
        _ => None,
    };
    notes.iter().filter_map(of).collect()
}

/// What a host on a good cable would have heard.
struct Truth {
    tags: HashSet<(u16, Ticks, u8)>,
    settings: HashMap<(u16, u64), u8>,
    detections: HashMap<(u16, u64), u8>,
}

impl Truth {
    fn of(sent: &[Note]) -> Truth {
        let mut truth =
            Truth { tags: HashSet::new(), settings: settings(sent), detections: HashMap::new() };
        for note in sent {
            match note {
                Note::Tag { epoch, tick, channel } => {
                    truth.tags.insert((*epoch, *tick, *channel));
                }
                Note::Detection { epoch, slot, mask } => {
                    truth.detections.insert((*epoch, *slot), *mask);
                }
                _ => {}
            }
        }
        truth
    }

    /// Nothing is made up.
    fn holds(&self, heard: &[Note], tally: &mut Tally) {
        for note in heard {
            match note {
                Note::Tag { epoch, tick, channel } => {
                    assert!(self.tags.contains(&(*epoch, *tick, *channel)), "{note:?}");
                    tally.tags[1] += 1;
                }
                Note::Setting { epoch, slot, code } => {
                    assert_eq!(self.settings.get(&(*epoch, *slot)), Some(code), "{note:?}");
                }
                Note::Detection { epoch, slot, mask } => {
                    let true_mask = self.detections.get(&(*epoch, *slot));
                    assert_eq!(true_mask, Some(mask), "{note:?}");
                    tally.detections[0] += 1;
                }
                _ => {}
            }
        }
        tally.tags[0] = tally.tags[0].max(self.tags.len() as u64);
        tally.detections[1] = tally.detections[1].max(self.detections.len() as u64);
    }
}

/// Every tag that was sent on a cable came, or lies in a hole that its host knows of.
fn no_tag_is_missing(sent: &[Note], heard: &[Note]) {
    let (mut came, mut holes) = (HashSet::new(), Vec::new());
    let (mut first, mut reached, mut rebooted) = (None, Ticks(0), false);
    for note in heard {
        match note {
            Note::Tag { tick, channel, .. } => _ = came.insert((*tick, *channel)),
            Note::Hole { from, to } => holes.push(*from..*to),
            Note::From(base) => {
                first.get_or_insert(*base);
                // A gap to infinity that ends when the device speaks again.
                if std::mem::take(&mut rebooted) && reached < *base {
                    holes.push(reached..Ticks(base.0 + 1));
                }
            }
            Note::Reached(to) => reached = reached.max(*to),
            Note::Reboot => rebooted = true,
            _ => {}
        }
    }
    let Some(first) = first else { return };
    for note in sent {
        let Note::Tag { tick, channel, .. } = note else { continue };
        let known = *tick < first
            || *tick >= reached
            || came.contains(&(*tick, *channel))
            || holes.iter().any(|hole| hole.contains(tick));
        assert!(known, "{note:?} is missing and nobody was told");
    }
}
