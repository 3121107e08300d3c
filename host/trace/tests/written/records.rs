//! Records of PicoQuant's instruments, from events. Bits are put together here as the instruments'
//! manuals draw them.

use helio_trace::Marker;
use helio_units::Ticks;
use proptest::prelude::*;

use crate::support::{Content, tag};

#[derive(Clone, Copy, Debug)]
pub enum Event {
    Photon { channel: u8, dtime: u16 },
    Marker(u8),
    Sync,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    PicoHarp,
    HydraHarp { first: bool },
    TimeHarp200,
}

/// A record type: how its records look.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub code: u32,
    pub t3: bool,
    pub family: Family,
}

const fn kind(code: u32, t3: bool, family: Family) -> Kind {
    Kind { code, t3, family }
}

const LATER: Family = Family::HydraHarp { first: false };

/// All types that PTU files name.
pub const KINDS: [Kind; 12] = [
    kind(0x0001_0203, false, Family::PicoHarp),
    kind(0x0001_0303, true, Family::PicoHarp),
    kind(0x0001_0204, false, Family::HydraHarp { first: true }),
    kind(0x0001_0304, true, Family::HydraHarp { first: true }),
    kind(0x0101_0204, false, LATER),
    kind(0x0101_0304, true, LATER),
    kind(0x0001_0205, false, LATER),
    kind(0x0001_0305, true, LATER),
    kind(0x0001_0206, false, LATER),
    kind(0x0001_0306, true, LATER),
    kind(0x0001_0207, false, LATER),
    kind(0x0001_0307, true, LATER),
];

impl Kind {
    pub fn wrap(self) -> u64 {
        match (self.family, self.t3) {
            (Family::PicoHarp, false) => 210_698_240,
            (Family::PicoHarp | Family::TimeHarp200, _) => 65_536,
            (Family::HydraHarp { first: true }, false) => 33_552_000,
            (Family::HydraHarp { .. }, false) => 33_554_432,
            (Family::HydraHarp { .. }, true) => 1024,
        }
    }

    fn photon(self, channel: u8, dtime: u16, time: u64) -> u32 {
        let (channel, dtime, time) = (u32::from(channel), u32::from(dtime), time as u32);
        match (self.family, self.t3) {
            (Family::PicoHarp, false) => channel << 28 | time,
            (Family::PicoHarp, true) => channel << 28 | dtime << 16 | time,
            (Family::TimeHarp200, _) => 1 << 30 | channel << 28 | dtime << 16 | time,
            (Family::HydraHarp { .. }, false) => channel << 25 | time,
            (Family::HydraHarp { .. }, true) => channel << 25 | dtime << 10 | time,
        }
    }

    fn marker(self, bits: u8, time: u64) -> u32 {
        let (bits, time) = (u32::from(bits), time as u32);
        match (self.family, self.t3) {
            (Family::PicoHarp, false) => 15 << 28 | time & !15 | bits,
            (Family::PicoHarp, true) => 15 << 28 | bits << 16 | time,
            (Family::TimeHarp200, _) => bits << 16 | time,
            (Family::HydraHarp { .. }, _) => 1 << 31 | bits << 25 | time,
        }
    }

    /// Overflow records for so many wraps, `most` in one where the record counts them.
    fn overflows(self, periods: u64, most: u64, words: &mut Vec<u32>) {
        match self.family {
            Family::PicoHarp => words.extend((0..periods).map(|_| 0xF000_0000)),
            Family::TimeHarp200 => words.extend((0..periods).map(|_| 0x0800_0000)),
            // The time field says nothing here.
            Family::HydraHarp { first: true } => {
                words.extend((0..periods).map(|i| 0xFE00_0000 | (i as u32 % 5)));
            }
            Family::HydraHarp { .. } => {
                let mut left = periods;
                while left > 0 {
                    let step = left.min(most);
                    // One may be written as none.
                    words.push(0xFE00_0000 | if step == 1 { 0 } else { step as u32 });
                    left -= step;
                }
            }
        }
    }

