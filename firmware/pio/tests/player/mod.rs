//! The pulse train is exact, begins in its tick, and ends by itself.

use crate::station::Station;
use helio_bench::{Intensity, Polarization, SlotTiming, SlotWord};
use helio_pio::pins::{LASER, MARKER, OUTPUT_BASE, SYNC_IN, TRIG_IN};
use helio_pio::port::{self, PLAYER, PioPort};
use helio_pio::program::{PARKED_FLAG, STOPPED};
use helio_pio::{
    BUFFER_TICKS, BlockQueue, Lane, LeadIn, SlotGrid, SlotShape, beacon_before, pin_levels,
};
use helio_units::{FineTicks, SlotIndex, Ticks};

/// Slot words that tell their number: an m-sequence of 16 bits over pins that matter.
struct Words(u16);

impl Words {
    fn next(&mut self) -> SlotWord {
        self.0 = self.0 >> 1 ^ (0u16.wrapping_sub(self.0 & 1) & 0xB400);
        let code = (self.0 & 15) as u8;
        match self.0 >> 4 & 7 {
            0 => SlotWord::sync(code & 1 == 1),
            _ => SlotWord::pulse(Intensity(code >> 2), Polarization::from_code(code)),
        }
    }
}

/// A cycle; the device time of what the pads show, which is that of samples, and the eight pins.
fn cycle(station: &mut Station) -> (Ticks, u8) {
    station.cycle();
    let pads_cycle = station.ticks().0 - 1;
    (Ticks(pads_cycle + 2), (station.pio.pads() >> OUTPUT_BASE) as u8)
}

/// Arms a player whose slot 0 begins as soon as it can; the grid and the ticks of device time.
fn begin(station: &mut Station, period: i128, shape: SlotShape) -> SlotGrid {
    while beacon_before(station.ticks()).is_none() {
        station.cycle();
    }
    let beacon = beacon_before(station.ticks()).unwrap();
    let (lead_in, first) = LeadIn::shortest(beacon, shape);
    station.arm(shape, &lead_in);
    let start = FineTicks::from_ticks(first);
    SlotGrid::new(SlotTiming { slot: SlotIndex(0), start, period: FineTicks(period) }).unwrap()
}

/// Plays `slots` slots and checks every pin in every tick.
fn train_is_exact(period: i128, offset: u32, width: u32, slots: u64) {
    let whole = (period >> 32) as u32;
    let shape = SlotShape::new(offset, width, whole).unwrap();
    let mut station = Station::new();
    station.start_capture();
    let mut grid = begin(&mut station, period, shape);
    let start = FineTicks::from_ticks(grid.begin());
    let timing = SlotTiming { slot: SlotIndex(0), start, period: FineTicks(period) };
    let (mut to_play, mut to_see) = (Words(1), Words(1));
    let (mut slot, mut levels) = (0, 0);
    let (mut begins, mut ends) = (Ticks(0), start.floor());
    loop {
        if station.block.is_empty() {
            station.block.push_back(shape.encode(to_play.next(), grid.next_length()));
        }
        let (tick, seen) = cycle(&mut station);
        if tick == ends {
            if slot == slots {
                break;
            }
            (begins, ends) = (ends, timing.start_of(SlotIndex(slot + 1)).floor());
            levels = pin_levels(to_see.next());
            slot += 1;
            // The beacon and the capture are not needed any more, and cost the test its time.
            station.pio.disable(0b0111);
        }
        let since = tick.0 - begins.0;
        let high = since.wrapping_sub(offset.into()) < u64::from(width);
        let expected = if high { levels } else { levels & 15 };
        assert!(seen == expected, "slot {slot}, tick {since}: {seen:08b}, not {expected:08b}");
    }
    assert_eq!(station.pio.flags >> PARKED_FLAG & 1, 0);
}

#[test]
fn a_million_slots_of_150_ticks_are_exact() {
    train_is_exact(150 << 32, 75, 4, 1_000_000);
}

#[test]
fn a_million_dithered_slots_are_exact() {
    // 37 ppm fast, as a free crystal may be.
    train_is_exact((150 << 32) - (150 << 32) * 37 / 1_000_000, 75, 4, 1_000_000);
}

#[test]
fn a_million_slots_at_five_megahertz_are_exact() {
    train_is_exact((30 << 32) + 0x5555_5555, 15, 4, 1_000_000);
}

