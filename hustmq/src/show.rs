//! A node's answer as the client gets it, and answers of the front itself.

use hust_wire::{
    Answer, Kind,
    client::Reply,
    message::{FRAMES, FRAMES_TYPE},
};
use hyper::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};

/// What is told of a failure is cut to so many bytes.
const WHY_MAX_BYTES: usize = 200;
/// The headers of a node's answer that pass.
const PASSING: [HeaderName; 9] = [
    HeaderName::from_static("index"),
    HeaderName::from_static("ack-token"),
    HeaderName::from_static("redelivered"),
    HeaderName::from_static("dead-from"),
    HeaderName::from_static("duplicate"),
    HeaderName::from_static("count"),
    HeaderName::from_static("next"),
    HeaderName::from_static("expire"),
    RETRY_AFTER,
];

/// The answer of a node, with the headers that pass.
pub fn show(reply: &Reply) -> Answer {
    let kind = match reply.header(CONTENT_TYPE.as_str()) {
        Some("application/json") => Kind::Json,
        Some(FRAMES_TYPE) => FRAMES,
        _ => Kind::Text,
    };
    let mut answer = Answer::empty(reply.status);
    (answer.kind, answer.body) = (kind, reply.body.clone());
    for name in PASSING {
        if let Some(value) = reply.headers.get(&name) {
            answer = answer.with_header(name, value.clone());
        }
    }
    answer
}

/// A text as one short line.
pub fn one_line(text: &str) -> String {
    let mut line: String =
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let cut = (0..=WHY_MAX_BYTES.min(line.len())).rev().find(|at| line.is_char_boundary(*at));
    line.truncate(cut.unwrap_or(0));
    line
}
