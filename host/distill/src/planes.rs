//! A byte for each of some detections that are looked at together.

use zeroize::Zeroize;

use crate::processor::CHUNK;

/// A byte for each of [`CHUNK`] detections. It may say which detector clicked, and is wiped.
pub(crate) struct Bytes(pub [u8; CHUNK]);

impl Bytes {
    pub const ZERO: Bytes = Bytes([0; CHUNK]);
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
