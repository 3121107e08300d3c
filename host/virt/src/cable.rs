//! The device's end of the cable.

use helio_firmware::Transmit;

/// Bytes a device can say between two turns; it never has so much to say. The link behind it
/// waits where a real one would drop.
const ROOM: usize = 1 << 20;

/// Collects the frames of a step.
#[derive(Debug, Default)]
pub(crate) struct Cable {
    pub bytes: Vec<u8>,
}

impl Transmit for Cable {
    fn space(&self) -> usize {
        ROOM.saturating_sub(self.bytes.len())
    }

    fn send(&mut self, frame: &[u8]) {
        self.bytes.extend_from_slice(frame);
    }
}
