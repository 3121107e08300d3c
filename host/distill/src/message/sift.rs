//! Alice → Bob: which detections match in basis, the intensity of each match, and her bits in the
//! test basis. Her bits in the key basis never leave.

use super::{Malformed, PublicBits, Reader, Writer};

/// The answer to [`super::Detections`]; lengths follow from the announcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sift {
    /// One bit a detection: Alice has no setting for it. `None` when she has all.
    pub lost: Option<PublicBits>,
    /// One bit a detection: the bases agree.
    pub matched: PublicBits,
    /// Intensity of each match, 0 to 2, brightest first.
    pub intensities: Vec<u8>,
    /// Alice's bit of each match in the test basis.
    pub test_bits: PublicBits,
}

impl Sift {
    pub fn write(&self, out: &mut Writer) {
        out.u8(u8::from(self.lost.is_some()));
        if let Some(lost) = &self.lost {
            lost.write(out);
        }
        self.matched.write(out);
        for four in self.intensities.chunks(4) {
            out.u8(four.iter().rev().fold(0, |byte, &i| byte << 2 | i));
        }
        self.test_bits.write(out);
    }

    /// Reads the answer to an announcement with these bases.
    pub fn read(mut reader: Reader<'_>, test_basis: &PublicBits) -> Result<Sift, Malformed> {
        let count = test_basis.len();
        let lost = match reader.u8()? {
            0 => None,
            1 => Some(PublicBits::read(&mut reader, count)?),
            _ => return Err(Malformed::BadValue),
        };
        let matched = PublicBits::read(&mut reader, count)?;
        let matches = matched.ones();
        let packed = reader.raw(matches.div_ceil(4))?;
        let mut intensities = Vec::with_capacity(matches);
        for i in 0..matches {
            intensities.push(packed[i / 4] >> (2 * (i % 4)) & 3);
        }
        if intensities.contains(&3) {
            return Err(Malformed::BadValue);
        }
        if !matches.is_multiple_of(4)
            && packed.last().is_some_and(|b| b >> (2 * (matches % 4)) != 0)
        {
            return Err(Malformed::PaddingNotZero);
        }
        let tests = (0..count).filter(|&i| matched.get(i) && test_basis.get(i)).count();
        let test_bits = PublicBits::read(&mut reader, tests)?;
        reader.end()?;
        if lost.as_ref().is_some_and(|l| (0..count).any(|i| l.get(i) && matched.get(i))) {
            return Err(Malformed::BadValue);
        }
        Ok(Sift { lost, matched, intensities, test_bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sift_round_trips(slots in proptest::collection::vec((any::<bool>(), 0u8..4, any::<bool>()), 0..100)) {
            let mut test_basis = PublicBits::default();
            let mut sift = Sift {
                lost: Some(PublicBits::default()),
                matched: PublicBits::default(),
                intensities: Vec::new(),
                test_bits: PublicBits::default(),
            };
            for &(test, what, bit) in &slots {
                test_basis.push(test);
                sift.matched.push(what < 3);
                sift.lost.as_mut().unwrap().push(what == 3 && bit);
                if what < 3 {
                    sift.intensities.push(what);
                    if test {
                        sift.test_bits.push(bit);
                    }
                }
            }
            let mut out = Writer::default();
            sift.write(&mut out);
            let bytes = out.finish();
            prop_assert_eq!(Sift::read(Reader::new(&bytes), &test_basis), Ok(sift));
            prop_assert!(Sift::read(Reader::new(&bytes[..bytes.len() - 1]), &test_basis).is_err() );
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
            count in 0usize..100,
        ) {
            let mut test_basis = PublicBits::default();
            (0..count).for_each(|i| test_basis.push(i % 2 == 0));
            let _ = Sift::read(Reader::new(&bytes), &test_basis);
        }
    }
}
