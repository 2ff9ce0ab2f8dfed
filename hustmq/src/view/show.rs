//! `/stat` and `/stat_all`: the queues of the cluster as JSON.

use std::{collections::BTreeMap, fmt::Write as _};

use hust_wire::{Answer, Kind, Refusal, Request, queue::name};
use hyper::StatusCode;

use super::{Merged, View, merge};

/// `/stat`
pub fn stat(view: &View, request: &Request) -> Result<Answer, Refusal> {
    let query = request.query();
    let queue = name(query)?;
    check(view, request)?;
    let counted = view.counted();
    let merged = merge(counted.iter().filter_map(|(_, rows)| rows.get(&*queue)));
    let merged = merged.ok_or_else(|| Refusal::new(StatusCode::PRECONDITION_FAILED, "queue", "unknown"))?;
    let mut json = String::new();
    render(&mut json, &queue, &merged);
    Ok(Answer::ok(Kind::Json, json))
}

/// `/stat_all`
pub fn stat_all(view: &View, request: &Request) -> Result<Answer, Refusal> {
    check(view, request)?;
    let counted = view.counted();
    let mut queues: BTreeMap<&str, Merged> = BTreeMap::new();
    for row in counted.iter().flat_map(|(_, rows)| rows.values()) {
        queues.entry(&row.queue).and_modify(|merged| merged.add(row)).or_insert_with(|| row.into());
    }
    let mut json = String::from("[");
    for (queue, merged) in &queues {
        if json.len() > 1 {
            json.push(',');
        }
        render(&mut json, queue, merged);
    }
    json.push(']');
    Ok(Answer::ok(Kind::Json, json))
}

fn check(view: &View, request: &Request) -> Result<(), Refusal> {
    // A node would give more with it; the figures of a cluster have one form.
    request.query().boolean("detail")?;
    if view.is_known() { Ok(()) } else { Err(Refusal::unavailable("view", "no backend has answered yet")) }
}

/// Names of queues have nothing that JSON would escape.
fn render(json: &mut String, queue: &str, merged: &Merged) {
    let Merged { kind, ready: [r0, r1, r2], unacked, max, lock, timeout, si, ci, tm } = merged;
    // Writing to a string cannot fail.
    let _ = write!(
        json,
        r#"{{"queue":"{queue}","type":{kind},"ready":[{r0},{r1},{r2}],"max":{max},"lock":{lock},"si":{si},"ci":{ci},"tm":{tm},"unacked":{unacked},"timeout":{timeout}}}"#
    );
}
