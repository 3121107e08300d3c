//! Device time: timer 1 counts the system clock, the one that the PIO samples by.

use crate::chip;
use helio_units::Ticks;
use rp235x_hal::pac;

/// Counts from zero. To be called once, before anything asks the time.
pub fn start(resets: &mut pac::RESETS) {
    resets.reset().modify(|_, w| w.timer1().set_bit());
    resets.reset().modify(|_, w| w.timer1().clear_bit());
    while resets.reset_done().read().timer1().bit_is_clear() {}
    chip::timer().source().write(|w| w.clk_sys().clk_sys());
}

/// Now; never runs backwards.
#[inline]
pub fn now() -> Ticks {
    let timer = chip::timer();
    let mut high = timer.timerawh().read().bits();
    loop {
        let low = timer.timerawl().read().bits();
        let again = timer.timerawh().read().bits();
        if again == high {
            return Ticks(u64::from(high) << 32 | u64::from(low));
        }
        high = again;
    }
}
