//! Settings of slots, packed into frames for the device's own host and nobody else.

use crate::cable::{Outlet, Transmit, frame_room};
use helio_bench::SettingsSource;
use helio_units::{SlotIndex, Ticks};
use helio_wire::{DeviceMessage, MAX_PAYLOAD, MAX_SETTINGS_BYTES, SettingsBatch, Stream};

/// Packed bytes of a full batch: 2048 slots of Alice, 4096 of Bob.
const BATCH_BYTES: usize = 1024;
/// With what stands before the packed bytes.
const FRAME: usize = frame_room(BATCH_BYTES + MAX_PAYLOAD - MAX_SETTINGS_BYTES);
const _: () = assert!(BATCH_BYTES <= MAX_SETTINGS_BYTES);

/// Packs consecutive slots and sends a batch when it is full, or when told to. About 2 KiB.
pub(crate) struct SettingsPacker {
    outlet: Outlet,
    epoch: u16,
    source: SettingsSource,
    bits_per_slot: u8,
    first: u64,
    count: usize,
    packed: [u8; BATCH_BYTES],
    frame: [u8; FRAME],
    lost: u64,
}

impl SettingsPacker {
    /// `bits_per_slot` is 2 or 4.
    pub fn new(boot_nonce: u32, bits_per_slot: u8) -> SettingsPacker {
        SettingsPacker {
            outlet: Outlet::new(Stream::Settings, boot_nonce),
            epoch: 0,
            source: SettingsSource::Own,
            bits_per_slot,
            first: 0,
            count: 0,
            packed: [0; BATCH_BYTES],
            frame: [0; FRAME],
            lost: 0,
        }
    }

    /// The next setting is that of slot `first`, from this source.
    pub fn begin(&mut self, epoch: u16, first: SlotIndex, source: SettingsSource) {
        (self.epoch, self.source) = (epoch, source);
        (self.first, self.count) = (first.0, 0);
    }

    /// Slots whose settings found no room on the cable, since boot.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Settings of the next slots.
    pub fn push(&mut self, mut codes: &[u8], tx: &mut impl Transmit) {
        let slots_per_byte = usize::from(8 / self.bits_per_slot);
        let capacity = BATCH_BYTES * slots_per_byte;
        while !codes.is_empty() {
            let n = codes.len().min(capacity - self.count);
            let (now, later) = codes.split_at(n);
            self.append(now, slots_per_byte);
            codes = later;
            if self.count == capacity {
                self.send(tx);
            }
        }
    }

    /// Sends what there is.
    pub fn flush(&mut self, tx: &mut impl Transmit) {
        if self.count > 0 {
            self.send(tx);
        }
    }

    /// Sends what there is of slots before `end`.
    pub fn finish(&mut self, end: SlotIndex, tx: &mut impl Transmit) {
        let wanted = end.0.saturating_sub(self.first).min(self.count as u64) as usize;
        if wanted < self.count {
            self.count = wanted;
            let used = wanted * usize::from(self.bits_per_slot);
            if !used.is_multiple_of(8) {
                self.packed[used / 8] &= (1 << (used % 8)) - 1;
            }
        }
        self.flush(tx);
    }

    fn append(&mut self, codes: &[u8], slots_per_byte: usize) {
        let bits = usize::from(self.bits_per_slot);
        // The slots that fill up a byte begun before, if there are any.
        let loose = (slots_per_byte - self.count % slots_per_byte) % slots_per_byte;
        let (head, body) = codes.split_at(loose.min(codes.len()));
        for code in head {
            let bit = self.count * bits;
            self.packed[bit / 8] |= code << (bit % 8);
            self.count += 1;
        }
        let start = self.count / slots_per_byte;
        if self.bits_per_slot == 4 {
            for (byte, slots) in self.packed[start..].iter_mut().zip(body.chunks(2)) {
                *byte = slots[0] | slots.get(1).map_or(0, |s| s << 4);
            }
        } else {
            for (byte, slots) in self.packed[start..].iter_mut().zip(body.chunks(4)) {
                *byte = slots.iter().rev().fold(0, |byte, slot| byte << 2 | slot);
            }
        }
        self.count += body.len();
    }

    fn send(&mut self, tx: &mut impl Transmit) {
        let bytes = (self.count * usize::from(self.bits_per_slot)).div_ceil(8);
        let batch = SettingsBatch {
            first: SlotIndex(self.first),
            bits_per_slot: self.bits_per_slot,
            source: self.source,
            count: self.count as u16,
            packed: &self.packed[..bytes],
        };
        let message = DeviceMessage::Settings(batch);
        if self.outlet.send(self.epoch, &message, &mut self.frame, tx).is_err() {
            self.lost += self.count as u64;
        }
        self.first += self.count as u64;
        self.count = 0;
    }
}

/// Slots between timed flushes would otherwise wait for a full batch at low slot rates.
pub(crate) struct FlushTimer {
    interval: Ticks,
    due: Ticks,
}

impl FlushTimer {
    pub fn new(interval: Ticks) -> FlushTimer {
        FlushTimer { interval, due: Ticks(0) }
    }

    /// Whether the interval is over; it begins anew.
    pub fn is_due(&mut self, now: Ticks) -> bool {
        let due = now >= self.due;
        if due {
            self.restart(now);
        }
        due
    }

    pub fn restart(&mut self, now: Ticks) {
        self.due = Ticks(now.0.saturating_add(self.interval.0));
    }
}
