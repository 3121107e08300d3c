//! The end of the socket that asks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::{STATUS_VERSION, ServeFault, Status, offline};
use crate::store::StoreFault;

/// Longest answer that is read, in bytes.
const MOST_BYTES: usize = 1 << 20;
/// How long an answer may take: the station answers within a tenth of a second.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// A station opens its store a moment before its socket: asked this often, this long apart.
const TRIES: usize = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// Why a station did not tell how it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskFault {
    /// Nobody listens there.
    #[error("no station runs on {}; start it with `helio alice` or `helio bob`", .0.display())]
    NotRunning(PathBuf),
    /// Somebody listens and says nothing.
    #[error(
        "the station on {} takes the question and does not answer; its process hangs or is stopped, \
         look at its log and start it again", .0.display()
    )]
    Silent(PathBuf),
    /// It was there and is not any more.
    #[error("the station on {} went away", .0.display())]
    Gone(PathBuf),
    /// The station said no.
    #[error("the station on {} does not answer: {why}", folder.display())]
    Refused {
        /// Its folder.
        folder: PathBuf,
        /// What it said.
        why: String,
    },
    /// Another release.
    #[error(
        "the station on {} tells its status in version {found} and this helio reads version \
         {STATUS_VERSION}; ask with the helio that runs it", folder.display()
    )]
    Version {
        /// Its folder.
        folder: PathBuf,
        /// Its version.
        found: u64,
    },
    /// Not what a station says.
    #[error("{} is answered by something that is no station ({what})", folder.display())]
    NoStatus {
        /// Its folder.
        folder: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The folder's store is locked and nobody answers.
    #[error(
        "{} is in use by a process that answers no question: a station that just starts or hangs, \
         or another helio command; ask again in a moment", .0.display()
    )]
    InUse(PathBuf),
    /// A station runs and this system gives no way to ask it.
    #[error(transparent)]
    NoSockets(ServeFault),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// Anything else.
    #[error("the socket of {} cannot be used ({error}); run as the station's owner", folder.display())]
    Io {
        /// Its folder.
        folder: PathBuf,
        /// What the operating system said.
        error: String,
    },
}

/// How the station in a folder is: told by itself if it runs, read from its store if not.
///
/// # Errors
/// [`AskFault`]: no station there, or one that does not answer.
pub fn look(state_folder: &Path) -> Result<Status, AskFault> {
    for attempt in 1.. {
        match ask(state_folder) {
            Err(AskFault::NotRunning(_)) => {}
            answer => return answer,
        }
        match offline::read_store(state_folder) {
            Err(StoreFault::InUse(_)) if attempt < TRIES => std::thread::sleep(BETWEEN_TRIES),
            Err(StoreFault::InUse(_)) => break,
            read => return Ok(read?),
        }
    }
    match cfg!(unix) {
        true => Err(AskFault::InUse(state_folder.to_owned())),
        false => Err(AskFault::NoSockets(ServeFault::NoSockets)),
    }
}

/// Asks a running station once.
///
/// # Errors
/// [`AskFault::NotRunning`] if nobody listens; every other one of the socket.
#[cfg(unix)]
pub fn ask(state_folder: &Path) -> Result<Status, AskFault> {
    let mut lines = Lines::open(state_folder, "status\n")?;
    match lines.next()? {
        Next::Status(status) => Ok(*status),
        Next::Nothing => Err(AskFault::Silent(state_folder.to_owned())),
    }
}

/// There are no sockets in folders on this system: a station that runs cannot be asked.
///
/// # Errors
/// [`AskFault::NotRunning`].
#[cfg(not(unix))]
pub fn ask(state_folder: &Path) -> Result<Status, AskFault> {
    Err(AskFault::NotRunning(state_folder.to_owned()))
}

/// Reads one line of a station. Whatever the bytes are, the result can be shown in a terminal: its
/// texts have no control characters and its lists are short.
fn read_line(folder: &Path, line: &[u8]) -> Result<Status, AskFault> {
    let no_status = |what: String| AskFault::NoStatus { folder: folder.to_owned(), what };
    let mut value: Value = serde_json::from_slice(line).map_err(|e| no_status(e.to_string()))?;
    plain(&mut value);
    if let Some(why) = value.get("error") {
        let why = why.as_str().unwrap_or("it says not why").to_owned();
        return Err(AskFault::Refused { folder: folder.to_owned(), why });
    }
    match value.get("version").and_then(Value::as_u64) {
        Some(found) if found == u64::from(STATUS_VERSION) => {}
        Some(found) => return Err(AskFault::Version { folder: folder.to_owned(), found }),
        None => return Err(no_status("no version".into())),
    }
    let mut status: Status = serde_json::from_value(value).map_err(|e| no_status(e.to_string()))?;
    status.cut();
    Ok(status)
}

/// Texts may come from the other station or from a device: nothing in them steers a terminal. A
/// number that is none, which JSON calls null, takes its default.
fn plain(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(char::is_control) => {
            *text = text.replace(char::is_control, " ");
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(plain);
        }
        _ => {}
    }
}

/// The lines of one station, as they come.
#[cfg(unix)]
pub(super) struct Lines {
    folder: PathBuf,
    stream: std::os::unix::net::UnixStream,
    bytes: Vec<u8>,
}

/// What the next moment brought.
#[cfg(unix)]
pub(super) enum Next {
    /// A look.
    Status(Box<Status>),
    /// Nothing for [`PATIENCE`].
    Nothing,
}

#[cfg(unix)]
impl Lines {
    /// Opens the line and sends the request.
    pub fn open(folder: &Path, request: &str) -> Result<Lines, AskFault> {
        use std::io::{ErrorKind, Write};
        let owned = || folder.to_owned();
        let fault = |e: std::io::Error| match e.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::InvalidFilename => {
                AskFault::NotRunning(owned())
            }
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => AskFault::Gone(owned()),
            _ => AskFault::Io { folder: owned(), error: e.to_string() },
        };
        let mut stream = super::socket::connect(folder).map_err(fault)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(fault)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(fault)?;
        match stream.write_all(request.as_bytes()) {
            // Told off and shut out: what it said is still there to be read.
            Err(e) if e.kind() == ErrorKind::BrokenPipe => {}
            result => result.map_err(fault)?,
        }
        Ok(Lines { folder: folder.to_owned(), stream, bytes: Vec::new() })
    }

    /// Waits for the next line.
    pub fn next(&mut self) -> Result<Next, AskFault> {
        use std::io::{ErrorKind, Read};
        let begun = std::time::Instant::now();
        loop {
            if let Some(end) = self.bytes.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = self.bytes.drain(..=end).collect();
                return read_line(&self.folder, &line).map(|s| Next::Status(Box::new(s)));
            }
            if self.bytes.len() > MOST_BYTES {
                let (folder, what) = (self.folder.clone(), "a line without an end".to_owned());
                return Err(AskFault::NoStatus { folder, what });
            }
            if begun.elapsed() > PATIENCE {
                return Ok(Next::Nothing);
            }
            let mut some = [0; 16 << 10];
            match self.stream.read(&mut some) {
                Ok(0) => return Err(AskFault::Gone(self.folder.clone())),
                Ok(count) => self.bytes.extend_from_slice(&some[..count]),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Ok(Next::Nothing);
                }
                Err(e) if e.kind() == ErrorKind::ConnectionReset => {
                    return Err(AskFault::Gone(self.folder.clone()));
                }
                Err(e) => {
                    let (folder, error) = (self.folder.clone(), e.to_string());
                    return Err(AskFault::Io { folder, error });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
