//! What scenarios and benches share: recordings of simulated runs, and what a model expects.

mod expect;
mod joined;
mod record;
mod stations;

pub use expect::expected;
pub use joined::{Errors, Joined};
pub use record::{Cable, Recording, record};
pub use stations::{Alice, Bob, Heard, HostSide, Sifted, Stations};
