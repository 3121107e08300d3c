//! The device's end of the cable.

use helio_firmware::Transmit;

/// Bytes that a device can say before the link takes any: more than it has to say between two
/// turns. While time waits for the hosts there is room always; where it does not, a device whose
/// host takes nothing finds none, and counts what it loses.
const ROOM: usize = 64 * 1024;

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
