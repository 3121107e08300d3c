//! The slot sequencer: random numbers in, slot words to the player, settings to the host; in
//! batches, never slot by slot.
//!
//! At Alice the laser fires from these words and from nothing else. They are finite: at most
//! [`QUEUE`] of slots is queued at any time, and a run that ends drops them.

use crate::cable::Transmit;
use crate::planes::Event;
use crate::random::{FEED_CAPACITY, Sources, Supply};
use crate::settings::{FlushTimer, SettingsPacker};
use helio_bench::{PlayerError, RandomFault, RandomSource, SettingsSource, SlotPlayer, SlotWord};
use helio_units::{Picoseconds, SlotIndex, TickLength, Ticks};

/// Most slots that wait in the player.
pub const QUEUE: Picoseconds = Picoseconds(1_000_000_000);

/// Settings wait no longer than this for a full batch, and bytes for a full packet of USB.
pub const FLUSH_INTERVAL: Picoseconds = Picoseconds(5_000_000_000);

/// Slots drawn at a time; a multiple of what a byte of settings holds.
pub(crate) const CHUNK: usize = 256;

/// How random bytes become settings and slot words: Alice's and Bob's way.
pub(crate) trait Draw {
    /// Bits a slot takes in the settings.
    const BITS_PER_SLOT: u8;
    /// Random bytes a slot takes.
    const BYTES_PER_SLOT: usize;

    /// As many codes and words as there are slots of random bytes.
    fn draw(&self, random: &[u8], codes: &mut [u8], words: &mut [SlotWord]);

    /// The word of a setting's code.
    fn word(&self, code: u8) -> SlotWord;

    /// The word of the next sync slot.
    fn sync(&mut self) -> SlotWord;
}

/// Why a run cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Random,
    Player,
}

impl From<Fault> for Event {
    fn from(fault: Fault) -> Event {
        match fault {
            Fault::Random => Event::RandomFault,
            Fault::Player => Event::PlayerFault,
        }
    }
}

impl From<RandomFault> for Fault {
    fn from(_: RandomFault) -> Fault {
        Fault::Random
    }
}

impl From<PlayerError> for Fault {
    fn from(_: PlayerError) -> Fault {
        Fault::Player
    }
}

/// Where a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// First slot not played.
    pub end: SlotIndex,
    /// First slot without a setting.
    pub next: SlotIndex,
}

/// About 9 KiB, most of it buffers.
pub(crate) struct Sequencer<P, R, D> {
    pub player: P,
    pub sources: Sources<R>,
    packer: SettingsPacker,
    timer: FlushTimer,
    queue: Ticks,
    run: Option<Run<D>>,
    /// Slots played in earlier runs.
    played: u64,
    /// Starvation that is no fault: after the last word of a run.
    forgiven: u64,
    bytes: [u8; 4 * CHUNK],
    codes: [u8; CHUNK],
    words: [SlotWord; CHUNK],
}

struct Run<D> {
    draw: D,
    spacing: usize,
    /// Slots to the next sync slot.
    to_sync: usize,
    first: u64,
    /// Next slot to be queued.
    next: u64,
    limit: u64,
    /// Most slots that may wait in the player.
    depth: usize,
    /// The first words are queued and the player has been told to go.
    going: bool,
    starved: u64,
    /// The last words were fewer than there was room for, because the bytes were.
    dry: bool,
    /// Where in the pattern the next slot is, if there is one.
    pattern_at: usize,
    /// Slots of a burst; 0: one train.
    burst: u32,
    /// Slots of the present burst that are not queued yet.
    burst_left: u32,
    /// Between two bursts: the player stands still.
    idle: bool,
}

/// The slots of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub slot_ticks: u32,
    /// Slots from one sync slot to the next.
    pub spacing: u16,
    /// Slots that a trigger starts; 0: one train.
    pub burst: u32,
}

impl<P: SlotPlayer, R: RandomSource, D: Draw> Sequencer<P, R, D> {
    pub fn new(boot_nonce: u32, tick: TickLength, player: P, random: R) -> Sequencer<P, R, D> {
        Sequencer {
            player,
            sources: Sources::new(random),
            packer: SettingsPacker::new(boot_nonce, D::BITS_PER_SLOT),
            timer: FlushTimer::new(tick.ticks_covering(FLUSH_INTERVAL)),
            queue: tick.ticks_covering(QUEUE),
            run: None,
            played: 0,
            forgiven: 0,
            bytes: [0; 4 * CHUNK],
            codes: [0; CHUNK],
            words: [SlotWord::DARK; CHUNK],
        }
    }

    /// Begins at `first`, a sync slot, and ends by itself before `limit`.
    pub fn begin(
        &mut self,
        epoch: u16,
        first: SlotIndex,
        limit: Option<SlotIndex>,
        grid: Grid,
        draw: D,
    ) {
        let Grid { slot_ticks, spacing, burst } = grid;
        self.player.begin(first);
        self.packer.begin(epoch, first, self.sources.active());
        let pattern = self.sources.pattern().map_or(1, <[u8]>::len);
        let queue = u32::try_from(self.queue.0).unwrap_or(u32::MAX) / slot_ticks.max(1);
        self.run = Some(Run {
            draw,
            spacing: spacing.max(1).into(),
            to_sync: 0,
            first: first.0,
            next: first.0,
            limit: limit.map_or(u64::MAX, |l| l.0.max(first.0)),
            depth: queue.max(1) as usize,
            going: false,
            starved: self.player.starved(),
            dry: false,
            pattern_at: (first.0 % pattern as u64) as usize,
            burst,
            burst_left: 0,
            idle: burst != 0,
        });
        if burst != 0 {
            self.player.halt();
        }
    }

