//! What an algorithm asks of a processor: vectors of `W` words and carry-less products in them.

/// Vectors of `W` words of 64 bits, `W` even, word 0 first.
///
/// A value of the type is the proof that the processor has the instructions of its methods.
/// Methods take and give words by position; those on pairs act on words 2i and 2i + 1 as the low
/// and high half of 128 bits.
pub(super) trait Lanes<const W: usize>: Copy {
    /// The vector.
    type V: Copy;

    fn load(self, from: &[u64; W]) -> Self::V;
    fn store(self, value: Self::V, to: &mut [u64; W]);
    /// One word at all positions.
    fn splat(self, word: u64) -> Self::V;
    fn xor(self, a: Self::V, b: Self::V) -> Self::V;
    /// Products in GF(2^64) modulo z^64 + z^4 + z^3 + z + 1, position by position.
    fn multiply(self, a: Self::V, b: Self::V) -> Self::V;
    /// Word i of vector j to word j of vector i.
    fn transpose(self, tile: &mut [Self::V; W]);

    /// In each pair, the carry-less product of the low halves.
    fn low(self, a: Self::V, b: Self::V) -> Self::V;
    /// In each pair, the carry-less product of the high halves.
    fn high(self, a: Self::V, b: Self::V) -> Self::V;
    /// In each pair, the sum of the two products of a low and a high half.
    fn cross(self, a: Self::V, b: Self::V) -> Self::V;
}

/// The 16 products of 0 … 15 with z^4 + z^3 + z + 1, a byte each: what becomes of the 4 highest
/// bits of a product when it is reduced.
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
pub(super) const FOLDS: [u64; 2] = [0x415a_776c_2d36_1b00, 0x9982_afb4_f5ee_c3d8];
