//! Device time: timer 1 counts the system clock, the one that the PIO samples by.

use crate::chip;
use helio_units::{TickLength, Ticks};
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

/// What a station tells time in: cycles of the timer, or parts of them.
#[derive(Clone, Copy)]
pub struct DeviceTime {
    ticks_a_cycle: u64,
}

impl DeviceTime {
    /// Ticks of 20000/3 ps: the PIO samples by them.
    pub const CYCLES: DeviceTime = DeviceTime { ticks_a_cycle: 1 };

    /// Ticks of 20/3 ps, of a converter; 64 bits of them are four years.
    pub const THOUSANDTHS: DeviceTime = DeviceTime { ticks_a_cycle: 1_000 };

    /// Length of a tick.
    ///
    /// # Panics
    /// Never: both are far below a second.
    pub fn tick_length(self) -> TickLength {
        TickLength::new(20_000 / self.ticks_a_cycle, 3).expect("below a second")
    }

    /// A time of the timer's.
    #[inline]
    pub fn of(self, cycles: Ticks) -> Ticks {
        Ticks(cycles.0 * self.ticks_a_cycle)
    }

    /// Now.
    #[inline]
    pub fn now(self) -> Ticks {
        self.of(now())
    }
}
