//! Ctrl-C and SIGTERM: most commands end at once with a word, those that run for long are asked to
//! end by themselves.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use crate::exit::Exit;

/// A command's promise to end by itself when it is asked to: by the first Ctrl-C, SIGTERM or closed
/// terminal. The second one ends the program at once, with [`Exit::Interrupted`].
#[derive(Clone, Debug)]
pub struct Shutdown {
    requested: Receiver<()>,
}

/// What a signal does.
enum Handling {
    /// Ends the program.
    Ends,
    /// Asks whoever holds the other end, by letting go of this one.
    Asks(Sender<()>),
}

static HANDLING: Mutex<Handling> = Mutex::new(Handling::Ends);

impl Shutdown {
    /// Takes signals over for the rest of the program. For one command, which may clone it; an
    /// earlier one is told to end.
    pub fn install() -> Shutdown {
        listen();
        let (asks, requested) = bounded(0);
        *handling() = Handling::Asks(asks);
        Shutdown { requested }
    }

    /// Never has a message; loses its other end when the command is asked to end. So it wakes every
    /// `select!` that has an arm for it, and stays ready.
    pub fn receiver(&self) -> &Receiver<()> {
        &self.requested
    }

    /// Whether the command is asked to end.
    pub fn is_requested(&self) -> bool {
        self.requested.try_recv() == Err(TryRecvError::Disconnected)
    }

    /// Asks, as a signal does: nobody reads standard output any more, or the work is done.
    pub fn request(&self) {
        *handling() = Handling::Ends;
    }
}

/// Lets signals end the program with a word and a code of its own, until a command takes them over.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(fault) = ctrlc::set_handler(on_signal) {
            log::debug!("Ctrl-C ends the program without a word: {fault}");
        }
    });
}

/// On a thread of its own, so locks may be taken.
fn on_signal() {
    // A half-drawn bar keeps its line.
    let line = if std::io::stderr().is_terminal() { "\n" } else { "" };
    match std::mem::replace(&mut *handling(), Handling::Ends) {
        Handling::Asks(asks) => {
            drop(asks);
            eprintln!("{line}helio: ending; once more ends it at once");
        }
        Handling::Ends => {
            let _none_is_begun = crate::unfinished::remove_all();
            crate::term::give_back();
            eprintln!("{line}helio: interrupted; start the same command again to have its result");
            std::process::exit(Exit::Interrupted as i32);
        }
    }
}

fn handling() -> MutexGuard<'static, Handling> {
    HANDLING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reaches_every_clone_and_stays() {
        let shutdown = Shutdown::install();
        let clone = shutdown.clone();
        assert!(!shutdown.is_requested() && !clone.is_requested());
        shutdown.request();
        for _ in 0..2 {
            assert!(shutdown.is_requested() && clone.is_requested());
            assert!(clone.receiver().recv().is_err());
        }
    }
}
