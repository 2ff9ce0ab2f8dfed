//! One request of a write to one node, and what its answer means.

use hust_wire::client::{Outcome, Pool, Reply};
use hyper::StatusCode;

use crate::{
    canon::{Stored, Verb, Write},
    health::{self, Node},
    plan::Leg,
    show::{refuses_us, status, told, why},
};

/// What came of the plain form.
#[derive(Debug)]
pub struct Asked {
    /// What it means.
    pub leg: Leg,
    /// The answer, if there is one.
    pub reply: Option<Reply>,
    /// The result, if it was done.
    pub stored: Option<Stored>,
    /// Why there is no answer.
    failure: String,
    /// Whether we have too few connections to it; asking another node would only move the load.
    pub is_busy: bool,
}

impl Asked {
    /// Of a node that was not asked.
    pub fn not_asked() -> Asked {
        Asked { leg: Leg::Refused, reply: None, stored: None, failure: "not asked".into(), is_busy: false }
    }

    /// What the node did, for a reason line.
    pub fn why(&self) -> String {
        told(self.reply.as_ref(), &self.failure)
    }
}

/// Asks a node to decide a write. Sent once at most.
pub async fn plain(pool: &Pool, node: &Node, write: &Write, deadline_ms: u64) -> Asked {
    match pool.call(&node.host, &write.plain(deadline_ms)).await {
        Ok(reply) => {
            let stored = (reply.status == StatusCode::OK).then(|| write.stored(&reply)).flatten();
            let leg = sort(write.verb, &reply, stored.is_some());
            match leg {
                Leg::Refused => node.count(health::Leg::Refused),
                Leg::Unknown => node.count(health::Leg::Unknown),
                Leg::Done | Leg::Missing | Leg::Final => {}
            }
            if reply.status.is_server_error() && leg != Leg::Final {
                node.alarm.notify_one();
            }
            Asked { leg, reply: Some(reply), stored, failure: String::new(), is_busy: false }
        }
        Err(failure) => {
            node.failed(&failure);
            let (leg, is_busy) = match failure.outcome() {
                Outcome::Refused => (Leg::Refused, !failure.is_unreachable()),
                Outcome::Unknown => (Leg::Unknown, false),
            };
            Asked { leg, reply: None, stored: None, failure: why(&failure), is_busy }
        }
    }
}

/// What an answer to the plain form means. `is_whole`: it says everything about the result.
fn sort(verb: Verb, reply: &Reply, is_whole: bool) -> Leg {
    match reply.status {
        StatusCode::OK if is_whole => Leg::Done,
        StatusCode::OK => Leg::Unknown,
        StatusCode::NOT_FOUND if verb.deletes() => Leg::Missing,
        _ if refuses_us(reply) => Leg::Refused,
        StatusCode::BAD_REQUEST
        | StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::PRECONDITION_FAILED
        | StatusCode::PAYLOAD_TOO_LARGE => Leg::Final,
        // Overloaded: failing over would only move the load.
        StatusCode::SERVICE_UNAVAILABLE if reply.header("retry-after").is_some() => Leg::Final,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE => Leg::Refused,
        other if other.is_client_error() => Leg::Refused,
        _ => Leg::Unknown,
    }
}

/// What came of the replicated form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The node has the record.
    Done,
    /// The node has a greater one.
    Greater,
    /// Not, as far as is known.
    Failed,
}

/// Gives a node the result of a write.
pub async fn replicate(pool: &Pool, node: &Node, write: &Write, stored: &Stored) -> Copied {
    let Ok(call) = write.replicated(stored) else { return Copied::Failed };
    match pool.call(&node.host, &call).await {
        Ok(reply) if reply.status == StatusCode::OK => match reply.header("vererror") {
            Some("false") => Copied::Done,
            Some("true") => Copied::Greater,
            _ => Copied::Failed,
        },
        Ok(reply) => {
            node.count(health::Leg::Refused);
            if reply.status == StatusCode::BAD_REQUEST && reply.body.starts_with(b"stamp:") {
                node.counts.clock_skew.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            if reply.status.is_server_error() {
                node.alarm.notify_one();
            }
            tracing::debug!("{} did not take a record: {}", node.host, status(&reply));
            Copied::Failed
        }
        Err(failure) => {
            node.failed(&failure);
            Copied::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::{
        HeaderMap,
        header::{HeaderName, HeaderValue},
    };

    use super::*;

    #[test]
    fn what_answers_mean() {
        let table: [(u16, &'static str, Verb, Leg); 19] = [
            (200, "", Verb::Put, Leg::Done),
            (404, "", Verb::Del, Leg::Missing),
            (404, "", Verb::Put, Leg::Refused),
            (400, "", Verb::Put, Leg::Final),
            (401, "vererror", Verb::Put, Leg::Final),
            (401, "www-authenticate", Verb::Put, Leg::Refused),
            (403, "version", Verb::Put, Leg::Final),
            (403, "", Verb::Put, Leg::Refused),
            (412, "version", Verb::Hdel, Leg::Final),
            (413, "", Verb::Put, Leg::Final),
            (414, "", Verb::Put, Leg::Refused),
            (405, "", Verb::Put, Leg::Refused),
            (503, "retry-after", Verb::Put, Leg::Final),
            (503, "", Verb::Put, Leg::Refused),
            (507, "", Verb::Put, Leg::Refused),
            (500, "", Verb::Put, Leg::Unknown),
            (502, "", Verb::Del, Leg::Unknown),
            (204, "", Verb::Put, Leg::Unknown),
            (302, "", Verb::Put, Leg::Unknown),
        ];
        for (code, header, verb, expected) in table {
            let mut headers = HeaderMap::new();
            if !header.is_empty() {
                headers.insert(HeaderName::from_static(header), HeaderValue::from_static("1"));
            }
            let status = StatusCode::from_u16(code).unwrap();
            let reply = Reply { status, headers: (&headers).into(), body: "".into() };
            assert_eq!(sort(verb, &reply, true), expected, "{code} {header}");
            if code == 200 {
                assert_eq!(sort(verb, &reply, false), Leg::Unknown, "an answer that does not say all");
            }
        }
    }
}
