//! Which frames are missing.

use crate::{Header, Stream};

/// What a frame's place in its stream says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The next one.
    InOrder,
    /// The first of its stream since the receiver began to listen, or since a host began anew
    /// (nonce 0). What was sent before is unknown.
    First,
    /// So many frames of the stream are missing before this one.
    Gap {
        /// How many.
        missing: u32,
    },
    /// A frame seen before, or one that comes after a later one: not to be used.
    Repeat,
    /// The sender started anew under another nonce; whatever it knew before is void. So many
    /// frames of the stream since then are missing before this one.
    Reboot {
        /// How many.
        missing: u32,
    },
}

/// Follows the sequences of one sender: a device at the host, or a host at the device.
///
/// Each stream counts its frames from 0 at each boot, modulo 2³². A jump of up to 2³¹ − 1 ahead
/// is a gap, anything else a repeat.
#[derive(Clone, Debug, Default)]
pub struct SequenceTracker {
    nonce: Option<u32>,
    next: [Option<u32>; Stream::COUNT],
    missing: u64,
}

impl SequenceTracker {
    /// Nothing seen yet.
    pub const fn new() -> SequenceTracker {
        SequenceTracker { nonce: None, next: [None; Stream::COUNT], missing: 0 }
    }

    /// Accounts for a frame by its header.
    pub fn account(&mut self, header: &Header) -> Arrival {
        let stream = usize::from(header.stream.code());
        let after = header.sequence.wrapping_add(1);
        match self.nonce {
            // A host that does not know the device's nonce yet has just started.
            _ if header.boot_nonce == 0 => {
                self.next = [None; Stream::COUNT];
            }
            Some(known) if known != header.boot_nonce && known != 0 => {
                self.nonce = Some(header.boot_nonce);
                self.next = [Some(0); Stream::COUNT];
                self.next[stream] = Some(after);
                self.missing += u64::from(header.sequence);
                return Arrival::Reboot { missing: header.sequence };
            }
            _ => {}
        }
        self.nonce = Some(header.boot_nonce);
        let Some(expected) = self.next[stream] else {
            self.next[stream] = Some(after);
            return Arrival::First;
        };
        let ahead = header.sequence.wrapping_sub(expected);
        if ahead > u32::MAX / 2 {
            return Arrival::Repeat;
        }
        self.next[stream] = Some(after);
        self.missing += u64::from(ahead);
        if ahead == 0 { Arrival::InOrder } else { Arrival::Gap { missing: ahead } }
    }

    /// The sender's nonce, once a frame has come.
    pub const fn nonce(&self) -> Option<u32> {
        self.nonce
    }

    /// Frames missing so far, over all streams.
    pub const fn missing(&self) -> u64 {
        self.missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(stream: Stream, boot_nonce: u32, sequence: u32) -> Header {
        Header { stream, boot_nonce, epoch: 0, sequence }
    }

    #[test]
    fn gaps_and_repeats_are_told_apart_per_stream() {
        let mut t = SequenceTracker::new();
        let mut arrive = |stream, n| t.account(&header(stream, 7, n));
        assert_eq!(arrive(Stream::Tags, 41), Arrival::First);
        assert_eq!(arrive(Stream::Tags, 42), Arrival::InOrder);
        assert_eq!(arrive(Stream::Health, 3), Arrival::First);
        assert_eq!(arrive(Stream::Tags, 45), Arrival::Gap { missing: 2 });
        assert_eq!(arrive(Stream::Tags, 45), Arrival::Repeat);
        assert_eq!(arrive(Stream::Tags, 44), Arrival::Repeat);
        assert_eq!(arrive(Stream::Health, 4), Arrival::InOrder);
        assert_eq!(t.missing(), 2);
    }

    #[test]
    fn the_sequence_wraps() {
        let mut t = SequenceTracker::new();
        let mut arrive = |n| t.account(&header(Stream::Settings, 7, n));
        assert_eq!(arrive(u32::MAX - 1), Arrival::First);
        assert_eq!(arrive(u32::MAX), Arrival::InOrder);
        assert_eq!(arrive(1), Arrival::Gap { missing: 1 });
        assert_eq!(arrive(u32::MAX), Arrival::Repeat);
    }

    #[test]
    fn a_reboot_counts_what_is_missing_since_it_in_every_stream() {
        let mut t = SequenceTracker::new();
        t.account(&header(Stream::Tags, 7, 100));
        assert_eq!(t.account(&header(Stream::Tags, 8, 2)), Arrival::Reboot { missing: 2 });
        assert_eq!(t.account(&header(Stream::Settings, 8, 1)), Arrival::Gap { missing: 1 });
        assert_eq!(t.account(&header(Stream::Control, 8, 0)), Arrival::InOrder);
        assert_eq!((t.nonce(), t.missing()), (Some(8), 3));
    }

    #[test]
    fn a_host_begins_with_nonce_zero_and_goes_on_with_the_devices() {
        let mut t = SequenceTracker::new();
        let mut arrive = |nonce, n| t.account(&header(Stream::Control, nonce, n));
        assert_eq!(arrive(0, 0), Arrival::First);
        assert_eq!(arrive(9, 1), Arrival::InOrder);
        assert_eq!(arrive(9, 3), Arrival::Gap { missing: 1 });
        // The host's program starts again.
        assert_eq!(arrive(0, 0), Arrival::First);
        assert_eq!(arrive(9, 1), Arrival::InOrder);
    }
}
