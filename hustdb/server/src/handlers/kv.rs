//! `/hustdb/get exist put del`.

use std::sync::Arc;

use hust_store::{Change, Lifetime, Record, Store};
use hust_wire::{Answer, Kind, Request, param::required};
use hyper::StatusCode;

use super::{
    Outcome,
    found::{absent, show},
    settle, written,
};
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
    let value = request.value("val")?;
    let terms = written::terms(request, Lifetime::Ttl(0), limits)?;
    let tried = store.kv().try_write(&key, Change::Put(&value), terms);
    let key = key.into_owned();
    let blocking = move |store: &Store| store.kv().write(&key, Change::Put(&value), terms);
    written::answer(settle(store, tried, blocking).await, &terms).await
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
