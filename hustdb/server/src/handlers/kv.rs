//! `/hustdb/get exist put del`.

use std::sync::Arc;

use hust_store::{Delete, Put, Record, Shown, Store};
use hust_wire::{Answer, Kind, Request, param::required};
use hyper::StatusCode;

use super::{Outcome, settle, value, written};
use crate::{node::Limits, refuse::refuse};

/// `/hustdb/get`
pub async fn get(store: &Arc<Store>, request: &Request) -> Outcome {
    let query = request.query();
    let key = required("key", query.key("key")?)?;
    let stamps = query.boolean("stamps")?.unwrap_or(false);
    let tried = store.kv().try_get(&key);
    let owned = key.into_owned();
    let found = settle(store, tried, move |store| store.kv().get(&owned)).await.map_err(refuse)?;
    Ok(match found {
        Some(Record { shown, value }) => show(Answer::shared(Kind::Text, value), &shown, stamps),
        None => absent(),
    })
}

/// `/hustdb/exist`
pub async fn exist(store: &Arc<Store>, request: &Request) -> Outcome {
    let query = request.query();
    let key = required("key", query.key("key")?)?;
    let stamps = query.boolean("stamps")?.unwrap_or(false);
    let tried = store.kv().try_exist(&key);
    let owned = key.into_owned();
    let found = settle(store, tried, move |store| store.kv().exist(&owned)).await.map_err(refuse)?;
    Ok(match found {
        Some(shown) => show(Answer::empty(StatusCode::OK), &shown, stamps),
        None => absent(),
    })
}

/// `/hustdb/put`
pub async fn put(store: &Arc<Store>, request: &Request, limits: &Limits) -> Outcome {
    let query = request.query();
    let key = required("key", query.key("key")?)?;
    let value = value(request, query)?;
    let origin = written::origin(query, 1)?;
    let lifetime = written::lifetime(query, &origin, limits)?;
    let tried = store.kv().try_put(&Put { key: &key, value: &value, origin, lifetime });
    let key = key.into_owned();
    let blocking = move |store: &Store| store.kv().put(&Put { key: &key, value: &value, origin, lifetime });
    written::answer(settle(store, tried, blocking).await, written::expected(&origin)).await
}

/// `/hustdb/del`
pub async fn del(store: &Arc<Store>, request: &Request) -> Outcome {
    let query = request.query();
    let key = required("key", query.key("key")?)?;
    let origin = written::origin(query, 0)?;
    let tried = store.kv().try_delete(&Delete { key: &key, origin });
    let key = key.into_owned();
    let blocking = move |store: &Store| store.kv().delete(&Delete { key: &key, origin });
    written::answer(settle(store, tried, blocking).await, written::expected(&origin)).await
}

fn show(answer: Answer, shown: &Shown, stamps: bool) -> Answer {
    let answer = answer.with_version(shown.version);
    if stamps {
        answer.with_stamp(shown.stamp, (shown.expire_ms != 0).then_some(shown.expire_ms))
    } else {
        answer
    }
}

fn absent() -> Answer {
    Answer::empty(StatusCode::NOT_FOUND).with_version(0)
}
