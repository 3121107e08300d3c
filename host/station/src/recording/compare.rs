//! Whether a trace is still what was recorded, and if not, what happened to it.

use std::path::Path;

use helio_trace::{Chunk, TraceError, TraceReader};

use super::RecordingFault;
use super::play::open_clicks;
use super::run_file::{ChannelPart, RunFile};
use super::write::{CRC_32, click_crc};

/// What a trace holds now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Found {
    channels: Vec<ChannelPart>,
    crc32: u32,
}

/// Reads the trace once and compares it with what the run file says; gives the number of clicks.
///
/// # Errors
/// A trace that cannot be read, or one that differs, with what is wrong in words.
pub(super) fn check(folder: &Path, run: &RunFile) -> Result<u64, RecordingFault> {
    let (path, mut trace) = open_clicks(folder, run.tick_length(folder)?)?;
    let content = |what: String| RecordingFault::Content { path: path.clone(), what };
    let found = look(&mut *trace, run.channels.len())
        .map_err(|e| content(format!("cannot be replayed: {e}")))?;
    match difference(run, &found) {
        Some(what) => Err(content(what)),
        None => Ok(found.channels.iter().map(|c| c.count).sum()),
    }
}

fn look(trace: &mut dyn TraceReader, channels: usize) -> Result<Found, TraceError> {
    let mut found = Found { channels: vec![ChannelPart::default(); channels], crc32: 0 };
    let mut crc = CRC_32.digest();
    let mut chunk = Chunk::default();
    while trace.read_chunk(&mut chunk)? {
        for photon in &chunk.photons {
            let (tick, channel) = (photon.tick.0, usize::from(photon.channel));
            if found.channels.len() <= channel {
                found.channels.resize(channel + 1, ChannelPart::default());
            }
            let part = &mut found.channels[channel];
            if part.count == 0 {
                part.first_tick = tick;
            }
            part.count += 1;
            part.last_tick = tick;
            click_crc(&mut crc, tick, u32::from(photon.channel));
        }
    }
    found.crc32 = crc.finalize();
    Ok(found)
}

/// What is wrong with the trace, if anything.
fn difference(run: &RunFile, found: &Found) -> Option<String> {
    let (was, is) = (&run.channels, &found.channels);
    if was == is && run.clicks_crc32 == found.crc32 {
        return None;
    }
    let sum = |parts: &[ChannelPart]| parts.iter().map(|c| c.count).sum::<u64>();
    let (clicks_was, clicks_is) = (sum(was), sum(is));
    let counts = |parts: &[ChannelPart]| parts.iter().map(|c| c.count).collect::<Vec<_>>();
    if clicks_is < clicks_was && is.iter().zip(was).all(|(i, w)| i.count <= w.count) {
        let last = is.iter().map(|c| c.last_tick).max().unwrap_or(0);
        return Some(format!(
            "was cut: {} of {clicks_was} clicks are left, the last at tick {last}; copy the whole \
             file again",
            clicks_is
        ));
    }
    if clicks_is == clicks_was {
        if let Some((a, b)) = swapped(was, is) {
            return Some(format!(
                "has channels {a} and {b} exchanged; exchange them back, or correct the cabling's \
                 description"
            ));
        }
        if counts(was) == counts(is)
            && let Some(shift) = shift(was, is)
        {
            return Some(format!(
                "was shifted in time by {shift:+} ticks; shift it back, the slot marks are in the \
                 device's own time"
            ));
        }
    }
    Some(format!(
        "is not the trace that was recorded: clicks by channel were {:?} and are {:?}; copy the \
         recording again",
        counts(was),
        counts(is)
    ))
}

/// Two channels that hold exactly what the other held.
fn swapped(was: &[ChannelPart], is: &[ChannelPart]) -> Option<(usize, usize)> {
    if was.len() != is.len() {
        return None;
    }
    let differ: Vec<usize> = (0..was.len()).filter(|&i| was[i] != is[i]).collect();
    match differ[..] {
        [a, b] if was[a] == is[b] && was[b] == is[a] => Some((a, b)),
        _ => None,
    }
}

/// The same offset at the beginning and at the end of every channel.
fn shift(was: &[ChannelPart], is: &[ChannelPart]) -> Option<i128> {
    let offset = |a: u64, b: u64| i128::from(b) - i128::from(a);
    let mut offsets =
        was.iter().zip(is).filter(|(w, _)| w.count > 0).flat_map(|(w, i)| {
            [offset(w.first_tick, i.first_tick), offset(w.last_tick, i.last_tick)]
        });
    let first = offsets.next()?;
    (first != 0 && offsets.all(|o| o == first)).then_some(first)
}
