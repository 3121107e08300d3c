//! The board's serial ports: Arm's CMSDK APB UART (SSE-200 / CMSDK technical reference, "APB
//! UART": DATA, STATE, CTRL, INTSTATUS, BAUDDIV at offsets 0, 4, 8, 12, 16).
#![allow(unsafe_code)]

use core::ptr;

/// UART 0 of mps2-an505 in the secure address space; the others follow at this distance.
const UART0: usize = 0x5020_0000;
const APART: usize = 0x1000;

const DATA: usize = 0;
const STATE: usize = 1;
const CTRL: usize = 2;
const BAUDDIV: usize = 4;

const TX_FULL: u32 = 1;
const RX_FULL: u32 = 2;

/// One port; whole bytes, no interrupts.
pub struct Uart(*mut u32);

impl Uart {
    /// Port `number`, 0 to 4, both ways on. Two for the same port take each other's bytes.
    pub fn new(number: usize) -> Uart {
        let uart = Uart((UART0 + APART * number.min(4)) as *mut u32);
        // The divisor is the least allowed: an emulated line takes bytes as fast as they come.
        uart.write(BAUDDIV, 16);
        uart.write(CTRL, 0b11);
        uart
    }

    /// Hands a byte over if there is room; whether it did.
    pub fn try_put(&mut self, byte: u8) -> bool {
        if self.read(STATE) & TX_FULL != 0 {
            return false;
        }
        self.write(DATA, byte.into());
        true
    }

    /// The next byte, if one has come.
    pub fn try_get(&mut self) -> Option<u8> {
        (self.read(STATE) & RX_FULL != 0).then(|| self.read(DATA) as u8)
    }

    fn read(&self, register: usize) -> u32 {
        // SAFETY: `new` makes pointers to one of the five register blocks of the board only, and
        // the registers used lie within it, aligned; reading has no effect on memory.
        unsafe { ptr::read_volatile(self.0.add(register)) }
    }

    fn write(&self, register: usize, value: u32) {
        // SAFETY: as in `read`; the registers move bytes on a line and touch no memory.
        unsafe { ptr::write_volatile(self.0.add(register), value) }
    }
}
