//! The image of Bob's board without a modulator.
#![no_std]
#![no_main]

use helio_rp2350 as _;

#[rp235x_hal::entry]
fn main() -> ! {
    helio_rp2350::bob::passive()
}
