//! Any bytes as certificates: read and computed again, or refused in one line. One that stands says
//! the length that follows.
#![no_main]

use helio_distill::certificate::{contradictions, examine};
use helio_station::certificates::{Paper, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut each = |paper: Paper| {
        if let Ok(found) = examine(&paper.public)
            && found.differences.is_empty()
        {
            assert_eq!(found.length, paper.public.length);
            assert!(found.length > 0 && found.length <= paper.public.announced.counts.sifted());
        }
        if let Some(private) = &paper.private {
            let _ = contradictions(&paper.public, private);
        }
    };
    if let Err(fault) = read(bytes, &mut each) {
        assert_eq!(fault.to_string().lines().count(), 1, "{fault}");
    }
});
