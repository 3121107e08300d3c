//! The bytes of a file, no more than it has.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// A file on the disk, or one in memory.
#[derive(Clone, Debug)]
pub(crate) enum Whole {
    Disk(Arc<File>, u64),
    Memory(Bytes),
}

impl Whole {
    pub(crate) fn of(file: File) -> std::io::Result<Whole> {
        let length = file.metadata()?.len();
        Ok(Whole::Disk(Arc::new(file), length))
    }
}

impl Length for Whole {
    fn len(&self) -> u64 {
        match self {
            Whole::Disk(_, length) => *length,
            Whole::Memory(bytes) => bytes.len() as u64,
        }
    }
}

impl ChunkReader for Whole {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let start = start.min(self.len());
        match self {
            // Headers of pages are short, and each is read from its own place.
            Whole::Disk(..) => {
                let length = (self.len() - start).min(1 << 16) as usize;
                Ok(Box::new(Cursor::new(self.get_bytes(start, length)?)))
            }
            Whole::Memory(bytes) => Ok(Box::new(Cursor::new(bytes.slice(start as usize..)))),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.len()) {
            return Err(ParquetError::EOF("behind the end of the file".into()));
        }
        match self {
            Whole::Disk(file, _) => {
                let mut file: &File = file;
                file.seek(SeekFrom::Start(start))?;
                let mut bytes = Vec::new();
                file.take(length as u64).read_to_end(&mut bytes)?;
                match bytes.len() == length {
                    true => Ok(bytes.into()),
                    false => Err(ParquetError::EOF("the file became shorter".into())),
                }
            }
            Whole::Memory(bytes) => Ok(bytes.slice(start as usize..start as usize + length)),
        }
    }
}
