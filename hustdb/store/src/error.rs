//! The store's errors, by what the caller should do.

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
