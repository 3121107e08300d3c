//! Parquet files: nothing panics, reading in other pieces changes nothing, and salvaging gives the same.
//!
//! The corpus has files of the writer here, without which a fuzzer finds no footer. Every input is used
//! twice: as it is, and with a footer's length and magic behind it that fit its size.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run parquet_read -- -max_total_time=120`

#![no_main]

mod reading;

use helio_trace::TraceFormat;
use libfuzzer_sys::fuzz_target;

use reading::check;

const MAGIC: &[u8] = b"PAR1";

fuzz_target!(|data: &[u8]| {
    check(None, data);
    check(Some(TraceFormat::Parquet), data);
    // The first byte says how much of the rest is the footer.
    let Some((share, content)) = data.split_first() else { return };
    let footer = content.len() * usize::from(*share) / 256;
    let length = (footer as u32).to_le_bytes();
    check(Some(TraceFormat::Parquet), &[MAGIC, content, &length, MAGIC].concat());
});
