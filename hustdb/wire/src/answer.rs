//! What a handler answers, and the one place where it becomes HTTP.
//!
//! An [`Answer`] is plain data: a status, a content type, the headers of the contract and a body. The body is
//! [`Bytes`], so a constant (`Bytes::from_static`), a small copy and a counted slice of anything
//! (`Bytes::from_owner`, for example a mapped file) are sent alike, without a copy, and always with an exact
//! `Content-Length`. Headers are written into the map the request came with, so none is allocated in the common case.

use std::sync::LazyLock;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{
        ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
        WWW_AUTHENTICATE,
    },
};

use crate::refusal::{Hint, Refusal};

static VERSION: HeaderName = HeaderName::from_static("version");
static VER_ERROR: HeaderName = HeaderName::from_static("vererror");
static STAMP: HeaderName = HeaderName::from_static("stamp");
static EXPIRE: HeaderName = HeaderName::from_static("expire");
static KEYS: HeaderName = HeaderName::from_static("keys");
static TOTAL_COUNT: HeaderName = HeaderName::from_static("totalcount");
static CURSOR: HeaderName = HeaderName::from_static("cursor");

const TEXT: &str = "text/plain";
const JSON: &str = "application/json";
const BINARY: &str = "application/octet-stream";
static TRUE: HeaderValue = HeaderValue::from_static("true");
static FALSE: HeaderValue = HeaderValue::from_static("false");

/// The content type of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `text/plain`: values, empty bodies, reasons.
    Text,
    /// `application/json`.
    Json,
    /// `application/octet-stream`: frames.
    Binary,
    /// Any other, for the answers of a proxy and for pages.
    Other(&'static str),
}

impl Kind {
    /// As in `Content-Type`.
    pub fn header(self) -> HeaderValue {
        match self {
            Kind::Text => HeaderValue::from_static(TEXT),
            Kind::Json => HeaderValue::from_static(JSON),
            Kind::Binary => HeaderValue::from_static(BINARY),
            Kind::Other(text) => {
                HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(BINARY))
            }
        }
    }

    /// The same as text, but of others.
    fn text(self) -> Option<&'static str> {
        match self {
            Kind::Text => Some(TEXT),
            Kind::Json => Some(JSON),
            Kind::Binary => Some(BINARY),
            Kind::Other(_) => None,
        }
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The content type.
    pub kind: Kind,
    /// `Version`.
    pub version: Option<u64>,
    /// `VerError`.
    pub ver_error: Option<bool>,
    /// `Stamp`.
    pub stamp: Option<u64>,
    /// `Expire`, unix milliseconds.
    pub expire_ms: Option<u64>,
    /// Headers few answers have.
    pub rare: Option<Box<Rare>>,
    /// Whether the connection ends with this answer.
    pub close: bool,
    /// The body.
    pub body: Bytes,
}

/// Headers few answers have.
#[derive(Debug, Clone, Default)]
pub struct Rare {
    /// `Keys`.
    pub keys: Option<u64>,
    /// `TotalCount`.
    pub total_count: Option<u64>,
    /// `Cursor`; visible ASCII.
    pub cursor: Option<String>,
    /// Any others, for example those a proxy hands on.
    pub others: Vec<(HeaderName, HeaderValue)>,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Answer {
        Answer {
            status,
            kind: Kind::Text,
            version: None,
            ver_error: None,
            stamp: None,
            expire_ms: None,
            rare: None,
            close: false,
            body: Bytes::new(),
        }
    }

    /// 200 with a body.
    pub fn ok(kind: Kind, body: impl Into<Bytes>) -> Answer {
        Answer { kind, body: body.into(), ..Answer::empty(StatusCode::OK) }
    }

    /// 200 with bytes that are owned by something counted, sent without a copy.
    pub fn shared(kind: Kind, owner: impl AsRef<[u8]> + Send + 'static) -> Answer {
        Answer::ok(kind, Bytes::from_owner(owner))
    }

    /// The same with `Version`.
    pub fn with_version(mut self, version: u64) -> Answer {
        self.version = Some(version);
        self
    }

    /// The same with `VerError`.
    pub fn with_ver_error(mut self, refused: bool) -> Answer {
        self.ver_error = Some(refused);
        self
    }

    /// The same with `Stamp`, and `Expire` (unix milliseconds) if there is one.
    pub fn with_stamp(mut self, stamp: u64, expire_ms: Option<u64>) -> Answer {
        self.stamp = Some(stamp);
        self.expire_ms = expire_ms;
        self
    }

