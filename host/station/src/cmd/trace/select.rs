//! The part of a trace that is looked at, and the delays of its channels.

use std::path::Path;
use std::str::FromStr;

use helio_trace::{Chunk, DelayError, Delays, Meta, PhotonTime, Summary};
use helio_units::{Picoseconds, TickLength, Ticks};

use crate::exit::Failure;
use crate::quantity::{Delay, Span};

/// What part of a trace is looked at: arguments of every command about traces.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Selection {
    /// Leave out what comes before this time since the trace's beginning, such as 10s
    #[arg(long, value_name = "TIME")]
    from: Option<Span>,
    /// Leave out what comes at this time since the trace's beginning or later, such as 20s
    #[arg(long, value_name = "TIME")]
    to: Option<Span>,
    /// Add a time to all detections of a channel, such as 1=350ps or 0=-2ns; a number alone is in
    /// ps; repeatable
    #[arg(long, value_name = "CH=PS", value_delimiter = ',')]
    delay: Vec<ChannelDelay>,
}

/// What is added to the times of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ChannelDelay(u8, Picoseconds);

impl FromStr for ChannelDelay {
    type Err = String;

    fn from_str(text: &str) -> Result<ChannelDelay, String> {
        let (channel, time) = text
            .split_once('=')
            .ok_or("a channel and its delay are needed; write for example 1=350ps")?;
        let channel = channel
            .trim()
            .parse()
            .map_err(|_| "a channel is a number from 0 to 255; write for example 1=350ps")?;
        let time = time.trim();
        let ps = match time.parse::<i64>() {
            Ok(ps) => ps.clamp(-i64::MAX, i64::MAX),
            Err(_) => time.parse::<Delay>().map_err(|err| err.to_string())?.0,
        };
        Ok(ChannelDelay(channel, Picoseconds(ps)))
    }
}

impl Selection {
    /// How T3 times are read: delays are in picoseconds, which sync periods do not resolve.
    pub(super) fn photon_time(&self, asked: PhotonTime) -> PhotonTime {
        if self.delay.is_empty() { asked } else { PhotonTime::Picoseconds }
    }

    /// What is added to the times of channels.
    pub(super) fn delays(&self) -> Vec<(u8, Picoseconds)> {
        self.delay.iter().map(|d| (d.0, d.1)).collect()
    }

    /// The same part with times as they are.
    pub(super) fn undelayed(&self) -> Selection {
        Selection { delay: Vec::new(), ..self.clone() }
    }

    /// Whether it is less than the whole of a trace.
    pub(super) fn is_part(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    /// The selection in a trace's own ticks.
    pub(super) fn stage(&self, path: &Path, tick: TickLength) -> Result<Stage, Failure> {
        let ticks = |span: Span| tick.ticks_covering(span.picoseconds());
        let from = self.from.map_or(Ticks(0), ticks);
        let to = self.to.map(ticks);
        if to.is_some_and(|to| to <= from) {
            return Err(Failure::usage(format!(
                "--from {} is not before --to {}; exchange them",
                self.from.map_or_else(String::new, |span| span.to_string()),
                self.to.map_or_else(String::new, |span| span.to_string()),
            )));
        }
        let list = self.delays();
        Ok(Stage {
            path: path.to_owned(),
            from,
            to,
            delays: (!list.is_empty()).then(|| Delays::new(tick, &list)),
            origin: None,
            selected: false,
            with_dtimes: false,
        })
    }
}

/// Cuts and delays a trace chunk by chunk.
pub(super) struct Stage {
    path: std::path::PathBuf,
    from: Ticks,
    to: Option<Ticks>,
    delays: Option<Delays>,
    origin: Option<Ticks>,
    /// Whether any record was inside.
    selected: bool,
    with_dtimes: bool,
}

impl Stage {
    /// Where the selected part begins.
    pub(super) fn begin(&self) -> Ticks {
        Ticks(self.origin.unwrap_or(Ticks(0)).0.saturating_add(self.from.0))
    }

