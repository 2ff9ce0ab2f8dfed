//! `/hustmq/stat stat_all worker`.

use std::fmt::Write as _;

use hust_store::{
    Queues,
    queue::{QueueKind, QueueStat, Window},
};
use hust_wire::{Answer, Kind, Request, queue::name};

use super::{
    admin::{kind_number, redelivery_s},
    pooled,
};
use crate::{
    handlers::Outcome,
    refuse::{internal, refuse_queue},
};

/// `/hustmq/stat`
pub fn stat(queues: &Queues, request: &Request) -> Outcome {
    let query = request.query();
    let queue = name(query)?;
    let detail = query.boolean("detail")?.unwrap_or(false);
    let stat = queues.stat(&queue).map_err(refuse_queue)?;
    let mut json = String::new();
    render(&mut json, &stat, detail);
    Ok(Answer::ok(Kind::Json, json))
}

/// `/hustmq/stat_all`
pub async fn stat_all(queues: &Queues, request: &Request) -> Outcome {
    let detail = request.query().boolean("detail")?.unwrap_or(false);
    let json = pooled(queues, move |queues| {
        let mut json = String::from("[");
        for (at, stat) in queues.stat_all().iter().enumerate() {
            if at > 0 {
                json.push(',');
            }
            render(&mut json, stat, detail);
        }
        json.push(']');
        Ok(json)
    });
    Ok(Answer::ok(Kind::Json, json.await?))
}

/// Writes a queue's figures. Its name has nothing that JSON would escape.
fn render(json: &mut String, stat: &QueueStat, detail: bool) {
    let QueueStat { name, in_flight, settings, time_s, .. } = stat;
    let ([r0, r1, r2], Window { si, ci }) = (stat.ready, stat.window);
    let (lock, kind) = (u8::from(settings.lock), kind_number(stat.kind));
    let second = redelivery_s(stat.kind, settings);
    let (max, minutes) = (settings.max, second.div_ceil(60));
    // Writing to a string cannot fail.
    let _ = write!(
        json,
        r#"{{"queue":"{name}","ready":[{r0},{r1},{r2}],"unacked":{in_flight},"max":{max},"lock":{lock},"type":{kind},"timeout":{minutes},"si":{si},"ci":{ci},"tm":{time_s}"#
    );
    if detail {
        let QueueStat { delayed: [d0, d1, d2], redelivered, dead, expired, bytes, floor, .. } = stat;
        let deliveries = settings.max_deliveries;
        let (dead_letter, ttl_s, dedup_s) = (&settings.dead_letter, settings.ttl_s, settings.dedup_s);
        let floor = if stat.kind == QueueKind::Push { *floor } else { 0 };
        let _ = write!(
            json,
            r#","second":{second},"max_deliveries":{deliveries},"dead_letter":"{dead_letter}","ttl":{ttl_s},"dedup":{dedup_s},"delayed":[{d0},{d1},{d2}],"redelivered":{redelivered},"dead":{dead},"expired":{expired},"bytes":{bytes},"floor":{floor}"#
        );
    }
    json.push('}');
}

/// `/hustmq/worker`
pub fn worker(queues: &Queues, request: &Request) -> Outcome {
    let queue = name(request.query())?;
    let mut json = String::from("[");
    for (at, worker) in queues.workers(&queue).map_err(refuse_queue)?.iter().enumerate() {
        let name =
            serde_json::to_string(&*worker.name).map_err(|error| internal("worker", &error.to_string()))?;
        let _ = write!(json, r#"{}{{"w":{name},"t":{}}}"#, if at > 0 { "," } else { "" }, worker.seen_s);
    }
    json.push(']');
    Ok(Answer::ok(Kind::Json, json))
}
