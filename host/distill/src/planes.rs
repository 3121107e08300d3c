//! What is known of up to 64 detections, from one byte for each to one word for each bit of it: the
//! steps after work on words.

use zeroize::Zeroize;

/// Detections that are looked at together.
pub(crate) const CHUNK: usize = 64;

/// A byte for each of [`CHUNK`] detections. It may say which detector clicked, and is wiped.
pub(crate) struct Bytes(pub [u8; CHUNK]);

impl Bytes {
    pub const ZERO: Bytes = Bytes([0; CHUNK]);

    /// The four low bits of every byte, a word each; that of detection `i` is bit `i`.
    #[inline]
    pub fn planes(&self) -> [u64; 4] {
        // The factor moves the low bit of byte j to bit 56 + j, and nothing is carried in between.
        const GATHER: u64 = 0x0102_0408_1020_4080;
        const LOW: u64 = 0x0101_0101_0101_0101;
        let mut planes = [0; 4];
        for (j, bytes) in self.0.as_chunks::<8>().0.iter().enumerate() {
            let bytes = u64::from_le_bytes(*bytes);
            for (bit, plane) in planes.iter_mut().enumerate() {
                *plane |= ((bytes >> bit & LOW).wrapping_mul(GATHER) >> 56) << (8 * j);
            }
        }
        planes
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn planes_are_the_bits_of_the_bytes(bytes in proptest::array::uniform32(any::<[u8; 2]>())) {
            let mut all = Bytes::ZERO;
            all.0.iter_mut().zip(bytes.as_flattened()).for_each(|(to, from)| *to = *from);
            for (bit, plane) in all.planes().into_iter().enumerate() {
                for (i, byte) in bytes.as_flattened().iter().enumerate() {
                    prop_assert_eq!(plane >> i & 1, u64::from(byte >> bit & 1));
                }
            }
        }
    }
}
