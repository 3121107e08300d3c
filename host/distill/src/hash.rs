//! Universal hashes: the verification tag of a reconciled string and the tag of a transcript.
//!
//! Both are polynomial hashes over GF(2^128), computed with POLYVAL (RFC 8452 section 3; the field
//! polynomial is x^128 + x^127 + x^126 + x^121 + 1). The message is cut into 16-byte blocks, the
//! last one padded with zeros, and a block holding the message's length in bits (8 bytes, least
//! significant first, then zeros) is appended. With blocks X_1 … X_L and the key H,
//!
//! `POLYVAL_H = X_1·E^L + X_2·E^(L−1) + … + X_L·E`, with `E = H·x^(−128)`.
//!
//! **Collisions.** L = ⌈bytes/16⌉ + 1 counts the length block. Two different messages of at most L
//! blocks differ by a non-zero polynomial D(E) of degree at most L: messages of one length in a
//! block of the message, others in the length block. For uniform H, E is uniform, and D takes any
//! given value for at most L of the 2^128 keys. Keeping t of the 128 bits is a linear map: two
//! truncated tags agree exactly when D(E) lies in its kernel, which has 2^(128−t) elements, so at
//! most L·2^(128−t) keys collide: probability at most **L·2^(−t)**. Truncation keeps the bound
//! because it holds for every difference, not only for zero.
//!
//! Blocks are multiplied 32 at a time by powers of the key, on the kernels of [`crate::gf2`]; the
//! polyval crate is the tests' oracle. `cargo run --release -p helio-distill --example
//! verified_bits` compares tags of 10^9 bits. Seen: 1000 of 1000 equal strings agreed, 1000 of 1000
//! differing strings were told apart. Speed: `cargo bench -p helio-distill --bench hashing`.

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::gf2::{Level, Powers, evaluate};
use helio_keys::SecretBits;

/// Number of 128-bit blocks hashed for `n_bits` bits, the length block included.
pub fn blocks(n_bits: u64) -> u64 {
    n_bits.div_ceil(128) + 1
}

/// Length in bits of the verification tag: the smallest t with L·2^(−t) ≤ `eps_ev`, for
/// L = [`blocks`]`(n_bits)`, so t = ⌈log2(L/ε_EV)⌉. `None` if 128 bits are not enough or `eps_ev`
/// is not a positive number.
pub fn verification_bits(n_bits: u64, eps_ev: f64) -> Option<u32> {
    // Halving is exact, and so is a block count below 2^53: no rounding in the comparison.
    let mut bound = blocks(n_bits) as f64;
    let mut t = 0;
    while bound > eps_ev && t <= 128 {
        bound /= 2.0;
        t += 1;
    }
    (eps_ev > 0.0 && t <= 128).then_some(t)
}

/// The hash of `bits` under the public evaluation point `key`, cut to its `t` low bits.
///
/// Two different strings of `n` bits collide with probability at most L·2^(−t),
/// L = [`blocks`]`(n)`, over a `key` drawn after both strings were fixed.
///
/// # Panics
/// If `t` is not in 1..=128.
pub fn verification_tag(bits: &SecretBits, key: [u8; 16], t: u32) -> u128 {
    verification_tag_at(Level::best(), bits, key, t)
}

/// [`verification_tag`] with the instructions of one level, to compare levels: all give the same.
///
/// # Panics
/// If `t` is not in 1..=128.
pub fn verification_tag_at(level: Level, bits: &SecretBits, key: [u8; 16], t: u32) -> u128 {
    assert!((1..=128).contains(&t), "a tag of {t} bits");
    let mut powers = Powers::new(level, u128::from_le_bytes(key));
    let (pairs, last) = bits.words().split_at(bits.words().len() & !1);
    let mut state = evaluate(&mut powers, 0, pairs);
    if let [word] = last {
        state = evaluate(&mut powers, state, &[*word, 0]);
    }
    evaluate(&mut powers, state, &[bits.len() as u64, 0]) & (!0 >> (128 - t))
}

/// Whether two tags agree, in constant time.
pub fn same_tag(a: u128, b: u128) -> bool {
    a.to_le_bytes().ct_eq(&b.to_le_bytes()).into()
}

