//! What can be wrong with a configuration, a sentence each.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use crate::exit::{Exit, Failure};

/// A configuration that no station or bench can be made with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFault {
    /// The file itself.
    #[error("{} {why}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Goes on where the file's name stops, with the remedy.
        why: String,
    },
    /// What stands in it.
    #[error("{}{}: {complaint}", path.display(), OfLine(*line))]
    Content {
        /// Which file.
        path: PathBuf,
        /// Counted from 1; `None` where something is missing that has no line.
        line: Option<usize>,
        /// Names the key and the remedy.
        complaint: String,
    },
}

struct OfLine(Option<usize>);

impl Display for OfLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, " line {line}"))
    }
}

impl ConfigFault {
    pub(super) fn unreadable(path: &Path, why: impl Display) -> ConfigFault {
        ConfigFault::Unreadable { path: path.to_owned(), why: why.to_string() }
    }

    pub(super) fn content(
        path: &Path,
        line: Option<usize>,
        complaint: impl Display,
    ) -> ConfigFault {
        ConfigFault::Content { path: path.to_owned(), line, complaint: complaint.to_string() }
    }

    /// The program's exit code for it.
    pub fn exit(&self) -> Exit {
        match self {
            ConfigFault::Unreadable { .. } => Exit::File,
            ConfigFault::Content { .. } => Exit::Configuration,
        }
    }
}

impl From<ConfigFault> for Failure {
    fn from(fault: ConfigFault) -> Failure {
        Failure::new(fault.exit(), &fault)
    }
}