/// The player's own marker through a wire of no length into SYNC IN: the capture sees slots where
/// the slot clock has put them.
#[test]
fn slots_begin_in_the_tick_that_the_clock_gives_them() {
    let shape = SlotShape::new(75, 4, 150).unwrap();
    for (wait, away) in [(0, 200), (5000, 90_000), (9000, 3_000_001), (14_000, 86 + 16_384)] {
        let mut station = Station::new();
        (0..777).for_each(|_| station.cycle());
        station.start_capture();
        (0..3 * u64::from(BUFFER_TICKS) + 1100 + wait).for_each(|_| station.cycle());
        let beacon = beacon_before(station.ticks()).unwrap();
        let first = Ticks(beacon.0 + away);
        let lead_in = LeadIn::new(beacon, first, shape).unwrap();
        station.arm(shape, &lead_in);
        station.block.extend((0..20).map(|_| shape.encode(SlotWord::sync(true), 150)));
        while !station.ticks().0.is_multiple_of(BUFFER_TICKS.into()) || station.ticks() < first {
            let marker = station.pio.pads() >> MARKER & 1;
            // What the pads will show in the coming cycle is what they show now, but for changes.
            station.pio.inputs = marker << SYNC_IN;
            station.cycle();
        }
        (0..u64::from(BUFFER_TICKS)).for_each(|_| station.cycle());
        let mut lane = Lane::<2>::new(0, 1);
        let edges = std::iter::from_fn(|| lane.next(&station.aux));
        let ticks: Vec<u64> = edges.map(|e| e.offset.into()).collect();
        // The wire of this bench is one cycle long.
        let expected: Vec<u64> = (0..20).map(|s| first.0 + 150 * s + 75 + 1).collect();
        assert_eq!(ticks, expected, "{wait} {away}");
    }
}

/// A DMA that stops after any number of words: the last pulse is the last word's, every pin is low
/// from the end of its slot on, and nothing that comes later is played.
#[test]
fn a_starved_player_is_dark_at_the_end_of_its_slot_and_for_good() {
    for (slot_ticks, offset) in [(150u32, 75u32), (30, 15), (5000, 2500)] {
        let shape = SlotShape::new(offset, 4, slot_ticks).unwrap();
        for words in 0..24u64 {
            let mut station = Station::new();
            station.start_capture();
            let mut grid = begin(&mut station, i128::from(slot_ticks) << 32, shape);
            let end = Ticks(grid.begin().0 + words * u64::from(slot_ticks));
            let bright = SlotWord::pulse(Intensity(3), Polarization::A);
            station.block.extend((0..words).map(|_| shape.encode(bright, grid.next_length())));
            let mut pulses = 0;
            let mut before = 0;
            let parked_by = u64::from(shape.shortest()) + 1;
            let mut parked = None;
            for _ in 0..u64::from(BUFFER_TICKS) + 30 * u64::from(slot_ticks) {
                let (tick, pins) = cycle(&mut station);
                pulses += u64::from(pins & !before & 1 << (LASER - OUTPUT_BASE) != 0);
                before = pins;
                assert!(tick < end || pins == 0);
                if station.pio.flags >> PARKED_FLAG & 1 == 1 {
                    parked = parked.or(Some(tick));
                }
            }
            assert_eq!(pulses, words);
            let parked = parked.unwrap();
            assert!(parked.0 - end.0 <= parked_by, "{}", parked.0 - end.0);
            assert_eq!(station.pio.sm[PLAYER].pc, STOPPED);
            station.block.extend([u32::MAX; 20]);
            for _ in 0..10_000 {
                assert_eq!(cycle(&mut station).1, 0);
            }
        }
    }
}

/// One word that comes too late is enough: the train does not go on shifted.
#[test]
fn a_word_that_comes_too_late_ends_the_train() {
    let shape = SlotShape::new(75, 4, 150).unwrap();
    let mut station = Station::new();
    station.start_capture();
    let grid = begin(&mut station, 150 << 32, shape);
    let bright = shape.encode(SlotWord::pulse(Intensity(0), Polarization::H), 150);
    station.block.extend([bright; 5]);
    let end = grid.begin().0 + 5 * 150;
    let mut later = 0;
    while station.ticks().0 < end + 50_000 {
        let (tick, pins) = cycle(&mut station);
        if tick.0 == end {
            station.block.extend([bright; 5]);
        }
        later += u32::from(tick.0 >= end && pins != 0);
    }
    assert_eq!(later, 0);
}

