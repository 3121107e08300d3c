//! `helio watch`: what an optical table shows, several times a second.

mod desk;
mod show;
mod sight;
mod trace;
mod view;

use clap::Args;

use crate::cli::Global;
use crate::cmd::desk_args::DeskArgs;
use crate::cmd::trace::Reading;
use crate::exit::Failure;
use crate::live::LiveSource;
use crate::quantity::Span;
use crate::shutdown::Shutdown;
use crate::sim::Speed;

/// Watch count rates, the click matrix, visibilities, QBER and window while you align: of devices, of the
/// simulated bench, or of a trace that is being written
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  helio watch                                   the simulated bench: try it without hardware
  helio watch --rotation 0.4                    the same, badly aligned
  helio watch --bob usb:B-0001 --alice usb:A-0001 --config bob.toml --beep
  helio watch recording.ptu                     a file that grows: to its end, then what is appended
  helio watch --listen 127.0.0.1:7100           tags from another program, see docs/alignment.md
  helio watch --period 12.5ns recording.ptu     with arrivals within a period of the light
  helio watch --json --seconds 5 | jq .bases    one object for each refresh

In a terminal: q leaves, p forgets the peaks. Elsewhere a line for each refresh. The matrix, \
visibilities and QBER need both devices on this desk (--alice and --bob), because the settings of both \
must meet; of a trace or of Bob alone there are rates and arrivals. No key is made of what is watched.")]
pub struct Watch {
    /// A trace that is being written, of any format of docs/traces.md; - is standard input,
    /// listen:HOST:PORT takes one from another program [default: the simulated bench]
    #[arg(value_name = "FILE", conflicts_with_all = ["bob", "listen"])]
    file: Option<String>,
    /// The same as listen:HOST:PORT: connections to this address of this computer, one at a time
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "bob")]
    listen: Option<String>,
    #[command(flatten)]
    desk: DeskArgs,
    #[command(flatten)]
    reading: Reading,
    /// Between two refreshes, in the time of the device or of the trace
    #[arg(long, value_name = "TIME", default_value = "250ms")]
    every: Span,
    /// Figures are those of the last so long
    #[arg(long, value_name = "TIME", default_value = "1s")]
    span: Span,
    /// Of a trace: the period of the light, to see where in it detections lie
    #[arg(long, value_name = "TIME")]
    period: Option<Span>,
    /// Stop after so many seconds of the device's or the trace's time
    #[arg(long)]
    seconds: Option<f64>,
    /// Of a trace: stop when nothing came for so long
    #[arg(long, value_name = "TIME")]
    idle: Option<Span>,
    /// Ring the terminal's bell at a new peak, and when light is lost
    #[arg(long)]
    beep: bool,
    /// Of the simulated bench: how fast time passes
    #[arg(long, default_value_t = Speed::RealTime(1.0))]
    speed: Speed,
}

impl Watch {
    fn every_s(&self) -> f64 {
        self.every.0 as f64 * 1e-12
    }

    fn looks(&self) -> usize {
        (self.span.0 / self.every.0.max(1)).clamp(1, 1 << 12) as usize
    }

    fn source(&self) -> Option<LiveSource> {
        let file = self.file.as_deref().map(LiveSource::from);
        file.or_else(|| self.listen.clone().map(LiveSource::Port))
    }
}

/// Watches until it is told to end.
///
/// # Errors
/// The devices, the trace, the command line or the output is at fault.
pub fn run(args: &Watch, global: &Global) -> Result<(), Failure> {
    if args.every.0 < 1_000_000_000 {
        return Err(Failure::usage("--every is below 1 ms; choose a longer time"));
    }
    let shutdown = Shutdown::install();
    let mut show = show::Show::open(global.json, args.beep)?;
    match args.source() {
        Some(source) => trace::run(args, &source, &mut show, &shutdown),
        None => desk::run(args, &mut show, &shutdown),
    }
}
