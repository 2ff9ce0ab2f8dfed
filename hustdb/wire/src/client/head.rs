//! The head of a request as bytes, and what the head of an answer says. Pure.
//!
//! An answer is refused where its end could not be told for sure: without a length, with two, with a coding other than
//! `chunked`, or after a change of protocol.

use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use httparse::{ParserConfig, Response, Status};
use hyper::{Method, StatusCode};

use super::{
    Call,
    headers::{Field, Fields, Headers, is_named},
};
use crate::param::decimal;

/// Most headers of an answer.
const HEADERS_MAX: usize = 100;
/// Longest head of an answer: room for a cursor of the longest key.
const HEAD_MAX_BYTES: usize = 256 << 10;

/// How the body of an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    Length(u64),
    Chunked,
}

/// The head of an answer.
#[derive(Debug)]
pub struct Head {
    pub status: StatusCode,
    pub headers: Headers,
    pub framing: Framing,
    /// Whether the host keeps the connection open.
    pub keeps: bool,
}

/// The head of a request; `fixed` are the header lines that all requests to the host have.
pub fn encode(call: &Call, fixed: &[u8]) -> Vec<u8> {
    const EACH_BYTES: usize = 64;
    let target = call.target.as_bytes();
    let mut head = Vec::with_capacity(target.len() + fixed.len() + (call.headers.len() + 1) * EACH_BYTES);
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| head.extend_from_slice(part));
    put(&[call.method.as_str().as_bytes(), b" ", target, b" HTTP/1.1\r\n", fixed]);
    for (name, value) in &call.headers {
        put(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
    }
    if !call.body.is_empty() || !matches!(call.method, Method::GET | Method::HEAD) {
        put(&[b"content-length: ", itoa::Buffer::new().format(call.body.len()).as_bytes(), b"\r\n"]);
    }
    put(&[b"\r\n"]);
    head
}

/// Takes the head of the answer to a request with this method from `bytes`; `None` while it is incomplete. The last
/// `fresh` bytes were not there at the last try. Heads that only announce another one are skipped.
pub fn take(bytes: &mut BytesMut, fresh: usize, method: &Method) -> Result<Option<Head>, String> {
    // So a head that comes in many pieces is not read from its beginning for each.
    let is_first = fresh == bytes.len();
    if !is_first && !has_end(bytes.get(bytes.len().saturating_sub(fresh + 3)..).unwrap_or_default()) {
        return too_long(bytes).map(|()| None);
    }
    loop {
        let Some((head, version, length)) = parse(bytes)? else { return too_long(bytes).map(|()| None) };
        match head.status {
            StatusCode::SWITCHING_PROTOCOLS => return Err("answer: another protocol".into()),
            status if status.is_informational() => {
                let _ = bytes.split_to(length);
            }
            _ => return finish(head, version, bytes.split_to(length).freeze(), method).map(Some),
        }
    }
}

/// A head whose places are known but not yet what it means.
struct Raw {
    status: StatusCode,
    fields: Fields,
}

fn parse(bytes: &[u8]) -> Result<Option<(Raw, u8, usize)>, String> {
    let mut room = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut response = Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut room);
    let Status::Complete(length) = parsed.map_err(|error| format!("answer: {error}"))? else {
        return Ok(None);
    };
    let fields = response.headers.iter();
    let fields = fields.map(|field| Field::of(bytes, field.name.as_bytes(), field.value));
    let status = response.code.and_then(|code| StatusCode::from_u16(code).ok());
    let raw = Raw { status: status.ok_or("answer: no status")?, fields: fields.collect() };
    Ok(Some((raw, response.version.unwrap_or(0), length)))
}

fn finish(raw: Raw, version: u8, head: Bytes, method: &Method) -> Result<Head, String> {
    let (mut length, mut chunked, mut keeps) = (None, false, version == 1);
    let headers = Headers::new(head, raw.fields);
    for (name, value) in headers.iter() {
        let value = value.trim_ascii();
        if is_named(name, b"content-length") {
            let told = decimal(value).ok_or("answer: illegal length")?;
            if length.is_some_and(|length| length != told) {
                return Err("answer: two lengths".into());
            }
            length = Some(told);
        } else if is_named(name, b"transfer-encoding") {
            if chunked || version == 0 || !value.eq_ignore_ascii_case(b"chunked") {
                return Err("answer: unknown coding".into());
            }
            chunked = true;
        } else if is_named(name, b"connection") {
            let mut words = value.split(|byte| *byte == b',');
            keeps &= !words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"));
        }
    }
    let bodiless =
        *method == Method::HEAD || matches!(raw.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let framing = match (length, chunked) {
        _ if bodiless => Framing::Length(0),
        (Some(_), true) => return Err("answer: two lengths".into()),
        (None, true) => Framing::Chunked,
        (Some(length), false) => Framing::Length(length),
        // Its end could not be told from a broken connection.
        (None, false) => return Err("answer: without a length".into()),
    };
    Ok(Head { status: raw.status, headers, framing, keeps })
}

fn too_long(bytes: &[u8]) -> Result<(), String> {
    if bytes.len() > HEAD_MAX_BYTES { Err("answer: too long a head".into()) } else { Ok(()) }
}

/// Whether an empty line ends in here.
fn has_end(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
