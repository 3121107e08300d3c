//! A QKD bench that is not there: light source, channel, receiver, detectors and two clocks in
//! software, behind the traits of `helio-bench`, so that firmware cannot tell.
//!
//! [`World::step`] takes the words that the two firmwares have queued, lets time pass, and leaves
//! time-tagged edges. All randomness comes from one seed; the same seed gives the same edges on
//! every target, to the bit. What is modelled stands with the types in the configuration
//! ([`BenchConfig`] downwards). What is not: pulses have no width, gates open and close at once,
//! detectors have no efficiency that depends on arrival time otherwise; a pulse's photons make one avalanche per detector;
//! phases between pulses are ideal.
//!
//! What an operator would set at the parts while light passes, an attenuator, a modulator's voltages,
//! a bias, is set with [`World::trim`].
//!
//! ```
//! use helio_bench::{EdgeSource, Intensity, Polarization, PulseSource, SlotPlayer, SlotWord};
//! use helio_sim::{BenchConfig, SimPlayer, World};
//! use helio_units::{SlotIndex, Ticks};
//!
//! let mut world = World::new(BenchConfig::default())?;
//! let mut source = world.source();
//! let (mut alice, mut bob) = (SimPlayer::<1000>::new(), SimPlayer::<1000>::new());
//! let (mut clock, mut edges) = (world.slot_clock(), world.edges::<1024>());
//!
//! source.set_enabled(true);
//! alice.begin(SlotIndex(0));
//! alice.play(&[SlotWord::pulse(Intensity(0), Polarization::H); 1000])?;
//! let report = world.step(&mut alice, &source, &mut bob, &mut clock, &mut edges, 1000);
//! assert_eq!(report.alice_now, Ticks(30_000));
//!
//! let mut out = [helio_bench::Edge { tick: Ticks(0), channel: 0 }; 256];
//! let drained = edges.drain(&mut out);
//! assert!(drained.edges > 20 && drained.edges < 80, "{drained:?}"); // 1000 · (1 − e^(−0.05))
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]

mod config;
mod detector;
mod draw;
mod edges;
mod eve;
pub mod golden;
mod optics;
mod photodiode;
mod player;
mod random;
mod slot_clock;
mod source;
mod time;
mod trim;
mod truth;
mod validate;
mod world;

pub use config::{
    BenchConfig, ChannelConfig, ClockConfig, DetectorConfig, Eve, Path, ReceiverConfig,
    ReceiverKind, SourceConfig, SyncConfig,
};
pub use edges::SimEdges;
pub use player::SimPlayer;
pub use random::SimRandom;
pub use slot_clock::SimSlotClock;
pub use source::{SimModulator, SimSource};
pub use trim::{AliceTrim, BIAS_MV, BobTrim, HALF_WAVE_MV};
pub use truth::Truth;
pub use validate::ConfigError;
pub use world::{StepReport, World};
