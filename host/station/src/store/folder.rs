//! A folder that is nobody else's business, and files in it that appear whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::Path;

use super::fault::StoreFault;

type Result<T> = std::result::Result<T, StoreFault>;

/// Makes the folder, and those above it, if it is not there; an empty one is closed to others, one
/// with something in it is refused if it is open to them.
pub(super) fn make(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        let fault = |e| StoreFault::io(folder, &e);
        #[cfg(unix)]
        if fs::read_dir(folder).map_err(fault)?.next().is_none() {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            fs::set_permissions(folder, mode).map_err(fault)?;
        }
        return private(folder);
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|e| StoreFault::io(folder, &e))?;
    if let Some(parent) = folder.parent().filter(|p| !p.as_os_str().is_empty()) {
        sync_folder(parent)?;
    }
    private(folder)
}

/// Refuses a file or folder that other users can get at. Where modes do not exist, nothing is
/// checked.
pub(super) fn private(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).map_err(|e| StoreFault::io(path, &e))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(StoreFault::TooOpen { path: path.to_owned(), mode: mode & 0o777 });
        }
    }
    Ok(())
}

/// Opens a new file of mode 0600 for reading and writing; what stood there is wiped.
///
/// # Errors
/// The medium.
pub fn create(path: &Path) -> Result<File> {
    wipe(path)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|e| StoreFault::io(path, &e))
}

/// Writes a new file of mode 0600 and makes it and its name durable.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<()> {
    let fault = |e| StoreFault::io(path, &e);
    let mut file = create(path)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // What is there is a part of a secret: not left lying about.
        let _ = wipe(path);
        return Err(fault(error));
    }
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Makes new and removed names in the folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    sync_names(folder).map_err(|e| StoreFault::io(folder, &e))
}

/// The same, and what the operating system says.
pub(crate) fn sync_names(folder: &Path) -> std::io::Result<()> {
    // Only Unix lets a folder be opened and synced; elsewhere the file system does as it likes.
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        // A file system that does not sync folders.
        Err(e) if e.kind() == ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

/// Overwrites the file in place with zeros, durably, and removes it; one that is not there is fine.
pub(super) fn wipe(path: &Path) -> Result<()> {
    let fault = |e| StoreFault::io(path, &e);
    let mut file = match OpenOptions::new().write(true).open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        file => file.map_err(fault)?,
    };
    let length = file.metadata().map_err(fault)?.len();
    zero(&mut file, 0, length).map_err(fault)?;
    fs::remove_file(path).map_err(fault)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Overwrites a range of the file with zeros, durably.
pub(super) fn zero(file: &mut File, from: u64, length: u64) -> std::io::Result<()> {
    const ZEROS: [u8; 4096] = [0; 4096];
    file.seek(SeekFrom::Start(from))?;
    let mut left = length;
    while left > 0 {
        let now = left.min(ZEROS.len() as u64);
        file.write_all(&ZEROS[..now as usize])?;
        left -= now;
    }
    file.sync_data()
}