    /// The same with the headers of a listing.
    pub fn with_listing(mut self, keys: u64, total_count: Option<u64>, cursor: Option<String>) -> Answer {
        let rare = self.rare.get_or_insert_default();
        (rare.keys, rare.total_count, rare.cursor) = (Some(keys), total_count, cursor);
        self
    }

    /// The same with one more header.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Answer {
        self.rare.get_or_insert_default().others.push((name, value));
        self
    }

    /// The same with a word for what became of a write that has no good answer: `Outcome`.
    pub fn with_outcome(self, word: &'static str) -> Answer {
        self.with_header(HeaderName::from_static("outcome"), HeaderValue::from_static(word))
    }

    /// The same with the connection closed after it.
    pub fn closing(mut self) -> Answer {
        self.close = true;
        self
    }

    /// Writes the head as that of [`Answer::into_response`] leaves, if it is one of those that most answers have; else
    /// answers `false`.
    pub(crate) fn write_head(&self, into: &mut Vec<u8>) -> bool {
        let line = match self.status {
            StatusCode::OK => "HTTP/1.1 200 OK\r\ncontent-type: ",
            StatusCode::NOT_FOUND => "HTTP/1.1 404 Not Found\r\ncontent-type: ",
            _ => return false,
        };
        let Some(kind) = self.kind.text().filter(|_| !self.close && self.rare.is_none()) else {
            return false;
        };
        let mut put =
            |parts: [&str; 2]| parts.iter().for_each(|part| into.extend_from_slice(part.as_bytes()));
        let mut digits = itoa::Buffer::new();
        put([line, kind]);
        if let Some(version) = self.version {
            put(["\r\nversion: ", digits.format(version)]);
        }
        if let Some(refused) = self.ver_error {
            put(["\r\nvererror: ", if refused { "true" } else { "false" }]);
        }
        if let Some(stamp) = self.stamp {
            put(["\r\nstamp: ", digits.format(stamp)]);
        }
        if let Some(expire_ms) = self.expire_ms {
            put(["\r\nexpire: ", digits.format(expire_ms)]);
        }
        put(["\r\ncontent-length: ", digits.format(self.body.len())]);
        put(["\r\n\r\n", ""]);
        true
    }

    /// The HTTP response, its headers written into `headers` (whose old content goes, whose memory is used again).
    pub fn into_response(self, mut headers: HeaderMap, head: bool) -> Response<Full<Bytes>> {
        headers.clear();
        headers.insert(CONTENT_TYPE, self.kind.header());
        if head && self.body.is_empty() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if let Some(version) = self.version {
            headers.insert(&VERSION, number(version));
        }
        if let Some(refused) = self.ver_error {
            headers.insert(&VER_ERROR, if refused { TRUE.clone() } else { FALSE.clone() });
        }
        if let Some(stamp) = self.stamp {
            headers.insert(&STAMP, number(stamp));
        }
        if let Some(expire_ms) = self.expire_ms {
            headers.insert(&EXPIRE, number(expire_ms));
        }
        if let Some(rare) = self.rare {
            insert_rare(&mut headers, *rare);
        }
        if self.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

fn insert_rare(headers: &mut HeaderMap, rare: Rare) {
    if let Some(keys) = rare.keys {
        headers.insert(&KEYS, number(keys));
    }
    if let Some(total) = rare.total_count {
        headers.insert(&TOTAL_COUNT, number(total));
    }
    if let Some(Ok(cursor)) = rare.cursor.map(HeaderValue::try_from) {
        headers.insert(&CURSOR, cursor);
    }
    for (name, value) in rare.others {
        headers.append(name, value);
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Answer {
        let mut answer = Answer::empty(refusal.status);
        answer.body = refusal.line().into();
        answer.close = refusal.close;
        match refusal.hint {
            Hint::None => answer,
            Hint::Allow(methods) => match HeaderValue::try_from(methods) {
                Ok(methods) => answer.with_header(ALLOW, methods),
                Err(_) => answer,
            },
            Hint::RetryAfterS(seconds) => answer.with_header(RETRY_AFTER, number(seconds.into())),
            Hint::Authenticate(realm) => match HeaderValue::try_from(format!("Basic realm=\"{realm}\"")) {
                Ok(challenge) => answer.with_header(WWW_AUTHENTICATE, challenge),
                Err(_) => answer,
            },
        }
    }
}

/// A number as a header value; small ones without an allocation.
pub fn number(value: u64) -> HeaderValue {
    static SMALL: LazyLock<Vec<HeaderValue>> = LazyLock::new(small);
    match usize::try_from(value).ok().and_then(|index| SMALL.get(index)) {
        Some(text) => text.clone(),
        None => {
            let mut digits = itoa::Buffer::new();
            HeaderValue::from_str(digits.format(value)).unwrap_or(HeaderValue::from_static("0"))
        }
    }
}

/// The values of 0..1024 over static memory, so that a clone counts nothing.
fn small() -> Vec<HeaderValue> {
    let text = |value: u64| HeaderValue::from_static(Box::leak(value.to_string().into_boxed_str()));
    (0..1024).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_headers_of_the_contract() {
        let answer = Answer::ok(Kind::Json, "[]")
            .with_version(7)
            .with_ver_error(false)
            .with_stamp(11_558_529_000_000_001, Some(1_785_800_000_000))
            .with_listing(2, Some(0), Some("AbC_9".into()));
        let mut stale = HeaderMap::new();
        stale.insert("host", HeaderValue::from_static("gone"));
        let response = answer.into_response(stale, false);
        let seen = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(seen("Content-Type").as_deref(), Some("application/json"));
        assert_eq!(seen("Version").as_deref(), Some("7"));
        assert_eq!(seen("VerError").as_deref(), Some("false"));
        assert_eq!(seen("Stamp").as_deref(), Some("11558529000000001"));
        assert_eq!(seen("Expire").as_deref(), Some("1785800000000"));
        assert_eq!((seen("Keys"), seen("TotalCount")), (Some("2".into()), Some("0".into())));
        assert_eq!(seen("Cursor").as_deref(), Some("AbC_9"));
        assert_eq!((seen("host"), seen("connection")), (None, None));
    }

    #[test]
    fn a_head_says_what_the_response_says() {
        let plain = Answer::ok(Kind::Text, "value");
        let absent = Answer::empty(StatusCode::NOT_FOUND);
        let answers = [
            plain.clone(),
            Answer { kind: Kind::Json, ..plain.clone() },
            Answer { kind: Kind::Binary, ..plain.clone() },
            plain.clone().with_version(u64::MAX).with_ver_error(true).with_stamp(5, Some(6)),
            plain.clone().with_version(0).with_ver_error(false).with_stamp(u64::MAX, None),
            absent.clone().with_version(0),
        ];
        for answer in answers {
            let mut head = b"before".to_vec();
            assert!(answer.write_head(&mut head), "{answer:?}");
            let mut room = [httparse::EMPTY_HEADER; 16];
            let mut read = httparse::Response::new(&mut room);
            let length = read.parse(&head[6..]).unwrap().unwrap();
            assert_eq!(length, head.len() - 6);
            let mut seen: Vec<_> = read.headers.iter().map(|header| (header.name, header.value)).collect();
            assert_eq!(seen.pop().unwrap(), ("content-length", answer.body.len().to_string().as_bytes()));
            let response = answer.clone().into_response(HeaderMap::new(), false);
            let meant = response.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            assert_eq!(seen, meant.collect::<Vec<_>>());
            assert_eq!((read.version, read.code), (Some(1), Some(response.status().as_u16())));
            assert_eq!(read.reason, response.status().canonical_reason());
        }
        let others = [
            absent.clone().closing(),
            absent.with_outcome("word"),
            plain.clone().with_listing(1, None, None),
            Answer { kind: Kind::Other("text/css"), ..plain.clone() },
            Answer { status: StatusCode::NO_CONTENT, ..plain },
        ];
        for answer in others {
            let mut head = Vec::new();
            assert!(!answer.write_head(&mut head) && head.is_empty(), "{answer:?}");
        }
    }

    #[test]
    fn a_refusal_is_one_line_and_its_header() {
        let refusal = Refusal::unavailable("engine", "overloaded").hinting(Hint::RetryAfterS(1)).closing();
        let answer = Answer::from(refusal);
        assert_eq!(answer.body, "engine: overloaded\n");
        let response = answer.into_response(HeaderMap::new(), false);
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(response.headers()["connection"], "close");
        assert_eq!(response.headers()["content-type"], "text/plain");
    }

    #[test]
    fn numbers_have_no_cliff() {
        for value in [0, 1, 1023, 1024, 1025, u64::MAX] {
            assert_eq!(number(value), value.to_string().as_str());
        }
    }
}
