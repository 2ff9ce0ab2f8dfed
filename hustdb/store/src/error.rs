//! The store's errors, by what the caller should do.

use crate::kind::Kind;

/// Result of a store call.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the store refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request itself is wrong; nothing was done. Correct it.
    #[error("{subject}: {reason}")]
    Invalid {
        /// The offending parameter.
        subject: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Refused by policy; deletes still work. Delete something.
    #[error("capacity: {0}")]
    Capacity(String),
    /// The table is absent, of another type, or one too many; nothing was done. Use another name.
    #[error("tb: {0}")]
    Table(&'static str),
    /// There is no such snapshot, or there is one; nothing was done. Export it, or cover it.
    #[error("snapshot: {0}")]
    Snapshot(&'static str),
    /// What is stored does not allow the operation; nothing was done. Look at the record.
    #[error("{subject}: {reason}")]
    Refused {
        /// The parameter that cannot be applied.
        subject: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The caller's deadline was over before the write could be; nothing was done.
    #[error("deadline: passed")]
    Deadline,
    /// Bytes of the store's own rows are not what it wrote. Restore or repair.
    #[error("damaged: {0}")]
    Damaged(&'static str),
    /// Another key with the same md5 is stored; this one is refused for ever, or until the other is forgotten.
    #[error("key: its md5 belongs to another key")]
    Collision,
    /// Overloaded; nothing was done. Try again soon.
    #[error("overloaded: {0}")]
    Busy(&'static str),
    /// The file system is full; nothing was done. Free space, then try again.
    #[error("disk: {0}")]
    Full(String),
    /// The engine cannot do it; the cause says why. Look at the node.
    #[error("engine: {0}")]
    Engine(#[source] hust_engine::Error),
}

impl Error {
    /// A table that shows another type than was asked for.
    pub(crate) fn of_other_type(shown: Kind) -> Error {
        Error::Table(match shown {
            Kind::Hash => "is a hash",
            Kind::Set => "is a set",
            _ => "is a sorted set",
        })
    }

    /// A wrong parameter.
    pub fn invalid(subject: &'static str, reason: impl Into<String>) -> Error {
        Error::Invalid { subject, reason: reason.into() }
    }
}

impl From<hust_engine::Error> for Error {
    fn from(cause: hust_engine::Error) -> Error {
        match cause {
            hust_engine::Error::Busy(what) => Error::Busy(what),
            hust_engine::Error::Full(what) => Error::Full(what),
            cause => Error::Engine(cause),
        }
    }
}
