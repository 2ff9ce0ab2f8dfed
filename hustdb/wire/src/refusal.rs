//! Why a request is not done: a status and one line `subject: reason`.
//!
//! Everything that can refuse returns this one type, and `Answer::from` is the one place that turns it into bytes.

use std::{borrow::Cow, fmt};

use hyper::StatusCode;

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// The offending parameter, or the part of the system that refuses.
    pub subject: Cow<'static, str>,
    /// What is wrong with it.
    pub reason: Cow<'static, str>,
    /// Whether the connection ends with the answer.
    pub close: bool,
    /// The header some statuses need.
    pub hint: Hint,
}

/// The header that tells a client what to do instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// None.
    None,
    /// `Allow`, with 405.
    Allow(String),
    /// `Retry-After` in seconds, with 503.
    RetryAfterS(u32),
    /// `WWW-Authenticate` for a realm, with 401.
    Authenticate(&'static str),
}

impl Refusal {
    /// A refusal that leaves the connection usable.
    pub fn new(
        status: StatusCode,
        subject: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Refusal {
        Refusal { status, subject: subject.into(), reason: reason.into(), close: false, hint: Hint::None }
    }

    /// 400: a parameter is wrong.
    pub fn bad(subject: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, subject, reason)
    }

    /// 503: not now.
    pub fn unavailable(
        subject: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Refusal {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, subject, reason)
    }

    /// The same with the connection closed after the answer.
    pub fn closing(mut self) -> Refusal {
        self.close = true;
        self
    }

    /// The same with a header that helps.
    pub fn hinting(mut self, hint: Hint) -> Refusal {
        self.hint = hint;
        self
    }

    /// The line of the body.
    pub fn line(&self) -> String {
        format!("{}: {}\n", self.subject, self.reason)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.subject, self.reason)
    }
}

impl std::error::Error for Refusal {}
