//! A tape of a station's talk: read or refused, and what is read can be written again.
#![no_main]

use helio_station::recording::tape::{TapeReader, begin, write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = TapeReader::new(bytes) else { return };
    let mut again = Vec::new();
    begin(&mut again).expect("memory");
    let mut records = Vec::new();
    while let Ok(Some(record)) = reader.next_record() {
        write(&mut again, &record).expect("memory");
        records.push(record);
    }
    let mut reader = TapeReader::new(again.as_slice()).expect("what was written is read");
    for record in &records {
        assert_eq!(reader.next_record().as_ref(), Ok(&Some(record.clone())));
    }
});
