//! Traces that are still being written: a growing file, tags from another program over TCP, standard
//! input.
//!
//! A TCP port takes one connection at a time and any format that describes itself, or a format that was
//! named: the raw 16-byte tags of Swabian are known by their content. Nothing is answered. What is not
//! taken yet waits in the operating system's buffers, so that whoever sends too fast is held up, and memory
//! stays bounded. A connection that is silent for long while another one waits gives way ([`Patience`]).

mod source;

use std::io::Read;
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use helio_trace::{Chunk, FollowedFile, Meta, ReadOptions, TraceError, TraceReader, from_live};

use crate::exit::{Exit, Failure};
use crate::shutdown::Shutdown;

/// Between two looks at a source that has nothing.
const REST: Duration = Duration::from_millis(20);

/// What becomes of a trace that is damaged.
const USED: &str = "what precedes it is used";

/// Where a live trace comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveSource {
    /// A file, followed.
    File(PathBuf),
    /// Connections to this address of this computer, one at a time.
    Port(String),
    /// Standard input.
    Stdin,
}

/// What comes of it.
#[derive(Debug)]
pub enum LiveEvent<'a> {
    /// The port is open, at this address.
    Listening(std::net::SocketAddr),
    /// A trace begins: the file's, or that of a new connection.
    Begun(&'a Meta),
    /// Its next records; none where there is nothing for now.
    Records(&'a Chunk),
    /// Nobody is connected.
    Waiting,
    /// The source, or one connection, has ended; with what was wrong with it, if something was. A followed
    /// file ends so only where it is salvaged.
    Ended(Option<String>),
}

/// How a live trace is read, and when it ends.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// How.
    pub reading: ReadOptions,
    /// Ends after nothing came for so long; `None`: goes on until it is asked to end.
    pub idle: Option<Duration>,
    /// With a connection that says nothing.
    pub patience: Patience,
}

/// When a silent connection gives way to another one that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// After so much silence.
    pub silence: Duration,
    /// Also when its trace has begun. A computer that was switched off stays connected for hours; a
    /// recording should not end because a stranger knocks while the light is off.
    pub with_trace: bool,
}

impl Patience {
    /// Silence for which nobody gives way.
    pub const SILENCE: Duration = Duration::from_secs(30);

    /// The newest connection is what is looked at.
    pub const OF_WATCHERS: Patience = Patience { silence: Patience::SILENCE, with_trace: true };
    /// A trace that has begun is kept.
    pub const OF_RECORDERS: Patience = Patience { silence: Patience::SILENCE, with_trace: false };
}

impl From<&str> for LiveSource {
    /// `-` is standard input, `listen:HOST:PORT` a port, everything else a file.
    fn from(text: &str) -> LiveSource {
        match (text, text.strip_prefix("listen:")) {
            ("-", _) => LiveSource::Stdin,
            (_, Some(address)) => LiveSource::Port(address.to_owned()),
            _ => LiveSource::File(text.into()),
        }
    }
}

impl LiveSource {
    /// In words.
    pub fn name(&self) -> String {
        match self {
            LiveSource::File(path) => path.display().to_string(),
            LiveSource::Port(address) => format!("port {address}"),
            LiveSource::Stdin => "standard input".to_owned(),
        }
    }

    fn ended(&self, damage: &str) -> LiveEvent<'static> {
        LiveEvent::Ended(Some(format!("{} {damage}; {USED}", self.name())))
    }

    fn fault(&self, err: &TraceError) -> Failure {
        match self {
            LiveSource::File(path) => Failure::file(path, err),
            other => Failure::new(Exit::File, format!("{} {err}", other.name())),
        }
    }

    /// Reads until `each` breaks, the program is asked to end, or the source is at its end or idle.
    ///
    /// # Errors
    /// The source cannot be opened or read, or `each` fails. A connection that sends nonsense is told as
    /// ended, and the next one is taken.
    pub fn read(
        &self,
        options: &LiveOptions,
        shutdown: &Shutdown,
        each: &mut dyn FnMut(LiveEvent<'_>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        let mut quiet = Quiet::new(options.idle, shutdown);
        match self {
            LiveSource::File(path) => {
                let file =
                    FollowedFile::open(path).map_err(|err| self.fault(&TraceError::Open(err)))?;
                // What stands in half at the end may still be completed.
                match follow(Box::new(file), &options.reading, &mut quiet, each)? {
                    End::Fault(err) => Err(self.fault(&err)),
                    End::Damaged(what) => each(self.ended(&what)).map(drop),
                    End::Over | End::Stopped => Ok(()),
                }
            }
            LiveSource::Stdin => {
                let input = source::stdin().map_err(|err| self.fault(&TraceError::Open(err)))?;
                match follow(input, &options.reading, &mut quiet, each)? {
                    End::Fault(err) => Err(self.fault(&err)),
                    End::Damaged(what) => each(self.ended(&what)).map(drop),
                    End::Over | End::Stopped => each(LiveEvent::Ended(None)).map(drop),
                }
            }
            LiveSource::Port(address) => self.serve(address, options, &mut quiet, each),
        }
    }

    fn serve(
        &self,
        address: &str,
        options: &LiveOptions,
        quiet: &mut Quiet<'_>,
        each: &mut dyn FnMut(LiveEvent<'_>) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<(), Failure> {
        let unusable = |err: std::io::Error| {
            Failure::new(
                Exit::Usage,
                format!(
                    "cannot listen at {address} ({err}); write HOST:PORT of this computer, such as \
                     127.0.0.1:7100, with a port that no program uses"
                ),
            )
        };
        let listener = TcpListener::bind(address).map_err(unusable)?;
        listener.set_nonblocking(true).map_err(unusable)?;
        if each(LiveEvent::Listening(listener.local_addr().map_err(unusable)?))?.is_break() {
            return Ok(());
        }
        // A connection that breaks off in mid-record has still told what came before.
        let reading = ReadOptions { salvage: true, ..options.reading };
        let mut next = None;
        loop {
            let (stream, from) = match next.take().map_or_else(|| listener.accept(), Ok) {
                Ok(came) => came,
                Err(err) if source::is_pause(&err) => {
                    if each(LiveEvent::Waiting)?.is_break() || !quiet.rest() {
                        return Ok(());
                    }
                    continue;
                }
                Err(err) => return Err(unusable(err)),
            };
            log::info!("tags from {from}");
            quiet.heard();
            let others = listener.try_clone().map_err(unusable)?;
            let (stream, bystander) = source::socket(stream, others, options.patience.silence);
            let keeps = !options.patience.with_trace;
            let mut told = |event: LiveEvent<'_>| {
                if keeps && matches!(event, LiveEvent::Begun(_)) {
                    bystander.wait_for_the_end();
                }
                each(event)
            };
            let end = follow(stream, &reading, quiet, &mut told)?;
            next = bystander.came();
            let why = match end {
                End::Stopped => return Ok(()),
                _ if next.is_some() => Some(format!(
                    "the connection from {from} said nothing for {} s and gave way to another one",
                    options.patience.silence.as_secs()
                )),
                End::Over => None,
                End::Damaged(what) => Some(format!("the connection from {from} {what}; {USED}")),
                End::Fault(err) => Some(format!("the connection from {from} {err}")),
            };
            if each(LiveEvent::Ended(why))?.is_break() {
                return Ok(());
            }
            quiet.heard();
        }
    }
}

