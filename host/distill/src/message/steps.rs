//! The short messages of a block, after sifting.

use super::{Malformed, PublicBits, Reader, Writer};

/// What both stations declare before reconciliation: functions of announced data only, so the two
/// must be equal byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declaration {
    /// Bits of parities, replies and requests that may be disclosed, both directions.
    pub lambda_max: u64,
    /// Length of the key to come, in bits.
    pub length: u64,
    /// Bits of the verification tag.
    pub verification_bits: u32,
    /// Canonical bytes of the reconciliation plan.
    pub plan: Vec<u8>,
}

/// Longest plan that is accepted, in bytes.
const MAX_PLAN: usize = 4096;

impl Declaration {
    pub fn write(&self, out: &mut Writer) {
        out.varint(self.lambda_max);
        out.varint(self.length);
        out.u32(self.verification_bits);
        out.blob(&self.plan);
    }

    pub fn read(reader: &mut Reader<'_>) -> Result<Declaration, Malformed> {
        let lambda_max = reader.varint()?;
        let length = reader.varint()?;
        let verification_bits = reader.u32()?;
        let plan = reader.blob(MAX_PLAN)?.to_vec();
        Ok(Declaration { lambda_max, length, verification_bits, plan })
    }
}

/// Bob → Alice: one bit for each match in the test basis, set where he disagrees; then the time in
/// seconds since 1970, where his keys are real; then his declaration, or none if no key can come of
/// the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestResult {
    pub errors: PublicBits,
    pub made_unix_s: Option<u64>,
    pub declaration: Option<Declaration>,
}

impl TestResult {
    pub fn write(&self, out: &mut Writer) {
        self.errors.write(out);
        out.u8(u8::from(self.made_unix_s.is_some()));
        self.made_unix_s.into_iter().for_each(|second| out.u64(second));
        out.u8(u8::from(self.declaration.is_some()));
        if let Some(declaration) = &self.declaration {
            declaration.write(out);
        }
    }

    pub fn read(mut reader: Reader<'_>, tests: usize) -> Result<TestResult, Malformed> {
        let errors = PublicBits::read(&mut reader, tests)?;
        let made_unix_s = match reader.u8()? {
            0 => None,
            1 => Some(reader.u64()?),
            _ => return Err(Malformed::BadValue),
        };
        let declaration = match reader.u8()? {
            0 => None,
            1 => Some(Declaration::read(&mut reader)?),
            _ => return Err(Malformed::BadValue),
        };
        reader.end()?;
        Ok(TestResult { errors, made_unix_s, declaration })
    }
}

/// Alice → Bob: the key of the verification hash, drawn after both strings were fixed, and her tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VerifyKey {
    pub point: [u8; 16],
    pub tag: [u8; 16],
}

impl VerifyKey {
    pub fn write(&self, out: &mut Writer) {
        out.raw(&self.point);
        out.raw(&self.tag);
    }

    pub fn read(mut reader: Reader<'_>) -> Result<VerifyKey, Malformed> {
        let read = VerifyKey { point: reader.array()?, tag: reader.array()? };
        reader.end()?;
        Ok(read)
    }
}

/// Bob → Alice: whether the tags agree. Where they do and the length takes the errors of the key
/// basis, their number at each intensity, brightest first: a fixed 64 bits each, and paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub agree: bool,
    pub key_errors: Option<[u64; 2]>,
}

impl Verdict {
    pub fn write(&self, out: &mut Writer) {
        out.u8(u8::from(self.agree));
        self.key_errors.into_iter().flatten().for_each(|errors| out.u64(errors));
    }

    /// `with_errors`: the run's bound takes them.
    pub fn read(mut reader: Reader<'_>, with_errors: bool) -> Result<Verdict, Malformed> {
        let agree = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(Malformed::BadValue),
        };
        let key_errors = match agree && with_errors {
            true => Some([reader.u64()?, reader.u64()?]),
            false => None,
        };
        reader.end()?;
        Ok(Verdict { agree, key_errors })
    }
}

/// Alice → Bob: the length and the fresh public seed of the Toeplitz hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Amplify<'a> {
    pub length: u64,
    pub seed: &'a [u8],
}

impl<'a> Amplify<'a> {
    pub fn write(&self, out: &mut Writer) {
        out.varint(self.length);
        out.raw(self.seed);
    }

    pub fn read(mut reader: Reader<'a>) -> Result<Amplify<'a>, Malformed> {
        Ok(Amplify { length: reader.varint()?, seed: reader.rest() })
    }
}

/// A tag made with the pad at an explicit index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub pad: u64,
    pub tag: [u8; 16],
}

impl Tag {
    pub fn write(&self, out: &mut Writer) {
        out.u64(self.pad);
        out.raw(&self.tag);
    }

    pub fn read(mut reader: Reader<'_>) -> Result<Tag, Malformed> {
        let read = Tag { pad: reader.u64()?, tag: reader.array()? };
        reader.end()?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_no_verdict_or_written_again(
            bytes in proptest::collection::vec(0u8..3, 0..20),
            with_errors in any::<bool>(),
        ) {
            if let Ok(verdict) = Verdict::read(Reader::new(&bytes), with_errors) {
                prop_assert_eq!(verdict.key_errors.is_some(), with_errors && verdict.agree);
                let mut out = Writer::default();
                verdict.write(&mut out);
                prop_assert_eq!(out.finish(), bytes);
            }
        }
    }

    /// What is charged for the counts is what they take.
    #[test]
    fn error_counts_take_the_bits_that_are_paid() {
        let length = |key_errors| {
            let mut out = Writer::default();
            Verdict { agree: true, key_errors }.write(&mut out);
            out.finish().len() as u64
        };
        let taken = length(Some([u64::MAX, 0])) - length(None);
        assert_eq!(8 * taken, crate::bound::ERROR_COUNT_BITS);
    }
}
