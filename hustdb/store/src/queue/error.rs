//! Why a queue refuses, by what the caller should do.

use super::settings::QueueKind;
use crate::error::Error;

/// Result of a queue command.
pub type QueueResult<T> = std::result::Result<T, QueueError>;

/// Why a queue command was refused; nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// There is no queue of this name.
    #[error("queue: unknown")]
    Unknown,
    /// The name belongs to a queue of this other kind.
    #[error("queue: a {} queue", if *.0 == QueueKind::Push { "push" } else { "normal" })]
    OtherKind(QueueKind),
    /// There are as many queues as may be.
    #[error("queue: {0} queues are the limit")]
    Limit(usize),
    /// Puts are locked.
    #[error("queue: locked")]
    Locked,
    /// The queue is as long as it may be.
    #[error("queue: {0} messages are the limit")]
    Length(u64),
    /// None of the tokens is current.
    #[error("token: not current")]
    NotCurrent,
    /// The store refused.
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<hust_engine::Error> for QueueError {
    fn from(cause: hust_engine::Error) -> QueueError {
        QueueError::Store(cause.into())
    }
}
