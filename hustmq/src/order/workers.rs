//! `/worker`: who took messages of a queue, at any live node.

use std::collections::BTreeMap;

use hust_wire::{
    Answer, Kind, Refusal, Request,
    client::{Pool, Target},
    queue::name,
};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    round::{ask_all, none_answered},
    verdict::{Said, Shown, verdict},
};
use crate::{front::Front, show::show};

/// A worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    /// Its name.
    w: String,
    /// When it came last, unix seconds.
    t: u64,
}

/// `/worker`
pub async fn worker(front: &Front, pool: &Pool, request: &Request) -> Result<Answer, Refusal> {
    let queue = name(request.query())?;
    let call = Target::new("/hustmq/worker").plain("queue", queue).get()?;
    let legs = ask_all(front, pool, &call, |_| true).await;
    let Shown::Answer(at) = verdict(legs.iter().map(Said::of)).shown else {
        return Ok(none_answered(front, &legs));
    };
    let replies = || legs.iter().filter_map(|leg| leg.reply());
    Ok(match legs.get(at).and_then(|leg| leg.reply()) {
        Some(reply) if reply.status != StatusCode::OK => show(reply),
        _ => {
            let told = replies().filter(|reply| reply.status == StatusCode::OK);
            let merged = merge(told.map(|reply| serde_json::from_slice(&reply.body).unwrap_or_default()));
            Answer::ok(Kind::Json, serde_json::to_vec(&merged).unwrap_or_default())
        }
    })
}

/// The newest time of each name, by name.
fn merge(lists: impl IntoIterator<Item = Vec<Seen>>) -> Vec<Seen> {
    let mut newest: BTreeMap<String, u64> = BTreeMap::new();
    for Seen { w, t } in lists.into_iter().flatten() {
        let known = newest.entry(w).or_default();
        *known = t.max(*known);
    }
    newest.into_iter().map(|(w, t)| Seen { w, t }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_each_name_by_name() {
        let list = |text: &str| serde_json::from_str::<Vec<Seen>>(text).unwrap();
        let merged = merge([
            list(r#"[{"w":"b","t":5},{"w":"c","t":1}]"#),
            list("[]"),
            list(r#"[{"w":"B","t":2},{"w":"b","t":4},{"w":"c","t":9}]"#),
        ]);
        let json = serde_json::to_string(&merged).unwrap();
        assert_eq!(json, r#"[{"w":"B","t":2},{"w":"b","t":5},{"w":"c","t":9}]"#);
    }
}
