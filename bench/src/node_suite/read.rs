//! GET of random records: ours, bare hyper answering as many bytes from memory, nginx with a static file, Redis.

use std::time::Duration;

use super::{
    BARE, Contender, Load, VALUE_BYTES, in_turn, nginx, peer, redis, require_wrk, rest::rest, start_ours,
    throughput,
};
use crate::{
    args::{Context, Node},
    load::{Script, fill, get_target, open_loop, put_target},
    process::{Server, installed},
    report::{Line, OURS, Report},
    store::Failure,
    workload::{Choice, Rng, size_name, text_key},
};

/// Server CPU over bare hyper's.
const CPU_GOAL: f64 = 1.15;

/// Records are as many as fit into this, at most [`MOST_ROWS`]: everything stays in memory.
const DATA_BYTES: u64 = 128 << 20;
const MOST_ROWS: u64 = 100_000;

/// Requests a second of the open loop; well under what any contender can do on two cores.
const OPEN_RATE: f64 = 4_000.0;

/// Longest wait for rest after the records are stored.
const REST_LIMIT: Duration = Duration::from_secs(60);

/// Measures all sizes.
pub fn run(context: &Context, node: &Node) -> Result<Report, Failure> {
    require_wrk()?;
    let mut report = Report::new("node-read", Some(BARE));
    for value_bytes in VALUE_BYTES {
        let what = format!("GET {}", size_name(value_bytes));
        let rows = (DATA_BYTES / value_bytes as u64).min(MOST_ROWS);
        let contenders = start(context, node, &mut report, rows, value_bytes)?;
        // What flushes and compacts after the load is no part of a GET.
        rest(&mut report, &what, context.dir.path(), REST_LIMIT);
        throughput(context, node, &mut report, &contenders, &what, Some(CPU_GOAL))?;
        latency(context, node, &mut report, &contenders, &what, rows)?;
    }
    Ok(report)
}

fn start(
    context: &Context,
    node: &Node,
    report: &mut Report,
    rows: u64,
    value_bytes: usize,
) -> Result<Vec<Contender>, Failure> {
    let script = Load::Http(Script::get(rows));
    let mut contenders = Vec::new();
    if let Some(server) = start_ours(context, node, report, &format!("hust-{value_bytes}"), "os")? {
        fill(server.address, put_target, rows, value_bytes, 8, context.seed)?;
        contenders.push(Contender { name: OURS, server: server.into(), load: script });
    }
    contenders.push(Contender { name: BARE, server: Server::bare(value_bytes)?.into(), load: script });
    if let Some(program) = peer(report, "nginx") {
        let server = nginx::start(&program, &context.dir.path().join("nginx"), value_bytes)?;
        contenders.push(Contender { name: "nginx", server: server.into(), load: script });
    }
    if let (Some(program), Some(_)) = (peer(report, "redis-server"), installed("redis-benchmark")) {
        let server = redis::start(&program, &context.dir.path().join("redis"), None)?;
        redis::fill(server.address, rows, value_bytes, context.seed)?;
        let load = Load::Redis(redis::Load { writes: false, rows, value_bytes });
        contenders.push(Contender { name: "redis", server: server.into(), load });
    }
    Ok(contenders)
}

/// Latency at a fixed rate of arrivals, by Zipf; only for those that speak HTTP.
fn latency(
    context: &Context,
    node: &Node,
    report: &mut Report,
    contenders: &[Contender],
    what: &str,
    rows: u64,
) -> Result<(), Failure> {
    let line = |percentile| Line::less(format!("{what}, open loop {OPEN_RATE}/s {percentile}"), "us");
    let choice = Choice::zipf(rows);
    let target = |n: u64| get_target(&text_key(choice.next(&mut Rng::new(context.seed ^ n))));
    for round in 0..context.common.rounds {
        for contender in
            in_turn(contenders, round).filter(|contender| matches!(contender.load, Load::Http(_)))
        {
            let address = contender.server.address;
            let seen = open_loop(address, OPEN_RATE, context.common.seconds, node.connections, target)?;
            report.add(&line("p50"), contender.name, seen.p50_us as f64);
            report.add(&line("p99"), contender.name, seen.p99_us as f64);
            report.add(&line("p99.9"), contender.name, seen.p999_us as f64);
        }
    }
    Ok(())
}
