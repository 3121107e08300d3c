//! Recordings of a device's cable: any file is one or none, what is read is written again byte for
//! byte, and playing it ends.
//!
//! Every input is used twice: as a file, and as what a device has said in a file that is right,
//! because a fuzzer seldom finds a checksum.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run cable_read -- -max_total_time=120`

#![no_main]

use helio_link::Connection;
use helio_link::record::{Chunks, RecordWriter, Replay, Way};
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

fuzz_target!(|data: &[u8]| {
    read(data);
    let mut writer = RecordWriter::new(Vec::new()).expect("memory takes everything");
    for (at, bytes) in data.chunks(50).enumerate() {
        writer.put(Way::FromDevice, at as u64, bytes).expect("memory takes everything");
    }
    read(&writer.finish().expect("memory takes everything"));
});

fn read(file: &[u8]) {
    let Ok(mut chunks) = Chunks::new(file) else { return };
    let mut writer = RecordWriter::new(Vec::new()).expect("memory takes everything");
    for chunk in chunks.by_ref() {
        writer.put(chunk.way, chunk.at_ns, &chunk.bytes).expect("memory takes everything");
    }
    let again = writer.finish().expect("memory takes everything");
    let used = file.len() - chunks.cut_bytes() as usize;
    // Six bytes of the head mean nothing.
    assert_eq!(again[..10], file[..10]);
    assert_eq!(again[16..], file[16..used]);

    let Ok(replay) = Replay::new(file) else { return };
    let mut connection = Connection::new(replay);
    while connection.receive(Duration::ZERO, |_| {}).is_ok() {}
}
