//! The PIO's instruction memory, word for word. The source is `station.pio`.

/// Instructions, loaded at address 0.
#[rustfmt::skip]
pub const WORDS: [u16; 23] = [
    0x4004, //  0 in pins, 4
    0x4002, //  1 in pins, 2
    0xA026, //  2 mov x, isr
    0x0043, //  3 jmp x-- 3
    0xC004, //  4 irq set 4
    0x2020, //  5 wait 0 pin 0
    0x20A0, //  6 wait 1 pin 0
    0x0009, //  7 jmp 9
    0x20C4, //  8 wait 1 irq 4
    0xA023, //  9 mov x, null
    0x8080, // 10 pull noblock
    0x6004, // 11 out pins, 4
    0xA026, // 12 mov x, isr
    0x004D, // 13 jmp x-- 13
    0x6008, // 14 out pins, 8
    0xA022, // 15 mov x, y
    0x0050, // 16 jmp x-- 16
    0xE000, // 17 set pins, 0
    0x6034, // 18 out x, 20
    0x0035, // 19 jmp !x 21
    0x0054, // 20 jmp x-- 20
    0xC000, // 21 irq set 0
    0x0016, // 22 jmp 22
];

/// Where a state machine begins, and the loop that its wrap makes without a jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// First instruction.
    pub entry: u8,
    /// The wrap goes here …
    pub wrap_bottom: u8,
    /// … after this instruction.
    pub wrap_top: u8,
}

/// Samples the four detector pins each tick.
pub const DETECTORS: Program = Program { entry: 0, wrap_bottom: 0, wrap_top: 0 };

/// Samples SYNC IN and REF IN each tick.
pub const AUX: Program = Program { entry: 1, wrap_bottom: 1, wrap_top: 1 };

/// Sets [`BEACON_FLAG`] each `ISR + 3` ticks.
pub const BEACON: Program = Program { entry: 2, wrap_bottom: 2, wrap_top: 4 };

/// The slot player, begun by the next beacon.
pub const SLOT: Program = Program { entry: 8, wrap_bottom: 9, wrap_top: 20 };

/// Entry of the slot player that waits for a rising edge of TRIG IN.
pub const TRIGGERED_ENTRY: u8 = 5;

/// Where a player stands that has run out of words.
pub const STOPPED: u8 = 22;

/// Flag of the PIO that the beacon sets and a player takes.
pub const BEACON_FLAG: u8 = 4;

/// Flag of the PIO, and interrupt of the processor, that a player sets when it has run out of
/// words.
pub const PARKED_FLAG: u8 = 0;

/// Instructions that the processor has a state machine carry out before it is enabled.
pub mod forced {
    /// `pull block`: OSR from the FIFO.
    pub const PULL: u16 = 0x80A0;
    /// `mov isr, osr`
    pub const ISR_FROM_OSR: u16 = 0xA0C7;
    /// `mov y, osr`
    pub const Y_FROM_OSR: u16 = 0xA047;
    /// `mov osr, ~null`
    pub const OSR_ONES: u16 = 0xA0EB;
    /// `out pindirs, 8`: with ones in OSR, the eight output pins are driven.
    pub const DRIVE_PINS: u16 = 0x6088;
    /// `mov pins, null`: all eight output pins low.
    pub const PINS_LOW: u16 = 0xA003;

    /// `jmp address`
    pub const fn jump(address: u8) -> u16 {
        (address & 31) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_assembler_gives_exactly_these_words() {
        let assembled = pio::pio_file!("src/station.pio");
        let at = &assembled.public_defines;
        assert_eq!(assembled.program.code.as_slice(), WORDS, "{:04X?}", assembled.program.code);
        let program = |entry: i32, bottom: i32, top: i32| Program {
            entry: entry as u8,
            wrap_bottom: bottom as u8,
            wrap_top: top as u8,
        };
        assert_eq!(DETECTORS, program(at.detectors, at.detectors, at.detectors));
        assert_eq!(AUX, program(at.aux, at.aux, at.aux));
        assert_eq!(BEACON, program(at.beacon, at.beacon, at.beacon_top));
        assert_eq!(SLOT, program(at.start, at.slot, at.tail));
        assert_eq!(i32::from(TRIGGERED_ENTRY), at.triggered);
        assert_eq!(i32::from(STOPPED), at.stopped);
    }

    #[test]
    fn forced_instructions_are_what_they_are_called() {
        let forced = pio::pio_asm!(
            "pull block",
            "mov isr, osr",
            "mov y, osr",
            "mov osr, ~null",
            "out pindirs, 8",
            "mov pins, null",
            "jmp 6",
            "nop",
            "nop",
        );
        let words = [
            forced::PULL,
            forced::ISR_FROM_OSR,
            forced::Y_FROM_OSR,
            forced::OSR_ONES,
            forced::DRIVE_PINS,
            forced::PINS_LOW,
            forced::jump(6),
        ];
        assert_eq!(forced.program.code[..7], words);
    }
}
