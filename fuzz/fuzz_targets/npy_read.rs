//! NumPy arrays: nothing panics, reading in other pieces changes nothing, salvaging gives the same,
//! and what was read whole is read again from what is written of it.
//!
//! Every input is used three times: as a file, as the dictionary of a header, and as the elements
//! behind a header that is right, because a fuzzer seldom finds one.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run npy_read -- -max_total_time=120`

#![no_main]

mod reading;

use std::io::Cursor;

use helio_trace::{Chunk, Dtime, TraceFormat, WriteSettings, writer};
use helio_units::TickLength;
use libfuzzer_sys::fuzz_target;

use reading::{Content, check};

fuzz_target!(|data: &[u8]| {
    rewrite(check(None, data));
    check(Some(TraceFormat::Npy), data);
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    let length = data.len().min(9000);
    file.extend((length as u16).to_le_bytes());
    file.extend(data);
    check(None, &file);
    // Rows behind a shape of none, as of a writing that was broken off, and behind their own.
    let mut file = written(&Chunk::default());
    file.extend(data);
    rewrite(check(None, &file));
    let shape = file.windows(SHAPE.len()).position(|text| text == SHAPE).expect("a shape of none");
    let claimed = format!("({},), }}", data.len() / ROW_BYTES);
    file[shape..shape + claimed.len()].copy_from_slice(claimed.as_bytes());
    rewrite(check(None, &file));
});

/// Of an array without rows; blanks follow it.
const SHAPE: &[u8] = b"(0,), }";
/// Time, channel, dtime, kind and missed.
const ROW_BYTES: usize = 8 + 1 + 2 + 1 + 2;

fn rewrite(content: Content) {
    let Content { all, fault, .. } = content;
    // Some formats are read in the file's order, which no array may have.
    let orderly = all.photons.is_sorted_by_key(|tag| tag.tick)
        && all.photons.iter().all(|tag| tag.tick.0 <= i64::MAX as u64);
    if fault.is_empty() && orderly && all.photons.len() == all.dtimes.len() {
        let again = check(None, &written(&all));
        assert_eq!((again.all.photons, again.fault), (all.photons, String::new()));
    }
}

fn written(chunk: &Chunk) -> Vec<u8> {
    let tick = TickLength::new(125, 32).expect("a real instrument's");
    let settings = WriteSettings {
        dtime: Some(Dtime { unit: None, adds: false }),
        counts_missed: true,
        ..WriteSettings::new(tick)
    };
    let mut file = Vec::new();
    let mut writer = writer(Cursor::new(&mut file), TraceFormat::Npy, &settings).expect("memory");
    // Times of the other kinds may be beyond what a table holds.
    let photons = Chunk { markers: vec![], syncs: vec![], losses: vec![], ..chunk.clone() };
    writer.write_chunk(&photons).expect("times below 2^63");
    writer.finish().expect("memory");
    file
}
