//! Rows of tables: `/hustdb/{hget hexist hset hincrby hdel sismember sadd srem zismember zscore zadd zrem}`.
//!
//! The three types differ in where the row's key and value come from; what is done with them is the same.

use std::{borrow::Cow, sync::Arc};

use hust_store::{
    Change, Fetch, Kind as Row, Lifetime, Member, Record, ScoreOperation, Seen, Shown, Store, Terms, score_of,
};
use hust_wire::{
    Answer, Kind, Query, Refusal, Request,
    param::{check_key, required, signed},
};
use hyper::StatusCode;

use super::{
    Outcome,
    found::{absent, body, refused, show},
    settle, written,
};
use crate::{node::Limits, refuse::refuse};

/// Name and key of a row, with which it can be asked for on any thread.
#[derive(Clone)]
struct Name<'a> {
    kind: Row,
    table: Cow<'a, str>,
    key: Cow<'a, [u8]>,
}

impl<'a> Name<'a> {
    /// The key is the parameter: fields of hashes.
    fn of_field(query: Query<'a>) -> Result<Name<'a>, Refusal> {
        let table = required("tb", query.table("tb")?)?;
        Ok(Name { kind: Row::Hash, table, key: required("key", query.key("key")?)? })
    }

    /// The key is the body, if there is one: members of sets and sorted sets.
    fn of_member(kind: Row, request: &'a Request) -> Result<Name<'a>, Refusal> {
        let query = request.query();
        let table = required("tb", query.table("tb")?)?;
        if request.body.is_empty() {
            return Ok(Name { kind, table, key: required("key", query.key("key")?)? });
        }
        check_key("key", &request.body)?;
        Ok(Name { kind, table, key: Cow::Borrowed(&request.body) })
    }

    fn of(kind: Row, request: &'a Request) -> Result<Name<'a>, Refusal> {
        match kind {
            Row::Hash => Name::of_field(request.query()),
            _ => Name::of_member(kind, request),
        }
    }

    fn member(&self) -> Member<'_> {
        Member { kind: self.kind, table: self.table.as_bytes(), key: &self.key }
    }

    fn into_owned(self) -> Name<'static> {
        Name { kind: self.kind, table: self.table.into_owned().into(), key: self.key.into_owned().into() }
    }
}

/// `/hustdb/hget`, unless it has to wait.
pub fn hget_now(store: &Store, query: Query<'_>) -> Result<Option<Answer>, Refusal> {
    let name = Name::of_field(query)?;
    let stamps = query.boolean("stamps")?.unwrap_or(false);
    let look = |shown: &Shown, value: Seen<'_>| show(Answer::ok(Kind::Text, body(value)), shown, stamps);
    match store.members().try_show(&name.member(), look) {
        Ok(Fetch::Ready(found)) => Ok(Some(found.unwrap_or_else(absent))),
        Ok(Fetch::Cold) => Ok(None),
        Err(error) => refused(refuse(error)).map(Some),
    }
}

/// `/hustdb/hget`
pub async fn hget(store: &Arc<Store>, request: &Request) -> Outcome {
    read(store, request, Row::Hash, |record| Ok(Answer::shared(Kind::Text, record.value))).await
}

/// `/hustdb/zscore`
pub async fn zscore(store: &Arc<Store>, request: &Request) -> Outcome {
    read(store, request, Row::Zset, |record| {
        let score = score_of(&record.value).ok_or(hust_store::Error::Damaged("a stored score"));
        Ok(Answer::ok(Kind::Text, score.map_err(refuse)?.to_string()))
    })
    .await
}

async fn read(
    store: &Arc<Store>,
    request: &Request,
    kind: Row,
    render: impl FnOnce(Record) -> Result<Answer, Refusal>,
) -> Outcome {
    let name = Name::of(kind, request)?;
    let stamps = request.query().boolean("stamps")?.unwrap_or(false);
    let tried = store.members().try_get(&name.member());
    let owned = name.into_owned();
    match settle(store, tried, move |store| store.members().get(&owned.member())).await {
        Ok(Some(record)) => {
            let shown = record.shown;
            Ok(show(render(record)?, &shown, stamps))
        }
        Ok(None) => Ok(absent()),
        Err(error) => refused(refuse(error)),
    }
}

/// `/hustdb/hexist sismember zismember`
pub async fn exist(store: &Arc<Store>, request: &Request, kind: Row) -> Outcome {
    let name = Name::of(kind, request)?;
    let stamps = request.query().boolean("stamps")?.unwrap_or(false);
    let tried = store.members().try_exist(&name.member());
    let owned = name.into_owned();
    match settle(store, tried, move |store| store.members().exist(&owned.member())).await {
        Ok(Some(shown)) => Ok(show(Answer::empty(StatusCode::OK), &shown, stamps)),
        Ok(None) => Ok(absent()),
        Err(error) => refused(refuse(error)),
    }
}

/// `/hustdb/hset`
pub async fn hset(store: &Arc<Store>, request: &mut Request, limits: &Limits) -> Outcome {
    let name = Name::of_field(request.query())?;
    let value = request.value("val")?;
    let terms = written::terms(request, Lifetime::Ttl(0), limits)?;
    let tried = store.members().try_write(&name.member(), Change::Put(&value), terms);
    let name = name.into_owned();
    let blocking = move |store: &Store| store.members().write(&name.member(), Change::Put(&value), terms);
    let settled = settle(store, tried, blocking).await;
    request.release();
    written::answer(settled, &terms).await
}

/// `/hustdb/sadd`
pub async fn sadd(store: &Arc<Store>, request: &Request, limits: &Limits) -> Outcome {
    let name = Name::of_member(Row::Set, request)?;
    let terms = written::terms(request, Lifetime::Ttl(0), limits)?;
    write(store, name, Change::Put(b""), terms).await
}

/// `/hustdb/hincrby`
pub async fn hincrby(store: &Arc<Store>, request: &Request, limits: &Limits) -> Outcome {
    let name = Name::of_field(request.query())?;
    let value = request.value("val")?;
    let by = signed("val", &value)?;
    if request.query().boolean("is_dup")?.unwrap_or(false) {
        return Err(Refusal::bad("is_dup", "not with hincrby: replicate its result with hset"));
    }
    let terms = written::terms(request, Lifetime::Kept, limits)?;
    write(store, name, Change::Add(by), terms).await
}

/// `/hustdb/zadd`
pub async fn zadd(store: &Arc<Store>, request: &Request, limits: &Limits) -> Outcome {
    let name = Name::of_member(Row::Zset, request)?;
    let query = request.query();
    let score = required("score", query.signed("score")?)?;
    let operation = match query.signed("opt")?.unwrap_or(0) {
        0 => ScoreOperation::Set,
        1.. => ScoreOperation::Add,
        _ => ScoreOperation::Subtract,
    };
    if operation != ScoreOperation::Set && query.boolean("is_dup")?.unwrap_or(false) {
        return Err(Refusal::bad("is_dup", "not with opt: replicate the resulting score"));
    }
    let terms = written::terms(request, Lifetime::Kept, limits)?;
    write(store, name, Change::Score { score, operation }, terms).await
}

/// `/hustdb/hdel srem zrem`
pub async fn delete(store: &Arc<Store>, request: &Request, kind: Row) -> Outcome {
    let name = Name::of(kind, request)?;
    write(store, name, Change::Delete, written::delete_terms(request)?).await
}

/// Does a write that needs nothing of the request but the name.
async fn write(store: &Arc<Store>, name: Name<'_>, change: Change<'static>, terms: Terms) -> Outcome {
    let tried = store.members().try_write(&name.member(), change, terms);
    let name = name.into_owned();
    let blocking = move |store: &Store| store.members().write(&name.member(), change, terms);
    written::answer(settle(store, tried, blocking).await, &terms).await
}
