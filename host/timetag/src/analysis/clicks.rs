//! Clicks of a few channels in order of time, each a word that one comparison places in time.
//!
//! A click is (tick − base) · 8 + the number of its channel among those counted: half the memory of
//! a tag, and whether two clicks are near each other is one subtraction and one comparison, whatever
//! their channels. What is kept between batches is what a later click can still be near to.

use helio_units::Ticks;

use super::OutOfOrder;

/// Bits of a click that hold its channel's number.
pub(super) const NUMBER_BITS: u32 = 3;
/// So many channels can be counted together.
pub(super) const MAX_CHANNELS: usize = 1 << NUMBER_BITS;
/// What a click holds beside its time.
pub(super) const NUMBER_MASK: u64 = (1 << NUMBER_BITS) - 1;
/// No two clicks that are looked at together are further apart than this, in ticks.
pub(super) const LONGEST_REACH: u64 = 1 << 59;
/// Ticks that a click has room for behind the base.
const SPAN: u64 = 1 << (64 - NUMBER_BITS - 1);
/// Of channels that are not counted.
const NOT_COUNTED: u8 = u8::MAX;
/// Clicks are gathered in blocks, so that eight bits count those of a channel.
const BLOCK: usize = 255;

/// Clicks, the first `starts` of which have all those after them that are in reach.
#[derive(Clone, Debug, Default)]
pub(super) struct Stretch {
    pub(super) clicks: Vec<u64>,
    pub(super) starts: usize,
}

/// Takes tags and hands out stretches.
#[derive(Clone, Debug)]
pub(super) struct Intake {
    numbers: [u8; 256],
    reach: u64,
    base: u64,
    clicks: Vec<u64>,
    counts: [u64; MAX_CHANNELS],
    first: Option<Ticks>,
    last: u64,
}

/// Why [`Intake::fill`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// It took all tags.
    All,
    /// The next tag, of this number, is too long after the others to stand beside them; it goes
    /// first after [`Intake::forget`].
    Jump(Ticks, u8),
}

impl Intake {
    /// Counts these channels, numbered in their order; at most [`MAX_CHANNELS`]. `reach` is at most
    /// [`LONGEST_REACH`].
    pub(super) fn new(channels: &[u8], reach: u64) -> Intake {
        let mut numbers = [NOT_COUNTED; 256];
        for (number, &channel) in channels.iter().take(MAX_CHANNELS).enumerate() {
            numbers[usize::from(channel)] = number as u8;
        }
        Intake {
            numbers,
            reach: reach.min(LONGEST_REACH),
            base: 0,
            clicks: Vec::new(),
            counts: [0; MAX_CHANNELS],
            first: None,
            last: 0,
        }
    }

    /// Clicks so far of the channel of each number.
    pub(super) fn counts(&self) -> &[u64; MAX_CHANNELS] {
        &self.counts
    }

    /// From the first click to the last, both included.
    pub(super) fn duration(&self) -> Ticks {
        Ticks(self.first.map_or(0, |first| (self.last - first.0).saturating_add(1)))
    }

    /// Clicks that wait for others.
    pub(super) fn waiting(&self) -> &[u64] {
        &self.clicks
    }

    /// Takes tags in order of time; those of channels that are not counted are passed over.
    ///
    /// # Errors
    /// A tag of a counted channel before its predecessor; it is not taken.
    pub(super) fn fill(
        &mut self,
        tags: &mut impl Iterator<Item = (Ticks, u8)>,
    ) -> Result<Filled, OutOfOrder> {
        let (base, mut last) = (self.base, self.last);
        let (mut block, mut held) = ([0; 256], 0);
        let mut end = Ok(Filled::All);
        for (tick, channel) in tags {
            let number = self.numbers[usize::from(channel)];
            let counted = number != NOT_COUNTED;
            let (since_last, since_base) = (tick.0.wrapping_sub(last), tick.0.wrapping_sub(base));
            // Channels come in no order that a processor could guess: what is not counted is masked,
            // and the one branch tells what hardly ever happens. A step back wraps to a long time,
            // but for one across the middle of all times.
            let mask = 0u64.wrapping_sub(u64::from(counted));
            let across = base & !tick.0 & 1 << 63;
            if (since_last | since_base | across) & mask >= SPAN {
                end = match tick.0 < last {
                    true => Err(OutOfOrder { tick, last: Ticks(last) }),
                    false => Ok(Filled::Jump(tick, number)),
                };
                break;
            }
            block[held & 255] = since_base << NUMBER_BITS | u64::from(number);
            held += usize::from(counted);
            last = last.wrapping_add(since_last & mask);
            if held == BLOCK {
                self.take(&block[..BLOCK]);
                held = 0;
            }
        }
        self.take(&block[..held]);
        self.last = last;
        end
    }

    fn take(&mut self, block: &[u64]) {
        let of_each =
            block.iter().fold(0u64, |all, click| all + (1 << (8 * (click & NUMBER_MASK))));
        for (count, of_this) in self.counts.iter_mut().zip(of_each.to_le_bytes()) {
            *count += u64::from(of_this);
        }
        if let (None, Some(click)) = (self.first, block.first()) {
            self.first = Some(Ticks(self.base + (click >> NUMBER_BITS)));
        }
        self.clicks.extend_from_slice(block);
    }

    /// All clicks that wait, and which of them no later one is in reach of; those others wait on,
    /// with room for `jump`, a tag that was too late for them.
    pub(super) fn hand_out(&mut self, into: &mut Stretch, jump: Option<(Ticks, u8)>) {
        let now = jump.map_or(self.last, |(tick, _)| tick.0);
        let settled = now.saturating_sub(self.reach).saturating_sub(self.base);
        let starts = self.clicks.partition_point(|click| click >> NUMBER_BITS < settled);
        into.starts = starts;
        std::mem::swap(&mut into.clicks, &mut self.clicks);
        self.clicks.clear();
        let rest = &into.clicks[starts..];
        let base = rest.first().map_or(now - self.base, |click| click >> NUMBER_BITS);
        self.clicks.extend(rest.iter().map(|click| click - (base << NUMBER_BITS)));
        self.base += base;
        if let Some((tick, number)) = jump {
            self.last = tick.0;
            let click = (tick.0 - self.base) << NUMBER_BITS | u64::from(number);
            self.take(&[click]);
        }
    }
}
