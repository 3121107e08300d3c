//! Becker & Hickl SPC: nothing panics, reading in other pieces changes nothing, salvaging
//! gives the same.
//!
//! Every input is used as a whole file and as what follows a beginning that is right, because a
//! fuzzer seldom finds one.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run spc_read -- -max_total_time=120`

#![no_main]

mod reading;

use helio_trace::TraceFormat;
use libfuzzer_sys::fuzz_target;

use reading::check;

fuzz_target!(|data: &[u8]| {
    check(None, data);
    check(Some(TraceFormat::BeckerHickl), data);
    let header = (500u32 | 1 << 31).to_le_bytes();
    check(Some(TraceFormat::BeckerHickl), &[&header, data].concat());
});
