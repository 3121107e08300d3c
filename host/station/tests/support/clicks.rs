//! A recording whose clicks were changed.

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
    let options = WriterOptions {
        record_type: RecordType::GenericT2,
        guid: [0; 16],
        created_unix_s: None,
        creator: "test".into(),
        creator_version: "1".into(),
        hardware: "test".into(),
        comment: String::new(),
    };
    let file = File::create(&path).unwrap();
    let mut writer = PtuWriter::new(file, TickLength::CYCLE_150_MHZ, &options).unwrap();
    let mut end = Ticks(0);
    for click in clicks.into_iter().enumerate().filter_map(|(i, click)| change(i, click)) {
        writer.photon(click.tick, click.channel).unwrap();
        end = click.tick;
    }
    writer.finish(end).unwrap();
}
