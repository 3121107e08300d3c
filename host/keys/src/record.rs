//! A key as bytes, for a station's own disk: origin and label stay with the bits.
//!
//! The record is as secret as the key. It begins with `HELIOKEY` and the version 1, then the
//! origin's name, the label, the length in bits (8 bytes, least significant first) and the bits
//! ([`SecretBits::to_bytes`]); names are preceded by their length in four bytes. The last 8 bytes
//! are the first of SHA-256 over all before: against a worn disk, not against a forger. They stand
//! inside the secret and are wiped with it, so that they are no fingerprint.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Origin, Provenance, RandomLabel, SecretBits, SecretKey};

const MAGIC: &[u8; 8] = b"HELIOKEY";
const VERSION: u8 = 1;
const CHECK_BYTES: usize = 8;

/// Bytes that are no key of the wanted origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadRecord {
    /// Not a key's record, or cut, or altered.
    Damaged,
    /// Written by another version of this software.
    Version(u8),
    /// A key of another origin than the one asked for.
    Origin {
        /// In the record.
        found: String,
        /// Asked for.
        wanted: &'static str,
    },
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadRecord::Damaged => f.write_str("the key's record is damaged"),
            BadRecord::Version(found) => {
                write!(f, "the key's record has version {found}; this software reads {VERSION}")
            }
            BadRecord::Origin { found, wanted } => {
                write!(f, "the key is {found}, where only {wanted} keys may stand")
            }
        }
    }
}

impl std::error::Error for BadRecord {}

impl<O: Origin> SecretKey<O> {
    /// The key's record, to be written where only this station reads.
    pub fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let bits = self.bits().to_bytes();
        let (kind, names) = match self.label() {
            RandomLabel::Seeded => (0, ["", ""]),
            RandomLabel::Expanded { source } => (1, [source.as_str(), ""]),
            RandomLabel::TrueRandom { source, health_test } => {
                (2, [source.as_str(), health_test.as_str()])
            }
        };
        let names = names.map(str::as_bytes);
        // All at once: a buffer that grows leaves copies behind.
        let length = MAGIC.len() + 1 + 4 + O::NAME.len() + 1 + 8 + 8 + bits.len() + CHECK_BYTES;
        let mut out = Zeroizing::new(Vec::with_capacity(length + names[0].len() + names[1].len()));
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        push_name(&mut out, O::NAME.as_bytes());
        out.push(kind);
        names.iter().for_each(|name| push_name(&mut out, name));
        out.extend_from_slice(&(self.len() as u64).to_le_bytes());
        out.extend_from_slice(&bits);
        let check = Sha256::digest(&out[..]);
        out.extend_from_slice(&check[..CHECK_BYTES]);
        out
    }

    /// The key of a record that [`SecretKey::to_record`] made.
    ///
    /// # Errors
    /// [`BadRecord`]; in particular a record of another origin, so that a simulated key does not
    /// come back as a real one.
    pub fn from_record(record: &[u8]) -> Result<SecretKey<O>, BadRecord> {
        let rest = record.strip_prefix(MAGIC).ok_or(BadRecord::Damaged)?;
        match rest.first() {
            Some(&VERSION) => {}
            Some(&version) => return Err(BadRecord::Version(version)),
            None => return Err(BadRecord::Damaged),
        }
        let body = record.len().checked_sub(CHECK_BYTES).ok_or(BadRecord::Damaged)?;
        if Sha256::digest(&record[..body])[..CHECK_BYTES] != record[body..] {
            return Err(BadRecord::Damaged);
        }
        let rest = &mut record.get(MAGIC.len() + 1..body).ok_or(BadRecord::Damaged)?;
        let origin = take_name(rest)?;
        if origin != O::NAME {
            return Err(BadRecord::Origin { found: origin, wanted: O::NAME });
        }
        let kind = take(rest, 1)?[0];
        let (source, health_test) = (take_name(rest)?, take_name(rest)?);
        let label = match kind {
            0 => RandomLabel::Seeded,
            1 => RandomLabel::Expanded { source },
            2 => RandomLabel::TrueRandom { source, health_test },
            _ => return Err(BadRecord::Damaged),
        };
        let mut length = [0; 8];
        length.copy_from_slice(take(rest, 8)?);
        let length = usize::try_from(u64::from_le_bytes(length)).map_err(|_| BadRecord::Damaged)?;
        let bits = SecretBits::from_bytes(rest, length).map_err(|_| BadRecord::Damaged)?;
        Ok(SecretKey::new(bits, Provenance::of(label)))
    }
}

fn push_name(out: &mut Vec<u8>, name: &[u8]) {
    out.extend_from_slice(&(name.len() as u32).to_le_bytes());
    out.extend_from_slice(name);
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], BadRecord> {
    let (head, tail) = rest.split_at_checked(count).ok_or(BadRecord::Damaged)?;
    *rest = tail;
    Ok(head)
}

fn take_name(rest: &mut &[u8]) -> Result<String, BadRecord> {
    let mut length = [0; 4];
    length.copy_from_slice(take(rest, 4)?);
    let name = take(rest, u32::from_le_bytes(length) as usize)?;
    String::from_utf8(name.to_vec()).map_err(|_| BadRecord::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Real, Simulated};

    fn key<O: Origin>(label: RandomLabel, len: usize) -> SecretKey<O> {
        let bits = SecretBits::from_bits((0..len).map(|i| i % 3 == 0));
        SecretKey::new(bits, Provenance::of(label))
    }

    #[test]
    fn a_key_comes_back_with_its_label() {
        let noise = RandomLabel::TrueRandom { source: "diode".into(), health_test: "π".into() };
        let cipher = RandomLabel::Expanded { source: "operating system".into() };
        for label in [noise, cipher, RandomLabel::Seeded] {
            for len in [0, 1, 63, 64, 1001] {
                let made: SecretKey<Simulated> = key(label.clone(), len);
                let back = SecretKey::<Simulated>::from_record(&made.to_record()).expect("whole");
                assert!(bool::from(back.bits().ct_eq(made.bits())));
                assert_eq!((back.label(), back.len()), (&label, len));
            }
        }
    }

    #[test]
    fn an_origin_does_not_change_on_the_way() {
        let simulated: SecretKey<Simulated> = key(RandomLabel::Seeded, 100);
        let refused = SecretKey::<Real>::from_record(&simulated.to_record()).err();
        assert_eq!(refused, Some(BadRecord::Origin { found: "SIMULATED".into(), wanted: "real" }));
        let real: SecretKey<Real> = key(RandomLabel::Expanded { source: "x".into() }, 100);
        assert!(SecretKey::<Simulated>::from_record(&real.to_record()).is_err());
        assert!(SecretKey::<Real>::from_record(&real.to_record()).is_ok());
    }

    #[test]
    fn every_altered_bit_and_every_cut_is_noticed() {
        let record = key::<Simulated>(RandomLabel::Expanded { source: "x".into() }, 77).to_record();
        for cut in 0..record.len() {
            assert!(SecretKey::<Simulated>::from_record(&record[..cut]).is_err(), "{cut} bytes");
        }
        for bit in 0..8 * record.len() {
            let mut altered = record.to_vec();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(SecretKey::<Simulated>::from_record(&altered).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn another_version_is_named() {
        let mut record = key::<Simulated>(RandomLabel::Seeded, 8).to_record();
        record[8] = 2;
        assert_eq!(SecretKey::<Simulated>::from_record(&record).err(), Some(BadRecord::Version(2)));
    }
}
