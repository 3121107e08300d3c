//! A file that another program is still writing.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::live::Changed;

/// Reads a file to its end and then what is appended; for [`crate::from_live`].
///
/// At the end it answers [`ErrorKind::WouldBlock`]. A file that became shorter than what was read, or whose
/// name leads to another file, is an error, and everything that was there before has been read by then.
#[derive(Debug)]
pub struct FollowedFile {
    file: File,
    path: PathBuf,
    position: u64,
}

impl FollowedFile {
    /// From the first byte of a file on.
    ///
    /// # Errors
    /// The operating system does not open it.
    pub fn open(path: &Path) -> io::Result<FollowedFile> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        Ok(FollowedFile { file, path: path.to_owned(), position: 0 })
    }

    fn changed(&self) -> io::Result<Option<Changed>> {
        let named = match fs::metadata(&self.path) {
            // Between the removal of a file and the creation of its successor.
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Some(Changed::Replaced)),
            named => named?,
        };
        let open = self.file.metadata()?;
        if !same(&open, &named) {
            return Ok(Some(Changed::Replaced));
        }
        Ok((open.len() < self.position).then_some(Changed::Shorter))
    }
}

impl Read for FollowedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Looked at before the last bytes are read: a file that is replaced is not written any more.
        for changed in [None, Some(())] {
            let change = changed.map_or(Ok(None), |()| self.changed())?;
            let read = self.file.read(buffer)?;
            self.position += read as u64;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            if let Some(change) = change {
                return Err(io::Error::other(change));
            }
        }
        Err(ErrorKind::WouldBlock.into())
    }
}

#[cfg(unix)]
fn same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Without numbers of files a replaced one is known by its length alone.
#[cfg(not(unix))]
fn same(_: &Metadata, _: &Metadata) -> bool {
    true
}
