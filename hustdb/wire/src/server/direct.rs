//! The short way of a plain GET: what hyper does for a request costs more than to find a record, so where a read brings
//! one whole head that asks for nothing but its answer, and the handler knows the answer at once, hyper is left out.
//!
//! Nothing is refused here. Whatever gives the slightest doubt is left to hyper and `exchange.rs`: heads in pieces or
//! with others behind them, bodies, headers that change how a request is answered, credentials, illegal targets,
//! answers of other kinds. `transport.rs` sees to it that hyper holds no bytes, so that what is read begins a request.

use std::mem::MaybeUninit;

use bytes::Bytes;
use httparse::{Header, ParserConfig, Request, Status};

use super::{Handler, exchange::Link, gate};
use crate::{flat::FLAT_MAX_BYTES, query::Query};

/// Most headers of a plain request.
const HEADERS_MAX: usize = 32;

/// Headers that hyper or the gate act upon.
const ACTED_UPON: [&str; 5] = ["expect", "upgrade", "connection", "content-length", "transfer-encoding"];

/// The bytes that are legal in a query whoever reads RFC 3986; a fragment begins with none of these.
static LEGAL: [bool; 256] = {
    let mut legal = [false; 256];
    let mut byte = 0;
    while byte < legal.len() {
        legal[byte] =
            matches!(byte as u8, b'!' | b'$'..=b';' | b'=' | b'?'..=b'[' | b']' | b'_' | b'a'..=b'z' | b'~');
        byte += 1;
    }
    legal
};

/// Answers `bytes` if they are one plain GET. The answer is what `head` holds then, and after it what is returned: the
/// body, unless it is short.
pub fn answer<H: Handler>(
    link: &Link<H>,
    bytes: &[u8],
    head: &mut Vec<u8>,
    known: &mut Vec<u8>,
) -> Option<Bytes> {
    if !gate::is_open(&link.shared, link.refused.as_ref()) {
        return None;
    }
    let (path, query) = plain(bytes, known)?;
    let route = gate::route_of_get(&link.shared, path)?;
    let answer = link.shared.handler.answer_now(&link.local.worker, route.id, query)?;
    head.clear();
    if !answer.write_head(head) {
        return None;
    }
    let took_us = link.pulse.answering(None);
    link.local.shard.count(Some(route.id), answer.status, took_us);
    if head.len() + answer.body.len() > FLAT_MAX_BYTES {
        return Some(answer.body);
    }
    head.extend_from_slice(&answer.body);
    Some(Bytes::new())
}

/// Path and query, if `bytes` are one plain GET and nothing else.
///
/// `known` is what followed the target of the last one: clients say the same in each request, and what was read once
/// need not be read again.
fn plain<'a>(bytes: &'a [u8], known: &mut Vec<u8>) -> Option<(&'a str, Query<'a>)> {
    let target = bytes.strip_prefix(b"GET ").and_then(|rest| rest.strip_suffix(known.as_slice()));
    if let Some(split) = target.filter(|_| !known.is_empty()).and_then(split) {
        return Some(split);
    }
    let target = read(bytes)?;
    known.clear();
    known.extend_from_slice(bytes.get(b"GET ".len() + target.len()..).unwrap_or_default());
    split(target)
}

/// The target of a plain GET, read from its first byte to its last.
fn read(bytes: &[u8]) -> Option<&[u8]> {
    if !bytes.starts_with(b"GET /") || !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let mut room = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut request = Request::new(&mut []);
    let parsed = ParserConfig::default().parse_request_with_uninit_headers(&mut request, bytes, &mut room);
    let plain = parsed == Ok(Status::Complete(bytes.len()))
        && request.version == Some(1)
        && !request.headers.iter().any(is_acted_upon);
    request.path.filter(|_| plain).map(str::as_bytes)
}

