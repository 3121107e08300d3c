//! What can be wrong with a station's memory, a sentence each with the remedy.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use helio_distill::Role;
use helio_distill::release::StoreError;

/// A station's memory cannot be made, opened, read or written. Nothing that was kept is lost by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// No room.
    #[error(
        "{} cannot be written, its disk is full; free some space and start again, nothing that \
         was kept is lost", .0.display()
    )]
    Full(PathBuf),
    /// A disk mounted read-only.
    #[error("{} is on a disk that is mounted read-only; mount it for writing", .0.display())]
    ReadOnly(PathBuf),
    /// The operating system said no.
    #[error(
        "{} may not be read and written by this user; run as its owner, or check owner and mode",
        .0.display()
    )]
    Permission(PathBuf),
    /// Others could read a secret.
    #[error(
        "{} is open to other users (mode {mode:03o}) and would hold secrets; run `chmod {} {}`",
        path.display(), if path.is_dir() { "700" } else { "600" }, path.display()
    )]
    TooOpen {
        /// Which file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Nothing there.
    #[error("{} holds no station; make a pair of them with `helio pair`", .0.display())]
    Missing(PathBuf),
    /// What was there is there no more.
    #[error(
        "{} is gone: the station's folder was moved or removed while it was in use; put it back \
         and start again", .0.display()
    )]
    Gone(PathBuf),
    /// Something there already.
    #[error(
        "{} holds a station already, nothing was written; choose another folder, or give both \
         stations of the pair a new secret with `helio pair --renew`", .0.display()
    )]
    Exists(PathBuf),
    /// Bytes that this software did not write.
    #[error(
        "{} is damaged ({what}) and is left as it is; put back this station's last backup, or \
         make a new pair with `helio pair`", path.display()
    )]
    Corrupted {
        /// Which file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// Another layout.
    #[error(
        "{} has version {found} and this helio reads version {reads}; use the helio that wrote it",
        path.display()
    )]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The version of this software.
        reads: u32,
    },
    /// Locked.
    #[error("{} is in use by another process; stop that station first", .0.display())]
    InUse(PathBuf),
    /// The folder of the other role.
    #[error(
        "{} is the folder of {found} and was opened as {wanted}; name the folder of {wanted}",
        path.display()
    )]
    Role {
        /// Which folder.
        path: PathBuf,
        /// Whose it is.
        found: Role,
        /// Whose it should be.
        wanted: Role,
    },
    /// Paired with another station.
    #[error(
        "{} is paired with \"{found}\", not with \"{wanted}\"; name the folder that is paired with \
         \"{wanted}\"", path.display()
    )]
    Peer {
        /// Which folder.
        path: PathBuf,
        /// The peer on record.
        found: String,
        /// The peer asked for.
        wanted: String,
    },
    /// Simulated where real is wanted, or the reverse.
    #[error(
        "{} is the memory of a {found} station and was opened for {wanted} keys; the two never \
         mix, choose another folder", path.display()
    )]
    Origin {
        /// Which file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What was asked for.
        wanted: &'static str,
    },
    /// The pre-shared secret would be too short.
    #[error("{0}")]
    TooFewPads(String),
    /// The operating system's random numbers.
    #[error("{0}; repair the source and start again")]
    Entropy(#[from] helio_keys::EntropyFault),
    /// After a failed write the database answers no more.
    #[error("an earlier write to {} failed; mend its disk and start again", .0.display())]
    Stopped(PathBuf),
    /// A key that cannot be read back.
    #[error("the key of {block} cannot be delivered: {why}")]
    NoKey {
        /// Which block.
        block: String,
        /// Why, with the remedy.
        why: String,
    },
    /// Anything else.
    #[error("{} failed: {error}; check its disk", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the operating system or the database said.
        error: String,
    },
}

impl StoreFault {
    /// Names the fault behind an error of the operating system.
    pub(super) fn io(path: &Path, error: &io::Error) -> StoreFault {
        let path = path.to_owned();
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                StoreFault::Full(path)
            }
            ErrorKind::ReadOnlyFilesystem => StoreFault::ReadOnly(path),
            ErrorKind::PermissionDenied => StoreFault::Permission(path),
            ErrorKind::NotFound => StoreFault::Gone(path),
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                StoreFault::Corrupted { path, what: error.to_string() }
            }
            _ => StoreFault::Io { path, error: error.to_string() },
        }
    }

    /// Names the fault behind an error of the database.
    pub(super) fn database(path: &Path, error: impl Into<redb::Error>) -> StoreFault {
        let path = path.to_owned();
        match error.into() {
            redb::Error::Io(error) => StoreFault::io(&path, &error),
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
                StoreFault::InUse(path)
            }
            redb::Error::Corrupted(what) => StoreFault::Corrupted { path, what },
            redb::Error::RepairAborted => {
                StoreFault::Corrupted { path, what: "it cannot be repaired".into() }
            }
            error @ (redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableDoesNotExist(_)
            | redb::Error::TypeDefinitionChanged { .. }) => {
                StoreFault::Corrupted { path, what: error.to_string() }
            }
            redb::Error::UpgradeRequired(version) => StoreFault::Version {
                path,
                found: format!("{version} of its database"),
                reads: super::header::SCHEMA,
            },
            redb::Error::PreviousIo => StoreFault::Stopped(path),
            error => StoreFault::Io { path, error: error.to_string() },
        }
    }
}

impl From<StoreFault> for StoreError {
    fn from(fault: StoreFault) -> StoreError {
        StoreError::Medium(fault.to_string())
    }
}
