//! PUT of random records for each sync mode: ours, bare hyper reading the same bodies, Redis with the append-only
//! file synced likewise.

use super::{BARE, Contender, Load, VALUE_BYTES, peer, redis, require_wrk, start_ours, throughput};
use crate::{
    args::{Context, Node},
    load::Script,
    process::{Server, installed},
    report::{OURS, Report},
    store::Failure,
    workload::size_name,
};

/// Our sync modes, Redis's words for them, and what our CPU may be over bare hyper's.
const SYNC: [(&str, &str, Option<f64>); 3] =
    [("os", "no", Some(1.45)), ("interval", "everysec", None), ("always", "always", None)];

/// Random keys among this many.
const ROWS: u64 = 100_000;

/// Measures all modes and sizes.
pub fn run(context: &Context, node: &Node) -> Result<Report, Failure> {
    require_wrk()?;
    let mut report = Report::new("node-write", Some(BARE));
    for (sync, fsync, goal) in SYNC {
        for value_bytes in VALUE_BYTES {
            // A fresh folder for each, removed with its servers.
            let dir = tempfile::tempdir_in(context.dir.path())?;
            let folder = dir.path().display().to_string();
            let script = Load::Http(Script::put(ROWS, value_bytes));
            let mut contenders = Vec::new();
            if let Some(server) = start_ours(context, node, &mut report, &format!("{folder}/hust"), sync)? {
                contenders.push(Contender { name: OURS, server: server.into(), load: script });
            }
            contenders.push(Contender { name: BARE, server: Server::bare(0)?.into(), load: script });
            if let (Some(program), Some(_)) =
                (peer(&mut report, "redis-server"), installed("redis-benchmark"))
            {
                let server = redis::start(&program, &dir.path().join("redis"), Some(fsync))?;
                let load = Load::Redis(redis::Load { writes: true, rows: ROWS, value_bytes });
                contenders.push(Contender { name: "redis", server: server.into(), load });
            }
            let what = format!("PUT {}, sync = {sync}", size_name(value_bytes));
            throughput(context, node, &mut report, &contenders, &what, goal)?;
        }
    }
    Ok(report)
}
