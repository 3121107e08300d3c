//! Bins that grow with the value they hold.
//!
//! Each octave (a factor of two) is cut into 2^`bits` bins of equal length; values below 2^`bits`
//! have a bin each.

/// The bin of a value: its octave and the `bits` bits after the leading one.
pub(super) fn index(value: u64, bits: u32) -> usize {
    let length = 64 - value.leading_zeros();
    let shift = length.saturating_sub(bits + 1);
    ((shift as usize) << bits) + (value >> shift) as usize
}

/// The smallest and the largest value of a bin.
pub(super) fn edges(index: usize, bits: u32) -> (u64, u64) {
    let shift = (index >> bits).saturating_sub(1);
    let lead = (index - (shift << bits)) as u64;
    let from = lead << shift;
    (from, from + ((1u64 << shift) - 1))
}

/// How many bins hold all values.
pub(super) const fn bins(bits: u32) -> usize {
    (64 - bits as usize + 1) << bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_follow_each_other_without_hole_or_overlap() {
        for bits in [0, 1, 3, 10] {
            let mut next = Some(0u64);
            for i in 0..bins(bits) {
                let (from, to) = edges(i, bits);
                assert_eq!(Some(from), next, "bin {i}");
                assert_eq!((index(from, bits), index(to, bits)), (i, i));
                assert!(to - from <= from >> bits);
                next = to.checked_add(1);
            }
            assert_eq!(next, None, "the last bin ends with the last number");
        }
    }
}
