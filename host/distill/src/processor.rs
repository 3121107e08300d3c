//! The few steps of sifting that some processors do faster, and how work is compiled for them.

#![allow(unsafe_code)]

/// Detections that are looked at together.
pub(crate) const CHUNK: usize = 64;

/// What a processor does, each level in its own way and with the same results.
pub(crate) trait Processor: Copy {
    /// The bits of `word` that `mask` selects, moved together at the low end.
    fn compress(self, word: u64, mask: u64) -> u64;

    /// The four low bits of every byte, a word each; that of byte `i` is bit `i`.
    fn planes(self, bytes: &[u8; CHUNK]) -> [u64; 4];

    /// The values at these rising indices, at most [`CHUNK`], of values of `BITS` bits, packed from the low
    /// bits of each byte up; zero past the end.
    fn look_up<const BITS: u32>(self, packed: &[u8], indices: &[u32], values: &mut [u8; CHUNK]);
}

/// What is to be compiled for each level. `run` is to be inlined, and so is what it spends its time in.
pub(crate) trait Work {
    type Output;
    fn run(self, processor: impl Processor) -> Self::Output;
}

/// Does the work on the best level of this machine.
pub(crate) fn run<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(best) = x86::Avx512::detect() {
        return best.run(work);
    } else if let Some(better) = x86::Bmi2::detect() {
        return better.run(work);
    }
    work.run(Portable)
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

/// Any processor.
#[derive(Clone, Copy)]
struct Portable;

impl Processor for Portable {
    #[inline(always)]
    fn compress(self, word: u64, mask: u64) -> u64 {
        portable(word, mask)
    }

    #[inline(always)]
    fn planes(self, bytes: &[u8; CHUNK]) -> [u64; 4] {
        planes(bytes)
    }

    #[inline(always)]
    fn look_up<const BITS: u32>(self, packed: &[u8], indices: &[u32], values: &mut [u8; CHUNK]) {
        look_up::<BITS>(packed, indices, values);
    }
}

/// A loop of its own with nothing in it but the loads: where clicks are rare each misses the caches, and
/// the processor waits for many of them at once.
#[inline(always)]
fn look_up<const BITS: u32>(packed: &[u8], indices: &[u32], values: &mut [u8]) {
    let per_byte = 8 / BITS;
    for (value, &index) in values.iter_mut().zip(indices) {
        let byte = packed.get((index / per_byte) as usize).copied().unwrap_or(0);
        *value = byte >> (BITS * (index % per_byte)) & ((1 << BITS) - 1);
    }
}

