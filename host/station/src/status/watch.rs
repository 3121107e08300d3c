//! A station watched: looks as they come, and a word when it is away; it is tried again for ever.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{AskFault, Status};

/// Between two tries to reach a station that is away.
const AGAIN: Duration = Duration::from_millis(500);

/// What was seen.
#[derive(Clone, Debug)]
pub enum Seen {
    /// A look.
    Status(Box<Status>),
    /// It is away, or silent, and why; it is tried again.
    Away(AskFault),
}

/// Watches the station in a folder from a thread of its own, which ends when the receiver is
/// dropped. It looks at the socket only: a station that starts finds its store free.
///
/// # Errors
/// The operating system gives no thread.
pub fn watch(state_folder: &Path) -> std::io::Result<Receiver<Seen>> {
    // A reader that lags sees old looks: few may lie in between.
    let (out, seen) = bounded(2);
    let folder = state_folder.to_owned();
    thread::Builder::new().name("watch".into()).spawn(move || keep_looking(folder, out))?;
    Ok(seen)
}

fn keep_looking(folder: PathBuf, out: Sender<Seen>) {
    while let Some(fault) = follow(&folder, &out) {
        if out.send(Seen::Away(fault)).is_err() {
            return;
        }
        thread::sleep(AGAIN);
    }
}

/// Follows the station until it is away; `None` when nobody wants to know any more.
#[cfg(unix)]
fn follow(folder: &Path, out: &Sender<Seen>) -> Option<AskFault> {
    use super::client::{Lines, Next};
    let mut lines = match Lines::open(folder, "watch\n") {
        Ok(lines) => lines,
        Err(fault) => return Some(fault),
    };
    loop {
        let seen = match lines.next() {
            Ok(Next::Status(status)) => Seen::Status(status),
            Ok(Next::Nothing) => Seen::Away(AskFault::Silent(folder.to_owned())),
            Err(fault) => return Some(fault),
        };
        out.send(seen).ok()?;
    }
}

#[cfg(not(unix))]
fn follow(folder: &Path, _: &Sender<Seen>) -> Option<AskFault> {
    Some(AskFault::NotRunning(folder.to_owned()))
}
