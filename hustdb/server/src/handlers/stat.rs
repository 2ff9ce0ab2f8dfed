//! `/hustdb/{stat stat_all file_count}`.

use hust_store::{Stat, Store, TableStat};
use hust_wire::{Answer, Kind, Refusal, Request};
use hyper::StatusCode;

use super::Outcome;

/// `/hustdb/stat`: all records, or one table.
pub fn stat(store: &Store, request: &Request) -> Outcome {
    let Some(name) = request.query().table("tb")? else { return Ok(Answer::ok(Kind::Json, totals(store))) };
    match store.table_stat(name.as_bytes()) {
        Some(table) => Ok(Answer::ok(Kind::Json, table_figures(&table))),
        None => Err(Refusal::new(StatusCode::NOT_FOUND, "tb", "no such table")),
    }
}

/// `/hustdb/stat_all`: the totals, then every table.
pub fn stat_all(store: &Store) -> Answer {
    let mut json = format!("[{}", totals(store));
    let debts = store.debts().creditors();
    if !debts.is_empty() {
        // The names of hosts have no character that JSON would escape.
        let owed: Vec<String> =
            debts.iter().map(|host| format!(r#""{}":{}"#, host.name(), host.open())).collect();
        json.pop();
        json.push_str(&format!(r#","BINLOG":{{{}}}}}"#, owed.join(",")));
    }
    for table in store.table_stats() {
        json.push(',');
        json.push_str(&table_figures(&table));
    }
    json.push(']');
    Answer::ok(Kind::Json, json)
}

fn totals(store: &Store) -> String {
    let [kv, hash] = [store.kv_stat(), store.hash_stat()].map(|stat| figures(&stat));
    format!(r#"{{"TOTALIZE":{{"KVPAIR":{{{kv}}},"HASHTABLE":{{{hash}}}}}}}"#)
}

fn table_figures(table: &TableStat) -> String {
    // Names of tables have no character that JSON would escape.
    let name = String::from_utf8_lossy(&table.name);
    let letter = table.kind.letter().unwrap_or_default();
    let figures = match table.kind {
        hust_store::Kind::Hash => figures(&table.figures.hash),
        _ => format!(r#""count":{}"#, table.count()),
    };
    format!(r#"{{"table":"{name}","type":"{letter}",{figures}}}"#)
}

/// `/hustdb/file_count`
pub fn file_count(store: &Store) -> Answer {
    Answer::ok(Kind::Text, store.file_count().to_string())
}

fn figures(stat: &Stat) -> String {
    format!(r#""count":{},"size":{},"capacity":{}"#, stat.count, stat.size, stat.capacity)
}
