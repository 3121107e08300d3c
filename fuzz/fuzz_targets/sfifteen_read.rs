//! S-Fifteen's and qcrypto's words: nothing panics, reading in other pieces changes nothing,
//! salvaging gives the same.
//!
//! Every input is used in both orders of a word's halves, as S-Fifteen's and as qcrypto's.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run sfifteen_read -- -max_total_time=120`

#![no_main]

mod reading;

use helio_trace::TraceFormat;
use libfuzzer_sys::fuzz_target;

use reading::check;

fuzz_target!(|data: &[u8]| {
    check(None, data);
    for format in [TraceFormat::SFifteen, TraceFormat::SFifteenLegacy, TraceFormat::QCrypto] {
        check(Some(format), data);
    }
});
