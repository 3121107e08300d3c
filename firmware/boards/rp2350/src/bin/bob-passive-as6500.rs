//! The image of Bob's board without a modulator, with an AS6500 at his detectors.
#![no_std]
#![no_main]

use helio_rp2350 as _;

#[rp235x_hal::entry]
fn main() -> ! {
    helio_rp2350::bob::converter()
}
