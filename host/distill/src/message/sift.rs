//! Alice → Bob: which detections match in basis, the intensity of each match, and her bits in the
//! test basis. Her bits in the key basis never leave.
//!
//! The body: where the slots without a setting begin and end; her basis of the others, which says
//! with Bob's which match and is independent of his; for each match whether it is the brightest
//! intensity; for each other one whether it is the dimmest; her test-basis bits as they are.

use super::{Malformed, PublicBits, Reader, Writer};

/// The answer to [`super::Detections`]; lengths follow from the announcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sift {
    /// One bit a detection: Alice has no setting for it.
    pub lost: PublicBits,
    /// One bit a detection: the bases agree.
    pub matched: PublicBits,
    /// One bit a match: its intensity is the brightest.
    pub brightest: PublicBits,
    /// One bit for each match that is not of the brightest: its intensity is the dimmest.
    pub dimmest: PublicBits,
    /// Alice's bit of each match in the test basis.
    pub test_bits: PublicBits,
}

impl Sift {
    /// Writes the answer to an announcement with these bases.
    pub fn write(&self, out: &mut Writer, test_basis: &PublicBits) {
        edges(&self.lost).write(out);
        let mine = self.matched.map_words(|i, matched| !(matched ^ test_basis.word(i)));
        let present = self.lost.map_words(|_, lost| !lost);
        mine.select(&present).write(out);
        self.brightest.write(out);
        self.dimmest.write(out);
        self.test_bits.write_raw(out);
    }

    /// Reads the answer to an announcement with these bases.
    pub fn read(mut reader: Reader<'_>, test_basis: &PublicBits) -> Result<Sift, Malformed> {
        let count = test_basis.len();
        let lost = between(&PublicBits::read(&mut reader, count)?);
        let mine = PublicBits::read(&mut reader, count - lost.ones())?.spread(&lost);
        let matched = mine.map_words(|i, mine| !(mine ^ test_basis.word(i)) & !lost.word(i));
        let brightest = PublicBits::read(&mut reader, matched.ones())?;
        let dimmest = PublicBits::read(&mut reader, brightest.len() - brightest.ones())?;
        let tests = matched.map_words(|i, matched| matched & test_basis.word(i)).ones();
        let test_bits = PublicBits::read_raw(&mut reader, tests)?;
        reader.end()?;
        Ok(Sift { lost, matched, brightest, dimmest, test_bits })
    }
}

/// Set where a bit differs from the one before, and at the first if it is set: lost slots come in
/// long runs, and have few edges.
fn edges(bits: &PublicBits) -> PublicBits {
    bits.map_words(|i, word| {
        let before = if i == 0 { 0 } else { bits.word(i - 1) >> 63 };
        word ^ (word << 1 | before)
    })
}

/// The bits with these edges.
fn between(edges: &PublicBits) -> PublicBits {
    let mut inside = 0;
    let mut out = PublicBits::with_capacity(edges.len());
    for (i, word) in edges.words().iter().enumerate() {
        let word = (0..6).fold(*word, |word, step| word ^ word << (1 << step)) ^ inside;
        // All zeros or all ones, as the last bit was.
        inside = 0u64.wrapping_sub(word >> 63);
        let here = (edges.len() - 64 * i).min(64);
        out.append(word & super::in_word(edges.len(), i), here as u32);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of each detection: Bob's basis, what Alice says of it, her bit.
    #[derive(Clone, Copy, Debug)]
    enum Said {
        Lost,
        Other,
        Intensity(u8),
    }

    fn sift_of(slots: &[(bool, Said, bool)]) -> (PublicBits, Sift) {
        let matches = || slots.iter().filter(|s| matches!(s.1, Said::Intensity(_)));
        let intensity = |said: Said| match said {
            Said::Intensity(i) => i,
            _ => unreachable!("a match"),
        };
        let sift = Sift {
            lost: PublicBits::of(slots.iter().map(|s| matches!(s.1, Said::Lost))),
            matched: PublicBits::of(slots.iter().map(|s| matches!(s.1, Said::Intensity(_)))),
            brightest: PublicBits::of(matches().map(|s| intensity(s.1) == 0)),
            dimmest: PublicBits::of(
                matches().map(|s| intensity(s.1)).filter(|i| *i > 0).map(|i| i == 2),
            ),
            test_bits: PublicBits::of(matches().filter(|s| s.0).map(|s| s.2)),
        };
        (PublicBits::of(slots.iter().map(|s| s.0)), sift)
    }

    fn said() -> impl Strategy<Value = Said> {
        prop_oneof![
            1 => Just(Said::Lost),
            3 => Just(Said::Other),
            6 => (0u8..3).prop_map(Said::Intensity),
        ]
    }

    proptest! {
        #[test]
        fn sift_round_trips(
            slots in proptest::collection::vec((any::<bool>(), said(), any::<bool>()), 0..300),
        ) {
            let (test_basis, sift) = sift_of(&slots);
            let mut out = Writer::default();
            sift.write(&mut out, &test_basis);
            let bytes = out.finish();
            prop_assert_eq!(Sift::read(Reader::new(&bytes), &test_basis), Ok(sift));
            for cut in 0..bytes.len() {
                prop_assert!(Sift::read(Reader::new(&bytes[..cut]), &test_basis).is_err());
            }
            let long = [&bytes[..], &[0]].concat();
            let trailing = Sift::read(Reader::new(&long), &test_basis);
            prop_assert_eq!(trailing, Err(Malformed::TrailingBytes));
        }

        #[test]
        fn any_bytes_are_refused_or_written_again(
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
            count in 0usize..100,
        ) {
            let test_basis = PublicBits::of((0..count).map(|i| i % 2 == 0));
            if let Ok(sift) = Sift::read(Reader::new(&bytes), &test_basis) {
                let mut out = Writer::default();
                sift.write(&mut out, &test_basis);
                prop_assert_eq!(out.finish(), bytes);
            }
        }

        #[test]
        fn runs_have_edges(runs in proptest::collection::vec(0usize..100, 0..8)) {
            let bits = runs.iter().enumerate().flat_map(|(i, &run)| vec![i % 2 == 1; run]);
            let bits = PublicBits::of(bits);
            let edges = edges(&bits);
            prop_assert!(edges.ones() <= runs.len());
            prop_assert_eq!(between(&edges), bits);
        }
    }
}
