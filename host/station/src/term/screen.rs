//! The whole terminal for a live view, given back however the program ends.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::DefaultTerminal;

/// Whether the terminal is taken.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, raw and on its second screen until this is dropped, or until a panic.
#[derive(Debug)]
pub struct Screen {
    /// To draw on.
    pub terminal: DefaultTerminal,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// Standard output is no terminal, or one that cannot be set.
    pub fn open() -> io::Result<Screen> {
        TAKEN.store(true, Ordering::SeqCst);
        match ratatui::try_init() {
            Ok(terminal) => Ok(Screen { terminal }),
            Err(fault) => {
                give_back();
                Err(fault)
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back if it is taken: for who ends the program at once.
pub fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = ratatui::try_restore();
    }
}
