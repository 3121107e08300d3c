//! What is missing, in frames, in ticks and in slots.

use helio_units::{SlotIndex, Ticks};
use helio_wire::{DeviceMessage, Header, Role, Stream};

/// What went missing on a connection since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossReport {
    /// Frames missing, by stream: control, health, tags, settings.
    pub frames: [u64; Stream::COUNT],
    /// Frames that came again, or after a later one; not used.
    pub repeats: u64,
    /// Ticks of the tag stream that lie in missing frames, as far as a later frame has told.
    pub ticks: u64,
    /// Slots whose settings are missing, as far as a later frame has told; with those that the
    /// device itself could not send.
    pub slots: u64,
    /// Pieces of the byte stream that were no frame.
    pub bad_frames: u64,
    /// Bytes in them.
    pub bad_bytes: u64,
    /// Whole frames that this host cannot read.
    pub unknown_frames: u64,
    /// Times the device started anew.
    pub reboots: u64,
}

impl LossReport {
    /// Whether nothing at all was missing or damaged.
    pub fn is_clean(&self) -> bool {
        *self == LossReport::default()
    }

    /// Frames missing on a stream.
    pub fn frames_of(&self, stream: Stream) -> u64 {
        self.frames[usize::from(stream.code())]
    }
}

/// Turns missing frames into missing time and missing slots, when the next frame shows how far
/// they reach.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extent {
    role: Option<Role>,
    epoch: u16,
    /// How far the tag stream has reached.
    reached: Ticks,
    /// Tags are missing from here on.
    ticks_from: Option<Ticks>,
    /// The slot after the last whose settings came.
    next_slot: SlotIndex,
    /// Frames of settings are missing from [`Extent::next_slot`] on.
    slots_missing: bool,
}

/// What is missing before a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Ticks { from: Ticks, to: Ticks },
    Slots { from: SlotIndex, to: SlotIndex },
}

impl Extent {
    /// Frames of a stream are missing.
    pub fn frames_missing(&mut self, stream: Stream) {
        match stream {
            Stream::Tags => _ = self.ticks_from.get_or_insert(self.reached),
            Stream::Settings => self.slots_missing = true,
            Stream::Control | Stream::Health => {}
        }
    }

    /// Looks at a message and says what is missing before it.
    pub fn message(&mut self, header: &Header, message: &DeviceMessage<'_>) -> Option<Missing> {
        if header.epoch != self.epoch {
            self.epoch = header.epoch;
            self.next_slot = SlotIndex(0);
        }
        match message {
            DeviceMessage::Hello { hello, .. } => self.role = Some(hello.role),
            DeviceMessage::Tags(tags) => {
                let from = self.ticks_from.take();
                self.reached = self.reached.max(tags.reached);
                return from
                    .filter(|from| *from < tags.base)
                    .map(|from| Missing::Ticks { from, to: tags.base });
            }
            DeviceMessage::Settings(settings) => {
                let missing = self.slots_before(settings.first);
                let after = settings.first.0.saturating_add(u64::from(settings.count));
                self.next_slot = self.next_slot.max(SlotIndex(after));
                return missing;
            }
            // The settings of a run are on their way before it is said to have ended.
            DeviceMessage::Stopped { end, .. } => return self.slots_before(*end),
            _ => {}
        }
        None
    }

    /// Alice reports every slot of a run; Bob only those for which his clock was locked, so that
    /// only missing frames tell of missing settings there.
    fn slots_before(&mut self, to: SlotIndex) -> Option<Missing> {
        let tell = self.slots_missing || self.role == Some(Role::Alice);
        let from = self.next_slot;
        self.slots_missing = false;
        self.next_slot = from.max(to);
        (tell && from < to).then_some(Missing::Slots { from, to })
    }

    /// The device starts anew.
    pub fn reset(&mut self) {
        *self = Extent { role: self.role, ..Extent::default() };
    }
}
