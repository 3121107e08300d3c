//! Slots out and edges in by the programmable I/O (PIO) of an RP2350, without a board: the
//! programs as assembled words, the registers of the four state machines, and everything that the
//! processor does with words on either side.
//!
//! | state machine | program | FIFO |
//! |---|---|---|
//! | 0 | [`DETECTORS`](program::DETECTORS): 4 detector pins each tick, 8 samples a word | out, 8 deep |
//! | 1 | [`AUX`](program::AUX): SYNC IN and REF IN each tick, 16 samples a word | out, 8 deep |
//! | 2 | [`BEACON`](program::BEACON): a flag each capture buffer | none |
//! | 3 | [`SLOT`](program::SLOT): the slot player, a word a slot | in, 8 deep |
//!
//! All run from one clock, 0 to 2 are enabled in one cycle, and time is that clock: a tick is a
//! sample. What they do is shown word for word in `tests/`, in an interpreter of the
//! instructions used, which reads the same words and the same registers. None of this has run on
//! silicon yet.
//!
//! Nothing here divides 64-bit numbers and nothing allocates.
#![no_std]

mod capture;
mod clock;
mod edges;
mod grid;
pub mod pins;
pub mod port;
pub mod program;
mod queue;
pub mod registers;
mod start;
mod train;
mod word;

pub use capture::{
    AUX_WORDS, BUFFER_TICKS, BUFFERS, Capture, CaptureMemory, DETECTOR_WORDS, LossCount,
};
pub use clock::{CaptureClock, CaptureFault};
pub use edges::{Lane, Sample, rising};
pub use grid::SlotGrid;
pub use queue::{BlockQueue, QueueFull, unplayed};
pub use start::{BEACON_TO_SLOT, LeadIn, beacon_before};
pub use train::{PlayerPort, Pulse, Train};
pub use word::{FIXED_TICKS, GATE_LIMITS, SlotShape, SlotShapeError, pin_levels};
