//! From the start of the process until it serves, after `kill -9` of a server that holds gigabytes: ours and Redis
//! loading its append-only file. Before every kill a memtable's worth of records is written again, so that there is
//! a log to replay.

use super::{peer, redis, start_ours};
use crate::{
    args::{Context, Node},
    load::{Client, fill, get_target, put_target},
    process::Server,
    report::{Goal, Line, OURS, Report},
    store::{BUDGET, Failure},
    workload::{is_value_of, size_name, text_key},
};

const VALUE_BYTES: usize = 1024;
const REDIS: &str = "redis";

/// Ours over Redis: five times faster.
const GOAL: f64 = 0.2;

/// Measures 1 and 4 GiB.
pub fn run(context: &Context, node: &Node) -> Result<Report, Failure> {
    let mut report = Report::new("recovery", Some(REDIS));
    let sizes: &[usize] = if context.common.quick { &[128 << 20] } else { &[1 << 30, 4 << 30] };
    for bytes in sizes {
        let rows = (bytes / VALUE_BYTES) as u64;
        let name = format!("{} in values of {}", size_name(*bytes), size_name(VALUE_BYTES));
        let line = Line::less(format!("serves after kill -9, {name}"), "s").goal(Goal::Ratio(GOAL));
        ours(context, node, &mut report, &line, rows)?;
        theirs(context, &mut report, &line, rows)?;
    }
    Ok(report)
}

/// Records written again before a kill.
fn replayed(rows: u64) -> u64 {
    (BUDGET.memtable_bytes / VALUE_BYTES as u64).min(rows)
}

fn ours(context: &Context, node: &Node, report: &mut Report, line: &Line, rows: u64) -> Result<(), Failure> {
    let folder = format!("hust-{rows}");
    let Some(mut server) = start_ours(context, node, report, &folder, "os")? else { return Ok(()) };
    fill(server.address, put_target, rows, VALUE_BYTES, 16, context.seed)?;
    for _ in 0..context.common.rounds {
        fill(server.address, put_target, replayed(rows), VALUE_BYTES, 16, context.seed)?;
        server.kill()?;
        let again = start_ours(context, node, report, &folder, "os")?;
        server = again.ok_or("our binary is gone")?;
        for row in [0, rows - 1] {
            let mut client = Client::connect(server.address)?;
            let answer = client.get(&get_target(&text_key(row)))?;
            if answer.status != 200 || !is_value_of(row, VALUE_BYTES, answer.body) {
                return Err(format!("record {row} is lost or wrong: status {}", answer.status).into());
            }
        }
        report.add(line, OURS, server.start_seconds);
    }
    drop(server);
    std::fs::remove_dir_all(context.dir.path().join(&folder))?;
    Ok(())
}

fn theirs(context: &Context, report: &mut Report, line: &Line, rows: u64) -> Result<(), Failure> {
    let Some(program) = peer(report, "redis-server") else { return Ok(()) };
    let dir = tempfile::tempdir_in(context.dir.path())?;
    let start = || -> Result<Server, Failure> { redis::start(&program, dir.path(), Some("everysec")) };
    let mut server = start()?;
    redis::fill(server.address, rows, VALUE_BYTES, context.seed)?;
    for _ in 0..context.common.rounds {
        server.kill()?;
        server = start()?;
        report.add(line, REDIS, server.start_seconds);
    }
    Ok(())
}
