//! PTU files: nothing panics, reading in other pieces changes nothing, and photons that are in
//! order are written and read again as they were.
//!
//! Every input is used twice: as a whole file, and as the records behind a header that is right,
//! because a fuzzer seldom finds a header.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run ptu_read -- -max_total_time=120`

#![no_main]

use std::io::{Cursor, Read};

use helio_trace::ptu::{RecordType, WriterOptions};
use helio_trace::{Chunk, PtuReader, PtuWriter, TimeTag};
use helio_units::{TickLength, Ticks};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    check(data);
    let mut file = written(&[]);
    file.extend(data);
    check(&file);
});

fn check(file: &[u8]) {
    let (whole, outcome) = read(file);
    let piece = file.len() % 61 + 1;
    let pieces = read(Pieces { file, piece });
    assert_eq!((&pieces.0, &pieces.1), (&whole, &outcome), "in pieces of {piece} bytes");
    // Beyond this the writer would be asked for a gap it rightly refuses.
    let orderly = |t: &TimeTag| t.tick.0 < 1 << 45 && t.channel < 64;
    if whole.is_sorted_by_key(|tag| tag.tick) && whole.iter().all(orderly) {
        assert_eq!(read(&written(&whole)[..]), (whole, String::new()));
    }
}

/// All photons up to the end or the first error, and that error.
fn read(input: impl Read) -> (Vec<TimeTag>, String) {
    let (mut photons, mut chunk) = (Vec::new(), Chunk::default());
    let mut reader = match PtuReader::new(input) {
        Ok(reader) => reader,
        Err(err) => return (photons, err.to_string()),
    };
    loop {
        match reader.read_chunk(&mut chunk) {
            Ok(true) => photons.extend(&chunk.photons),
            Ok(false) => return (photons, String::new()),
            Err(err) => return (photons, err.to_string()),
        }
    }
}

fn written(photons: &[TimeTag]) -> Vec<u8> {
    let options = WriterOptions {
        record_type: RecordType::GenericT2,
        guid: [0; 16],
        created_unix_s: None,
        creator: "fuzz".into(),
        creator_version: String::new(),
        hardware: String::new(),
        comment: String::new(),
    };
    let tick = TickLength::new(1, 1).expect("a picosecond");
    let out = Cursor::new(Vec::new());
    let mut writer = PtuWriter::new(out, tick, &options).expect("memory");
    for tag in photons {
        writer.photon(tag.tick, tag.channel).expect("in order, channel below 64");
    }
    writer.finish(Ticks(0)).expect("memory").into_inner()
}

/// Gives at most `piece` bytes at a time.
struct Pieces<'a> {
    file: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(self.piece);
        self.file.read(&mut buffer[..length])
    }
}