/// A Wegman–Carter tag over a transcript, fed piece by piece.
///
/// Tag = POLYVAL_H(transcript with its length block) ⊕ mask. With a fresh secret uniform mask the
/// chance to forge a tag for another transcript is at most L/2^128, L = [`blocks`] of the longer
/// one in bits. H and mask are used once (`protocol.md`: a fresh point and a fresh mask per tag).
/// Pieces are hashed as one string: whoever writes messages frames them so that their bounds are
/// part of the bytes.
pub struct TranscriptHash {
    powers: Powers,
    state: u128,
    pending: [u8; 16],
    bytes: u64,
}

impl TranscriptHash {
    /// Bytes that are brought into words at a time.
    const BATCH: usize = 2048;

    /// Starts a transcript under the secret evaluation point `key`.
    pub fn new(key: &[u8; 16]) -> TranscriptHash {
        TranscriptHash::at(Level::best(), key)
    }

    /// [`new`](TranscriptHash::new) with the instructions of one level, to compare levels.
    pub fn at(level: Level, key: &[u8; 16]) -> TranscriptHash {
        let powers = Powers::new(level, u128::from_le_bytes(*key));
        TranscriptHash { powers, state: 0, pending: [0; 16], bytes: 0 }
    }

    /// Appends bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        let filled = (self.bytes % 16) as usize;
        self.bytes += bytes.len() as u64;
        if filled > 0 {
            let (head, rest) = bytes.split_at(bytes.len().min(16 - filled));
            self.pending[filled..filled + head.len()].copy_from_slice(head);
            if filled + head.len() < 16 {
                return;
            }
            self.absorb(u128::from_le_bytes(self.pending));
            bytes = rest;
        }
        let (whole, tail) = bytes.split_at(bytes.len() & !15);
        let mut words = [0; TranscriptHash::BATCH / 8];
        for batch in whole.chunks(TranscriptHash::BATCH) {
            let words = &mut words[..batch.len() / 8];
            let batch = batch.as_chunks::<8>().0;
            words.iter_mut().zip(batch).for_each(|(word, b)| *word = u64::from_le_bytes(*b));
            self.state = evaluate(&mut self.powers, self.state, words);
        }
        self.pending[..tail.len()].copy_from_slice(tail);
    }

    fn absorb(&mut self, block: u128) {
        let block = [block as u64, (block >> 64) as u64];
        self.state = evaluate(&mut self.powers, self.state, &block);
    }

    /// Bytes so far.
    pub fn len(&self) -> u64 {
        self.bytes
    }

    /// Whether nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// The tag, hidden by a one-time `mask`.
    pub fn tag(mut self, mask: &[u8; 16]) -> [u8; 16] {
        let filled = (self.bytes % 16) as usize;
        if filled > 0 {
            self.pending[filled..].fill(0);
            self.absorb(u128::from_le_bytes(self.pending));
        }
        self.absorb(u128::from(8 * self.bytes));
        let mut tag = self.state.to_le_bytes();
        tag.iter_mut().zip(mask).for_each(|(t, m)| *t ^= m);
        tag
    }

    /// Whether `tag` is the transcript's tag, in constant time.
    pub fn verify(self, mask: &[u8; 16], tag: &[u8; 16]) -> bool {
        self.tag(mask).ct_eq(tag).into()
    }
}

