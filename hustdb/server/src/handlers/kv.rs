//! `/hustdb/get exist put del`.

use std::{borrow::Cow, sync::Arc};

use hust_store::{Change, Fetch, Lifetime, Record, Seen, Shown, Store};
use hust_wire::{Answer, Kind, Query, Refusal, Request, param::required};
use hyper::StatusCode;

use super::{
    Outcome,
    found::{absent, body, show},
    pooled, settle, written,
};
use crate::{node::Limits, refuse::refuse};

/// `/hustdb/get`, unless it has to wait.
pub fn get_now(store: &Store, query: Query<'_>) -> Result<Option<Answer>, Refusal> {
    let (key, stamps) = asked(query)?;
    let look = |shown: &Shown, value: Seen<'_>| show(Answer::ok(Kind::Text, body(value)), shown, stamps);
    Ok(match store.kv().try_show(&key, look).map_err(refuse)? {
        Fetch::Ready(found) => Some(found.unwrap_or_else(absent)),
        Fetch::Cold => None,
    })
}

/// `/hustdb/get`
pub async fn get(store: &Arc<Store>, request: &Request) -> Outcome {
    let query = request.query();
    if let Some(answer) = get_now(store, query)? {
        return Ok(answer);
    }
    let (key, stamps) = asked(query)?;
    let key = key.into_owned();
    let found = pooled(store, move |store| store.kv().get(&key)).await.map_err(refuse)?;
    Ok(match found {
        Some(Record { shown, value }) => show(Answer::shared(Kind::Text, value), &shown, stamps),
        None => absent(),
    })
}

/// The key that is asked for, and whether stamps are.
fn asked(query: Query<'_>) -> Result<(Cow<'_, [u8]>, bool), Refusal> {
    let key = required("key", query.key("key")?)?;
    Ok((key, query.boolean("stamps")?.unwrap_or(false)))
}

/// `/hustdb/exist`
pub async fn exist(store: &Arc<Store>, request: &Request) -> Outcome {
    let (key, stamps) = asked(request.query())?;
    let tried = store.kv().try_exist(&key);
    let owned = key.into_owned();
    let found = settle(store, tried, move |store| store.kv().exist(&owned)).await.map_err(refuse)?;
    Ok(match found {
        Some(shown) => show(Answer::empty(StatusCode::OK), &shown, stamps),
        None => absent(),
    })
}

/// `/hustdb/put`
pub async fn put(store: &Arc<Store>, request: &mut Request, limits: &Limits) -> Outcome {
    let query = request.query();
    let key = required("key", query.key("key")?)?;
    let value = request.value("val")?;
    let terms = written::terms(request, Lifetime::Ttl(0), limits)?;
    let tried = store.kv().try_write(&key, Change::Put(&value), terms);
    let key = key.into_owned();
    let blocking = move |store: &Store| store.kv().write(&key, Change::Put(&value), terms);
    let settled = settle(store, tried, blocking).await;
    request.release();
    written::answer(settled, &terms).await
}

/// `/hustdb/del`
pub async fn del(store: &Arc<Store>, request: &Request) -> Outcome {
    let query = request.query();
    let key = required("key", query.key("key")?)?;
    let terms = written::delete_terms(request)?;
    let tried = store.kv().try_write(&key, Change::Delete, terms);
    let key = key.into_owned();
    let blocking = move |store: &Store| store.kv().write(&key, Change::Delete, terms);
    written::answer(settle(store, tried, blocking).await, &terms).await
}
