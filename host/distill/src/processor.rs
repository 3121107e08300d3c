//! The two instructions of the processor that sifting is faster with. Where it has them not, the same
//! is done, or nothing has to be.

#![allow(unsafe_code)]

/// The bits of `word` that `mask` selects, moved together at the low end.
#[inline]
pub(crate) fn compress(word: u64, mask: u64) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if x86::extracts_fast() {
        // SAFETY: `extracts_fast` found BMI2 on this processor.
        return unsafe { x86::extract(word, mask) };
    }
    portable(word, mask)
}

/// Says that byte `index` will be read soon. Nothing happens past the end.
#[inline]
pub(crate) fn prefetch(bytes: &[u8], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(byte) = bytes.get(index) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of every x86-64, and a prefetch neither reads nor writes as far as the
        // program can tell; besides, the pointer is that of a byte of the slice.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, index);
}

/// A parallel-suffix compress (Steele's, in Warren, Hacker's Delight, 2nd edition, 7-4).
fn portable(word: u64, mut mask: u64) -> u64 {
    let mut word = word & mask;
    let mut to_the_right = !mask << 1;
    for step in 0..6 {
        let odd = (0..6).fold(to_the_right, |odd, step| odd ^ odd << (1 << step));
        let moving = odd & mask;
        mask = mask ^ moving | moving >> (1 << step);
        let moved = word & moving;
        word = word ^ moved | moved >> (1 << step);
        to_the_right &= !odd;
    }
    word
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__cpuid, _pext_u64};
    use std::sync::LazyLock;

    /// Whether the processor extracts bits by one quick instruction.
    #[inline]
    pub fn extracts_fast() -> bool {
        static FAST: LazyLock<bool> = LazyLock::new(|| {
            // AMD's families 15h to 17h have the instruction in microcode, slower than `portable`
            // (Agner Fog, Instruction tables).
            let base = __cpuid(1).eax;
            let family = (base >> 8 & 0xF) + (base >> 20 & 0xFF);
            let is_amd = __cpuid(0).ebx == u32::from_le_bytes(*b"Auth");
            is_x86_feature_detected!("bmi2") && !(is_amd && (0x15..=0x17).contains(&family))
        });
        *FAST
    }

    #[target_feature(enable = "bmi2")]
    pub fn extract(word: u64, mask: u64) -> u64 {
        _pext_u64(word, mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one_by_one(word: u64, mask: u64) -> u64 {
        let places = (0..64).filter(|i| mask >> i & 1 == 1);
        places.enumerate().fold(0, |out, (to, from)| out | (word >> from & 1) << to)
    }

    proptest! {
        #[test]
        fn every_way_to_compress_gives_the_same(
            word in any::<u64>(),
            mask in prop_oneof![any::<u64>(), Just(0), Just(!0), (0u32..64).prop_map(|i| 1 << i)],
        ) {
            let expected = one_by_one(word, mask);
            prop_assert_eq!(compress(word, mask), expected);
            prop_assert_eq!(portable(word, mask), expected);
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("bmi2") {
                // SAFETY: BMI2 was found just now.
                prop_assert_eq!(unsafe { x86::extract(word, mask) }, expected);
            }
        }
    }

    #[test]
    fn a_prefetch_past_the_end_does_nothing() {
        [0, 2, 3, usize::MAX].into_iter().for_each(|index| prefetch(&[1, 2, 3], index));
    }
}