    /// Fits an event to what this type can hold; `None` where it has no such thing.
    fn fitted(self, event: Event) -> Option<Event> {
        Some(match (event, self.family) {
            (Event::Photon { channel, dtime }, Family::PicoHarp) => {
                Event::Photon { channel: channel % 15, dtime: dtime & 0xFFF }
            }
            (Event::Photon { channel, dtime }, Family::TimeHarp200) => {
                Event::Photon { channel: channel % 4, dtime: dtime & 0xFFF }
            }
            (Event::Photon { channel, dtime }, _) => {
                Event::Photon { channel: channel % 64, dtime: dtime & 0x7FFF }
            }
            (Event::Marker(bits), Family::TimeHarp200) => Event::Marker(bits % 7 + 1),
            (Event::Sync, Family::HydraHarp { .. }) if !self.t3 => event,
            (Event::Sync, _) => return None,
            (Event::Marker(_), _) => event,
        })
    }
}

/// Records and what they mean.
#[derive(Debug, Default)]
pub struct Written {
    pub words: Vec<u32>,
    pub photons: Vec<helio_trace::TimeTag>,
    pub dtimes: Vec<u16>,
    pub markers: Vec<Marker>,
    pub syncs: Vec<Ticks>,
    pub periods: u64,
}

/// Writes events with these gaps between them, in wraps of the type and a part of one.
pub fn write(kind: Kind, events: &[(u64, f64, Event)], most: u64) -> Written {
    let (mut out, mut now) = (Written::default(), 0u64);
    for (wraps, part, event) in events {
        let Some(event) = kind.fitted(*event) else { continue };
        now += wraps * kind.wrap() + (part * kind.wrap() as f64) as u64;
        let periods = now / kind.wrap();
        kind.overflows(periods - out.periods, most, &mut out.words);
        out.periods = periods;
        let (time, tick) = (now % kind.wrap(), Ticks(now));
        match event {
            Event::Photon { channel, dtime } => {
                out.words.push(kind.photon(channel, dtime, time));
                out.photons.push(tag(now, channel));
                if kind.t3 {
                    out.dtimes.push(dtime);
                }
            }
            Event::Marker(bits) => {
                out.words.push(kind.marker(bits, time));
                // The PicoHarp 300 has the bits in the time's lowest ones.
                let tick = match (kind.family, kind.t3) {
                    (Family::PicoHarp, false) => Ticks(now - time % 16 + u64::from(bits)),
                    _ => tick,
                };
                out.markers.push(Marker { tick, bits });
            }
            Event::Sync => {
                out.words.push(1 << 31 | time as u32);
                out.syncs.push(tick);
            }
        }
    }
    out
}

/// That this is what was read.
pub fn assert_read(written: &Written, read: &Content) {
    assert!(read.fault.is_none(), "{:?}", read.fault);
    assert_eq!(read.photons, written.photons);
    assert_eq!(read.dtimes, written.dtimes);
    assert_eq!(read.markers, written.markers);
    assert_eq!(read.syncs, written.syncs);
    assert_eq!(read.counts.overflow_periods, written.periods);
    assert_eq!(read.counts.records(), written.words.len() as u64);
    assert_eq!(read.counts.unknown_records, 0);
}

pub fn events() -> impl Strategy<Value = Vec<(u64, f64, Event)>> {
    let wraps = prop_oneof![12 => Just(0u64), 3 => 1u64..4, 1 => 4u64..3000];
    let part = prop_oneof![4 => 0.0..0.01, 2 => 0.0..1.0, 1 => Just(0.0)];
    let event = prop_oneof![
        8 => (any::<u8>(), any::<u16>())
            .prop_map(|(channel, dtime)| Event::Photon { channel, dtime }),
        1 => (1u8..16).prop_map(Event::Marker),
        1 => Just(Event::Sync),
    ];
    prop::collection::vec((wraps, part, event), 0..100)
}
