//! `helio trace merge`: several traces as one, in order of time.

mod waiting;

use std::path::PathBuf;
use std::str::FromStr;

use helio_trace::{Chunk, PhotonTime, Retick, WriteSettings, common_tick};
use helio_units::{Picoseconds, TickLength, Ticks};

use self::waiting::Waiting;
use super::notes;
use super::source::{Opened, Reading, Source};
use super::target::Writing;
use crate::cli::Global;
use crate::exit::Failure;
use crate::quantity::Delay;
use crate::term::Progress;

/// How far ahead of a detection in its file a marker may be in time and both still be put in order.
const SLACK: Picoseconds = Picoseconds(1_000_000_000);

/// Arguments of `helio trace merge`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "\
Examples:
  helio trace merge alice.ptu bob.ptu both.ptu --channel 2:+2
  helio trace merge a.npy b.csv both.npy --channel 1:0=4 --channel 2:0=5 --delay 2=1.5us

Times are counted in the longest tick of which all files' ticks are whole multiples, so that none is \
rounded; --tick asks for another. Delays are rounded to that tick. Each file counts from its own \
zero: where clocks differ see helio trace sync. T3 detections get their time in ps.",
    override_usage = "helio trace merge [OPTIONS] <FILE> <FILE>... <OUT>"
)]
pub struct Args {
    /// The traces, two or more, and last the new file, whose ending tells the format
    #[arg(required = true, num_args = 3.., value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Renumber channels of the n-th file: n:FROM=TO one of them, n:+N all; repeatable
    #[arg(long, value_name = "N:MAP", value_delimiter = ',')]
    channel: Vec<Renumber>,
    /// Add a time to all of the n-th file, such as 2=350ps or 1=-2us; repeatable
    #[arg(long, value_name = "N=TIME", value_delimiter = ',')]
    delay: Vec<FileDelay>,
    #[command(flatten)]
    writing: Writing,
}

/// A channel of a file becomes another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Renumber {
    file: usize,
    /// `None`: all.
    from: Option<u8>,
    /// The new number, or what is added to all.
    to: u8,
}

impl FromStr for Renumber {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Renumber, &'static str> {
        const WRONG: &str =
            "the file's number and a map are needed; write for example 2:0=4 or 2:+4";
        let (file, map) = text.split_once(':').ok_or(WRONG)?;
        let file = file.trim().parse().map_err(|_| WRONG)?;
        let number = |text: &str| text.trim().parse::<u8>().map_err(|_| WRONG);
        match (map.trim().strip_prefix('+'), map.split_once('=')) {
            (Some(all), _) => Ok(Renumber { file, from: None, to: number(all)? }),
            (None, Some((from, to))) => {
                Ok(Renumber { file, from: Some(number(from)?), to: number(to)? })
            }
            (None, None) => Err(WRONG),
        }
    }
}

/// What is added to the times of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileDelay(usize, Picoseconds);

impl FromStr for FileDelay {
    type Err = String;

    fn from_str(text: &str) -> Result<FileDelay, String> {
        let wrong = "the file's number and a time are needed; write for example 2=350ps";
        let (file, delay) = text.split_once('=').ok_or(wrong)?;
        let file = file.trim().parse().map_err(|_| wrong)?;
        let delay = delay.trim().parse::<Delay>().map_err(|err| err.to_string())?;
        Ok(FileDelay(file, Picoseconds(delay.0)))
    }
}

/// Merges.
///
/// # Errors
/// The command line, a trace or the new file is at fault.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    let [files @ .., out] = &args.files[..] else {
        return Err(Failure::usage("name two traces or more and the new file"));
    };
    let numbers = args.channel.iter().map(|map| map.file).chain(args.delay.iter().map(|d| d.0));
    if let Some(wrong) = numbers.into_iter().find(|file| !(1..=files.len()).contains(file)) {
        return Err(Failure::usage(format!(
            "there is no file number {wrong}; they are 1 to {}",
            files.len()
        )));
    }
    args.writing.check(out)?;
    let format = args.writing.format(out, None)?;
    let sources: Vec<Source> = files.iter().map(|file| Source::of(file, &args.reading)).collect();
    let open = |source| Source::open(source, PhotonTime::Picoseconds);
    let traces: Vec<Opened> = sources.iter().map(open).collect::<Result<_, _>>()?;
    let tick =
        common_tick(traces.iter().map(|trace| trace.reader.tick_length())).ok_or_else(|| {
            Failure::usage(
                "the files' ticks have none in common; convert them with --tick 1ps first",
            )
        })?;
    let mut parts = parts(args, traces, tick)?;
    let settings = settings(&parts, tick);
    let mut target = args.writing.begin(out, format, settings)?;

    let bytes = parts.iter().map(|part| part.trace.bytes()).sum();
    let mut progress = Progress::of_bytes(format!("merging into {}", out.display()), bytes);
    let mut waiting = Waiting::new(parts.len(), tick.ticks_covering(SLACK));
    let (mut chunk, mut merged) = (Chunk::default(), Chunk::default());
    let mut dtimes = 0;
    while let Some(next) = waiting.next() {
        let part = &mut parts[next];
        match part.read(&mut chunk)? {
            None => waiting.end(next),
            Some(dropped) => {
                dtimes += dropped;
                waiting.push(next, &chunk).map_err(|_| {
                    let path = part.trace.path();
                    Failure::file(path, "is not in time order; read it with a --window")
                })?;
            }
        }
        waiting.give(&mut merged);
        target.write(&mut merged)?;
        progress.at(parts.iter().map(|part| part.trace.reader.position()).sum());
    }
    drop(progress);
    let mut notes: Vec<String> =
        parts.iter().flat_map(|part| notes::named(part.trace.path(), part.trace.notes())).collect();
    if dtimes > 0 {
        notes
            .push(format!("{dtimes} dtimes are in the detections' times and not kept beside them"));
    }
    let damage = parts.iter().find_map(|part| part.trace.reader.damage()).map(ToString::to_string);
    target.finish()?.tell(global, notes, damage.as_deref())
}

