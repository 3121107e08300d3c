//! What the devices sent, what the hosts made of it, and whether that is right.

use super::controller::Note;
use super::side::{Boot, Side};
use super::{ROLES, Tally};
use helio_firmware::Counters;
use helio_units::Ticks;
use helio_wire::{HostMessage, Role, decode_host};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

pub(super) struct Ledger {
    sides: [Side; 2],
    alive: Ticks,
}

impl Ledger {
    pub fn new() -> Ledger {
        Ledger { sides: ROLES.map(|_| Side::new()), alive: Ticks(0) }
    }

    /// When a word that keeps Alice alive reached her whole.
    pub fn alive(&self) -> Ticks {
        self.alive
    }

    pub fn side(&mut self, role: Role) -> &mut Side {
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

    /// All is over: is it right?
    pub fn settle(&mut self, bob: &Counters, tally: &mut Tally) {
        let Boot { tags, lost, .. } = self.side(Role::Bob).boot;
        assert!(bob.lost_edges >= lost, "gaps tell of {lost}, the counter of {}", bob.lost_edges);
        assert_eq!(bob.edges, tags + bob.lost_edges, "an edge is sent or counted");
        tally.tags[2] += bob.lost_edges;
        for side in &mut self.sides {
            side.settle(tally);
            assert_eq!(side.torn, 0, "a device's frames are whole");
        }
        self.sift(tally);
    }

    /// What both hosts have together.
    fn sift(&self, tally: &mut Tally) {
        let [alice, bob] = [0, 1].map(|at: usize| self.sides[at].heard());
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
pub(super) struct Truth {
    tags: HashSet<(u16, Ticks, u8)>,
    settings: HashMap<(u16, u64), u8>,
    detections: HashMap<(u16, u64), u8>,
}

impl Truth {
    pub fn of(sent: &[Note]) -> Truth {
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
    pub fn holds(&self, heard: &[Note], tally: &mut Tally) {
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
pub(super) fn no_tag_is_missing(sent: &[Note], heard: &[Note]) {
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

/// Every setting that was sent on a cable came, or its host knows that it is missing: between the first
/// and the last slot of the run that it has heard of.
pub(super) fn no_setting_is_missing(sent: &[Note], heard: &[Note]) {
    let mut known: HashMap<u16, SlotSet> = HashMap::new();
    for note in heard {
        let (epoch, slots) = match note {
            Note::Setting { epoch, slot, .. } => (epoch, *slot..slot + 1),
            Note::NoSettings { epoch, from, to } => (epoch, *from..*to),
            _ => continue,
        };
        known.entry(*epoch).or_default().add(slots);
    }
    for note in sent {
        let Note::Setting { epoch, slot, .. } = note else { continue };
        let told = known.get(epoch).is_none_or(|known| known.has(*slot));
        assert!(told, "{note:?} is missing and nobody was told");
    }
}

/// Slots of a run that a host knows of.
#[derive(Default)]
struct SlotSet(Vec<Range<u64>>);

impl SlotSet {
    fn add(&mut self, slots: Range<u64>) {
        match self.0.last_mut() {
            Some(last) if last.end == slots.start => last.end = slots.end,
            _ => self.0.push(slots),
        }
    }

    /// Whether it is among them, or before or behind all of them.
    fn has(&self, slot: u64) -> bool {
        let first = self.0.iter().map(|slots| slots.start).min();
        let end = self.0.iter().map(|slots| slots.end).max();
        first.is_none_or(|first| slot < first)
            || end.is_none_or(|end| slot >= end)
            || self.0.iter().any(|slots| slots.contains(&slot))
    }
}
