//! What any device can say of itself: an error, or endpoints that there can be.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run usb_descriptors -- -max_total_time=120`
#![no_main]

use helio_link::usb_pipes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for interface in 0..4 {
        if let Ok((from, to)) = usb_pipes(bytes, interface) {
            assert!((0x81..=0x8f).contains(&from) && (0x01..=0x0f).contains(&to));
        }
    }
});
