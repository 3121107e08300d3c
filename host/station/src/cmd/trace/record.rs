//! `helio trace record`: a live source into a trace file.

use std::fs::File;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use helio_link::DeviceAddress;
use helio_timetag::TagEvent;
use helio_trace::{
    Chunk, Loss, LossKind, Meta, PhotonTime, TimeTag, TraceFormat, TraceWriter, WriteSettings,
    writer,
};
use helio_tune::Meter;
use helio_units::{TickLength, Ticks};

use super::source::Reading;
use super::target::Kept;
use crate::bench::cable::Item;
use crate::cli::Global;
use crate::config::StationConfig;
use crate::desk::{Desk, DeskPlan, Heard, Laser};
use crate::exit::{Exit, Failure};
use crate::live::{LiveEvent, LiveOptions, LiveSource, Patience};
use crate::quantity::Span;
use crate::shutdown::Shutdown;
use crate::status::unix_now_s;
use crate::term::si;

/// Arguments of `helio trace record`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio trace record listen:127.0.0.1:7100 out.ptu     what another program sends, one connection
  helio trace record listen:127.0.0.1:7100 out.htr     the same as a recording of Heliograph's own
  helio trace record growing.ptu out.ptu --seconds 60  a file that is being written
  vendor-tool | helio trace record - out.ptu           standard input
  helio trace record usb:B-0001 out.ptu                a device of Heliograph, Bob's

Ctrl-C or SIGTERM completes the file. Times begin at the first event where the source counts from \
anything else. Detections and what else the format has a place for are kept; what it has none for is \
counted and told.")]
pub struct Args {
    /// listen:HOST:PORT, a file, - for standard input, or a device: usb:SERIAL, serial:/dev/ttyACM0,
    /// tcp:HOST:PORT
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The file to write, which must not be there
    #[arg(value_name = "OUT")]
    out: PathBuf,
    #[command(flatten)]
    reading: Reading,
    /// Stop after so many seconds of the source's time
    #[arg(long)]
    seconds: Option<f64>,
    /// Stop when nothing came for so long
    #[arg(long, value_name = "TIME")]
    idle: Option<Span>,
    /// The format of the file [default: what its ending says, .htr, .ptu, .npy or .csv, else a recording of
    /// Heliograph's own]
    #[arg(long = "as", value_name = "FORMAT")]
    written: Option<TraceFormat>,
    /// For a device: Bob's configuration, for the slots [default: those of helio demo]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Args {
    fn format(&self) -> TraceFormat {
        let by_ending = || TraceFormat::of_ending(&self.out);
        self.written.or_else(by_ending).unwrap_or(TraceFormat::Recording)
    }
}

/// What a crash may cost at most, and how far a follower is behind.
const FLUSH: Duration = Duration::from_secs(1);
/// Between two lines of rates.
const TELL: Duration = Duration::from_secs(1);

/// Records.
///
/// # Errors
/// The source, the file or the output is at fault.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    if args.seconds.is_some_and(|s| s.is_nan() || s <= 0.0) {
        return Err(Failure::usage("--seconds is not above zero; choose a longer time"));
    }
    if args.format() == TraceFormat::Parquet {
        return Err(Failure::usage(
            "a Parquet file cannot be read before it is complete, and a recording that breaks off would be \
             lost; record into .htr and convert that",
        ));
    }
    let out = File::create_new(&args.out).map_err(|err| match err.kind() {
        ErrorKind::AlreadyExists => Failure::usage(format!(
            "{} exists, and nothing is recorded over; name a file that is not there",
            args.out.display()
        )),
        _ => Failure::unwritable(&args.out, err),
    })?;
    helio_trace::lock_for_writing(&out).map_err(|err| Failure::file(&args.out, err))?;
    let shutdown = Shutdown::install();
    let on_disk = out.try_clone();
    let mut tape = Tape::new(args, out);
    let ended = match args.source.parse::<DeviceAddress>() {
        Ok(address) if !Path::new(&args.source).exists() => {
            device(args, &address, &mut tape, &shutdown)
        }
        _ => live(args, &mut tape, &shutdown),
    };
    // What was recorded until a fault is completed too.
    let began = tape.first.is_some();
    let mut written = tape.finish();
    if !began {
        // No empty file stays behind. One that holds something does, whatever befell it.
        let _ = std::fs::remove_file(&args.out);
    } else if let (Ok(file), Ok(_)) = (on_disk, &written)
        && let Err(err) = file.sync_all()
    {
        written =
            Err(Failure::file(&args.out, format!("did not reach the disk ({err}); check it")));
    }
    let damage = ended?;
    match written? {
        Some(kept) if began => tell(args, global, &kept, damage),
        _ => Err(Failure::file(&args.out, "was not written: nothing came; start the source first")),
    }
}

