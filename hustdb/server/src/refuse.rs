//! The one place where an error of the store becomes a status and a reason.

use hust_store::Error;
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
        Error::Engine(cause) => {
            tracing::error!(%cause, "a command failed");
            internal("engine", &cause.to_string())
        }
    }
}

/// 500, with a reason of one line.
pub fn internal(subject: &'static str, reason: &str) -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, subject, one_line(reason))
}

fn one_line(reason: &str) -> String {
    reason.replace(['\r', '\n'], " ")
}
