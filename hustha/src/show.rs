//! A node's answer as the client gets it, and the answer when no node gave one.

use hust_wire::{
    Answer, Kind, Refusal,
    answer::Rare,
    client::{Failure, Outcome, Reply, is_named},
    line,
    param::decimal,
};
use hyper::{
    StatusCode,
    header::{HeaderValue, RETRY_AFTER},
};

use crate::{health::Node, plan::Word};

/// The answer of a node, with the headers that pass.
pub fn show(reply: &Reply) -> Answer {
    let mut answer = Answer { body: reply.body.clone(), ..Answer::empty(reply.status) };
    for (name, value) in reply.headers.iter() {
        // Lengths first: it is done for each header of each answer.
        match name.len() {
            5 if is_named(name, b"stamp") => answer.stamp = decimal(value),
            7 if is_named(name, b"version") => answer.version = decimal(value),
            8 if is_named(name, b"vererror") => answer.ver_error = Some(value == b"true"),
            6 if is_named(name, b"expire") => answer.expire_ms = decimal(value),
            6 if is_named(name, b"cursor") => {
                rare(&mut answer).cursor = std::str::from_utf8(value).ok().map(str::to_owned)
            }
            4 if is_named(name, b"keys") => rare(&mut answer).keys = decimal(value),
            10 if is_named(name, b"totalcount") => rare(&mut answer).total_count = decimal(value),
            11 if is_named(name, b"retry-after") => {
                rare(&mut answer)
                    .others
                    .extend(HeaderValue::from_bytes(value).map(|value| (RETRY_AFTER, value)));
            }
            12 if is_named(name, b"content-type") => {
                answer.kind = match value {
                    b"application/json" => Kind::Json,
                    b"application/octet-stream" => Kind::Binary,
                    _ => Kind::Text,
                };
            }
            _ => {}
        }
    }
    answer
}

fn rare(answer: &mut Answer) -> &mut Rare {
    answer.rare.get_or_insert_default()
}

/// 503 of a data command: what each host of the pair did.
pub fn no_master(told: [(&Node, &str); 2]) -> Answer {
    let [one, two] = told.map(|(node, why)| format!("{} {why}", node.host));
    Refusal::unavailable("pair", format!("{one}; {two}")).into()
}

/// The same of a write.
pub fn not_written(told: [(&Node, &str); 2], word: Word) -> Answer {
    no_master(told).with_outcome(word.as_str())
}

/// Why an exchange gave no answer, in one line.
pub fn why(failure: &Failure) -> String {
    let word = match failure.outcome() {
        Outcome::Refused => "refused",
        Outcome::Unknown => "unknown",
    };
    format!("{word} ({})", line::short(failure.cause()))
}

/// Why an answer is of no use, in one line.
pub fn status(reply: &Reply) -> String {
    format!("{} ({})", reply.status.as_u16(), line::first(&reply.body))
}

/// Whether a node refuses our credentials or our address, and not what the client asks for.
pub fn refuses_us(reply: &Reply) -> bool {
    match reply.status {
        StatusCode::UNAUTHORIZED => reply.header("vererror").is_none(),
        // Of a data command it would have a version.
        StatusCode::FORBIDDEN => reply.header("version").is_none(),
        _ => false,
    }
}

/// What a node did: the status of its answer, or why there is none. Made only where it is told: most answers are good.
pub fn told(reply: Option<&Reply>, failure: &str) -> String {
    reply.map_or_else(|| failure.to_owned(), status)
}

#[cfg(test)]
mod tests {
    use hyper::{HeaderMap, header::HeaderName};

    use super::*;

    #[test]
    fn what_passes_and_what_does_not() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("version", "3"),
            ("vererror", "true"),
            ("stamp", "9"),
            ("expire", "7"),
            ("keys", "1"),
            ("totalcount", "0"),
            ("cursor", "c"),
            ("retry-after", "1"),
            ("server", "x"),
            ("content-type", "application/json"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let reply = Reply { status: StatusCode::UNAUTHORIZED, headers: (&headers).into(), body: "b".into() };
        let response = show(&reply).into_response(HeaderMap::new(), false);
        assert_eq!(response.status(), 401);
        let mut names: Vec<&str> = response.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let passed = [
            "content-type",
            "cursor",
            "expire",
            "keys",
            "retry-after",
            "stamp",
            "totalcount",
            "vererror",
            "version",
        ];
        assert_eq!(names, passed);
        assert!(!refuses_us(&reply));
    }

    #[test]
    fn reasons_are_one_short_line() {
        let reply =
            Reply { status: StatusCode::BAD_GATEWAY, headers: Default::default(), body: "a\tb\nc".into() };
        assert_eq!(status(&reply), "502 (a b)");
    }
}