/// Says what was written; a source that made no sense is a file's fault, though what came before is kept.
fn tell(
    args: &Args,
    global: &Global,
    (kept, beyond): &(Kept, u64),
    damage: Option<String>,
) -> Result<(), Failure> {
    let mut notes: Vec<String> = damage.iter().cloned().collect();
    if *beyond > 0 {
        notes.push(format!("{beyond} detections on channels above 255 were left out"));
    }
    kept.tell(global, notes, damage.as_deref())?;
    match damage {
        Some(damage) if !args.reading.salvages() => Err(Failure::new(Exit::File, damage)),
        _ => Ok(()),
    }
}

/// Records what comes; gives what was wrong with it.
fn live(args: &Args, tape: &mut Tape<'_>, shutdown: &Shutdown) -> Result<Option<String>, Failure> {
    let mut damage = None;
    let source = LiveSource::from(args.source.as_str());
    let options = LiveOptions {
        reading: args.reading.options(PhotonTime::SyncPeriods),
        idle: args.idle.map(Span::duration),
        patience: Patience::OF_RECORDERS,
    };
    source.read(&options, shutdown, &mut |event| match event {
        LiveEvent::Listening(at) => {
            eprintln!("helio: tags are awaited at {at}");
            Ok(ControlFlow::Continue(()))
        }
        LiveEvent::Begun(meta) => tape.begin(meta).map(ControlFlow::Continue),
        LiveEvent::Records(chunk) => tape.add(chunk),
        LiveEvent::Waiting => Ok(ControlFlow::Continue(())),
        // One connection is one trace: the next one's times have another zero. One that never began to
        // be a trace was somebody else's.
        LiveEvent::Ended(why) => {
            let stray = tape.writer.is_none() && matches!(source, LiveSource::Port(_));
            if stray && let Some(why) = why {
                eprintln!("helio: {why}");
                return Ok(ControlFlow::Continue(()));
            }
            damage = why;
            Ok(if stray { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        }
    })?;
    Ok(damage)
}

fn device(
    args: &Args,
    address: &DeviceAddress,
    tape: &mut Tape<'_>,
    shutdown: &Shutdown,
) -> Result<Option<String>, Failure> {
    let plan = match &args.config {
        Some(path) => DeskPlan::Station(Box::new(StationConfig::load(path)?)),
        None => DeskPlan::Scenario(Box::default()),
    };
    let mut desk = Desk::open(None, address)?;
    let tick = desk.bob().tick_length;
    let hardware = format!("{} {}", desk.bob().board, desk.bob().serial);
    tape.begin_device(tick, hardware)?;
    let (mut failed, mut chunk, mut heard_at) = (Ok(()), Chunk::default(), Instant::now());
    desk.run(&plan, Laser::Off, |heard| {
        if shutdown.is_requested()
            || args.idle.is_some_and(|idle| heard_at.elapsed() >= idle.duration())
        {
            return ControlFlow::Break(());
        }
        let Heard::Bob(Item::Tags(batch)) = heard else { return ControlFlow::Continue(()) };
        heard_at = Instant::now();
        chunk.clear();
        tape.beyond += take_tags(&batch.tags, &mut chunk.photons);
        for event in &batch.events {
            if let TagEvent::Gap { from, to, .. } = *event {
                chunk.losses.push(Loss { tick: from, kind: LossKind::Begin });
                chunk.losses.push(Loss { tick: to, kind: LossKind::End });
            }
        }
        chunk.reached = batch.reached;
        tape.add(&chunk).unwrap_or_else(|failure| {
            failed = Err(failure);
            ControlFlow::Break(())
        })
    })?;
    failed.map(|()| None)
}

/// Takes what has a channel of a trace; how many have not.
fn take_tags(tags: &[helio_timetag::Tag], photons: &mut Vec<TimeTag>) -> u64 {
    let channel = |tag: &helio_timetag::Tag| u8::try_from(tag.channel).ok();
    let taken = tags
        .iter()
        .filter_map(|tag| Some(TimeTag { tick: Ticks(tag.tick), channel: channel(tag)? }));
    photons.extend(taken);
    tags.iter().filter(|tag| channel(tag).is_none()).count() as u64
}

/// The file that is being written, and what is told meanwhile.
struct Tape<'a> {
    args: &'a Args,
    out: Option<File>,
    writer: Option<Box<dyn TraceWriter>>,
    settings: Option<WriteSettings>,
    /// Detections on channels that no trace has.
    beyond: u64,
    tick: TickLength,
    /// Subtracted from times: zero, or the first event's once it has come.
    origin: Option<Ticks>,
    first: Option<Ticks>,
    reached: Ticks,
    moved: Chunk,
    meter: Meter,
    flushed: Instant,
    told: Instant,
    told_at: Ticks,
}

impl<'a> Tape<'a> {
    fn new(args: &'a Args, out: File) -> Tape<'a> {
        Tape {
            args,
            out: Some(out),
            writer: None,
            settings: None,
            beyond: 0,
            tick: TickLength::CYCLE_150_MHZ,
            origin: None,
            first: None,
            reached: Ticks(0),
            moved: Chunk::default(),
            meter: Meter::new(1),
            flushed: Instant::now(),
            told: Instant::now(),
            told_at: Ticks(0),
        }
    }

    fn begin(&mut self, meta: &Meta) -> Result<(), Failure> {
        self.open(WriteSettings::of(meta))
    }

    fn begin_device(&mut self, tick: TickLength, hardware: String) -> Result<(), Failure> {
        self.open(WriteSettings { hardware, starts_at_zero: false, ..WriteSettings::new(tick) })
    }

    fn open(&mut self, settings: WriteSettings) -> Result<(), Failure> {
        let Some(out) = self.out.take() else { return Ok(()) };
        self.tick = settings.tick;
        self.origin = settings.starts_at_zero.then_some(Ticks(0));
        let mut guid = [0; 16];
        // A recording without a number of its own is one all the same.
        let _ = getrandom::fill(&mut guid);
        let settings = WriteSettings {
            guid,
            starts_at_zero: true,
            created_unix_s: Some(unix_now_s() as f64),
            creator: "helio trace record".into(),
            creator_version: env!("CARGO_PKG_VERSION").into(),
            ..settings
        };
        let format = self.args.format();
        let writer =
            writer(out, format, &settings).map_err(|err| Failure::file(&self.args.out, err))?;
        self.writer = Some(writer);
        self.settings = Some(settings);
        Ok(())
    }

    fn add(&mut self, chunk: &Chunk) -> Result<ControlFlow<()>, Failure> {
        let Some(writer) = &mut self.writer else { return Ok(ControlFlow::Continue(())) };
        let Some(begin) = self.first.or_else(|| chunk.ticks().min()) else {
            return Ok(ControlFlow::Continue(()));
        };
        let origin = *self.origin.get_or_insert(begin);
        if self.first.is_none() {
            (self.first, self.told_at) = (Some(begin), begin);
        }
        self.reached = self.reached.max(chunk.reached).max(begin);
        self.moved.clone_from(chunk);
        let moved = |tick: Ticks| Ticks(tick.0.saturating_sub(origin.0));
        let over = self
            .args
            .seconds
            .map(|seconds| begin.0.saturating_add((seconds * 1e12 / self.tick.as_ps_f64()) as u64));
        if let Some(end) = over {
            self.moved.retain_ticks(|tick| tick.0 < end);
            self.moved.reached = Ticks(self.moved.reached.0.min(end));
        }
        self.moved.ticks_mut().for_each(|tick| *tick = moved(*tick));
        self.moved.reached = moved(self.moved.reached);
        let fault = |err| Failure::file(&self.args.out, err);
        writer.write_chunk(&self.moved).map_err(fault)?;
        if self.flushed.elapsed() >= FLUSH {
            writer.flush().map_err(fault)?;
            self.flushed = Instant::now();
        }
        self.moved.photons.iter().for_each(|p| self.meter.count(p.channel, 1));
        self.tell();
        Ok(match over.is_some_and(|end| chunk.reached.0 >= end) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
    }

    /// A line of rates each second.
    fn tell(&mut self) {
        if self.told.elapsed() < TELL || self.reached <= self.told_at {
            return;
        }
        let seconds = |ticks: u64| ticks as f64 * self.tick.as_ps_f64() * 1e-12;
        let span = seconds(self.reached.0 - self.told_at.0);
        let at = seconds(self.reached.0 - self.first.unwrap_or(self.reached).0);
        let rates = self.meter.look(span);
        let seen = rates.iter().filter(|rate| rate.total > 0);
        let seen: Vec<String> = seen
            .map(|rate| format!("ch {} {}", rate.channel, si(rate.rate_hz.value, "Hz", 4)))
            .collect();
        eprintln!("helio: {at:.1} s  {}", seen.join("  "));
        (self.told, self.told_at) = (Instant::now(), self.reached);
    }

    /// Completes the file; `None` where none was begun.
    fn finish(self) -> Result<Option<(Kept, u64)>, Failure> {
        let (Some(writer), Some(settings)) = (self.writer, self.settings) else { return Ok(None) };
        let written = writer.finish().map_err(|err| Failure::file(&self.args.out, err))?;
        Ok(Some((Kept::new(&self.args.out, self.args.format(), settings, written), self.beyond)))
    }
}
