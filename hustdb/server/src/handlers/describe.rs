//! What a node tells of itself to programs: `/openapi.json`, `/hustdb/info`.

use std::sync::OnceLock;

use bytes::Bytes;
use hust_store::Store;
use hust_wire::{Answer, Kind, metrics::Requests};
use serde_json::{Map, Value, json};

use crate::{node::Limits, openapi};

/// `/openapi.json`
pub fn openapi(store: &Store, limits: &Limits) -> Answer {
    /// Nothing that it depends on changes while the process lives.
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| openapi::document(limits, store.file_count()).to_string().into());
    Answer::ok(Kind::Json, document.clone())
}

/// `/hustdb/info`: counters since the start, and how much there is now.
pub fn info(store: &Store, requests: &[Requests]) -> Answer {
    let exports = store.export_stats();
    let stats = store.engine().stats();
    let (kv, hash) = (store.kv_stat(), store.hash_stat());
    let levels = stats.levels.iter().map(|level| {
        json!({"files": level.files, "bytes": level.size_bytes, "rows": level.rows, "tombstones": level.tombstones})
    });
    let info = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "requests": requests.iter().map(answered).collect::<Map<String, Value>>(),
        "exports": {
            "queued": exports.tasks.queued,
            "running": exports.tasks.running,
            "done": exports.tasks.finished - exports.failed,
            "failed": exports.failed,
            "written_bytes": exports.written_bytes,
            "last_ms": exports.last_ms,
            "removed_snapshots": exports.removed,
            "snapshots": exports.snapshots,
            "snapshot_bytes": exports.snapshot_bytes,
        },
        "records": {"kv": kv.count, "hash_fields": hash.count, "tables": store.table_count()},
        "log": {
            "appended_bytes": stats.log.appended_bytes,
            "written_bytes": stats.log.written_bytes,
            "syncs": stats.log.syncs,
            "sync_nanos": stats.log.sync_nanos_total,
            "segments": stats.segments,
            "segment_bytes": stats.segment_bytes,
            "live_value_bytes": stats.live_value_bytes,
            "unflushed_bytes": stats.unflushed_log_bytes,
        },
        "memory": {
            "limit_bytes": stats.memory_limit_bytes,
            "engine_bytes": stats.memory_bytes(),
            "memtable_bytes": stats.memtable_bytes,
            "index_bytes": stats.index_bytes,
            "cache_bytes": stats.cache_bytes,
        },
        "background": {
            "flushed_bytes": stats.flushed_bytes,
            "compaction_in_bytes": stats.compaction_in_bytes,
            "compaction_out_bytes": stats.compaction_out_bytes,
            "collected_bytes": stats.collected_bytes,
        },
        "refused_writes": stats.refused_writes.iter().map(|(_, count)| count).sum::<u64>(),
        "writes_stopped": stats.poisoned.is_some(),
        "writes_stopped_by": stats.poisoned,
        "levels": levels.collect::<Vec<_>>(),
    });
    Answer::ok(Kind::Json, info.to_string())
}

/// `"PATH":{"answered":N,"errors":{"404":N}}`
fn answered(requests: &Requests) -> (String, Value) {
    let status = |status: u16| if status == 0 { "other".to_owned() } else { status.to_string() };
    let errors: Map<String, Value> =
        requests.errors.iter().map(|(code, count)| (status(*code), (*count).into())).collect();
    (requests.path.to_owned(), json!({"answered": requests.answered, "errors": errors}))
}
