//! What all writes share: their terms - who writes and expects what, until when - and the answer.

use hust_store::{Answer as Done, Lifetime, Origin, Shown, Terms, Written, record::MAX_VERSION};
use hust_wire::{Answer, Kind, Query, Refusal, Request, param::required, server::is_alone};
use hyper::StatusCode;

use super::Outcome;
use crate::{node::Limits, refuse::refuse};

/// The terms of a write that leaves a record behind. `unsaid`: how long it lives if the client does not say.
pub fn terms(request: &Request, unsaid: Lifetime, limits: &Limits) -> Result<Terms, Refusal> {
    let origin = origin(request.query(), 1)?;
    let lifetime = lifetime(request.query(), &origin, unsaid, limits)?;
    Ok(Terms { origin, lifetime, deadline_ms: deadline(request)? })
}

/// The terms of a delete.
pub fn delete_terms(request: &Request) -> Result<Terms, Refusal> {
    let origin = origin(request.query(), 0)?;
    Ok(Terms { origin, lifetime: Lifetime::Ttl(0), deadline_ms: deadline(request)? })
}

/// Who writes, and which version it expects or brings.
///
/// `stamp` counts only with `is_dup`; without both, `ver` is the expected version.
fn origin(query: Query<'_>, replica_ver_min: u64) -> Result<Origin, Refusal> {
    if !query.boolean("is_dup")?.unwrap_or(false) {
        return Ok(Origin::Local { ver: query.unsigned("ver", MAX_VERSION)?.unwrap_or(0) });
    }
    let ver = |min| required("ver", query.unsigned_in("ver", min, MAX_VERSION)?);
    match query.unsigned_in("stamp", 1, u64::MAX)? {
        Some(stamp) => Ok(Origin::Replica { ver: ver(replica_ver_min)?, stamp }),
        None => Ok(Origin::Unstamped { ver: ver(1)? }),
    }
}

/// Until when a record lives: replicas say when it expires, clients how long it lives.
fn lifetime(
    query: Query<'_>,
    origin: &Origin,
    unsaid: Lifetime,
    limits: &Limits,
) -> Result<Lifetime, Refusal> {
    let expire = |query: Query<'_>| query.unsigned("expire", u64::MAX);
    match origin {
        Origin::Replica { .. } => return Ok(Lifetime::Until(expire(query)?.unwrap_or(0))),
        Origin::Unstamped { .. } if query.find("ttl").is_none() => {
            return Ok(expire(query)?.map_or(unsaid, Lifetime::Until));
        }
        _ => {}
    }
    Ok(query.unsigned("ttl", limits.ttl_maximum_s)?.map_or(unsaid, Lifetime::Ttl))
}

/// Until when the write may happen: the header `Deadline`, unix ms.
pub fn deadline(request: &Request) -> Result<Option<u64>, Refusal> {
    let Some(text) = request.header("deadline") else { return Ok(None) };
    let digits = text.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(text).ok()).flatten();
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(deadline_ms) => Ok(Some(deadline_ms)),
        None => Err(Refusal::bad("deadline", "not a number")),
    }
}

/// Waits until a write is as durable as promised, and answers it.
pub async fn answer(written: Result<Written, hust_store::Error>, terms: &Terms) -> Outcome {
    let Written { answer, number, ticket } = match written {
        Ok(written) => written,
        Err(error) => return refused(refuse(error), expected(&terms.origin)),
    };
    if is_alone() {
        ticket.hasten();
    }
    if let Err(cause) = ticket.await {
        return Err(refuse(cause.into()));
    }
    Ok(match answer {
        Done::Applied(shown) | Done::Unchanged(shown) => done(&shown, number, false),
        Done::Ignored { winner, greater } => done(&winner, number, greater),
        Done::Conflict { current } => {
            Answer::empty(StatusCode::UNAUTHORIZED).with_version(current).with_ver_error(true)
        }
        Done::Absent => Answer::empty(StatusCode::NOT_FOUND).with_version(0).with_ver_error(false),
    })
}

/// A refusal by policy has the headers of a data command.
fn refused(refusal: Refusal, ver: u64) -> Outcome {
    if matches!(refusal.status, StatusCode::FORBIDDEN | StatusCode::PRECONDITION_FAILED) {
        return Ok(Answer::from(refusal).with_version(ver).with_ver_error(false));
    }
    Err(refusal)
}

fn done(shown: &Shown, number: Option<i64>, refused_for_version: bool) -> Answer {
    let answer = match number {
        Some(number) => Answer::ok(Kind::Text, itoa::Buffer::new().format(number).to_owned()),
        None => Answer::empty(StatusCode::OK),
    };
    answer
        .with_version(shown.version)
        .with_ver_error(refused_for_version)
        .with_stamp(shown.stamp, (shown.expire_ms != 0).then_some(shown.expire_ms))
}

/// The version a write expects, as refusals by policy repeat it.
fn expected(origin: &Origin) -> u64 {
    match *origin {
        Origin::Local { ver } | Origin::Replica { ver, .. } | Origin::Unstamped { ver } => ver,
    }
}