#[inline(always)]
fn planes(bytes: &[u8; CHUNK]) -> [u64; 4] {
    // The factor moves the low bit of byte j to bit 56 + j, and nothing is carried in between.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    const LOW: u64 = 0x0101_0101_0101_0101;
    let mut planes = [0; 4];
    for (j, bytes) in bytes.as_chunks::<8>().0.iter().enumerate() {
        let bytes = u64::from_le_bytes(*bytes);
        for (bit, plane) in planes.iter_mut().enumerate() {
            *plane |= ((bytes >> bit & LOW).wrapping_mul(GATHER) >> 56) << (8 * j);
        }
    }
    planes
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
    use std::arch::x86_64::*;
    use std::sync::LazyLock;

    use super::{CHUNK, Processor, Work};

    /// Exists only where BMI2 and POPCNT were detected, and bits are extracted by one quick instruction.
    #[derive(Clone, Copy)]
    pub struct Bmi2(());

    impl Bmi2 {
        pub fn detect() -> Option<Bmi2> {
            static FAST: LazyLock<bool> = LazyLock::new(|| {
                // AMD's families 15h to 17h have the instruction in microcode, slower than `portable`
                // (Agner Fog, Instruction tables).
                let base = __cpuid(1).eax;
                let family = (base >> 8 & 0xF) + (base >> 20 & 0xFF);
                let is_amd = __cpuid(0).ebx == u32::from_le_bytes(*b"Auth");
                let slow = is_amd && (0x15..=0x17).contains(&family);
                is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("popcnt") && !slow
            });
            FAST.then_some(Bmi2(()))
        }

        pub fn run<W: Work>(self, work: W) -> W::Output {
            #[target_feature(enable = "bmi2,popcnt")]
            fn compiled<W: Work>(level: Bmi2, work: W) -> W::Output {
                work.run(level)
            }
            // SAFETY: `self` exists only where these features were detected.
            unsafe { compiled(self, work) }
        }
    }

    impl Processor for Bmi2 {
        #[inline(always)]
        fn compress(self, word: u64, mask: u64) -> u64 {
            // SAFETY: `self` exists only where BMI2 was detected.
            unsafe { _pext_u64(word, mask) }
        }

        #[inline(always)]
        fn planes(self, bytes: &[u8; CHUNK]) -> [u64; 4] {
            super::planes(bytes)
        }

        #[inline(always)]
        fn look_up<const BITS: u32>(
            self,
            packed: &[u8],
            indices: &[u32],
            values: &mut [u8; CHUNK],
        ) {
            super::look_up::<BITS>(packed, indices, values);
        }
    }

    /// Exists only where [`Bmi2`] and AVX-512 F, BW, DQ, VL and VBMI were detected.
    #[derive(Clone, Copy)]
    pub struct Avx512(Bmi2);

    impl Avx512 {
        pub fn detect() -> Option<Avx512> {
            let found = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vbmi");
            Bmi2::detect().filter(|_| found).map(Avx512)
        }

        pub fn run<W: Work>(self, work: W) -> W::Output {
            #[target_feature(enable = "bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
            fn compiled<W: Work>(level: Avx512, work: W) -> W::Output {
                work.run(level)
            }
            // SAFETY: `self` exists only where these features were detected.
            unsafe { compiled(self, work) }
        }
    }

    impl Processor for Avx512 {
        #[inline(always)]
        fn compress(self, word: u64, mask: u64) -> u64 {
            self.0.compress(word, mask)
        }

        #[inline(always)]
        fn planes(self, bytes: &[u8; CHUNK]) -> [u64; 4] {
            #[inline]
            #[target_feature(enable = "avx512f,avx512bw")]
            fn planes(bytes: &[u8; CHUNK]) -> [u64; 4] {
                let bytes = load(bytes);
                [
                    _mm512_test_epi8_mask(bytes, _mm512_set1_epi8(1)),
                    _mm512_test_epi8_mask(bytes, _mm512_set1_epi8(2)),
                    _mm512_test_epi8_mask(bytes, _mm512_set1_epi8(4)),
                    _mm512_test_epi8_mask(bytes, _mm512_set1_epi8(8)),
                ]
            }
            // SAFETY: `self` exists only where these features were detected.
            unsafe { planes(bytes) }
        }

        #[inline(always)]
        fn look_up<const BITS: u32>(
            self,
            packed: &[u8],
            indices: &[u32],
            values: &mut [u8; CHUNK],
        ) {
            let near = indices.first_chunk().filter(|_| indices.len() == CHUNK).and_then(|all| {
                let from = (all[0] / (8 / BITS)) as usize;
                let span = ((all[CHUNK - 1] / (8 / BITS)) as usize).checked_sub(from)?;
                let window = packed.get(from..)?.first_chunk()?;
                (span < NEAR).then_some((window, all))
            });
            match near {
                // SAFETY: `self` exists only where these features were detected.
                Some((window, all)) => unsafe { look_up_near::<BITS>(window, all, values) },
                None => super::look_up::<BITS>(packed, indices, values),
            }
        }
    }

    /// Bytes that are looked up in registers.
    const NEAR: usize = 512;

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(from: &[u8; CHUNK]) -> __m512i {
        // SAFETY: the 64 bytes are readable, at any alignment.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    /// Values at rising indices, the first of which lies in the first byte of `window` and the last
    /// in one of the others.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn look_up_near<const BITS: u32>(
        window: &[u8; NEAR],
        indices: &[u32; CHUNK],
        values: &mut [u8; CHUNK],
    ) {
        let per_byte = 8 / BITS;
        let start = _mm512_set1_epi32((indices[0] / per_byte * per_byte) as i32);
        let by = _mm_cvtsi32_si128(per_byte.trailing_zeros() as i32);
        let (mut bytes, mut inside) = ([0; CHUNK], [0; CHUNK]);
        let (mut above_128, mut above_256) = (0, 0);
        for (i, indices) in indices.as_chunks::<16>().0.iter().enumerate() {
            // SAFETY: the 64 bytes are readable, at any alignment.
            let indices = unsafe { _mm512_loadu_si512(indices.as_ptr().cast()) };
            let past = _mm512_sub_epi32(indices, start);
            let byte = _mm512_srl_epi32(past, by);
            let above = _mm512_test_epi32_mask(byte, _mm512_set1_epi32(128));
            above_128 |= u64::from(above) << (16 * i);
            let above = _mm512_test_epi32_mask(byte, _mm512_set1_epi32(256));
            above_256 |= u64::from(above) << (16 * i);
            let (to, to_inside) = (&mut bytes[16 * i..][..16], &mut inside[16 * i..][..16]);
            // SAFETY: the 16 bytes of each are writable, at any alignment.
            unsafe {
                _mm_storeu_si128(to.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(byte));
                _mm_storeu_si128(to_inside.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(past));
            }
        }
        let (bytes, inside) = (load(&bytes), load(&inside));
        // Each of these is 128 bytes: the instruction looks at seven bits of an index.
        let [a, b, c, d, e, f, g, h] = window.as_chunks().0 else { return };
        let near = _mm512_permutex2var_epi8(load(a), bytes, load(b));
        let next = _mm512_permutex2var_epi8(load(c), bytes, load(d));
        let mut found = _mm512_mask_blend_epi8(above_128, near, next);
        if above_256 != 0 {
            let near = _mm512_permutex2var_epi8(load(e), bytes, load(f));
            let next = _mm512_permutex2var_epi8(load(g), bytes, load(h));
            let far = _mm512_mask_blend_epi8(above_128, near, next);
            found = _mm512_mask_blend_epi8(above_256, found, far);
        }
        // Down by half a byte or a quarter; what comes from the byte above is cut away.
        let mut step = per_byte / 2;
        while step > 0 {
            let down = _mm512_srl_epi16(found, _mm_cvtsi32_si128((step * BITS) as i32));
            let which = _mm512_test_epi8_mask(inside, _mm512_set1_epi8(step as i8));
            found = _mm512_mask_mov_epi8(found, which, down);
            step /= 2;
        }
        let found = _mm512_and_si512(found, _mm512_set1_epi8((1 << BITS) - 1));
        // SAFETY: the 64 bytes are writable, at any alignment.
        unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), found) };
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

    /// All steps on these.
    struct Steps {
        word: u64,
        mask: u64,
        packed: Vec<u8>,
        indices: Vec<u32>,
    }

    impl Work for &Steps {
        type Output = (u64, [u8; CHUNK], [u8; CHUNK], [u64; 4]);

        fn run(self, processor: impl Processor) -> Self::Output {
            let (mut two, mut four) = ([0; CHUNK], [0; CHUNK]);
            processor.look_up::<2>(&self.packed, &self.indices, &mut two);
            processor.look_up::<4>(&self.packed, &self.indices, &mut four);
            (processor.compress(self.word, self.mask), two, four, processor.planes(&four))
        }
    }

    proptest! {
        #[test]
        fn every_level_gives_the_same(
            word in any::<u64>(),
            mask in prop_oneof![any::<u64>(), Just(0), Just(!0), (0u32..64).prop_map(|i| 1 << i)],
            packed in proptest::collection::vec(any::<u8>(), 0..900),
            mut indices in prop_oneof![
                proptest::collection::vec(0u32..4000, 0..=CHUNK),
                proptest::collection::vec(0u32..1500, CHUNK),
                proptest::collection::vec(100u32..300, CHUNK),
            ],
        ) {
            indices.sort_unstable();
            let steps = Steps { word, mask, packed, indices };
            let result = (&steps).run(Portable);
            let (compressed, two, four, planes) = result;
            prop_assert_eq!(compressed, one_by_one(word, mask));
            for (i, &index) in steps.indices.iter().enumerate() {
                let value = |bits: usize| {
                    let bit = |j: usize| {
                        let at = index as usize * bits + j;
                        steps.packed.get(at / 8).map_or(0, |byte| byte >> (at % 8) & 1) << j
                    };
                    (0..bits).map(bit).sum::<u8>()
                };
                prop_assert_eq!((two[i], four[i]), (value(2), value(4)));
                let of_planes = (0..4).map(|bit| (planes[bit] >> i & 1) << bit).sum::<u64>();
                prop_assert_eq!(of_planes, u64::from(four[i]));
            }
            prop_assert_eq!(run(&steps), result);
            #[cfg(target_arch = "x86_64")]
            {
                x86::Bmi2::detect().into_iter().for_each(|l| assert_eq!(l.run(&steps), result));
                x86::Avx512::detect().into_iter().for_each(|l| assert_eq!(l.run(&steps), result));
            }
        }
    }

    #[test]
    fn a_prefetch_past_the_end_does_nothing() {
        [0, 2, 3, usize::MAX].into_iter().for_each(|index| prefetch(&[1, 2, 3], index));
    }
}