    /// Whether anything of the trace so far is selected, given away or held back.
    pub(super) fn has_selected(&self) -> bool {
        self.selected
    }

    /// Leaves in `chunk` what is selected; whether more can follow.
    pub(super) fn apply(&mut self, meta: &Meta, chunk: &mut Chunk) -> Result<bool, Failure> {
        self.origin = self.origin.or_else(|| origin(meta, chunk));
        let more = self.cut(chunk);
        self.selected |= !chunk.is_empty();
        if let Some(delays) = &mut self.delays {
            self.with_dtimes |= !chunk.dtimes.is_empty();
            delays.apply(chunk).map_err(|err: DelayError| Failure::file(&self.path, err))?;
        }
        Ok(more)
    }

    /// What is left when the trace has ended.
    pub(super) fn finish(&mut self, chunk: &mut Chunk) {
        let reached = chunk.reached;
        chunk.clear();
        chunk.reached = reached;
        if let Some(delays) = &mut self.delays {
            delays.finish(chunk, self.with_dtimes);
        }
    }

    fn cut(&self, chunk: &mut Chunk) -> bool {
        let begin = self.begin();
        let end =
            self.to.map_or(u64::MAX, |to| self.origin.unwrap_or(Ticks(0)).0.saturating_add(to.0));
        if self.from.0 == 0 && self.to.is_none() {
            return true;
        }
        let inside = |tick: Ticks| (begin.0..end).contains(&tick.0);
        let more = chunk.reached.0 < end || chunk.photons.iter().any(|p| p.tick.0 < end);
        chunk.retain_ticks(inside);
        chunk.reached = Ticks(chunk.reached.0.min(end - 1).max(begin.0));
        more
    }
}

/// The tick at which the measurement began: zero where the format counts from there, else that of
/// the first record.
fn origin(meta: &Meta, chunk: &Chunk) -> Option<Ticks> {
    if meta.starts_at_zero { Some(Ticks(0)) } else { chunk.ticks().min() }
}

/// Whether each of the channels has photons.
///
/// # Errors
/// One has none.
pub(super) fn none_silent(
    path: &Path,
    counts: impl IntoIterator<Item = (u8, u64)>,
) -> Result<(), Failure> {
    match counts.into_iter().find(|(_, count)| *count == 0) {
        None => Ok(()),
        Some((silent, _)) => Err(Failure::usage(format!(
            "{} has no photons on channel {silent}; helio trace info lists those it has",
            path.display()
        ))),
    }
}

/// The channels that are asked for, or all; each of them must be there.
pub(super) fn channels(path: &Path, asked: &[u8], summary: &Summary) -> Result<Vec<u8>, Failure> {
    let present: Vec<u8> = summary.channels().map(|(number, _)| number).collect();
    if present.is_empty() {
        return Err(Failure::file(
            path,
            "holds no photons there; choose another part or record anew",
        ));
    }
    let chosen = if asked.is_empty() { &present[..] } else { asked };
    match chosen.iter().find(|number| !present.contains(number)) {
        None => Ok(chosen.to_vec()),
        Some(missing) => Err(Failure::usage(format!(
            "{} has no photons on channel {missing}; choose from {present:?}",
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_in_picoseconds_unless_they_say_otherwise() {
        for (text, channel, ps) in [
            ("1=350", 1, 350),
            ("0=-2ns", 0, -2_000),
            (" 3 = 1.5 ns", 3, 1_500),
            ("128=-7", 128, -7),
        ] {
            assert_eq!(text.parse(), Ok(ChannelDelay(channel, Picoseconds(ps))), "{text}");
        }
        for bad in ["", "1", "1=", "x=3", "1=3 m", "256=1", "=1", "1=0.5"] {
            assert!(bad.parse::<ChannelDelay>().is_err(), "{bad}");
        }
    }
}
