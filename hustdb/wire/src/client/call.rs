//! A request to a node and its answer.

use std::time::Duration;

use bytes::Bytes;
use hyper::{
    Method, StatusCode,
    header::{HeaderName, HeaderValue},
};

use super::{Failure, Headers};

/// Largest answer body accepted unless a call says otherwise: twice the longest listing.
pub const ANSWER_MAX_BYTES: usize = 64 << 20;
/// The longest target a node takes, in bytes.
pub(super) const TARGET_MAX_BYTES: usize = 65_534;

/// What to do when a kept connection turns out to be closed before any byte of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeat {
    /// Only what was provably not sent is sent again.
    #[default]
    Unsent,
    /// The request does the same when done twice: it is sent once more, to the same host.
    Idempotent,
}

/// A request. Cheap to clone; one call may be sent to several hosts.
#[derive(Debug, Clone)]
pub struct Call {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
    pub(super) timeout: Option<Duration>,
    pub(super) answer_max_bytes: usize,
    pub(super) repeat: Repeat,
}

impl Call {
    /// A request of `target`: an absolute path and perhaps a query, percent-encoded, at most 65,534 bytes.
    pub fn new(method: Method, target: impl Into<String>) -> Result<Call, Failure> {
        let target = target.into();
        if target.len() > TARGET_MAX_BYTES {
            return Err(Failure::unsent(format!("target: over {TARGET_MAX_BYTES} bytes")));
        }
        // No early end, so that many bytes are looked at in one step.
        let illegal = |found, byte: u8| found | !byte.is_ascii_graphic() | (byte == b'#');
        if !target.starts_with('/') || target.bytes().fold(false, illegal) {
            return Err(Failure::unsent("target: illegal"));
        }
        Ok(Call {
            method,
            target,
            headers: Vec::new(),
            body: Bytes::new(),
            timeout: None,
            answer_max_bytes: ANSWER_MAX_BYTES,
            repeat: Repeat::default(),
        })
    }

    /// GET of `target`.
    pub fn get(target: impl Into<String>) -> Result<Call, Failure> {
        Call::new(Method::GET, target)
    }

    /// POST of `body` to `target`.
    pub fn post(target: impl Into<String>, body: impl Into<Bytes>) -> Result<Call, Failure> {
        Ok(Call { body: body.into(), ..Call::new(Method::POST, target)? })
    }

    /// Where it goes: path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Its body.
    pub fn payload(&self) -> &Bytes {
        &self.body
    }

    /// With this body.
    pub fn body(self, body: impl Into<Bytes>) -> Call {
        Call { body: body.into(), ..self }
    }

    /// With one more header. `Host`, `Authorization`, `Content-Length` and `Connection` are the pool's.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Call {
        self.headers.push((name, value));
        self
    }

    /// With another deadline than that of the pool, from the moment it is sent.
    pub fn timeout(self, timeout: Duration) -> Call {
        Call { timeout: Some(timeout), ..self }
    }

    /// With another bound on the body of the answer.
    pub fn answer_max_bytes(self, answer_max_bytes: usize) -> Call {
        Call { answer_max_bytes, ..self }
    }

    /// Says that doing it twice does no harm.
    pub fn idempotent(self) -> Call {
        Call { repeat: Repeat::Idempotent, ..self }
    }
}

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: Headers,
    /// All of its body.
    pub body: Bytes,
}

impl Reply {
    /// The value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.headers.bytes(name)?).ok()
    }
}
