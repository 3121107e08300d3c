//! Clicks to slots: the [`Slotter`] and what it takes and gives.

mod batch;
mod config;
mod grid;
mod intake;
mod plan;
mod slotter;
mod sweep;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use batch::{Detection, DropCause, DroppedRange, SlotBatch, SlotCounters};
pub use config::{InvalidSlotter, SlotterConfig, Window};
pub use slotter::Slotter;
