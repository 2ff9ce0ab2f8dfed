//! `/hustdb/binlog`: remember that a record is owed to a host.

use std::{borrow::Cow, sync::Arc};

use hust_store::{HostName, Kind, OwedRecord, Store};
use hust_wire::{
    Answer, Refusal, Request,
    host::{Host, Place},
    param::{check_key, required},
};
use hyper::StatusCode;

use super::{Outcome, settle};
use crate::{delivery::Delivery, refuse::refuse};

/// `/hustdb/binlog`
pub async fn binlog(store: &Arc<Store>, request: &Request, delivery: &Delivery) -> Outcome {
    let query = request.query();
    let host = host(&required("host", query.bytes("host")?)?)?;
    let method = required("method", query.unsigned_in("method", 1, 8)?)?;
    let kind = match method {
        1 | 2 => Kind::Kv,
        3 | 4 => Kind::Hash,
        5 | 6 => Kind::Set,
        _ => Kind::Zset,
    };
    let table = match kind {
        Kind::Kv => Cow::Borrowed(""),
        _ => required("tb", query.table("tb")?)?,
    };
    let key = match query.key("key")? {
        Some(key) => key,
        None if request.body.is_empty() => return Err(Refusal::bad("key", "missing")),
        None => {
            check_key("key", &request.body)?;
            Cow::Borrowed(&request.body[..])
        }
    };
    let identity = identity(&host);
    let name = HostName { spelling: host.as_str(), identity: &identity };
    let record = OwedRecord { kind, table: table.as_bytes(), key: &key };
    let tried = store.debts().try_owe(&name, &record);
    let (table, key) = (table.into_owned(), key.into_owned());
    let (spelling, identity) = (host.as_str().to_owned(), identity.clone());
    let noted = settle(store, tried, move |store| {
        let name = HostName { spelling: &spelling, identity: &identity };
        store.debts().owe(&name, &OwedRecord { kind, table: table.as_bytes(), key: &key })
    });
    if let Some(noted) = noted.await.map_err(refuse)? {
        let done = noted.ticket.await;
        delivery.wake(noted.creditor);
        done.map_err(|cause| refuse(cause.into()))?;
    }
    Ok(Answer::empty(StatusCode::OK))
}

fn host(text: &[u8]) -> Result<Host, Refusal> {
    let bad = |reason: &'static str| Refusal::bad("host", reason);
    if text.is_empty() {
        return Err(bad("empty"));
    }
    std::str::from_utf8(text).map_err(|_| bad("no legal host name"))?.parse().map_err(bad)
}

/// One text for all spellings of a host.
fn identity(host: &Host) -> String {
    match host.place() {
        Place::Address(address) => format!("{address} {}", host.port()),
        Place::Name(name) => format!("{name} {}", host.port()),
    }
}
