//! `helio trace convert` and `helio trace cut`: a trace, or part of it, in a file of its own.

use std::path::PathBuf;

use helio_trace::{Chunk, Dtime, PhotonTime, WriteSettings};

use super::source::Source;
use super::target::Writing;
use crate::cli::Global;
use crate::exit::Failure;

/// Arguments of `helio trace convert`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio trace convert trace.ptu trace.npy
  helio trace convert trace.ht3 trace.csv --absolute --photons-only
  helio trace convert trace.dat trace.ptu --format qutag --channel 1,2 --delay 2=350ps
  helio trace convert tags.raw tags.ptu --format sfifteen --tick 1ps

Times stay exact unless --tick asks for another tick. T3 stays T3, with the number of the sync \
period as its time, unless --absolute adds up period and dtime. What a format has no place for is \
counted and told.")]
pub struct Args {
    #[command(flatten)]
    pub(super) parts: Parts,
}

/// Arguments of `helio trace cut`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  helio trace cut trace.ptu minute.ptu --from 60s --to 120s
  helio trace cut trace.ptu one.ptu --channel 1

Times stay as they are: what was at 60 s is there at 60 s.")]
pub struct CutArgs {
    #[command(flatten)]
    pub(super) parts: Parts,
}

/// A trace, and the file that part of it goes to.
#[derive(Debug, clap::Args)]
pub(super) struct Parts {
    #[command(flatten)]
    source: Source,
    /// The new file; its ending tells the format
    out: PathBuf,
    /// Only detections of these channels, such as 0,1 [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    channel: Vec<u8>,
    /// Give T3 detections one time, in ps: sync period and dtime added up, in order
    #[arg(long)]
    absolute: bool,
    #[command(flatten)]
    writing: Writing,
}

/// Converts.
///
/// # Errors
/// The command line, the trace or the new file is at fault.
pub(super) fn run(args: &Args, global: &Global) -> Result<(), Failure> {
    args.parts.run(global, false)
}

/// Cuts.
///
/// # Errors
/// As [`run`].
pub(super) fn cut(args: &CutArgs, global: &Global) -> Result<(), Failure> {
    let parts = &args.parts;
    if !parts.source.is_part() && parts.channel.is_empty() {
        return Err(Failure::usage(
            "a cut needs --from, --to or --channel; to write all of it use helio trace convert",
        ));
    }
    parts.run(global, true)
}

impl Parts {
    /// `keep_format`: a name without an ending has the source's format.
    fn run(&self, global: &Global, keep_format: bool) -> Result<(), Failure> {
        self.writing.check(&self.out)?;
        if !keep_format {
            self.writing.format(&self.out, None)?;
        }
        let time = match self.absolute {
            true => PhotonTime::Picoseconds,
            false => PhotonTime::SyncPeriods,
        };
        let mut trace = self.source.open(time)?;
        let format = self.writing.format(&self.out, Some(trace.reader.meta().format))?;
        let mut settings = WriteSettings::of(trace.reader.meta());
        if trace.in_picoseconds {
            // The dtime has been added: it stands beside the time as a figure of its own.
            settings.dtime = settings.dtime.map(|dtime| Dtime { adds: false, ..dtime });
            settings.record_type = None;
        }
        let mut target = self.writing.begin(&self.out, format, settings)?;
        let mut chunk = Chunk::default();
        let mut found = [false; 256];
        let mut progress = trace.progress(format!("writing {}", self.out.display()));
        while trace.next(&mut chunk)? {
            if !self.channel.is_empty() {
                chunk.retain_photons(|photon| self.channel.contains(&photon.channel));
            }
            chunk.photons.iter().for_each(|tag| found[usize::from(tag.channel)] = true);
            target.write(&mut chunk)?;
            progress.at(trace.reader.position());
        }
        drop(progress);
        let mut notes = trace.notes();
        for missing in self.channel.iter().filter(|channel| !found[usize::from(**channel)]) {
            notes.push(format!("there are no detections on channel {missing}"));
        }
        let damage = trace.reader.damage().map(ToString::to_string);
        target.finish()?.tell(global, notes, damage.as_deref())
    }
}
