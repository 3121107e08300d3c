//! Swabian's 16-byte tags: nothing panics, reading in other pieces changes nothing, salvaging
//! gives the same.
//!
//! Every input is used as what its content says and as this format.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run swabian_read -- -max_total_time=120`

#![no_main]

mod reading;

use helio_trace::TraceFormat;
use libfuzzer_sys::fuzz_target;

use reading::check;

fuzz_target!(|data: &[u8]| {
    check(None, data);
    check(Some(TraceFormat::Swabian), data);
});
