//! Two clocks that nothing ties together: finding one against the other, and following it.
mod fit;
mod model;
mod pairs;
mod significance;
mod slots;
pub mod synthetic;
mod zoom;

pub use model::{ClockModel, ClockUncertainty, Lock, NoLock, SearchRange};
pub use pairs::PairSearch;
pub use slots::{SlotSearch, SyncPlan};
