//! Recordings of given clicks, and those whose clicks were changed.

use std::fs::File;
use std::path::Path;

use helio_trace::{Chunk, PtuWriter, ReadOptions, RecordType, TimeTag, WriterOptions};
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
    let options = WriterOptions {
        record_type: RecordType::GenericT2,
        guid: [0; 16],
        created_unix_s: None,
        creator: "test".into(),
        creator_version: "1".into(),
        hardware: "test".into(),
        comment: String::new(),
    };
    let mut writer = PtuWriter::new(File::create(path).unwrap(), tick, &options).unwrap();
    let mut end = Ticks(0);
    for click in clicks {
        writer.photon(click.tick, click.channel).unwrap();
        end = click.tick;
    }
    writer.finish(end).unwrap();
}
