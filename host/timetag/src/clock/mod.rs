//! Two clocks that nothing ties together: finding one against the other, and following it.
//!
//! Alice and Bob tag clicks with free-running clocks. [`PairSearch`] finds Bob's against Alice's from
//! the two lists of a pair source; [`SlotSearch`] finds it from Bob's clicks and the slots that are
//! public before a run: a [`SyncPlan`] holds no setting of any other slot, and nobody has to disclose
//! one. Either gives a [`Lock`], a [`ClockModel`] of offset, frequency and drift with standard errors
//! and a bound on the chance that noise looks like it, or says why there is none: in doubt there is
//! none. A [`Tracker`] goes on from there.
//!
//! Times are picoseconds in `i64`, each of the clock that told them. `docs/clocks.md` says how many
//! clicks a lock needs.

mod fit;
mod model;
mod pairs;
mod significance;
mod slots;
pub mod synthetic;
mod track;
mod zoom;

pub use model::{ClockModel, ClockUncertainty, Lock, NoLock, SearchRange};
pub use pairs::PairSearch;
pub use slots::{SlotSearch, SyncPlan, SyncSequence};
pub use track::{Tracked, Tracker, TrackerSettings};