fn settings(parts: &[Part], tick: TickLength) -> WriteSettings {
    let metas = || parts.iter().map(|part| part.trace.reader.meta());
    WriteSettings {
        starts_at_zero: metas().all(|meta| meta.starts_at_zero),
        counts_missed: metas().any(|meta| meta.counts_missed()),
        all_kinds: metas().any(|meta| meta.has_other_kinds()),
        ..WriteSettings::new(tick)
    }
}

/// One of the traces.
struct Part<'a> {
    trace: Opened<'a>,
    retick: Retick,
    /// Added to all times.
    shift: u64,
    channels: [Option<u8>; 256],
}

fn parts<'a>(
    args: &Args,
    traces: Vec<Opened<'a>>,
    tick: TickLength,
) -> Result<Vec<Part<'a>>, Failure> {
    let mut shifts = vec![0i128; traces.len()];
    for FileDelay(file, delay) in &args.delay {
        shifts[file - 1] += tick.nearest_ticks(*delay);
    }
    // Only differences matter; no time may fall below zero.
    let least = shifts.iter().copied().min().unwrap_or(0).min(0);
    traces
        .into_iter()
        .zip(shifts)
        .enumerate()
        .map(|(index, (trace, shift))| {
            let maps = args.channel.iter().filter(|map| map.file == index + 1);
            let mut channels: [Option<u8>; 256] = std::array::from_fn(|n| u8::try_from(n).ok());
            for map in maps {
                match map.from {
                    Some(from) => channels[usize::from(from)] = Some(map.to),
                    None => {
                        channels.iter_mut().for_each(|c| *c = c.and_then(|c| c.checked_add(map.to)))
                    }
                }
            }
            let beyond = || Failure::usage("a delay is too long; choose a shorter one");
            Ok(Part {
                retick: Retick::new(trace.reader.tick_length(), tick),
                shift: u64::try_from(shift - least).map_err(|_| beyond())?,
                channels,
                trace,
            })
        })
        .collect()
}

impl Part<'_> {
    /// Reads on; gives the number of dtimes that are dropped, and `None` at the end.
    fn read(&mut self, chunk: &mut Chunk) -> Result<Option<u64>, Failure> {
        if !self.trace.next(chunk)? {
            return Ok(None);
        }
        let dtimes = chunk.dtimes.len() as u64;
        chunk.dtimes.clear();
        self.retick.chunk(chunk).map_err(|err| Failure::file(self.trace.path(), err))?;
        let path = self.trace.path();
        let moved = |tick: &mut Ticks| -> Result<(), Failure> {
            let beyond = || Failure::file(path, "has times past 2^64 ticks with its delay");
            tick.0 = tick.0.checked_add(self.shift).ok_or_else(beyond)?;
            Ok(())
        };
        chunk.ticks_mut().try_for_each(moved)?;
        moved(&mut chunk.reached)?;
        for tag in &mut chunk.photons {
            tag.channel = self.channels[usize::from(tag.channel)].ok_or_else(|| {
                Failure::usage(format!("a channel of {} becomes more than 255", path.display()))
            })?;
        }
        Ok(Some(dtimes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_of_a_file_are_renumbered_one_by_one_or_all() {
        assert_eq!("2:+4".parse(), Ok(Renumber { file: 2, from: None, to: 4 }));
        assert_eq!("1:0=4".parse(), Ok(Renumber { file: 1, from: Some(0), to: 4 }));
        for bad in ["", "2", "2:", "2:4", "x:+1", "2:+256", "2:0=", ":+1"] {
            assert!(bad.parse::<Renumber>().is_err(), "{bad}");
        }
        assert_eq!("2=-1.5ns".parse(), Ok(FileDelay(2, Picoseconds(-1500))));
        assert!("2".parse::<FileDelay>().is_err() && "2=5".parse::<FileDelay>().is_err());
    }
}
