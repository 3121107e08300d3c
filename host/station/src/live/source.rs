//! Sources that say when they have nothing for now.

use std::io::{self, ErrorKind, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError, bounded};

/// Pieces of standard input that wait: 1 MiB.
const PIECES: usize = 16;
const PIECE_BYTES: usize = 1 << 16;

pub(super) fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// A connection that does not block, and that is at its end when it has been silent for so long while
/// another one waits.
pub(super) fn socket(
    stream: TcpStream,
    others: TcpListener,
    silence: Duration,
) -> (Box<dyn Read + Send>, Bystander) {
    let bystander = Bystander(Arc::new(Mutex::new(Place::Open)));
    let place = bystander.0.clone();
    let socket = Socket { stream, others, silence, heard: Instant::now(), blocks: true, place };
    (Box::new(socket), bystander)
}

/// Whoever takes the place of a silent connection.
pub(super) struct Bystander(Arc<Mutex<Place>>);

enum Place {
    Open,
    /// Nobody takes it.
    Kept,
    Taken(TcpStream, SocketAddr),
}

fn lock(place: &Mutex<Place>) -> MutexGuard<'_, Place> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bystander {
    /// From here on nobody takes the place before the connection ends by itself.
    pub(super) fn wait_for_the_end(&self) {
        *lock(&self.0) = Place::Kept;
    }

    /// Who took it.
    pub(super) fn came(self) -> Option<(TcpStream, SocketAddr)> {
        match std::mem::replace(&mut *lock(&self.0), Place::Kept) {
            Place::Taken(stream, from) => Some((stream, from)),
            Place::Open | Place::Kept => None,
        }
    }
}

struct Socket {
    stream: TcpStream,
    others: TcpListener,
    silence: Duration,
    /// When the last byte came.
    heard: Instant,
    /// Until the first reading.
    blocks: bool,
    place: Arc<Mutex<Place>>,
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.blocks) {
            self.stream.set_nonblocking(true)?;
        }
        match self.stream.read(buffer) {
            Err(err) if is_pause(&err) && self.heard.elapsed() >= self.silence => {
                let mut place = lock(&self.place);
                match *place {
                    Place::Open => {}
                    Place::Kept => return Err(err),
                    Place::Taken(..) => return Ok(0),
                }
                // Who cannot be taken now is taken later.
                let Ok((stream, from)) = self.others.accept() else { return Err(err) };
                *place = Place::Taken(stream, from);
                Ok(0)
            }
            read => {
                if matches!(read, Ok(1..)) {
                    self.heard = Instant::now();
                }
                read
            }
        }
    }
}

/// Standard input, read by a thread of its own: no system reads it with a limit of time.
pub(super) fn stdin() -> io::Result<Box<dyn Read + Send>> {
    let (to, pieces) = bounded(PIECES);
    thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let mut piece = vec![0; PIECE_BYTES];
            let read = match input.read(&mut piece) {
                Err(err) if err.kind() == ErrorKind::Interrupted => continue,
                read => read,
            };
            let ended = !matches!(read, Ok(1..));
            let read = read.map(|bytes| {
                piece.truncate(bytes);
                piece
            });
            if to.send(read).is_err() || ended {
                return;
            }
        }
    })?;
    Ok(Box::new(Pieces { pieces, piece: Vec::new(), at: 0 }))
}

struct Pieces {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            (self.piece, self.at) = match self.pieces.try_recv() {
                Ok(piece) => (piece?, 0),
                Err(TryRecvError::Empty) => return Err(ErrorKind::WouldBlock.into()),
                Err(TryRecvError::Disconnected) => return Ok(0),
            };
        }
        let left = &self.piece[self.at..];
        let taken = left.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&left[..taken]);
        self.at += taken;
        Ok(taken)
    }
}
