//! The converter, asked and never waited for.
#![allow(unsafe_code)]

use crate::chip;
use helio_panel::{Analog, Input};
use helio_pio::pins::{BIAS_SENSE, SUPPLY_SENSE};
use rp235x_hal::pac;

/// Input 0 of the converter is this pin.
const FIRST_PIN: u8 = 26;

/// The sensor on the chip, in the package with 30 pins.
const TEMPERATURE: u8 = 4;

/// The converter of this chip.
pub struct Converter {
    input: Input,
}

impl Converter {
    /// Takes it out of reset and switches the temperature sensor on.
    pub fn new(resets: &mut pac::RESETS) -> Converter {
        resets.reset().modify(|_, w| w.adc().set_bit());
        resets.reset().modify(|_, w| w.adc().clear_bit());
        while resets.reset_done().read().adc().bit_is_clear() {}
        chip::adc().cs().write(|w| w.en().set_bit().ts_en().set_bit());
        // Microseconds; without a clock it is never ready, and then there are no values.
        for _ in 0..10_000 {
            if chip::adc().cs().read().ready().bit_is_set() {
                break;
            }
        }
        Converter { input: Input::Temperature }
    }
}

impl Analog for Converter {
    fn take(&mut self) -> Option<u16> {
        let status = chip::adc().cs().read();
        if status.ready().bit_is_clear() {
            return None;
        }
        if status.err().bit_is_set() {
            // It did not settle: once more.
            self.begin(self.input);
            return None;
        }
        Some(chip::adc().result().read().result().bits())
    }

    fn begin(&mut self, input: Input) {
        self.input = input;
        let channel = match input {
            Input::Temperature => TEMPERATURE,
            Input::Bias => BIAS_SENSE - FIRST_PIN,
            Input::Supply => SUPPLY_SENSE - FIRST_PIN,
        };
        chip::adc().cs().write(|w| {
            // SAFETY: one of the five inputs that there are.
            unsafe { w.ainsel().bits(channel) };
            w.en().set_bit().ts_en().set_bit().start_once().set_bit()
        });
    }
}
