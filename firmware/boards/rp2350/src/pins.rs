//! Pins as the table of `helio-pio` has them, and the light's control on core 0.

use crate::spi::{BusPins, ConverterPins};
use embedded_hal::digital::PinState;
use helio_bench::{Modulator, PhaseRandomisation, PulseSource, SourceStatement};
use helio_panel::LONGEST_DELAY;
use helio_pio::pins as table;
use helio_units::{Hertz, MeanPhotons, Picoseconds};
use rp235x_hal::adc::AdcPin;
use rp235x_hal::gpio::{
    DynPinId, FunctionPio0, FunctionSioInput, FunctionSioOutput, Pin, Pins, PullNone,
};

pub type Output = Pin<DynPinId, FunctionSioOutput, PullNone>;
pub type Input = Pin<DynPinId, FunctionSioInput, PullNone>;

/// The pins that firmware reads and drives.
pub struct BoardPins {
    pub heartbeat: Output,
    pub contact: Input,
    pub enable: Output,
    pub enable_sense: Input,
}

/// The pins of the chips: the bus, and the chip selects of DAC, fine delays and stopwatch.
pub struct ChipPins {
    pub bus: BusPins,
    pub selects: [Output; 3],
}

macro_rules! pio {
    ($pins:ident: $($name:ident),*) => {
        $(let _ = $pins.$name.into_function::<FunctionPio0>().into_pull_type::<PullNone>();)*
    };
}

macro_rules! deselected {
    ($pin:expr) => {
        // High before it is driven: no chip listens.
        $pin.into_push_pull_output_in_state(PinState::High).into_pull_type().into_dyn_pin()
    };
}

/// What the player's settings pins, 8 to 11, are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wiring {
    /// Outputs of the player.
    Player,
    /// The bus of a time-to-digital converter: nothing is played.
    Converter,
}

/// Hands every pin to whom the table gives it. No internal pull: pads of stepping A2 latch.
pub fn assign(pins: Pins, wiring: Wiring) -> (BoardPins, ChipPins, Option<ConverterPins>) {
    const { assert!(table::HEARTBEAT == 21 && table::CONTACT == 22) };
    const { assert!(table::ENABLE == 26 && table::ENABLE_SENSE == 20) };
    const { assert!(table::CS_TDC == 0 && table::CS_DELAY == 1 && table::CS_DAC == 17) };
    const { assert!(table::SPI_MISO == 16 && table::SPI_CLOCK == 18 && table::SPI_MOSI == 19) };
    const { assert!(table::BIAS_SENSE == 28 && table::SUPPLY_SENSE == 29) };
    pio!(pins: gpio2, gpio3, gpio4, gpio5, gpio6, gpio7, gpio27);
    pio!(pins: gpio12, gpio13, gpio14, gpio15);
    const { assert!(table::CONVERTER_MISO == 8 && table::CS_CONVERTER == 9) };
    const { assert!(table::CONVERTER_CLOCK == 10 && table::CONVERTER_MOSI == 11) };
    let converter = match wiring {
        Wiring::Player => {
            pio!(pins: gpio8, gpio9, gpio10, gpio11);
            None
        }
        Wiring::Converter => Some(ConverterPins {
            bus: (
                pins.gpio11.into_function().into_pull_type(),
                pins.gpio8.into_function().into_pull_type(),
                pins.gpio10.into_function().into_pull_type(),
            ),
            select: deselected!(pins.gpio9),
        }),
    };
    // Their digital inputs are off; there is nothing more to do with them.
    let _ = AdcPin::new(pins.gpio28.into_floating_input());
    let _ = AdcPin::new(pins.gpio29.into_floating_input());
    let board = BoardPins {
        heartbeat: pins.gpio21.into_push_pull_output().into_pull_type().into_dyn_pin(),
        contact: pins.gpio22.into_floating_input().into_dyn_pin(),
        enable: pins.gpio26.into_push_pull_output().into_pull_type().into_dyn_pin(),
        enable_sense: pins.gpio20.into_floating_input().into_dyn_pin(),
    };
    let chips = ChipPins {
        bus: (
            pins.gpio19.into_function().into_pull_type(),
            pins.gpio16.into_function().into_pull_type(),
            pins.gpio18.into_function().into_pull_type(),
        ),
        selects: [deselected!(pins.gpio17), deselected!(pins.gpio1), deselected!(pins.gpio0)],
    };
    (board, chips, converter)
}

/// The laser driver of the reference bench: three levels by an analogue switch.
///
/// The levels are what the bench was built for; what the light really is belongs to the station's
/// calibration, and no uncertainty is claimed for numbers that nobody measured.
pub struct LaserStatement {
    levels: [MeanPhotons; 3],
}

impl LaserStatement {
    pub fn new() -> LaserStatement {
        let level = |mean| MeanPhotons::new(mean).unwrap_or(MeanPhotons::VACUUM);
        LaserStatement { levels: [level(0.5), level(0.1), MeanPhotons::VACUUM] }
    }
}

impl PulseSource for LaserStatement {
    fn max_trigger_rate(&self) -> Hertz {
        Hertz(1_000_000)
    }

    fn levels(&self) -> &[MeanPhotons] {
        &self.levels
    }

    /// The fine delays, which core 0 sets by `Orders::delays`.
    fn delay_range(&self) -> Option<(Picoseconds, Picoseconds)> {
        Some((Picoseconds(0), LONGEST_DELAY))
    }

    fn statement(&self) -> SourceStatement {
        SourceStatement { phase: PhaseRandomisation::Unknown, intensity_uncertainty: None }
    }

    /// The line belongs to core 0's loop, which drives it by `Orders::enable`.
    fn set_enabled(&mut self, _: bool) {}

    fn is_enabled(&self) -> bool {
        false
    }
}

/// One laser or switch a state: settles within the time of an analogue switch.
pub struct SwitchModulator;

impl Modulator for SwitchModulator {
    fn settling_time(&self) -> Picoseconds {
        Picoseconds(100_000)
    }
}
