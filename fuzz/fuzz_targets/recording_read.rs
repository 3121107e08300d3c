//! Recordings: nothing panics, reading in other pieces changes nothing, and what was read is
//! written and read again as it was.
//!
//! Every input is used as a whole file, as the blocks behind a header that is right, and as blocks
//! whose checksums are right, because a fuzzer finds none.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run recording_read -- -max_total_time=120`

#![no_main]

mod reading;

use helio_trace::{Chunk, Dtime, RecordingOptions, RecordingWriter, WriteSettings};
use helio_units::TickLength;
use libfuzzer_sys::fuzz_target;

use reading::check;

const HEAD: usize = 64;

fuzz_target!(|data: &[u8]| {
    again(data);
    let mut file = written(&Chunk::default());
    // Without its index, which is a block of no entries.
    file.truncate(file.len() - HEAD - 16);
    let begin = file.len();
    file.extend(data);
    again(&file);
    seal(&mut file[begin..]);
    again(&file);
    let mut sealed = data.to_vec();
    if let Some(begin) = data.get(12..16).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])) {
        if let Some(blocks) = sealed.get_mut(begin as usize..) {
            seal(blocks);
            again(&sealed);
        }
    }
});

/// Puts names, numbers, lengths that end with the file, and checksums right.
fn seal(mut blocks: &mut [u8]) {
    let mut number = 0u32;
    while blocks.len() >= HEAD {
        let (head, rest) = blocks.split_at_mut(HEAD);
        head[..4].copy_from_slice(b"HTRB");
        head[6..8].fill(0);
        head[8..12].copy_from_slice(&number.to_le_bytes());
        let claimed = u32::from_le_bytes([head[12], head[13], head[14], head[15]]) as usize;
        let length = claimed.min(rest.len());
        head[12..16].copy_from_slice(&(length as u32).to_le_bytes());
        let (payload, rest) = rest.split_at_mut(length);
        head[56..60].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
        let crc = crc32fast::hash(&head[..60]);
        head[60..].copy_from_slice(&crc.to_le_bytes());
        number += u32::from(head[4] == 0);
        blocks = rest;
    }
}

fn again(file: &[u8]) {
    let all = check(None, file).all;
    let content = check(None, &written(&all));
    assert_eq!((content.all, content.fault), (all, String::new()));
}

fn written(all: &Chunk) -> Vec<u8> {
    let tick = TickLength::new(1, 1).expect("a picosecond");
    let dtime = (!all.dtimes.is_empty()).then_some(Dtime { unit: None, adds: false });
    let settings = WriteSettings { dtime, ..WriteSettings::new(tick) };
    let mut out = Vec::new();
    let options = RecordingOptions { block_records: 1000 };
    let mut writer = RecordingWriter::new(&mut out, &settings, options).expect("memory");
    writer.write_chunk(all).expect("memory");
    writer.finish().expect("memory");
    out
}
