//! Many records at a time: `/hustdb/{scan merge digest forget}`.

use std::{fmt::Write as _, sync::Arc};

use hust_store::{Forgetting, Form, Kind as Row, Merged, Replica, ScanRequest, Shown, Store};
use hust_wire::{
    Answer, Kind, Refusal, Request,
    frame::{self, Content, FrameWriter, Frames, RecordRef},
};

use super::{
    Outcome, pooled,
    window::{required_window, window},
};
use crate::{
    node::Limits,
    refuse::{internal, refuse},
};

/// Bytes over `server.max_body_size` that a merge may have, so that the largest record fits with what is around it.
pub const MERGE_OVER_BYTES: usize = 1 << 20;
/// How often one step of forgetting may be refused as too much.
const REFUSALS_MAX: u32 = 600;
/// Most records of a page.
const LIMIT_MAX: u64 = 10_000;
const LIMIT_DEFAULT: u64 = 1000;
/// Bytes of a page, about.
const PAGE_BYTES: usize = 4 << 20;

/// `/hustdb/scan`
pub async fn scan(store: &Arc<Store>, request: &Request, limits: &Limits) -> Outcome {
    let query = request.query();
    let slots = window(query)?;
    let cursor = query.bytes("cursor")?.unwrap_or_default().into_owned();
    let limit = query.unsigned_in("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT) as usize;
    let values = !query.boolean("digest")?.unwrap_or(false);
    // Whatever a scan answers may be posted to a merge.
    let max_bytes = PAGE_BYTES.min(limits.max_body_bytes);
    let page = pooled(store, move |store| {
        let page = store.scan(&ScanRequest { slots, cursor: &cursor, limit, max_bytes, values })?;
        Ok((encode(page.records.iter().map(|record| record.replica()), values), page.cursor))
    });
    let (encoded, cursor) = page.await.map_err(refuse)?;
    let (records, body) = encoded?;
    Ok(Answer::ok(Kind::Binary, body).with_listing(records, None, cursor))
}

/// Records as frames, and their number.
pub fn encode<'r>(
    replicas: impl Iterator<Item = Replica<'r>>,
    values: bool,
) -> Result<(u64, Vec<u8>), Refusal> {
    let mut writer = FrameWriter::new(if values { Content::Whole } else { Content::Digest });
    for replica in replicas {
        let pushed = record_of(&replica).map(|record| writer.push(&record));
        match pushed {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(internal("data", &format!("a record of ours: {error}"))),
            None => return Err(internal("data", "no record travels like this")),
        }
    }
    Ok((writer.records(), writer.finish()))
}

/// `/hustdb/merge`
pub async fn merge(store: &Arc<Store>, request: &Request) -> Outcome {
    let body = request.body.clone();
    let done = pooled(store, move |store| Ok(merge_all(store, frame::decode(&body))));
    let Merged { applied, ignored, ticket } = done.await.map_err(refuse)??;
    if let Some(ticket) = ticket {
        ticket.await.map_err(|cause| refuse(cause.into()))?;
    }
    let received = applied + ignored;
    let json = format!(r#"{{"received":{received},"applied":{applied},"ignored":{ignored}}}"#);
    Ok(Answer::ok(Kind::Json, json))
}

/// Merges frame by frame. A refused record does not keep those of later frames out; damage does.
fn merge_all(store: &Store, frames: Frames<'_>) -> Result<Merged, Refusal> {
    let mut merged = Merged::default();
    let mut refused = None;
    for frame in frames {
        match store.merge(frame?.records().map(|record| replica_of(&record))) {
            Ok(done) => merged = merged.and(done),
            Err(error @ (hust_store::Error::Capacity(_) | hust_store::Error::Collision)) => {
                refused.get_or_insert(error);
            }
            Err(error) => return Err(refuse(error)),
        }
    }
    refused.map_or(Ok(merged), |error| Err(refuse(error)))
}

/// `/hustdb/digest`
pub fn digest(store: &Store, request: &Request) -> Outcome {
    let slots = window(request.query())?;
    let mut json = String::with_capacity(slots.len() * 19 + 2);
    for (at, digest) in store.digest(slots).into_iter().enumerate() {
        // Writing to a string does not fail.
        let _ = write!(json, r#"{}"{digest:016x}""#, if at == 0 { '[' } else { ',' });
    }
    json.push(']');
    Ok(Answer::ok(Kind::Json, json))
}

/// `/hustdb/forget`
pub async fn forget(store: &Arc<Store>, request: &Request) -> Outcome {
    let slots = required_window(request.query())?;
    let mut forgetting = Forgetting::of(slots);
    let mut refusals = 0;
    while !forgetting.is_done() {
        let step = pooled(store, move |store| {
            let done = store.forget(&mut forgetting);
            if let Err(hust_store::Error::Busy(_)) = done {
                // Writes are made faster than they can be stored.
                store.engine().wait_writable();
            }
            Ok((forgetting, done))
        });
        let (after, done) = step.await.map_err(refuse)?;
        forgetting = after;
        match done {
            Ok(()) => refusals = 0,
            Err(hust_store::Error::Busy(_)) if refusals < REFUSALS_MAX => refusals += 1,
            Err(error) => return Err(refuse(error)),
        }
    }
    Ok(Answer::ok(Kind::Json, format!(r#"{{"forgotten":{}}}"#, forgetting.records)))
}

/// A record as it stands in a frame; `None`: no kind that travels.
fn record_of<'a>(replica: &Replica<'a>) -> Option<RecordRef<'a>> {
    let kind = match replica.kind {
        Row::Kv => frame::Kind::Kv,
        Row::Hash => frame::Kind::Hash,
        Row::Set => frame::Kind::Set,
        Row::Zset => frame::Kind::SortedSet,
        _ => return None,
    };
    let form = match replica.form {
        Form::Live => frame::Form::Live,
        Form::Tombstone => frame::Form::Tombstone,
        Form::Remains => frame::Form::Remains,
    };
    let Shown { version, stamp, expire_ms } = replica.shown;
    let table = std::str::from_utf8(replica.table).ok()?;
    Some(RecordRef { kind, form, stamp, version, expire_ms, table, key: replica.key, value: replica.value })
}

fn replica_of<'a>(record: &RecordRef<'a>) -> Replica<'a> {
    let kind = match record.kind {
        frame::Kind::Kv => Row::Kv,
        frame::Kind::Hash => Row::Hash,
        frame::Kind::Set => Row::Set,
        frame::Kind::SortedSet => Row::Zset,
    };
    let form = match record.form {
        frame::Form::Live => Form::Live,
        frame::Form::Tombstone => Form::Tombstone,
        frame::Form::Remains => Form::Remains,
    };
    let shown = Shown { version: record.version, stamp: record.stamp, expire_ms: record.expire_ms };
    Replica { kind, table: record.table.as_bytes(), key: record.key, form, shown, value: record.value }
}
