//! The pin budget of a Pico 2 (RP2350A, 30 GPIO).

/// Which way a pin goes, and what holds it while the chip is in reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Driven by the PIO; an external pull-down keeps it low in reset.
    PioOut,
    /// Sampled by the PIO; the front end drives it low when idle.
    PioIn,
    /// Driven by the processor.
    Out,
    /// Read by the processor.
    In,
    /// SPI bus 0.
    Spi,
    /// Read by the converter.
    Analog,
    /// Taken by the Pico 2 itself.
    Board,
    /// Not used: no pull, no function.
    Free,
}

/// One GPIO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Its number.
    pub gpio: u8,
    /// Its name in the wiring guide.
    pub name: &'static str,
    /// Who drives it.
    pub direction: Direction,
    /// An external pull-down of at most 8.2 kΩ belongs here: the pads' own pull-downs latch high on
    /// stepping A2 (erratum RP2350-E9).
    pub pull_down: bool,
}

const fn pin(gpio: u8, name: &'static str, direction: Direction, pull_down: bool) -> Pin {
    Pin { gpio, name, direction, pull_down }
}

/// First of the four detector inputs; they are contiguous because one `in pins, 4` reads them.
pub const DETECTOR_BASE: u8 = 2;
/// The sync photodiode, or the wire from the other station; channel 4 of the capture.
pub const SYNC_IN: u8 = 6;
/// 10 MHz divided, or one pulse a second; channel 5. The same `in pins, 2` reads it.
pub const REF_IN: u8 = 7;
/// First of the eight outputs of the slot player.
pub const OUTPUT_BASE: u8 = 8;
/// Two pins: polarization at Alice, basis and swap at Bob.
pub const MODULATOR: u8 = 8;
/// Two pins: which preset level.
pub const INTENSITY: u8 = 10;
/// First of the four pins that are high for the pulse's width only.
pub const PULSE_BASE: u8 = 12;
/// The laser driver's trigger.
pub const LASER: u8 = 12;
/// Follows laser or gate, for an oscilloscope.
pub const TRIG_OUT: u8 = 13;
/// The detector gate.
pub const GATE: u8 = 14;
/// Sync laser or SYNC OUT.
pub const MARKER: u8 = 15;
/// Begins a burst from outside.
pub const TRIG_IN: u8 = 27;
/// Feeds the monostable that holds the laser's enable line.
pub const HEARTBEAT: u8 = 21;
/// The interlock loop or key contact: high when closed.
pub const CONTACT: u8 = 22;
/// Request for the enable line, ahead of the hardware AND.
pub const ENABLE: u8 = 26;
/// The enable line behind the hardware AND.
pub const ENABLE_SENSE: u8 = 20;
/// A voltage of the bench, divided to 0 V to 3.3 V: only 26 to 29 reach the converter.
pub const BIAS_SENSE: u8 = 28;
/// A third of the board's supply, by the Pico's own divider.
pub const SUPPLY_SENSE: u8 = 29;
/// The light on the board.
pub const LED: u8 = 25;
/// Chip selects and bus of the chips.
pub const SPI_MISO: u8 = 16;
/// Chip select of the DAC.
pub const CS_DAC: u8 = 17;
/// Clock of the bus.
pub const SPI_CLOCK: u8 = 18;
/// Data to the chips.
pub const SPI_MOSI: u8 = 19;
/// Chip select of the time-to-digital converter.
pub const CS_TDC: u8 = 0;
/// Chip select of the fine delay.
pub const CS_DELAY: u8 = 1;

/// SPI 1 of a receiver that plays nothing, to its time-to-digital converter, in the place of
/// [`MODULATOR`] and [`INTENSITY`]: data from the chip.
pub const CONVERTER_MISO: u8 = 8;
/// Chip select of that converter.
pub const CS_CONVERTER: u8 = 9;
/// Clock of that bus.
pub const CONVERTER_CLOCK: u8 = 10;
/// Data to the chip.
pub const CONVERTER_MOSI: u8 = 11;

