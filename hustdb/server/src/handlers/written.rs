//! What all writes share: who writes and expects what, until when, and the answer.

use hust_store::{Answer as Done, Lifetime, Origin, Shown, Written, record::MAX_VERSION};
use hust_wire::{Answer, Query, Refusal, param::required};
use hyper::StatusCode;

use super::Outcome;
use crate::{node::Limits, refuse::refuse};

/// Who writes, and which version it expects or brings.
///
/// `stamp` counts only with `is_dup`; without both, `ver` is the expected version.
pub fn origin(query: Query<'_>, replica_ver_min: u64) -> Result<Origin, Refusal> {
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
pub fn lifetime(query: Query<'_>, origin: &Origin, limits: &Limits) -> Result<Lifetime, Refusal> {
    let until = || Ok(Lifetime::Until(query.unsigned("expire", u64::MAX)?.unwrap_or(0)));
    let ttl = query.find("ttl").is_some();
    match origin {
        Origin::Replica { .. } => until(),
        Origin::Unstamped { .. } if !ttl => until(),
        _ => Ok(Lifetime::Ttl(query.unsigned("ttl", limits.ttl_maximum_s)?.unwrap_or(0))),
    }
}

/// Waits until a write is as durable as promised, and answers it. `ver` is what the caller expected.
pub async fn answer(written: Result<Written, hust_store::Error>, ver: u64) -> Outcome {
    let Written { answer, ticket } = match written {
        Ok(written) => written,
        Err(error) => return refused(refuse(error), ver),
    };
    if let Err(cause) = ticket.await {
        return Err(refuse(cause.into()));
    }
    Ok(match answer {
        Done::Applied(shown) => done(&shown, false),
        Done::Ignored { winner, greater } => done(&winner, greater),
        Done::Conflict { current } => {
            Answer::empty(StatusCode::UNAUTHORIZED).with_version(current).with_ver_error(true)
        }
        Done::Absent => Answer::empty(StatusCode::NOT_FOUND).with_version(0).with_ver_error(false),
    })
}

/// A refusal by policy has the headers of a data command.
fn refused(refusal: Refusal, ver: u64) -> Outcome {
    if refusal.status == StatusCode::FORBIDDEN {
        return Ok(Answer::from(refusal).with_version(ver).with_ver_error(false));
    }
    Err(refusal)
}

fn done(shown: &Shown, refused_for_version: bool) -> Answer {
    Answer::empty(StatusCode::OK)
        .with_version(shown.version)
        .with_ver_error(refused_for_version)
        .with_stamp(shown.stamp, (shown.expire_ms != 0).then_some(shown.expire_ms))
}

/// The version a write expects, as refusals by policy repeat it.
pub fn expected(origin: &Origin) -> u64 {
    match *origin {
        Origin::Local { ver } | Origin::Replica { ver, .. } | Origin::Unstamped { ver } => ver,
    }
}