enum End {
    /// The source is at its end.
    Over,
    /// The same, and what was left of it made no sense.
    Damaged(String),
    /// Enough was seen, or nothing came for too long.
    Stopped,
    Fault(TraceError),
}

/// Reads one trace.
fn follow(
    input: Box<dyn Read + Send>,
    reading: &ReadOptions,
    quiet: &mut Quiet<'_>,
    each: &mut dyn FnMut(LiveEvent<'_>) -> Result<ControlFlow<()>, Failure>,
) -> Result<End, Failure> {
    let mut reader = match open(input, reading, quiet) {
        Ok(reader) => reader,
        Err(_) if quiet.is_over() => return Ok(End::Stopped),
        Err(err) => return Ok(End::Fault(err)),
    };
    quiet.heard();
    if each(LiveEvent::Begun(reader.meta()))?.is_break() {
        return Ok(End::Stopped);
    }
    let (mut chunk, mut position) = (Chunk::default(), 0);
    loop {
        match reader.read_chunk(&mut chunk) {
            Ok(true) => {}
            Ok(false) => {
                return Ok(match reader.damage() {
                    None => End::Over,
                    // It was this side that did not wait for the rest.
                    Some(_) if quiet.is_over() => End::Stopped,
                    Some(damage) => End::Damaged(damage.to_string()),
                });
            }
            Err(_) if quiet.is_over() => return Ok(End::Stopped),
            Err(err) => return Ok(End::Fault(err)),
        }
        if each(LiveEvent::Records(&chunk))?.is_break() {
            return Ok(End::Stopped);
        }
        if std::mem::replace(&mut position, reader.position()) != reader.position() {
            quiet.heard();
            if quiet.is_asked() {
                return Ok(End::Stopped);
            }
        } else if !quiet.rest() {
            return Ok(End::Stopped);
        }
    }
}

/// Waits for a header, for as long as is allowed.
fn open(
    input: Box<dyn Read + Send>,
    reading: &ReadOptions,
    quiet: &Quiet<'_>,
) -> Result<Box<dyn TraceReader>, TraceError> {
    let (shutdown, idle) = (quiet.shutdown.clone(), quiet.idle);
    let over = quiet.over.clone();
    let come = Arc::new(AtomicU64::new(0));
    let (mut seen, mut since) = (0, Instant::now());
    let counted = Counted { inner: input, come: come.clone() };
    from_live(counted, reading, move || {
        let now = come.load(Ordering::Relaxed);
        if std::mem::replace(&mut seen, now) != now {
            since = Instant::now();
        }
        thread::sleep(REST);
        let gives_up = shutdown.is_requested() || idle.is_some_and(|idle| since.elapsed() >= idle);
        if gives_up {
            over.store(true, Ordering::Relaxed);
        }
        !gives_up
    })
}

/// A source whose bytes are counted, so that it is known when the last one came.
struct Counted {
    inner: Box<dyn Read + Send>,
    come: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.come.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// How long nothing has come.
struct Quiet<'a> {
    idle: Option<Duration>,
    since: Instant,
    shutdown: &'a Shutdown,
    over: Arc<AtomicBool>,
}

impl Quiet<'_> {
    fn new(idle: Option<Duration>, shutdown: &Shutdown) -> Quiet<'_> {
        Quiet { idle, since: Instant::now(), shutdown, over: Arc::default() }
    }

    fn heard(&mut self) {
        self.since = Instant::now();
    }

    fn is_asked(&self) -> bool {
        self.shutdown.is_requested()
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Whether to go on, after a rest.
    fn rest(&self) -> bool {
        if self.is_asked() || self.idle.is_some_and(|idle| self.since.elapsed() >= idle) {
            return false;
        }
        thread::sleep(REST);
        true
    }
}
