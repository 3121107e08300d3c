//! The registers of a state machine as the reference manual lays them out (RP2350 data sheet,
//! chapter PIO, list of registers `SMx_CLKDIV`, `SMx_EXECCTRL`, `SMx_SHIFTCTRL`, `SMx_PINCTRL`).

use crate::pins;
use crate::program::{self, Program};

/// What is written to a state machine before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// `SMx_CLKDIV`
    pub clock_divider: u32,
    /// `SMx_EXECCTRL`
    pub execution: u32,
    /// `SMx_SHIFTCTRL`
    pub shift: u32,
    /// `SMx_PINCTRL`
    pub pins: u32,
}

/// One instruction a cycle of the system clock.
const EVERY_CYCLE: u32 = 1 << 16;

const JOIN_RX: u32 = 1 << 31;
const JOIN_TX: u32 = 1 << 30;
const OUT_RIGHT: u32 = 1 << 19;
const IN_RIGHT: u32 = 1 << 18;
const AUTOPUSH: u32 = 1 << 16;

const fn execution(program: Program) -> u32 {
    (program.wrap_top as u32) << 12 | (program.wrap_bottom as u32) << 7
}

/// Raw sampling of `count` pins from `base`: autopush at 32 bits, oldest sample in the low bits.
const fn capture(program: Program, base: u8, count: u8) -> Registers {
    Registers {
        clock_divider: EVERY_CYCLE,
        execution: execution(program),
        shift: JOIN_RX | OUT_RIGHT | IN_RIGHT | AUTOPUSH | count as u32,
        pins: (base as u32) << 15,
    }
}

/// State machine 0.
pub const DETECTORS: Registers = capture(program::DETECTORS, pins::DETECTOR_BASE, 4);

/// State machine 1.
pub const AUX: Registers = capture(program::AUX, pins::SYNC_IN, 2);

/// State machine 2.
pub const BEACON: Registers = Registers {
    clock_divider: EVERY_CYCLE,
    execution: execution(program::BEACON),
    shift: OUT_RIGHT | IN_RIGHT,
    pins: 0,
};

/// State machine 3.
pub const PLAYER: Registers = Registers {
    clock_divider: EVERY_CYCLE,
    execution: execution(program::SLOT),
    shift: JOIN_TX | OUT_RIGHT | IN_RIGHT,
    pins: 4 << 26
        | 8 << 20
        | (pins::TRIG_IN as u32) << 15
        | (pins::PULSE_BASE as u32) << 5
        | pins::OUTPUT_BASE as u32,
};
