//! Sources that are still being written: they say "nothing for now" without ending.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::TraceError;

/// Whether a source has nothing for now: `WouldBlock`, or the `TimedOut` of a socket on Windows.
pub(crate) fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// What ended the reading of a source at `offset`.
pub(crate) fn fault(offset: u64, source: io::Error) -> TraceError {
    match source.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(Changed::Shorter) => TraceError::BecameShorter { offset },
        Some(Changed::Replaced) => TraceError::Replaced { offset },
        None => TraceError::Read { offset, source },
    }
}

/// What happened to a file that is followed; travels inside an [`io::Error`].
#[derive(Debug)]
pub(crate) enum Changed {
    Shorter,
    Replaced,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Changed::Shorter => "the file became shorter",
            Changed::Replaced => "the file was replaced",
        })
    }
}

impl std::error::Error for Changed {}

/// A live source that waits while a trace is opened and does not afterwards.
pub(crate) struct Live<R, W> {
    inner: R,
    wait: W,
    opening: Arc<AtomicBool>,
}

/// Ends the waiting.
pub(crate) struct Opening(Arc<AtomicBool>);

impl Opening {
    pub(crate) fn finish(self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl<R: Read, W: FnMut() -> bool> Live<R, W> {
    pub(crate) fn new(inner: R, wait: W) -> (Live<R, W>, Opening) {
        let opening = Arc::new(AtomicBool::new(true));
        (Live { inner, wait, opening: opening.clone() }, Opening(opening))
    }

    /// Appends what is there, at most `most` bytes, without waiting.
    pub(crate) fn arrived(&mut self, to: &mut Vec<u8>, most: u64) -> io::Result<usize> {
        let mut buffer = [0; 4096];
        let room = usize::try_from(most).unwrap_or(usize::MAX).min(buffer.len());
        let read = match self.inner.read(&mut buffer[..room]) {
            Err(e) if e.kind() == ErrorKind::Interrupted => return self.arrived(to, most),
            read => read?,
        };
        to.extend_from_slice(&buffer[..read]);
        Ok(read)
    }

    /// Whether to go on, after a rest.
    pub(crate) fn rest(&mut self) -> bool {
        (self.wait)()
    }
}

impl<R: Read, W: FnMut() -> bool> Read for Live<R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Err(e) if is_pause(&e) && self.opening.load(Ordering::Relaxed) => {
                    if !self.rest() {
                        return Ok(0);
                    }
                }
                read => return read,
            }
        }
    }
}
