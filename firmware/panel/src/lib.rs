//! What a bench board has to set and to sense: the chips of `docs/bench-electronics.md` and the
//! microcontroller's own sensors behind [`helio_bench::Board`], over any `embedded-hal` bus.
//!
//! | part | station | entries |
//! |---|---|---|
//! | AD5686R | Alice | `laser.level.0` … `3`, the voltages that the analogue switch chooses among |
//! | AD5686R | Bob | `detector.threshold.0` … |
//! | four SY89295U behind 74HC595 | Alice | none: [`Panel::set_delay`] does what the firmware's own entries say |
//! | TDC7200 | both | `sensor.stopwatch`, `board.stopwatch`, `count.stopwatch`, `stopwatch.long` |
//! | converter of the microcontroller | both | `sensor.temperature.board`, `sensor.bias.0`, `sensor.supply.0` |
//! | the two cores' loops | both | `board.turn.longest`, `board.turn.recent`, `board.turn.data.longest`, `board.turn.data.recent` |
//! | capture | Bob | `reference.count`, `reference.tick`, `count.capture.gaps`, `count.capture.lost` |
//! | AS6500 in the capture's place | Bob | `board.converter`, `count.capture.gaps`, `count.capture.lost` |
//!
//! Nothing waits for a chip: a bus that is clocked from here always comes to its end, and one that
//! brings back something else than was written is a [`helio_bench::PartFault`]. The board goes on.
//! Run on a mock of the bus, and on no hardware.
#![no_std]

mod analog;
mod boot;
mod delays;
mod panel;
mod shots;
mod table;
mod turns;

pub use analog::{Analog, INPUTS, Input, Sampler, millikelvin, millivolts};
pub use boot::{FAULT_WORDS, Faults, boot_cause};
pub use delays::{LONGEST_DELAY, frame};
pub use panel::{Chip, Panel, Parts, Seen, THRESHOLD_AT_BOOT};
pub use shots::Shot;
pub use turns::{LongestTurns, RECENTLY, Turns};
