//! Whatever comes over the line between two stations: a frame, an opening, the open part of a message.
#![no_main]

use helio_station::line::{Frame, Opening};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Frame::from_bytes(bytes.to_vec()) {
        Ok(Frame::Opening(text)) => {
            if let Ok(opening) = Opening::from_bytes(&text) {
                assert_eq!(Opening::from_bytes(&opening.to_bytes()), Ok(opening));
            }
        }
        Ok(Frame::Talk(message)) => {
            let _ = helio_distill::inspect(&message);
        }
        Ok(frame) => assert_eq!(Frame::from_bytes(frame.to_bytes()), Ok(frame)),
        Err(bad) => assert!(!bad.to_string().contains('\n')),
    }
});
