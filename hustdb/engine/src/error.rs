//! The engine's errors: few kinds, each tells the caller what to do.

use std::{io, path::PathBuf};

/// Result of an engine call.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, by what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Overloaded; nothing was done. Try again soon.
    #[error("overloaded: {0}")]
    Busy(&'static str),
    /// No space left; nothing was done. Free space, then try again.
    #[error("no space: {0}")]
    Full(String),
    /// Bytes on disk are not what was written. Restore or repair this file.
    #[error("{}: damaged at byte {offset}: {what}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Byte offset of what does not fit.
        offset: u64,
        /// What does not fit.
        what: String,
    },
    /// A write or sync of the log failed earlier; writes are refused until a restart, reads go on.
    #[error("writes stopped: {0}")]
    Poisoned(String),
    /// The call itself is wrong.
    #[error("invalid: {0}")]
    Invalid(String),
    /// The operating system refused; the cause says why.
    #[error("{what}: {cause}")]
    Io {
        /// What was being done, with the path.
        what: String,
        /// The cause.
        #[source]
        cause: io::Error,
    },
}

impl Error {
    /// An I/O error while doing `what`; a full device becomes [`Error::Full`].
    pub fn io(what: impl Into<String>, cause: io::Error) -> Error {
        let what = what.into();
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Error::Full(format!("{what}: {cause}"))
            }
            _ => Error::Io { what, cause },
        }
    }

    /// Damage in `file` at `offset`.
    pub fn damaged(file: impl Into<PathBuf>, offset: u64, what: impl Into<String>) -> Error {
        Error::Damaged { file: file.into(), offset, what: what.into() }
    }
}
