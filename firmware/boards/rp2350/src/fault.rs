//! A panic or a hard fault: dark, counted, and the watchdog starts anew.
#![allow(unsafe_code)]

use crate::{chip, dma, kept};
use core::panic::PanicInfo;
use cortex_m_rt::{ExceptionFrame, exception};
use helio_pio::pins::{ENABLE, HEARTBEAT};

fn stop() -> ! {
    cortex_m::interrupt::disable();
    // SAFETY: outputs low. This is not what makes the device dark: the DMA has one finite block,
    // the monostable gets no heartbeat and falls, and the watchdog resets the chip.
    unsafe {
        chip::sio().gpio_out_clr().write(|w| w.bits(1 << ENABLE | 1 << HEARTBEAT));
    }
    dma::stop_player();
    helio_pio::port::halt(&mut crate::port::Pio);
    kept::remember(kept::faults().another());
    loop {
        cortex_m::asm::nop();
    }
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    stop()
}

#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    stop()
}
