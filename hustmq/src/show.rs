//! A node's answer as the client gets it, and answers of the front itself.

use hust_wire::{
    Answer, Hint, Kind, Refusal,
    client::Reply,
    message::{FRAMES, FRAMES_TYPE},
};
use hyper::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderName, RETRY_AFTER},
};

/// The headers of a node's answer that pass.
const PASSING: [HeaderName; 10] = [
    HeaderName::from_static("index"),
    HeaderName::from_static("ack-token"),
    HeaderName::from_static("redelivered"),
    HeaderName::from_static("dead-from"),
    HeaderName::from_static("duplicate"),
    HeaderName::from_static("count"),
    HeaderName::from_static("next"),
    HeaderName::from_static("expire"),
    HeaderName::from_static("unknown-tokens"),
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
            answer = answer.with_header(name, value);
        }
    }
    answer
}

/// 503: a node took the request and gave no answer.
pub fn unknown(host: &str, why: &str) -> Answer {
    with_outcome(Refusal::unavailable("backend", format!("{host} outcome unknown ({why})")), "unknown")
}

/// 503: certainly not done.
pub fn not_done(why: String) -> Answer {
    with_outcome(Refusal::unavailable("backend", why), "refused")
}

/// 503: too many requests wait for the node that it is for.
pub fn busy(host: &str, why: &str) -> Answer {
    let refusal = Refusal::unavailable("backend", format!("{host} {why}"));
    with_outcome(refusal.hinting(Hint::RetryAfterS(1)), "refused")
}

/// 503: no node decided about it. What each that was asked said.
pub fn none_took(told: &[String]) -> Answer {
    not_done(if told.is_empty() { "none is up".into() } else { told.join("; ") })
}

/// Whether an answer to a get says that nothing was got, and certainly nothing lost.
pub fn is_nothing(answer: &Answer) -> bool {
    match answer.status {
        StatusCode::NOT_FOUND | StatusCode::PRECONDITION_FAILED => true,
        StatusCode::SERVICE_UNAVAILABLE => header(answer, "outcome") != Some("unknown"),
        _ => false,
    }
}

/// The first header of an answer with this name, which is in lower case.
pub fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let others = &answer.rare.as_ref()?.others;
    others.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.to_str().ok())
}

fn with_outcome(refusal: Refusal, outcome: &'static str) -> Answer {
    Answer::from(refusal).with_outcome(outcome)
}

#[cfg(test)]
mod tests {
    use hyper::{HeaderMap, header::HeaderValue};

    use super::*;

    #[test]
    fn the_headers_of_the_contract_pass_and_no_other() {
        let mut headers = HeaderMap::new();
        for name in PASSING.iter().map(HeaderName::as_str).chain(["server", "date", "www-authenticate"]) {
            headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static("1"));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FRAMES_TYPE));
        let answer =
            show(&Reply { status: StatusCode::FORBIDDEN, headers: (&headers).into(), body: "b".into() });
        assert_eq!((answer.kind, &answer.body[..]), (FRAMES, &b"b"[..]));
        let response = answer.into_response(HeaderMap::new(), false);
        assert_eq!(response.status(), 403);
        let mut names: Vec<&str> = response.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let passed = [
            "ack-token",
            "content-type",
            "count",
            "dead-from",
            "duplicate",
            "expire",
            "index",
            "next",
            "redelivered",
            "retry-after",
            "unknown-tokens",
        ];
        assert_eq!(names, passed);
    }

    #[test]
    fn what_took_nothing() {
        let table = [
            (Answer::empty(StatusCode::NOT_FOUND), true),
            (Refusal::new(StatusCode::PRECONDITION_FAILED, "queue", "unknown").into(), true),
            (none_took(&[]), true),
            (busy("a:1", "full"), true),
            (unknown("a:1", "lost"), false),
            (Answer::empty(StatusCode::OK), false),
            (Answer::empty(StatusCode::BAD_REQUEST), false),
        ];
        for (answer, expected) in table {
            assert_eq!(is_nothing(&answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn nobody_asked_has_a_reason_too() {
        assert_eq!(&none_took(&[]).body[..], b"backend: none is up\n");
    }
}
