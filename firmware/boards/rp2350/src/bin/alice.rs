//! The image of Alice's board.
#![no_std]
#![no_main]

use helio_rp2350 as _;

#[rp235x_hal::entry]
fn main() -> ! {
    helio_rp2350::alice::main()
}