/// A target of legal bytes as path and query.
fn split(target: &[u8]) -> Option<(&str, Query<'_>)> {
    let legal = target.starts_with(b"/") && target.iter().all(|byte| LEGAL[usize::from(*byte)]);
    let end = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at_checked(end).filter(|_| legal)?;
    Some((str::from_utf8(path).ok()?, Query::new(query.get(1..).unwrap_or_default())))
}

fn is_acted_upon(header: &Header<'_>) -> bool {
    let is = |name: &&str| name.eq_ignore_ascii_case(header.name);
    // Connections are kept anyhow, and many clients say that they want it.
    ACTED_UPON.iter().any(is) && !(is(&"connection") && header.value.eq_ignore_ascii_case(b"keep-alive"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_whole_get_is_plain() {
        let table: [(&str, (&str, &str)); 5] = [
            ("GET /get?key=a HTTP/1.1\r\nHost: h\r\n\r\n", ("/get", "key=a")),
            ("GET /get HTTP/1.1\r\n\r\n", ("/get", "")),
            ("GET /get? HTTP/1.1\r\nHost:\r\n\r\n", ("/get", "")),
            ("GET /get?key=%00?/:@[]!$&'()*+,;= HTTP/1.1\r\n\r\n", ("/get", "key=%00?/:@[]!$&'()*+,;=")),
            (
                "GET /get?k HTTP/1.1\r\nUser-Agent: x\r\nCONNECTION: Keep-Alive\r\nTE: x\r\n\r\n",
                ("/get", "k"),
            ),
        ];
        for (head, (path, query)) in table {
            let mut known = Vec::new();
            for round in ["read", "known"] {
                let found = plain(head.as_bytes(), &mut known).map(|(path, query)| (path, query.raw()));
                assert_eq!(found, Some((path, query.as_bytes())), "{round}: {head}");
            }
        }
    }

    #[test]
    fn the_rest_is_not() {
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_MAX + 1));
        let table = [
            "",
            "GET / HTTP/1.1\r\n",
            "GET / HTTP/1.1\r\n\r\nG",
            "GET / HTTP/1.1\r\n\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\n\nGET / HTTP/1.1\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\n\r\n",
            "get / HTTP/1.1\r\n\r\n",
            "HEAD / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "GET /\r\n\r\n",
            "GET  / HTTP/1.1\r\n\r\n",
            "GET http://h/get HTTP/1.1\r\n\r\n",
            "GET /get?a#b HTTP/1.1\r\n\r\n",
            "GET /get?\"a\" HTTP/1.1\r\n\r\n",
            "GET /get?\u{e4} HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nbad name: x\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            "GET / HTTP/1.1\r\ncontent-length: 4\r\n\r\n\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nConnection: keep-alive, close\r\n\r\n",
            "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n",
            "GET / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n",
            &many,
        ];
        for head in table {
            assert!(plain(head.as_bytes(), &mut Vec::new()).is_none(), "{head}");
            for before in ["GET /a HTTP/1.1\r\n\r\n", "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n"] {
                let mut known = Vec::new();
                assert!(plain(before.as_bytes(), &mut known).is_some());
                assert!(plain(head.as_bytes(), &mut known).is_none(), "{before}{head}");
            }
        }
    }

    #[test]
    fn what_is_known_is_what_was_read_last() {
        let mut known = Vec::new();
        let mut found = |head: &str| plain(head.as_bytes(), &mut known).is_some();
        assert!(found("GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n"));
        assert!(found("GET /a?b HTTP/1.1\r\nHost: another\r\n\r\n"));
        assert!(found("GET /c HTTP/1.1\r\nHost: another\r\n\r\n"));
        assert!(!found("GET /a b HTTP/1.1\r\nHost: another\r\n\r\n"));
        assert!(!found("GET /a HTTP/1.1\r\nX: y HTTP/1.1\r\nConnection: close\r\nHost: another\r\n\r\n"));
        assert!(!found("GET /a HTTP/1.1\r\nContent-Length: 9\r\n\r\n HTTP/1.1\r\nHost: another\r\n\r\n"));
        assert!(!found(" HTTP/1.1\r\nHost: another\r\n\r\n"));
    }
}
