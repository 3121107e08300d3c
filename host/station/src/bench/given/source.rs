//! Where the bytes come from that a station feeds to its device.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};

/// Bytes of a piece: whole slots of either station, and 23 ms of a serial line.
pub(super) const PIECE: usize = 256;
/// Pieces that are read ahead, as many as a device's queue takes.
const AHEAD: usize = 16;
/// After a source that has ended it is opened again so much later.
const REOPEN: Duration = Duration::from_secs(1);

/// A piece on its way to the device, [`PIECE`] bytes. On the heap, so that it is moved without leaving a
/// copy behind.
pub(super) type Piece = Zeroizing<Vec<u8>>;

/// Random bytes for a device, from this computer's operating system alone or with those of a
/// generator in the form of a file.
///
/// A generator's bytes are added (XOR) to bytes of the operating system: nothing is known of it here,
/// and whatever it is, the sum is no worse than the better of the two. So it is claimed to be
/// computational, as those of the operating system are, and no more.
pub struct FeedSource {
    reader: Option<Reader>,
}

/// A thread that reads, so that nobody waits for a generator but it.
struct Reader {
    path: PathBuf,
    pieces: Receiver<Result<Piece, String>>,
    /// Since when nothing came.
    waited: Option<Instant>,
}

/// Why there is no piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoPiece {
    /// Not yet, for so long.
    Waits(Duration),
    /// None will come: why, for a sentence about the source.
    Ended(String),
    /// The operating system gives no random numbers.
    NoSystem,
}

impl FeedSource {
    /// The operating system.
    pub fn system() -> FeedSource {
        FeedSource { reader: None }
    }

    /// A character device or a FIFO, read by a thread from now on for as long as the program lives.
    ///
    /// # Errors
    /// It is not there, or a file that would be read from its start by each run.
    pub fn of_file(path: &Path) -> Result<FeedSource, Failure> {
        let refuse = |why: &dyn std::fmt::Display| {
            let sentence = format!("device.settings_feed: {} {why}", path.display());
            Err(Failure::new(Exit::Configuration, sentence))
        };
        let kind = match fs::metadata(path) {
            Ok(found) => found.file_type(),
            Err(why) => return refuse(&format_args!("cannot be read ({why}); name another one")),
        };
        if !is_stream(kind) {
            return refuse(
                &"is neither a character device nor a FIFO: another run would take the same bytes \
                  again; name a generator",
            );
        }
        let (sender, pieces) = bounded(AHEAD);
        let from = path.to_owned();
        // It ends with the program: whoever waits in an `open` or a `read` cannot be told to.
        thread::Builder::new()
            .name("settings-feed".into())
            .spawn(move || read_on(&from, &sender))
            .map_err(|why| {
                Failure::new(Exit::Internal, format!("no thread can be begun: {why}"))
            })?;
        let reader = Reader { path: path.to_owned(), pieces, waited: None };
        Ok(FeedSource { reader: Some(reader) })
    }

    /// The file, if there is one.
    pub(super) fn path(&self) -> Option<&Path> {
        self.reader.as_ref().map(|reader| reader.path.as_path())
    }

    /// The next piece; does not wait for a generator.
    pub(super) fn piece(&mut self) -> Result<Piece, NoPiece> {
        let mut own = Zeroizing::new(vec![0; PIECE]);
        getrandom::fill(&mut own).map_err(|_| NoPiece::NoSystem)?;
        let Some(reader) = &mut self.reader else { return Ok(own) };
        match reader.pieces.try_recv() {
            Ok(Ok(piece)) => {
                reader.waited = None;
                own.iter_mut().zip(piece.iter()).for_each(|(own, more)| *own ^= more);
                Ok(own)
            }
            Ok(Err(why)) => {
                reader.waited = None;
                Err(NoPiece::Ended(why))
            }
            Err(TryRecvError::Empty) => {
                Err(NoPiece::Waits(reader.waited.get_or_insert_with(Instant::now).elapsed()))
            }
            Err(TryRecvError::Disconnected) => Err(NoPiece::Ended("is read no more".into())),
        }
    }

    /// A run begins: nobody has waited yet.
    pub(super) fn begin(&mut self) {
        if let Some(reader) = &mut self.reader {
            reader.waited = None;
        }
    }
}

#[cfg(unix)]
fn is_stream(kind: fs::FileType) -> bool {
    use std::os::unix::fs::FileTypeExt;
    kind.is_char_device() || kind.is_fifo()
}

#[cfg(not(unix))]
fn is_stream(_: fs::FileType) -> bool {
    false
}

/// Reads pieces until nobody takes them. Whole ones only: of a source that ends within a piece the
/// beginning is thrown away.
fn read_on(path: &Path, pieces: &Sender<Result<Piece, String>>) {
    loop {
        let why = match File::open(path) {
            Err(why) => format!("cannot be opened ({why})"),
            Ok(mut file) => loop {
                let mut piece = Zeroizing::new(vec![0; PIECE]);
                match file.read_exact(&mut piece) {
                    Ok(()) if pieces.send(Ok(piece)).is_err() => return,
                    Ok(()) => {}
                    Err(why) if why.kind() == ErrorKind::UnexpectedEof => break "has ended".into(),
                    Err(why) => break format!("cannot be read on ({why})"),
                }
            },
        };
        if pieces.send(Err(why)).is_err() {
            return;
        }
        thread::sleep(REOPEN);
    }
}
