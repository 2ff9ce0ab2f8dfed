//! `/hustmq/merge runs`: how the copies of a push queue on several nodes become equal.

use bytes::Bytes;
use hust_store::{
    Queues,
    queue::{BATCH_MAX, Copy, INDEX_MAX, LiveRuns, Merged, Window},
};
use hust_wire::{
    Answer, Kind, Query, Refusal, Request,
    message::{Frames, in_frame},
    param::required,
    queue::name,
};

use super::{kept, pooled};
use crate::handlers::Outcome;

/// A message of another node.
struct Arriving {
    index: u64,
    expire_ms: u64,
    item: Bytes,
}

impl Arriving {
    fn copy(&self) -> Copy<'_> {
        Copy { index: self.index, expire_ms: self.expire_ms, item: &self.item }
    }
}

/// `/hustmq/merge`
pub async fn merge(queues: &Queues, request: &Request) -> Outcome {
    let query = request.query();
    let queue = name(query)?.into_owned();
    let floor = query.unsigned("floor", INDEX_MAX)?.unwrap_or(0);
    let arriving = frames(&request.body)?;
    let received = arriving.len();
    let merging = pooled(queues, move |queues| {
        let copies: Vec<Copy<'_>> = arriving.iter().map(Arriving::copy).collect();
        queues.merge(&queue, floor, &copies)
    });
    let Merged { applied, ignored, conflicts, promise } = merging.await?;
    kept(promise).await?;
    let json = format!(
        r#"{{"received":{received},"applied":{applied},"ignored":{ignored},"conflicts":{conflicts}}}"#
    );
    Ok(Answer::ok(Kind::Json, json))
}

/// The messages of a body; a refusal names its frame.
fn frames(body: &Bytes) -> Result<Vec<Arriving>, Refusal> {
    let mut arriving = Vec::new();
    for (number, frame) in (1..).zip(Frames::of(body)) {
        let frame = frame?;
        if number > BATCH_MAX {
            return Err(Refusal::bad("body", format!("over {BATCH_MAX} frames")));
        }
        let (index, expire_ms) = times(frame.fields).map_err(|refusal| in_frame(number, refusal))?;
        arriving.push(Arriving { index, expire_ms, item: body.slice_ref(frame.item) });
    }
    Ok(arriving)
}

fn times(fields: Query<'_>) -> Result<(u64, u64), Refusal> {
    let index = required("index", fields.unsigned_in("index", 1, INDEX_MAX)?)?;
    Ok((index, fields.unsigned("expire", u64::MAX)?.unwrap_or(0)))
}

/// `/hustmq/runs`
pub async fn runs(queues: &Queues, request: &Request) -> Outcome {
    let queue = name(request.query())?.into_owned();
    let json = pooled(queues, move |queues| queues.runs(&queue).map(|live| render(&live))).await?;
    Ok(Answer::ok(Kind::Json, json))
}

fn render(live: &LiveRuns) -> String {
    let Window { si, ci } = live.window;
    let mut json = format!(r#"{{"floor":{},"si":{si},"ci":{ci},"runs":["#, live.floor);
    let mut digits = itoa::Buffer::new();
    for (at, (first, last)) in live.runs.iter().enumerate() {
        json.push_str(if at > 0 { ",[" } else { "[" });
        json.push_str(digits.format(*first));
        json.push(',');
        json.push_str(digits.format(*last));
        json.push(']');
    }
    json.push_str("]}");
    json
}
