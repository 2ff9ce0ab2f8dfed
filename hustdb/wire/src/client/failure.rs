//! Why there is no answer, and what that means for the caller.

use std::{borrow::Cow, fmt};

/// What may have happened to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was certainly not sent: nothing was done.
    Refused,
    /// It was sent, at least in part: it may have been done or not.
    Unknown,
}

/// An exchange that gave no complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    kind: Kind,
    cause: Cow<'static, str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unreachable,
    Unsent,
    Unknown,
}

impl Failure {
    /// No connection could be made.
    pub(super) fn unreachable(cause: impl Into<Cow<'static, str>>) -> Failure {
        Failure { kind: Kind::Unreachable, cause: cause.into() }
    }

    /// Not sent for a reason of ours.
    pub(super) fn unsent(cause: impl Into<Cow<'static, str>>) -> Failure {
        Failure { kind: Kind::Unsent, cause: cause.into() }
    }

    /// Sent, and then something went wrong.
    pub(super) fn unknown(cause: impl Into<Cow<'static, str>>) -> Failure {
        Failure { kind: Kind::Unknown, cause: cause.into() }
    }

    /// What may have happened to the request.
    pub fn outcome(&self) -> Outcome {
        match self.kind {
            Kind::Unreachable | Kind::Unsent => Outcome::Refused,
            Kind::Unknown => Outcome::Unknown,
        }
    }

    /// Whether the host took no connection; other refusals (no connection free in time) say nothing about the host.
    pub fn is_unreachable(&self) -> bool {
        self.kind == Kind::Unreachable
    }

    /// What went wrong, in one line.
    pub fn cause(&self) -> &str {
        &self.cause
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome() {
            Outcome::Refused => "refused",
            Outcome::Unknown => "unknown",
        };
        write!(f, "{outcome}: {}", self.cause)
    }
}

impl std::error::Error for Failure {}
