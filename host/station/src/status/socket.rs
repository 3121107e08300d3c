//! The socket in a station's folder: where it lies, however long the folder's name is.
//!
//! The address of a Unix socket holds about 100 bytes. A longer path is reached through a handle of
//! its folder where the system lists those as files (`/proc/self/fd` on Linux); elsewhere it is
//! refused with a sentence.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::ServeFault;

/// The socket's name in the folder.
const NAME: &str = "status.sock";

/// Longest path that every Unix takes: 104 bytes with the zero at the end on some.
const LONGEST_PATH: usize = 100;

/// Where the socket of a station lies.
pub(super) fn path(state_folder: &Path) -> PathBuf {
    state_folder.join(NAME)
}

/// A path that fits an address, and what must stay open while it is used.
struct Short {
    path: PathBuf,
    _folder: Option<File>,
}

fn short(state_folder: &Path) -> io::Result<Short> {
    let path = path(state_folder);
    if path.as_os_str().len() <= LONGEST_PATH {
        return Ok(Short { path, _folder: None });
    }
    let folder = File::open(state_folder)?;
    let through = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    if !through.is_dir() {
        return Err(io::Error::from(io::ErrorKind::InvalidFilename));
    }
    Ok(Short { path: through.join(NAME), _folder: Some(folder) })
}

/// Opens the line to the station in the folder.
pub(super) fn connect(state_folder: &Path) -> io::Result<UnixStream> {
    let short = short(state_folder)?;
    UnixStream::connect(&short.path)
}

/// A socket that listens; its name goes with it.
#[derive(Debug)]
pub(super) struct Socket {
    pub listener: UnixListener,
    path: PathBuf,
    file: (u64, u64),
}

impl Socket {
    /// Listens in the folder; the socket of a station that was killed is replaced.
    pub fn bind(state_folder: &Path) -> Result<Socket, ServeFault> {
        let path = path(state_folder);
        let fault = |error: io::Error| match error.kind() {
            io::ErrorKind::InvalidFilename => ServeFault::TooLong(path.clone()),
            _ => ServeFault::Io { path: path.clone(), error: error.to_string() },
        };
        let mode = fs::metadata(state_folder).map_err(fault)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(ServeFault::TooOpen(state_folder.to_owned()));
        }
        if let Ok(old) = fs::symlink_metadata(&path) {
            if !old.file_type().is_socket() {
                return Err(ServeFault::InTheWay(path.clone()));
            }
            if connect(state_folder).is_ok() {
                return Err(ServeFault::InUse(path.clone()));
            }
            fs::remove_file(&path).map_err(fault)?;
        }
        let listener = {
            let short = short(state_folder).map_err(fault)?;
            UnixListener::bind(&short.path).map_err(fault)?
        };
        // The folder keeps others out while the socket has the mode it was born with.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(fault)?;
        listener.set_nonblocking(true).map_err(fault)?;
        let found = fs::symlink_metadata(&path).map_err(fault)?;
        let file = (found.dev(), found.ino());
        Ok(Socket { listener, path, file })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Another station may have put its own there meanwhile.
        let ours = |found: fs::Metadata| (found.dev(), found.ino()) == self.file;
        if fs::symlink_metadata(&self.path).is_ok_and(ours) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
