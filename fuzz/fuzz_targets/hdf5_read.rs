//! HDF5 files: nothing panics, reading in other pieces changes nothing, salvaging gives the same, and no
//! more rows are given than the file can hold.
//!
//! The corpus has files that h5py wrote, without which a fuzzer finds no dataset.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run hdf5_read -- -max_total_time=120`

#![no_main]

mod reading;

use helio_trace::TraceFormat;
use libfuzzer_sys::fuzz_target;

use reading::check;

fuzz_target!(|data: &[u8]| {
    let content = check(None, data);
    check(Some(TraceFormat::Hdf5), data);
    if data.starts_with(b"\x89HDF\r\n\x1a\n") {
        assert!(content.all.photons.len() <= 1032 * data.len());
    }
});
