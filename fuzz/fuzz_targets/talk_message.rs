//! Any bytes as a message between the two stations, of every kind: refused, or read and written again
//! as they were. One content has one encoding, so that a transcript says one thing.
//!
//! An input begins with what the reader knows from earlier messages: the number of announced
//! detections and of matches in the test basis, two bytes each, then Bob's bases, a bit each. The
//! message follows.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run talk_message -- -max_total_time=120`

#![no_main]

use helio_distill::parameters::Parameters;
use helio_distill::{Context, inspect, rewrite};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(([a, b, c, d], rest)) = input.split_first_chunk::<4>() else { return };
    let detections = usize::from(u16::from_le_bytes([*a, *b]));
    let tests = usize::from(u16::from_le_bytes([*c, *d]));
    let Some((bases, message)) = rest.split_at_checked(detections.div_ceil(8)) else { return };
    let test_basis: Vec<bool> = (0..detections).map(|i| bases[i / 8] >> (i % 8) & 1 == 1).collect();
    let parameters = Parameters { slots_per_block: 20_000, ..Parameters::example() };
    let context = Context { parameters: &parameters, test_basis: &test_basis, tests };
    let known = inspect(message);
    match rewrite(message, &context) {
        Ok(again) => {
            assert!(known.is_some());
            assert_eq!(again, message);
        }
        Err(why) => assert!(!why.to_string().is_empty()),
    }
});
