//! The end of the socket that the running station holds.
//!
//! One thread does everything with sockets that do not wait, so that no client can hold up another,
//! let alone the station: its lock is held only to clone. A client that reads too slowly misses
//! looks; one that reads nothing for [`PATIENCE`] is dropped.

#[cfg(unix)]
mod clients;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
#[cfg(unix)]
use std::time::Duration;

use crossbeam_channel::Sender;

use super::Status;

/// Most clients at a time; the next one is told so.
pub const MOST_CLIENTS: usize = 8;

/// Between two looks of a client that watches.
#[cfg(unix)]
const EVERY: Duration = Duration::from_millis(200);
/// Between two looks at the sockets.
#[cfg(unix)]
const TURN: Duration = Duration::from_millis(20);
/// How long a client may take to ask, and to take anything of what it asked for.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a station cannot be looked at while it runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServeFault {
    /// Others could reach the socket.
    #[error("{} is open to other users; run `chmod 700 {}`", .0.display(), .0.display())]
    TooOpen(PathBuf),
    /// A station answers there.
    #[error("{} is answered by a station that runs already; stop that one first", .0.display())]
    InUse(PathBuf),
    /// Something that is no socket has its name.
    #[error("{} is in the way of the status socket; move it elsewhere", .0.display())]
    InTheWay(PathBuf),
    /// No address holds its path.
    #[error(
        "{} is too long a path for a socket on this system; choose a state folder with a name \
         below 90 bytes", .0.display()
    )]
    TooLong(PathBuf),
    /// Sockets in folders do not exist here.
    #[error(
        "this system has no sockets in folders: a running station cannot be looked at with `helio \
         status` here"
    )]
    NoSockets,
    /// Anything else.
    #[error("{} cannot be made ({error}); check the folder's owner and its disk", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the operating system said.
        error: String,
    },
}

/// Tells a station's status to those who ask, until it is dropped.
#[derive(Debug)]
pub struct StatusServer {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StatusServer {
    /// Begins to serve `shared` in the station's folder. The caller has opened the station's store:
    /// two stations of one folder are kept apart by its lock, not by the socket.
    ///
    /// `now_unix_s` is set by the server at each look; everything else is the station's.
    ///
    /// # Errors
    /// [`ServeFault`]: the folder is at fault, or a station answers there. A station can do its work
    /// without being looked at.
    #[cfg(unix)]
    pub fn start(
        state_folder: &Path,
        shared: Arc<Mutex<Status>>,
    ) -> Result<StatusServer, ServeFault> {
        let socket = super::socket::Socket::bind(state_folder)?;
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let serve = move || clients::Desk::new(socket, shared).serve(&stopped);
        let thread = std::thread::Builder::new().name("status".into()).spawn(serve);
        let fault = |e: std::io::Error| ServeFault::Io {
            path: super::socket::path(state_folder),
            error: e.to_string(),
        };
        Ok(StatusServer { stop: Some(stop), thread: Some(thread.map_err(fault)?) })
    }

    /// There is no server on this system.
    ///
    /// # Errors
    /// [`ServeFault::NoSockets`].
    #[cfg(not(unix))]
    pub fn start(_: &Path, _: Arc<Mutex<Status>>) -> Result<StatusServer, ServeFault> {
        Err(ServeFault::NoSockets)
    }
}

impl Drop for StatusServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
