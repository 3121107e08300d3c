//! Distillation of decoy-state BB84: from two stations' clicks and settings to one secret key.
//!
//! Sans-IO and pure: [`alice::Session`] and [`bob::Session`] take their device's data, the other
//! station's messages and a clock reading, and give messages and events. They own no thread, no
//! socket, no clock and no log. The rules they follow, in short:
//!
//! - a block is a fixed range of slots, talked about only after its last slot;
//! - λ_max, code and length are functions of announced data alone ([`certificate::recompute`]);
//! - key-basis bits pass `Sifted → Corrected → Verified → SecretKey`, each made by one step only;
//! - a key is released when the other station is proven to hold it ([`release`]).
//!
//! Lengths come from [`bound`], reconciliation from [`reconcile`], hashes from [`hash`] and
//! [`amplify`], which share the kernels of [`gf2`]. Secret types live in `helio-keys`.

pub mod alice;
pub mod amplify;
pub mod announced;
pub mod bob;
pub mod bound;
pub mod certificate;
pub mod channel_model;
mod contact;
mod decide;
mod desk;
mod error;
mod event;
pub mod gf2;
pub mod hash;
mod in_flight;
mod inspect;
pub mod labels;
pub mod ledger;
mod memory_store;
mod message;
pub mod optimise;
mod packer;
pub mod pads;
pub mod parameters;
mod planes;
mod processor;
mod progress;
mod ranges;
pub mod reconcile;
pub mod release;
mod report;
mod settings;
pub mod sifting;
mod stage;
mod statistics;
mod tags;
mod talk;
mod token;
mod transcript;

pub use decide::NoKeyReason;
pub use desk::{BLOCKS_IN_FLIGHT, Local, MOST_BLOCKS_IN_FLIGHT};
pub use error::{Blame, Effect, Fault, InputError};
pub use event::Event;
pub use inspect::{Context, Inspected, inspect, rewrite};
pub use memory_store::MemoryStore;
pub use message::{Kind, MAX_MESSAGE_BYTES, Malformed, Role};
pub use progress::{BlockProgress, Budget, ContactState, Progress};
pub use report::{BlockReport, DetectorErrors};
pub use stage::Stage;
pub use statistics::ErrorRate;
pub use transcript::{MAX_TAGGED_WORDS, MAX_TRANSCRIPT_BYTES};
