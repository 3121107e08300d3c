//! ChaCha20 as a stream of random bytes (RFC 8439, section 2.3; nonce zero, block counter from 0).
//! Small, and wiped when it is dropped.

use zeroize::Zeroize;

const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
/// Bytes of a block.
const BLOCK: usize = 64;

/// The key stream of one key: what a device expands a seed with, and a host that knows the seed too.
pub struct ChaCha20 {
    key: [u32; 8],
    /// 64 bits, in the two words where RFC 8439 has the counter and the first word of the nonce.
    counter: u64,
    block: [u8; BLOCK],
    used: usize,
}

impl ChaCha20 {
    /// From its beginning.
    pub fn new(key: &[u8; 32]) -> ChaCha20 {
        let (words, _) = key.as_chunks::<4>();
        let key = core::array::from_fn(|i| u32::from_le_bytes(words[i]));
        ChaCha20 { key, counter: 0, block: [0; BLOCK], used: BLOCK }
    }

    /// The next bytes of the stream.
    pub fn fill(&mut self, mut out: &mut [u8]) {
        while !out.is_empty() {
            if self.used == BLOCK {
                self.next_block();
            }
            let n = out.len().min(BLOCK - self.used);
            let (now, later) = out.split_at_mut(n);
            now.copy_from_slice(&self.block[self.used..self.used + n]);
            // What was given out cannot be read from here any more.
            self.block[self.used..self.used + n].fill(0);
            self.used += n;
            out = later;
        }
    }

    fn next_block(&mut self) {
        let mut start = [0; 16];
        start[..4].copy_from_slice(&CONSTANTS);
        start[4..12].copy_from_slice(&self.key);
        (start[12], start[13]) = (self.counter as u32, (self.counter >> 32) as u32);
        let mut s = start;
        for _ in 0..10 {
            for [a, b, c, d] in [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]] {
                quarter_round(&mut s, a, b, c, d);
            }
            for [a, b, c, d] in [[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]] {
                quarter_round(&mut s, a, b, c, d);
            }
        }
        let (words, _) = self.block.as_chunks_mut::<4>();
        for ((word, mixed), first) in words.iter_mut().zip(s).zip(start) {
            *word = mixed.wrapping_add(first).to_le_bytes();
        }
        s.zeroize();
        start.zeroize();
        self.counter += 1;
        self.used = 0;
    }
}

impl Drop for ChaCha20 {
    fn drop(&mut self) {
        self.key.zeroize();
        self.block.zeroize();
    }
}

#[inline(always)]
fn quarter_round(s: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    s[a] = s[a].wrapping_add(s[b]);
    s[d] = (s[d] ^ s[a]).rotate_left(16);
    s[c] = s[c].wrapping_add(s[d]);
    s[b] = (s[b] ^ s[c]).rotate_left(12);
    s[a] = s[a].wrapping_add(s[b]);
    s[d] = (s[d] ^ s[a]).rotate_left(8);
    s[c] = s[c].wrapping_add(s[d]);
    s[b] = (s[b] ^ s[c]).rotate_left(7);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng, SeedableRng};

    /// RFC 8439, appendix A.1, test vectors 1 and 2.
    #[test]
    fn the_key_stream_of_a_zero_key_is_that_of_the_rfc() {
        let mut out = [0; 128];
        ChaCha20::new(&[0; 32]).fill(&mut out);
        let first = [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90, 0x40, 0x5d, 0x6a, 0xe5];
        let second = [0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a, 0x98, 0xba, 0x97, 0x7c];
        assert_eq!(out[..12], first);
        assert_eq!(out[64..76], second);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_is_the_stream_of_another_implementation(
            key in any::<[u8; 32]>(), cuts in proptest::collection::vec(0..200usize, 1..10),
        ) {
            let (mut ours, mut theirs) = (ChaCha20::new(&key), ChaCha20Rng::from_seed(key));
            let (mut out, mut expected) = ([0; 200], [0; 200]);
            let mut stream = [0; 2000];
            theirs.fill_bytes(&mut stream);
            let mut at = 0;
            for n in cuts {
                ours.fill(&mut out[..n]);
                expected[..n].copy_from_slice(&stream[at..at + n]);
                prop_assert_eq!(&out[..n], &expected[..n]);
                at += n;
            }
        }
    }
}