    /// A trigger: the next burst begins. One that comes while a burst is on does nothing.
    pub fn trigger(&mut self) {
        let Some(run) = self.run.as_mut().filter(|run| run.idle && run.next < run.limit) else {
            return;
        };
        run.idle = false;
        run.burst_left = run.burst;
        self.player.begin(SlotIndex(run.next));
        run.starved = self.player.starved();
        run.going = false;
    }

    pub fn is_running(&self) -> bool {
        self.run.is_some()
    }

    /// Queues as many slots as the player takes; the first time, before the player goes.
    pub fn feed(&mut self, now: Ticks, tx: &mut impl Transmit) -> Result<(), Fault> {
        let Some(run) = &mut self.run else { return Ok(()) };
        // Asked before what is queued: a player that has run dry takes no further word.
        let starved = self.player.starved() != run.starved;
        let queued = self.player.queued();
        let in_burst = run.burst == 0 || run.burst_left > 0;
        if starved && (queued > 0 || run.next < run.limit && in_burst) {
            return Err(if run.dry { Fault::Random } else { Fault::Player });
        }
        if !in_burst && !run.idle && queued == 0 {
            self.player.halt();
            self.forgiven += self.player.starved() - run.starved;
            run.starved = self.player.starved();
            run.idle = true;
        }
        loop {
            let queued = self.player.queued();
            let room = self.player.space().min(run.depth.saturating_sub(queued)) as u64;
            let room = room.min(run.limit - run.next);
            let mut n = (room as usize).min(CHUNK);
            if run.burst != 0 {
                n = n.min(run.burst_left as usize);
            }
            if n == 0 {
                break;
            }
            // Bytes may come later than the room, as long as some slots are queued.
            let ready = self.sources.available() / D::BYTES_PER_SLOT;
            run.dry = ready < n;
            if ready == 0 && (queued > 0 || self.sources.gathers()) {
                break;
            }
            n = n.min(ready.max(1));
            let bytes = &mut self.bytes[..n * D::BYTES_PER_SLOT];
            let (codes, words) = (&mut self.codes[..n], &mut self.words[..n]);
            self.sources.fill(bytes)?;
            if let Some(pattern) = self.sources.pattern() {
                for (code, word) in codes.iter_mut().zip(words.iter_mut()) {
                    *code = pattern[run.pattern_at] & ((1 << D::BITS_PER_SLOT) - 1);
                    *word = run.draw.word(*code);
                    run.pattern_at += 1;
                    if run.pattern_at == pattern.len() {
                        run.pattern_at = 0;
                    }
                }
            } else {
                run.draw.draw(bytes, codes, words);
            }
            while run.to_sync < n {
                codes[run.to_sync] = 0;
                words[run.to_sync] = run.draw.sync();
                run.to_sync += run.spacing;
            }
            run.to_sync -= n;
            self.player.play(words)?;
            run.next += n as u64;
            run.burst_left = run.burst_left.saturating_sub(n as u32);
            self.packer.push(codes, tx);
        }
        if !run.going && self.player.queued() > 0 {
            self.player.go()?;
            run.going = true;
        }
        if self.timer.is_due(now) {
            self.packer.flush(tx);
        }
        Ok(())
    }

    /// Whether the host has not fed enough to play so many slots and have one left, or to begin well
    /// while none play: where time can wait, it waits for that.
    pub fn is_hungry(&self, slots: usize) -> bool {
        if self.sources.active() != SettingsSource::HostFeed {
            return false;
        }
        let Some(run) = &self.run else {
            return self.sources.available() < FEED_CAPACITY / 2;
        };
        let in_burst = run.burst == 0 || run.burst_left > 0;
        in_burst && run.next < run.limit && self.player.queued() <= slots.min(run.depth - 1)
    }

    /// Whether all slots before the limit have been played.
    pub fn is_finished(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.next == run.limit && self.player.queued() == 0)
    }

    /// Drops what is queued. Settings of slots that were not played may have been sent already.
    pub fn halt(&mut self, tx: &mut impl Transmit) -> Ended {
        let Some(run) = self.run.take() else {
            self.player.halt();
            return Ended::default();
        };
        // Asked before the halt: a slot that plays in between is counted as not played.
        let end = run.next - run.unplayed(&self.player);
        self.player.halt();
        if run.next == run.limit {
            self.forgiven += self.player.starved() - run.starved;
        }
        self.played += end - run.first;
        self.packer.finish(SlotIndex(end), tx);
        Ended { end: SlotIndex(end), next: SlotIndex(run.next) }
    }

    /// Slots played since boot.
    pub fn played(&self) -> u64 {
        let current = self.run.as_ref();
        self.played + current.map_or(0, |run| run.next - run.first - run.unplayed(&self.player))
    }

    /// Slots that stayed dark for want of a word, since boot.
    pub fn starved(&self) -> u64 {
        let after_end = match &self.run {
            Some(run) if run.next == run.limit => self.player.starved() - run.starved,
            _ => 0,
        };
        self.player.starved() - self.forgiven - after_end
    }

    /// For the next run.
    pub fn select(&mut self, source: SettingsSource) {
        if self.run.is_none() {
            self.sources.select(source);
        }
    }

    /// Work ahead for the coming settings: every turn, run or not.
    pub fn gather(&mut self) {
        self.sources.own.gather();
    }

    /// What the host gave for settings.
    pub fn supply(&mut self, supply: Supply) {
        self.sources.supply(supply);
    }

    pub fn lost_settings(&self) -> u64 {
        self.packer.lost()
    }
}

impl<D> Run<D> {
    fn unplayed(&self, player: &impl SlotPlayer) -> u64 {
        let queued = player.queued() as u64;
        queued.min(self.next - self.first)
    }
}
