//! The pre-shared secret on disk. Spent pads are zeroed in place.
//!
//! 64 bytes of header, all numbers least significant byte first: `HELIOPAD`; version and origin
//! (0 SIMULATED, 1 real), 4 bytes each; pads a direction, those of them in reserve, 8 bytes each;
//! the pairing's name, 16 bytes; 8 bytes of zeros; CRC-64/XZ of the 56 bytes before. Then the pads
//! in the order of [`PadLayout`].

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crc::{CRC_64_XZ, Crc};
use helio_distill::Role;
use helio_distill::pads::{PAD_BYTES, PadBook, PadLayout, Purpose, Way};
use helio_keys::{Origin, Simulated};
use zeroize::Zeroizing;

use super::fault::StoreFault;
use super::folder;
use super::header::PairingId;
use super::pairing::Pairing;

type Result<T> = std::result::Result<T, StoreFault>;

const MAGIC: &[u8; 8] = b"HELIOPAD";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 64;
const CRC: Crc<u64> = Crc::<u64>::new(&CRC_64_XZ);

/// An open pad file.
pub(super) struct PadFile {
    path: PathBuf,
    file: File,
    layout: PadLayout,
}

impl PadFile {
    /// Writes the secret into a new file.
    pub fn create<O: Origin>(path: &Path, pairing: &Pairing<O>) -> Result<()> {
        let mut content = Zeroizing::new(Vec::with_capacity(HEADER_BYTES + pairing.secret.len()));
        content.extend_from_slice(MAGIC);
        content.extend_from_slice(&VERSION.to_le_bytes());
        content.extend_from_slice(&origin_code::<O>().to_le_bytes());
        content.extend_from_slice(&pairing.layout.per_direction.to_le_bytes());
        content.extend_from_slice(&pairing.layout.reserve.to_le_bytes());
        content.extend_from_slice(&pairing.id.0);
        content.extend_from_slice(&[0; 8]);
        let check = CRC.checksum(&content);
        content.extend_from_slice(&check.to_le_bytes());
        content.extend_from_slice(&pairing.secret);
        folder::write(path, &content)
    }

    /// Opens the file and checks its header.
    pub fn open<O: Origin>(path: &Path, pairing: PairingId) -> Result<PadFile> {
        let fault = |e| StoreFault::io(path, &e);
        let lost = |what: &str| StoreFault::Corrupted { path: path.to_owned(), what: what.into() };
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(|e| {
            if e.kind() == std::io::ErrorKind::NotFound { lost("it is gone") } else { fault(e) }
        })?;
        folder::private(path)?;
        let mut header = [0; HEADER_BYTES];
        file.read_exact(&mut header).map_err(fault)?;
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&header[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        if !header.starts_with(MAGIC) || CRC.checksum(&header[..56]) != number(56) {
            return Err(lost("its header does not fit"));
        }
        let (version, origin) = (number(8) as u32, (number(8) >> 32) as u32);
        if version != VERSION {
            let (path, found) = (path.to_owned(), version.to_string());
            return Err(StoreFault::Version { path, found, reads: VERSION });
        }
        if origin != origin_code::<O>() {
            let found = if origin == origin_code::<Simulated>() { "SIMULATED" } else { "real" };
            let (path, found) = (path.to_owned(), found.to_owned());
            return Err(StoreFault::Origin { path, found, wanted: O::NAME });
        }
        if header[32..48] != pairing.0 {
            return Err(lost("it belongs to another pairing"));
        }
        let layout = PadLayout { per_direction: number(16), reserve: number(24) };
        let length = layout.per_direction.checked_mul(2 * PAD_BYTES as u64);
        let expected = length.and_then(|l| l.checked_add(HEADER_BYTES as u64));
        if Some(file.metadata().map_err(fault)?.len()) != expected {
            return Err(lost("its length does not fit its header"));
        }
        Ok(PadFile { path: path.to_owned(), file, layout })
    }

    /// Pads of one pool in each direction, used ones included.
    pub fn size(&self, purpose: Purpose) -> u64 {
        self.layout.size(purpose)
    }

    /// All pads that are left, as `role` uses them.
    pub fn book(&self, role: Role) -> Result<PadBook> {
        let fault = |e| StoreFault::io(&self.path, &e);
        let mut secret =
            Zeroizing::new(vec![0; 2 * PAD_BYTES * self.layout.per_direction as usize]);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(HEADER_BYTES as u64)).map_err(fault)?;
        file.read_exact(&mut secret).map_err(fault)?;
        PadBook::new(secret, role, self.layout.reserve)
            .map_err(|e| StoreFault::TooFewPads(e.to_string()))
    }

    /// Zeroes the pads of a pool from `from` up to `to`, not included; those past the pool's end
    /// are none.
    pub fn wipe(
        &mut self,
        role: Role,
        way: Way,
        purpose: Purpose,
        from: u64,
        to: u64,
    ) -> Result<()> {
        let to = to.min(self.layout.size(purpose));
        let Some(first) = self.layout.position(role, way, purpose, from).filter(|_| from < to)
        else {
            return Ok(());
        };
        let (pad, header) = (PAD_BYTES as u64, HEADER_BYTES as u64);
        folder::zero(&mut self.file, header + first * pad, (to - from) * pad)
            .map_err(|e| StoreFault::io(&self.path, &e))
    }
}

fn origin_code<O: Origin>() -> u32 {
    u32::from(O::NAME != Simulated::NAME)
}