/// All pins in order of their number.
pub const PINS: [Pin; 30] = [
    pin(CS_TDC, "CS TDC", Direction::Out, false),
    pin(CS_DELAY, "CS DELAY", Direction::Out, false),
    pin(2, "DET 0", Direction::PioIn, true),
    pin(3, "DET 1", Direction::PioIn, true),
    pin(4, "DET 2", Direction::PioIn, true),
    pin(5, "DET 3", Direction::PioIn, true),
    pin(SYNC_IN, "SYNC IN", Direction::PioIn, true),
    pin(REF_IN, "REF IN", Direction::PioIn, true),
    pin(MODULATOR, "MOD 0", Direction::PioOut, true),
    pin(9, "MOD 1", Direction::PioOut, true),
    pin(INTENSITY, "LEVEL 0", Direction::PioOut, true),
    pin(11, "LEVEL 1", Direction::PioOut, true),
    pin(LASER, "LASER", Direction::PioOut, true),
    pin(TRIG_OUT, "TRIG OUT", Direction::PioOut, true),
    pin(GATE, "GATE", Direction::PioOut, true),
    pin(MARKER, "SYNC OUT", Direction::PioOut, true),
    pin(SPI_MISO, "SPI MISO", Direction::Spi, false),
    pin(CS_DAC, "CS DAC", Direction::Out, false),
    pin(SPI_CLOCK, "SPI CLOCK", Direction::Spi, false),
    pin(SPI_MOSI, "SPI MOSI", Direction::Spi, false),
    pin(ENABLE_SENSE, "ENABLE SENSE", Direction::In, true),
    pin(HEARTBEAT, "HEARTBEAT", Direction::Out, true),
    pin(CONTACT, "INTERLOCK", Direction::In, true),
    pin(23, "regulator mode", Direction::Board, false),
    pin(24, "VBUS sense", Direction::Board, false),
    pin(LED, "LED", Direction::Board, false),
    pin(ENABLE, "ENABLE", Direction::Out, true),
    pin(TRIG_IN, "TRIG IN", Direction::PioIn, true),
    pin(BIAS_SENSE, "BIAS SENSE", Direction::Analog, false),
    pin(SUPPLY_SENSE, "VSYS sense", Direction::Board, false),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pin_stands_at_its_number_under_a_name_of_its_own() {
        for (i, p) in PINS.iter().enumerate() {
            assert_eq!(usize::from(p.gpio), i);
            assert!(!PINS[..i].iter().any(|q| q.name == p.name), "{}", p.name);
        }
    }

    #[test]
    fn whatever_can_make_light_or_a_false_click_is_held_low_from_outside() {
        for p in PINS {
            let needs = matches!(p.direction, Direction::PioIn | Direction::PioOut);
            assert!(!needs || p.pull_down, "{}", p.name);
        }
        for gpio in [ENABLE, CONTACT, HEARTBEAT] {
            assert!(PINS[usize::from(gpio)].pull_down);
        }
    }

    #[test]
    fn groups_that_one_instruction_reaches_are_contiguous() {
        let names = |base: u8, n: usize| PINS[usize::from(base)..][..n].iter().map(|p| p.name);
        assert!(names(DETECTOR_BASE, 4).eq(["DET 0", "DET 1", "DET 2", "DET 3"]));
        assert!(names(SYNC_IN, 2).eq(["SYNC IN", "REF IN"]));
        assert!(names(OUTPUT_BASE, 4).eq(["MOD 0", "MOD 1", "LEVEL 0", "LEVEL 1"]));
        assert!(names(PULSE_BASE, 4).eq(["LASER", "TRIG OUT", "GATE", "SYNC OUT"]));
        assert_eq!(PULSE_BASE, OUTPUT_BASE + 4);
        let converter = [CONVERTER_MISO, CS_CONVERTER, CONVERTER_CLOCK, CONVERTER_MOSI];
        assert_eq!(converter, [0, 1, 2, 3].map(|n| OUTPUT_BASE + n), "what only a player needs");
    }
}
