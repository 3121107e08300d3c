//! Sources that say when they have nothing for now.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::thread;

use crossbeam_channel::{Receiver, TryRecvError, bounded};

/// Pieces of standard input that wait: 1 MiB.
const PIECES: usize = 16;
const PIECE_BYTES: usize = 1 << 16;

pub(super) fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// A connection that does not block.
pub(super) fn socket(stream: TcpStream) -> io::Result<Box<dyn Read + Send>> {
    stream.set_nonblocking(true)?;
    Ok(Box::new(stream))
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