impl Drop for TranscriptHash {
    fn drop(&mut self) {
        self.state.zeroize();
        self.pending.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Multiplication by the definition: POLYVAL's dot(a, b) = a·b·x^(−128).
    fn dot(a: u128, b: u128) -> u128 {
        const X_MINUS_1: u128 = 1 << 127 | 1 << 126 | 1 << 125 | 1 << 120;
        // Σ a_i b x^i x^-128, by Horner from the lowest bit of a: each step divides by x.
        (0..128).fold(0, |acc: u128, i| {
            let sum = if a >> i & 1 == 1 { acc ^ b } else { acc };
            sum >> 1 ^ if sum & 1 == 1 { X_MINUS_1 } else { 0 }
        })
    }

    fn by_definition(message: &[u8], bits: u64, key: [u8; 16]) -> u128 {
        let h = u128::from_le_bytes(key);
        let mut blocks: Vec<u128> = message
            .chunks(16)
            .map(|chunk| {
                let mut block = [0; 16];
                block[..chunk.len()].copy_from_slice(chunk);
                u128::from_le_bytes(block)
            })
            .collect();
        blocks.push(u128::from(bits));
        blocks.into_iter().fold(0, |acc, x| dot(acc ^ x, h))
    }

    fn some_bytes(len: usize, seed: u64) -> Vec<u8> {
        let mut state = seed;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 56) as u8
        })
        .take(len)
        .collect()
    }

    fn some_key(seed: u64) -> [u8; 16] {
        some_bytes(16, seed ^ 0x5bd1_e995).try_into().expect("16 bytes")
    }

    #[test]
    fn tags_agree_with_field_arithmetic_by_definition() {
        for len in [0, 1, 7, 8, 15, 16, 17, 31, 32, 100, 1023, 1024, 1025, 3000] {
            let (message, key) = (some_bytes(len, 3), some_key(len as u64));
            let expected = by_definition(&message, 8 * len as u64, key);
            let bits = SecretBits::from_bytes(&message, 8 * len).expect("whole bytes");
            assert_eq!(verification_tag(&bits, key, 128), expected, "{len} bytes");
            assert_eq!(verification_tag(&bits, key, 44), expected & ((1 << 44) - 1));

            let mask = some_key(9);
            let masked = (expected ^ u128::from_le_bytes(mask)).to_le_bytes();
            for piece in [1, 5, 16, 40] {
                let mut transcript = TranscriptHash::new(&key);
                message.chunks(piece).for_each(|p| transcript.update(p));
                assert_eq!(transcript.len(), len as u64);
                assert_eq!(transcript.tag(&mask), masked, "{len} bytes in pieces of {piece}");
            }
        }
    }

    /// The POLYVAL example of RFC 8452, appendix A.
    #[test]
    fn field_arithmetic_agrees_with_the_rfc() {
        let hex = |s: &str| u128::from_str_radix(s, 16).map(u128::swap_bytes).expect("hexadecimal");
        let h = hex("25629347589242761d31f826ba4b757b");
        let (x1, x2) =
            (hex("4f4f95668c83dfb6401762bb2d01a262"), hex("d1a24ddd2721d006bbe45f20d3c9f362"));
        assert_eq!(dot(dot(x1, h) ^ x2, h), hex("f7a3b47b846119fae5b7866cf5e5b77e"));
    }

    #[test]
    fn a_changed_byte_length_key_or_mask_changes_the_tag() {
        let (key, mask, message) = (some_key(1), some_key(2), some_bytes(50, 1));
        let transcript = |key: &[u8; 16], message: &[u8]| {
            let mut t = TranscriptHash::new(key);
            t.update(message);
            t
        };
        let tag = transcript(&key, &message).tag(&mask);
        assert!(transcript(&key, &message).verify(&mask, &tag));
        for at in 0..message.len() {
            let mut other = message.clone();
            other[at] ^= 1;
            assert!(!transcript(&key, &other).verify(&mask, &tag));
        }
        let mut longer = message.clone();
        longer.push(0);
        assert!(!transcript(&key, &longer).verify(&mask, &tag));
        assert!(!transcript(&some_key(5), &message).verify(&mask, &tag));
        assert!(!transcript(&key, &message).verify(&some_key(5), &tag));
    }

    /// Pairs of strings made to differ: in one bit, everywhere, and in two blocks whose difference
    /// is E^32 + E^2, linear in E, with the 16 elements of a subfield for its kernel, so that tags
    /// may coincide more often than by chance.
    #[test]
    fn truncated_tags_collide_within_the_bound() {
        const KEYS: u64 = 1 << 19;
        const BLOCKS: usize = 31;
        let n = 128 * BLOCKS;
        let a = SecretBits::from_bytes(&some_bytes(n / 8, 1), n).expect("whole bytes");
        let mut one = a.duplicate();
        one.flip(200);
        let mut everywhere = SecretBits::from_bytes(&some_bytes(n / 8, 2), n).expect("whole bytes");
        everywhere.set(0, !a.get(0));
        let mut linear = a.duplicate();
        linear.flip(0);
        linear.flip(128 * (BLOCKS - 1));
        for (name, b) in [("one", one), ("everywhere", everywhere), ("linear", linear)] {
            let mut same = [0; 3];
            let lengths = [8, 12, 16];
            for k in 0..KEYS {
                let key = some_key(k.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                // A tag is its longer one's low bits: looked at now and then, to save time.
                let difference = verification_tag(&a, key, 16) ^ verification_tag(&b, key, 16);
                for (t, same) in lengths.into_iter().zip(&mut same) {
                    let low = difference & ((1 << t) - 1);
                    if k % 1024 == 0 {
                        let tags = verification_tag(&a, key, t) ^ verification_tag(&b, key, t);
                        assert_eq!(tags, low);
                    }
                    *same += u64::from(low == 0);
                }
            }
            for (t, same) in lengths.into_iter().zip(same) {
                let same = same as f64;
                let mean = KEYS as f64 * 0.5f64.powi(t as i32);
                let bound = blocks(n as u64) as f64 * mean;
                println!(
                    "{name}, {t} bits: {same} of {KEYS} collide; chance {mean}, bound {bound}"
                );
                // One-sided 95 % of a Poisson count at the bound; and not fewer than a tag of t
                // bits can give, so that the test would see tags that are not truncated.
                assert!(same <= bound + 1.65 * bound.sqrt(), "{name}: {same} > {bound} at t = {t}");
                assert!(same >= mean - 2.8 * mean.sqrt(), "{name}: {same} < {mean} at t = {t}");
                assert!(same > 0.0, "{name}: no collision seen at t = {t}");
            }
        }
    }

    /// The polyval crate is the oracle at sizes that need many batches, at every level.
    #[test]
    fn long_tags_are_the_polyval_crates_at_every_level() {
        use polyval::{Block, Polyval, universal_hash::UniversalHash};
        for len in [511, 512, 528, 2047, 2048, 2049, 4096 + 15, 100_000] {
            let (message, key, mask) = (some_bytes(len, 6), some_key(len as u64), some_key(4));
            let mut padded = message.clone();
            padded.resize(len.next_multiple_of(16), 0);
            padded.extend_from_slice(&(8 * len as u128).to_le_bytes());
            let mut oracle = Polyval::new(&key.into());
            oracle.update(Block::cast_slice_from_core(padded.as_chunks::<16>().0));
            let expected = u128::from_le_bytes(oracle.finalize().into());
            let bits = SecretBits::from_bytes(&message, 8 * len).expect("whole bytes");
            for level in Level::available() {
                assert_eq!(
                    verification_tag_at(level, &bits, key, 128),
                    expected,
                    "{len} {level:?}"
                );
                for piece in [len, 1000, 2061] {
                    let mut transcript = TranscriptHash::at(level, &key);
                    message.chunks(piece).for_each(|p| transcript.update(p));
                    let tag =
                        u128::from_le_bytes(transcript.tag(&mask)) ^ u128::from_le_bytes(mask);
                    assert_eq!(tag, expected, "{len} bytes in pieces of {piece}, {level:?}");
                }
            }
        }
    }

    #[test]
    fn verification_bits_is_the_ceiling_of_the_logarithm() {
        assert_eq!(blocks(1_000_000), 7814);
        assert_eq!(verification_bits(1_000_000, 1e-10), Some(47)); // log2(7814e10) = 46.15
        for t in 5..100 {
            let eps = 4.0 * 0.5f64.powi(t);
            assert_eq!(verification_bits(3 * 128, eps), Some(t as u32)); // exactly L/ε = 2^t
            assert_eq!(verification_bits(3 * 128, eps * 0.999), Some(t as u32 + 1));
        }
        for eps in [0.0, -1.0, f64::NAN, 1e-40] {
            assert_eq!(verification_bits(1000, eps), None);
        }
    }
}
