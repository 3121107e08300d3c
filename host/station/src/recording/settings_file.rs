//! `SECRET-*.settings`: runs of settings as they came from the device.
//!
//! Each run: kind (1 byte: 0 settings, 1 missing), first slot and count (8 bytes each, least
//! significant first), and for settings the packed bytes, `ceil(count · bits / 8)`.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::RecordingFault;
use crate::bench::cable::{Item, SettingsRun};

/// Longest run that is believed, in slots.
const MAX_RUN: u64 = 1 << 24;

/// Writes runs of settings into a file that only its owner reads.
pub struct SettingsWriter {
    path: PathBuf,
    out: BufWriter<File>,
}

impl SettingsWriter {
    /// A new file; an old one is replaced.
    pub fn create(path: PathBuf) -> Result<SettingsWriter, RecordingFault> {
        let file = super::write::private_file(&path)?;
        Ok(SettingsWriter { path, out: BufWriter::new(file) })
    }

    /// Writes a run.
    pub fn settings(&mut self, run: &SettingsRun) -> Result<(), RecordingFault> {
        self.put(0, run.first, run.count, &run.packed)
    }

    /// Notes that settings are missing.
    pub fn missing(&mut self, slots: &std::ops::Range<u64>) -> Result<(), RecordingFault> {
        self.put(1, slots.start, slots.end - slots.start, &[])
    }

    fn put(
        &mut self,
        kind: u8,
        first: u64,
        count: u64,
        packed: &[u8],
    ) -> Result<(), RecordingFault> {
        let mut all = || {
            self.out.write_all(&[kind])?;
            self.out.write_all(&first.to_le_bytes())?;
            self.out.write_all(&count.to_le_bytes())?;
            self.out.write_all(packed)
        };
        all().map_err(|why| cannot_write(&self.path, why))
    }

    /// Everything is in the file.
    pub fn finish(mut self) -> Result<(), RecordingFault> {
        self.out.flush().map_err(|why| cannot_write(&self.path, why))
    }
}

pub(super) fn cannot_write(path: &Path, why: std::io::Error) -> RecordingFault {
    RecordingFault::File {
        path: path.to_owned(),
        doing: "cannot be written; check the disk's space and the folder's permissions",
        why,
    }
}

/// Reads runs back, one by one.
pub struct SettingsReader {
    path: PathBuf,
    input: BufReader<File>,
    bits_per_slot: u64,
}

impl SettingsReader {
    /// Opens a file of settings of so many bits a slot.
    pub fn open(path: PathBuf, bits_per_slot: u64) -> Result<SettingsReader, RecordingFault> {
        let file = File::open(&path).map_err(|why| RecordingFault::File {
            path: path.clone(),
            doing: "cannot be read; a replay needs both stations' settings",
            why,
        })?;
        Ok(SettingsReader { path, input: BufReader::new(file), bits_per_slot })
    }

    /// The next run; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Item>, RecordingFault> {
        let mut kind = [0];
        match self.input.read(&mut kind) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(why) => return Err(self.torn(why)),
        }
        let mut numbers = [0; 16];
        self.input.read_exact(&mut numbers).map_err(|why| self.torn(why))?;
        let (first, count) = numbers.split_at(8);
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |n, &b| n << 8 | u64::from(b));
        let (first, count) = (number(first), number(count));
        if count > MAX_RUN || first.checked_add(count).is_none() || kind[0] > 1 {
            return Err(RecordingFault::Content {
                path: self.path.clone(),
                what: "is damaged; record the run again".into(),
            });
        }
        if kind[0] == 1 {
            return Ok(Some(Item::MissingSettings(first..first + count)));
        }
        let mut packed = vec![0; (count * self.bits_per_slot).div_ceil(8) as usize];
        self.input.read_exact(&mut packed).map_err(|why| self.torn(why))?;
        Ok(Some(Item::Settings(SettingsRun { first, count, packed })))
    }

    fn torn(&self, why: std::io::Error) -> RecordingFault {
        RecordingFault::File {
            path: self.path.clone(),
            doing: "ends in mid-run; it was cut, record the run again",
            why,
        }
    }
}
