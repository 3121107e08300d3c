//! Two whole devices in the process: the firmware of Alice and of Bob, unchanged, on a simulated
//! bench, each behind a link like a real device's.
//!
//! [`VirtBench`] owns both devices and the light between them, and one number of slots at a time
//! passes in [`VirtBench::step`]. No thread is started here; whoever owns the bench pumps it.
//!
//! **Time waits for the hosts.** A simulated device may not run away from the host that supervises
//! it, nor go dark because that host's computer is slow:
//!
//! - Time stands still until both devices run, and again when neither does any more. Commands are
//!   answered meanwhile, all at the same instant of device time. While only one runs, time passes,
//!   and the other one can be started anew.
//! - A link holds a stated number of chunks; a step that finds it full waits. A host must go on
//!   receiving whatever else it waits for.
//! - While a device runs, bytes from its host reach it at fixed instants only, 20 ms after each
//!   whole 100 ms of its time, and time does not pass such an instant before there are any. So a
//!   host must send a heartbeat for every 100 ms of device time that it sees go by, as
//!   [`helio_link::Connection`] does, and one in silence too, as one may be lost on the way. A
//!   device never sees its host silent for more than 120 ms, and trips only if it is made to.
//! - A device whose slot clock its host steers needs a host that says so with each beat: time waits for
//!   a piece of bytes with two frames, the heartbeat and where slots lie, or two heartbeats where the
//!   host does not know. After a second of waiting for it by the wall clock a beat alone will do.
//! - A device that is armed and does not run while time passes hears its host at every step, and
//!   time does not pass 240 ms after the last word before there is another one.
//! - A device whose settings come from its host's random bytes is given them at once, and time does not
//!   pass while it has fewer slots to play than a step takes. It never runs dry here.
//!
//! As nothing that a device does depends on when its host does something, a run that ends by its
//! own number of slots gives the same bytes on both links, to the bit, for the same seed: tags,
//! settings, health and answers. (Not so a device that is stopped, started while the other one
//! runs, or fed: then it counts when its host says so.)
//!
//! **A host that goes** is a state. When a link is dropped, the next step returns
//! [`Step::Unplugged`], also if it was waiting; the device has seen a reset of its link, and is dark
//! if it was armed or ran. Without a host a device is never waited for and what it says is lost;
//! the other one goes on. [`VirtBench::plug`] gives it a new host on a fresh link, which begins as
//! with a board that was running before it was plugged in: Hello, clear the trip, and so on.
//!
//! **A device that starts anew**, by its host's command or by [`VirtBench::reboot`], keeps its link and
//! the time of the bench; its nonce and its settings are others.
//!
//! **Waiting ends** after some 10 ms of the wall clock, so that whoever owns the bench has its turn;
//! [`VirtBench::device`] tells which host time waits for, and how long that is borne is the owner's
//! affair.

mod bench;
mod cable;
mod config;
mod port;

pub use bench::{Awaited, DeviceState, Step, VirtBench};
pub use config::{InvalidBench, VirtConfig};
