//! How the program ends: a code for scripts, one sentence for people.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;

/// The exit codes of every command. An interrupt ends the program with the shell's 130.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Success = 0,
    /// A fault of this program.
    Internal = 1,
    /// The command line.
    Usage = 2,
    /// A file that cannot be read, written or understood.
    File = 3,
    /// The configuration.
    Configuration = 4,
    /// A device or its cable.
    Device = 5,
    /// The other station.
    Peer = 6,
    /// Everything worked, and no key could be made.
    NoKey = 7,
    /// The block is too small for a key of any length.
    BlockTooSmall = 8,
    /// A certificate from which its length does not follow.
    DoesNotStand = 9,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl Exit {
    /// What `--help` says of the codes.
    pub const HELP: &str = "Exit codes: 0 done, 2 usage, 3 file, 4 configuration, 5 device, 6 other \
                            station, 7 no key, 8 block too small, 9 a certificate does not stand, \
                            130 interrupted, 1 a fault of helio itself.";
}

/// Why a command ended early: the code, and one sentence that names who is at fault and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The program's exit code.
    pub exit: Exit,
    /// One sentence, without a full stop, that names what is at fault and what to do.
    pub sentence: String,
}

impl Failure {
    /// A failure of any kind.
    pub fn new(exit: Exit, sentence: impl Display) -> Failure {
        Failure { exit, sentence: sentence.to_string() }
    }

    /// An argument that cannot be meant.
    pub fn usage(sentence: impl Display) -> Failure {
        Failure::new(Exit::Usage, sentence)
    }

    /// The same with something more to say.
    pub fn and(self, more: impl Display) -> Failure {
        Failure::new(self.exit, format!("{}; {more}", self.sentence))
    }

    /// A file's fault; `complaint` goes on where the file's name stops: "is not a PTU file; …".
    pub fn file(path: &Path, complaint: impl Display) -> Failure {
        Failure::new(Exit::File, format!("{} {complaint}", path.display()))
    }

    /// A file that the operating system does not let be written.
    pub fn unwritable(path: &Path, why: impl Display) -> Failure {
        Failure::file(
            path,
            format!("cannot be written ({why}); check the folder and its permissions"),
        )
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Failure {}

/// Whether a file can be written; told before hours of counting. One that is there keeps what it
/// holds.
///
/// # Errors
/// The file cannot be opened for writing.
pub fn check_writable(path: &Path) -> Result<(), Failure> {
    let new = !path.exists();
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|err| Failure::unwritable(path, err))?;
    if new {
        // A run that is interrupted leaves no empty file behind.
        std::fs::remove_file(path).map_err(|err| Failure::unwritable(path, err))?;
    }
    Ok(())
}

/// Writes to standard output. A reader that has gone away (`helio … | head`) is a quiet end.
///
/// # Errors
/// Standard output cannot be written; with [`Exit::Success`] where its reader has gone.
pub fn print(text: impl Display) -> Result<(), Failure> {
    use io::Write;
    let mut out = io::stdout().lock();
    write!(out, "{text}").and_then(|()| out.flush()).map_err(|err| match err.kind() {
        io::ErrorKind::BrokenPipe => Failure::new(Exit::Success, ""),
        _ => Failure::new(
            Exit::File,
            format!("standard output cannot be written ({err}); check where it leads"),
        ),
    })
}

/// Writes a JSON object and the end of its line to standard output.
///
/// # Errors
/// As [`print()`].
pub fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    print(format_args!("{value:#}\n"))
}
