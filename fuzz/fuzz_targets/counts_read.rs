//! Any bytes as a table of counts: rows with a length or a reason each, or the file refused in one
//! line. No length is more than the sifted bits.
#![no_main]

use helio_station::counts::{Row, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut told = Vec::new();
    let mut each = |row: Row| {
        told.push(row.id());
        match row.length() {
            Ok(length) => {
                // What a bound says is at most 2^53 bits, and none of it is no number.
                assert!(length.ell <= 1 << 53, "{length:?}");
                let numbers = [length.s0, length.s1, length.s1_test, length.v, length.phi];
                assert!(numbers.iter().all(|x| x.is_finite() && *x >= 0.0), "{length:?}");
                assert!(length.phi <= 0.5, "{length:?}");
            }
            Err(fault) => told.push(fault.to_string()),
        }
    };
    if let Err(fault) = read(bytes, &mut each) {
        told.push(fault.to_string());
    }
    for words in told {
        assert!(words.lines().count() <= 1, "{words}");
    }
});
