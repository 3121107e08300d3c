//! Recordings of given clicks, and those whose clicks were changed.

use std::fs::File;
use std::path::Path;

use helio_trace::{Chunk, ReadOptions, RecordType, TimeTag, TraceFormat, WriteSettings, writer};
use helio_units::{TickLength, Ticks};

/// Rewrites the trace of a recording, click by click.
pub fn rewrite(folder: &Path, change: impl Fn(usize, TimeTag) -> Option<TimeTag>) {
    let path = folder.join("clicks.ptu");
    let mut reader = helio_trace::open(&path, &ReadOptions::default()).unwrap();
    let (mut clicks, mut chunk) = (Vec::new(), Chunk::default());
    while reader.read_chunk(&mut chunk).unwrap() {
        clicks.extend_from_slice(&chunk.photons);
    }
    let changed = clicks.into_iter().enumerate().filter_map(|(i, click)| change(i, click));
    record(&path, TickLength::CYCLE_150_MHZ, changed);
}

/// A recording of these clicks.
pub fn record(path: &Path, tick: TickLength, clicks: impl IntoIterator<Item = TimeTag>) {
    let settings =
        WriteSettings { record_type: Some(RecordType::GenericT2), ..WriteSettings::new(tick) };
    let mut writer =
        writer(File::create(path).unwrap(), TraceFormat::PicoQuantPtu, &settings).unwrap();
    let photons: Vec<TimeTag> = clicks.into_iter().collect();
    let reached = photons.last().map_or(Ticks(0), |click| click.tick);
    writer.write_chunk(&Chunk { photons, reached, ..Chunk::default() }).unwrap();
    writer.finish().unwrap();
}
