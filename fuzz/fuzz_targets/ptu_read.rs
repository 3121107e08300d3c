//! PTU files: nothing panics, reading in other pieces changes nothing, and photons that are in
//! order are written and read again as they were.
//!
//! Every input is used three times: as a whole file, and as the records behind a header that is
//! right, of T2 and of T3, because a fuzzer seldom finds a header.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run ptu_read -- -max_total_time=120`

#![no_main]

mod reading;

use std::io::Cursor;

use helio_trace::{Chunk, RecordType, TimeTag, TraceFormat, WriteSettings, writer};
use helio_units::TickLength;
use libfuzzer_sys::fuzz_target;

use reading::check;

fuzz_target!(|data: &[u8]| {
    rewrite(data);
    let mut file = written(&[]);
    file.extend(data);
    rewrite(&file);
    // Which of the record types it is: the first byte says.
    let code = TYPES[usize::from(data.first().copied().unwrap_or(0)) % TYPES.len()];
    let name = b"TTResultFormat_TTTRRecType";
    let at = file.windows(name.len()).position(|w| w == name).expect("it is written");
    file[at + 40..at + 44].copy_from_slice(&code.to_le_bytes());
    check(None, &file);
});

const TYPES: [u32; 7] =
    [0x0001_0203, 0x0001_0303, 0x0001_0204, 0x0001_0304, 0x0101_0304, 0x0001_0305, 0x0001_0307];

fn rewrite(file: &[u8]) {
    let content = check(None, file);
    let whole = content.all.photons;
    // Beyond this the writer would be asked for a gap it rightly refuses.
    let orderly = |t: &TimeTag| t.tick.0 < 1 << 45 && t.channel < 64;
    if whole.is_sorted_by_key(|tag| tag.tick) && whole.iter().all(orderly) {
        let again = check(None, &written(&whole));
        assert_eq!((again.all.photons, again.fault), (whole, String::new()));
    }
}

fn written(photons: &[TimeTag]) -> Vec<u8> {
    let tick = TickLength::new(1, 1).expect("a picosecond");
    let settings =
        WriteSettings { record_type: Some(RecordType::GenericT2), ..WriteSettings::new(tick) };
    let mut file = Vec::new();
    let mut writer =
        writer(Cursor::new(&mut file), TraceFormat::PicoQuantPtu, &settings).expect("memory");
    let chunk = Chunk { photons: photons.to_vec(), ..Chunk::default() };
    writer.write_chunk(&chunk).expect("in order, channel below 64");
    writer.finish().expect("memory");
    file
}