#[test]
fn a_halt_is_dark_in_the_next_tick() {
    let shape = SlotShape::new(75, 4, 150).unwrap();
    for at in 0..300 {
        let mut station = Station::new();
        station.start_capture();
        let mut grid = begin(&mut station, 150 << 32, shape);
        let start = grid.begin();
        let bright = SlotWord::pulse(Intensity(3), Polarization::A);
        station.block.extend((0..20).map(|_| shape.encode(bright, grid.next_length())));
        while station.ticks().0 < start.0 + at {
            station.cycle();
        }
        station.block.clear();
        port::halt(&mut station.pio);
        for _ in 0..2000 {
            assert_eq!(cycle(&mut station).1, 0);
        }
        // And it can begin again.
        let mut grid = begin(&mut station, 150 << 32, shape);
        let start = grid.begin();
        station.block.extend((0..2).map(|_| shape.encode(bright, grid.next_length())));
        while cycle(&mut station).0 < start {}
        let pulse = (0..300).filter(|_| cycle(&mut station).1 >> 4 & 1 == 1).count();
        assert_eq!(pulse, 8);
    }
}

/// Blocks of the queue through a single DMA channel that an interrupt gives the next block some
/// time after the last one was read: the FIFO carries the train over that time, and no further.
#[test]
fn the_fifo_bridges_the_interrupt_between_blocks() {
    for (slot_ticks, latency, whole) in
        [(150u32, 1000u64, true), (30, 150, true), (150, 1400, false), (30, 300, false)]
    {
        let shape = SlotShape::new(slot_ticks / 2, 4, slot_ticks).unwrap();
        let mut station = Station::new();
        station.start_capture();
        let mut grid = begin(&mut station, i128::from(slot_ticks) << 32, shape);
        let mut queue = BlockQueue::<1024>::new();
        queue.limit_to(512);
        let (mut idle_since, mut words) = (0, Words(1));
        let end = grid.begin().0 + 3000 * u64::from(slot_ticks);
        while station.ticks().0 < end {
            let unread = station.block.len() as u32;
            let room = queue.space(unread);
            let batch: Vec<u32> =
                (0..room).map(|_| shape.encode(words.next(), grid.next_length())).collect();
            queue.extend(unread, batch.into_iter()).unwrap();
            if !station.block.is_empty() {
                idle_since = station.ticks().0;
            } else if station.ticks().0 - idle_since >= latency {
                station.block.extend(queue.next_block().unwrap());
            }
            station.cycle();
        }
        assert_eq!(station.pio.flags >> PARKED_FLAG & 1 == 0, whole, "{slot_ticks} {latency}");
    }
}

#[test]
fn a_burst_begins_at_the_edge_of_its_trigger() {
    for (shape, slot) in [(SlotShape::new(75, 4, 150), 150), (SlotShape::new(15, 4, 30), 30)] {
        let shape = shape.unwrap();
        let bright = shape.encode(SlotWord::pulse(Intensity(0), Polarization::H), slot);
        for wait in 0..400 {
            let mut station = Station::new();
            // High when armed: no edge yet.
            station.pio.inputs = 1 << TRIG_IN;
            (0..9).for_each(|_| station.cycle());
            let lead_in = LeadIn::for_trigger(shape);
            port::arm(&mut station.pio, shape, &lead_in, port::Entry::Trigger);
            station.block.extend([bright; 3]);
            let settings = |station: &Station| station.pio.pads() >> OUTPUT_BASE & 15;
            let laser = |station: &Station| station.pio.pads() >> LASER & 1 == 1;
            for t in 0..300 + wait {
                station.pio.inputs = u32::from(t < 100) << TRIG_IN;
                station.cycle();
                assert!(!laser(&station) && settings(&station) == 0);
            }
            station.pio.inputs = 1 << TRIG_IN;
            let mut rises = Vec::new();
            let mut high = false;
            for t in 0..1500u32 {
                station.cycle();
                if laser(&station) && !high {
                    rises.push(t);
                }
                high = laser(&station);
            }
            let (lead, first) = (shape.lead() + 3, LeadIn::after_trigger(shape));
            assert_eq!(rises, [0, 1, 2].map(|n| first + lead + n * slot));
        }
    }
}
