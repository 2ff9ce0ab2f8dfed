//! Rows of tables beside kv pairs, on one node: what a hash field, a member of a set or of a sorted set costs more.

use std::rc::Rc;

use super::{Contender, Load, require_wrk, start_ours, throughput};
use crate::{
    args::{Context, Node},
    load::{Script, fill},
    report::{OURS, Report},
    store::Failure,
    workload::size_name,
};

/// What everything is compared with: the kv command of the same class.
const KV: &str = "kv";

const VALUE_BYTES: usize = 256;
/// Rows of each kind, each kind in one table.
const ROWS: u64 = 100_000;

const HASH: &str = "/hustdb/hset?tb=h&key=";
const SET: &str = "/hustdb/sadd?tb=s&key=";
const ZSET: &str = "/hustdb/zadd?tb=z&score={random}&key=";

/// Name, target, and our CPU over that of `get`.
const READS: [(&str, &str, f64); 3] = [
    ("hget", "/hustdb/hget?tb=h&key=", 1.15),
    ("sismember", "/hustdb/sismember?tb=s&key=", 1.15),
    ("zscore", "/hustdb/zscore?tb=z&key=", 1.15),
];

/// Name, target, length of the body, and our CPU over that of `put` with a value of as many bytes.
const WRITES: [(&str, &str, usize, f64); 3] =
    [("hset", HASH, VALUE_BYTES, 1.25), ("sadd", SET, 0, 1.25), ("zadd", ZSET, 0, 2.0)];

/// Measures all commands.
pub fn run(context: &Context, node: &Node) -> Result<Report, Failure> {
    require_wrk()?;
    let mut report = Report::new("node-kinds", Some(KV));
    let Some(server) = start_ours(context, node, &mut report, "kinds", "os")? else { return Ok(report) };
    let server = Rc::new(server);
    for (target, value_bytes) in [("/hustdb/put?key=", VALUE_BYTES), (HASH, VALUE_BYTES), (SET, 0), (ZSET, 0)]
    {
        let target = target.replace("{random}", "5");
        fill(server.address, |key| format!("{target}{key}"), ROWS, value_bytes, 16, context.seed)?;
    }
    let pair = |ours: Script, kv: Script| {
        [(OURS, ours), (KV, kv)].map(|(name, script)| Contender {
            name,
            server: server.clone(),
            load: Load::Http(script),
        })
    };
    for (name, target, goal) in READS {
        let ours = Script { target, rows: ROWS, body_bytes: None };
        let contenders = pair(ours, Script::get(ROWS));
        throughput(context, node, &mut report, &contenders, &format!("{name} beside get"), Some(goal))?;
    }
    for (name, target, value_bytes, goal) in WRITES {
        let ours = Script { target, rows: ROWS, body_bytes: Some(value_bytes) };
        let what = format!("{name} beside put of {}", size_name(value_bytes));
        let contenders = pair(ours, Script::put(ROWS, value_bytes));
        throughput(context, node, &mut report, &contenders, &what, Some(goal))?;
    }
    Ok(report)
}
