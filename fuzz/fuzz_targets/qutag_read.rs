//! quTAG binary: nothing panics, reading in other pieces changes nothing, salvaging
//! gives the same.
//!
//! Every input is used as a whole file and as what follows a beginning that is right, because a
//! fuzzer seldom finds one.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run qutag_read -- -max_total_time=120`

#![no_main]

mod reading;

use helio_trace::TraceFormat;
use libfuzzer_sys::fuzz_target;

use reading::check;

fuzz_target!(|data: &[u8]| {
    check(None, data);
    check(Some(TraceFormat::QuTag), data);
    check(Some(TraceFormat::QuTag), &[&[0; 40], data].concat());
});
