//! `/hustdb/stat file_count`.

use hust_store::{Stat, Store};
use hust_wire::{Answer, Kind, Refusal, Request};
use hyper::StatusCode;

use super::Outcome;

/// `/hustdb/stat`: all records, or one table.
pub fn stat(store: &Store, request: &Request) -> Outcome {
    if request.query().table("tb")?.is_some() {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "tb", "no such table"));
    }
    let totals = format!(
        r#"{{"TOTALIZE":{{"KVPAIR":{},"HASHTABLE":{}}}}}"#,
        figures(&store.kv_stat()),
        figures(&Stat::default()),
    );
    Ok(Answer::ok(Kind::Json, totals))
}

/// `/hustdb/file_count`
pub fn file_count(store: &Store) -> Answer {
    Answer::ok(Kind::Text, store.file_count().to_string())
}

fn figures(stat: &Stat) -> String {
    format!(r#"{{"count":{},"size":{},"capacity":{}}}"#, stat.count, stat.size, stat.capacity)
}
