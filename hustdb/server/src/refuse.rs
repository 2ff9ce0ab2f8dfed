//! The one place where an error of the store becomes a status and a reason.

use hust_engine::Error as EngineError;
use hust_store::{
    Error,
    queue::{QueueError, QueueKind},
};
use hust_wire::{Hint, Refusal};
use hyper::StatusCode;

/// The answer to a command that the store refused.
pub fn refuse(error: Error) -> Refusal {
    match error {
        Error::Invalid { subject, reason } => Refusal::bad(subject, reason),
        Error::Capacity(reason) => Refusal::new(StatusCode::FORBIDDEN, "capacity", reason),
        Error::Table(reason) => Refusal::new(StatusCode::PRECONDITION_FAILED, "tb", reason),
        Error::Snapshot(reason) => Refusal::new(StatusCode::NOT_FOUND, "snapshot", reason),
        Error::Refused { subject, reason } => Refusal::new(StatusCode::FORBIDDEN, subject, reason),
        Error::Deadline => Refusal::unavailable("deadline", "passed"),
        Error::Damaged(what) => {
            tracing::error!(what, "damaged data");
            internal("data", &format!("damaged: {what}"))
        }
        Error::Collision => internal("key", "its md5 belongs to another key"),
        Error::Busy(reason) => Refusal::unavailable("engine", reason).hinting(Hint::RetryAfterS(1)),
        Error::Full(reason) => Refusal::new(StatusCode::INSUFFICIENT_STORAGE, "disk", one_line(&reason)),
        // It was logged when it happened; a line for each write that is refused since would fill the disk.
        Error::Engine(cause @ EngineError::Poisoned(_)) => internal("engine", &cause.to_string()),
        Error::Engine(cause) => {
            tracing::error!(%cause, "a command failed");
            internal("engine", &cause.to_string())
        }
    }
}

/// The answer to a command that a queue refused.
pub fn refuse_queue(error: QueueError) -> Refusal {
    let unfit = |subject, reason| Refusal::new(StatusCode::PRECONDITION_FAILED, subject, reason);
    match error {
        QueueError::Unknown => unfit("queue", "unknown".into()),
        QueueError::OtherKind(QueueKind::Push) => unfit("queue", "a push queue".into()),
        QueueError::OtherKind(QueueKind::Normal) => unfit("queue", "a normal queue".into()),
        QueueError::Limit(limit) => unfit("queue", format!("{limit} queues are the limit")),
        QueueError::NotCurrent => unfit("token", "not current".into()),
        QueueError::Locked => Refusal::new(StatusCode::FORBIDDEN, "queue", "locked"),
        QueueError::Length(limit) => {
            Refusal::new(StatusCode::FORBIDDEN, "queue", format!("{limit} messages are the limit"))
        }
        QueueError::Store(error) => refuse(error),
    }
}

/// 500, with a reason of one line.
pub fn internal(subject: &'static str, reason: &str) -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, subject, one_line(reason))
}

fn one_line(reason: &str) -> String {
    reason.replace(['\r', '\n'], " ")
}
