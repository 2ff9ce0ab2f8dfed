//! The proxy before two nodes, beside nginx with `proxy_pass` and kept connections before one of them.
//!
//! Both hand GETs on to the same node; of a PUT the proxy makes two, and the line of its CPU says so. What nodes spend is
//! not counted. All programs share the cores with the load, so CPU a request tells more than throughput.

use super::{Contender, Load, in_turn, require_wrk, throughput};
use crate::{
    args::{Context, Node},
    load::{Script, fill, open_loop, put_target},
    report::{Goal, Line, OURS, Report},
    store::Failure,
    workload::{Choice, Rng, size_name, text_key},
};

mod cast;
mod idle;
mod outage;

use cast::{Cast, NGINX};

const VALUE_BYTES: [usize; 3] = [256, 4 << 10, 64 << 10];
const ROWS: u64 = 2_000;
/// The proxy's CPU over nginx's.
const GET_GOAL: f64 = 1.0;
/// The same where the proxy writes to two nodes and nginx to one.
const PUT_GOAL: f64 = 2.0;
/// The 99th percentile over the median, at a load that everybody keeps up with: over that of nginx in the same rounds.
/// The load shares the cores, and what it lacks of them is in both.
const TAIL_GOAL: f64 = 1.5;
/// Requests a second of the open loop.
const OPEN_RATE: f64 = 1_000.0;
const MANY_CONNECTIONS: usize = 1_000;

/// Measures all of it.
pub fn run(context: &Context, node: &Node) -> Result<Report, Failure> {
    require_wrk()?;
    idle::allow_many_files()?;
    let mut report = Report::new("proxy", Some(NGINX));
    for value_bytes in VALUE_BYTES {
        let mut cast = Cast::start(context, node, &mut report, &format!("pair-{value_bytes}"))?;
        fill(cast.proxy.address, target, ROWS, value_bytes, 8, context.seed)?;
        let size = size_name(value_bytes);
        let get = Load::Http(Script { target: "/get?key=", rows: ROWS, body_bytes: None });
        let gets = cast.contenders(get);
        throughput(context, node, &mut report, &gets, &format!("GET {size}"), Some(GET_GOAL))?;
        let put = Load::Http(Script { target: "/put?key=", rows: ROWS, body_bytes: Some(value_bytes) });
        let what = format!("PUT {size}, two masters against one");
        throughput(context, node, &mut report, &cast.contenders(put), &what, Some(PUT_GOAL))?;
        if value_bytes == VALUE_BYTES[0] {
            let many = Node { connections: MANY_CONNECTIONS, ..node.clone() };
            let what = format!("GET {size}, {MANY_CONNECTIONS} connections");
            throughput(context, &many, &mut report, &gets, &what, Some(GET_GOAL))?;
            latency(context, &mut report, &gets, &size)?;
            idle::measure(context, &mut report, &cast)?;
            drop(gets);
            outage::measure(context, node, &mut report, &mut cast)?;
        }
    }
    Ok(report)
}

/// Where the proxy keeps what a node has at [`put_target`].
fn target(key: &str) -> String {
    put_target(key).replace("/hustdb/", "/")
}

/// Latency at a fixed rate of arrivals, and how long its tail is.
fn latency(
    context: &Context,
    report: &mut Report,
    contenders: &[Contender],
    size: &str,
) -> Result<(), Failure> {
    let what = format!("GET {size}, {MANY_CONNECTIONS} connections, open loop {OPEN_RATE}/s");
    let line = |figure| Line::less(format!("{what} {figure}"), "us");
    let tail = Line::less(format!("{what} p99 / p50"), "x");
    let tail = tail.goal(Goal::Ratio(TAIL_GOAL));
    let choice = Choice::zipf(ROWS);
    let target = |n: u64| format!("/get?key={}", text_key(choice.next(&mut Rng::new(context.seed ^ n))));
    for round in 0..context.common.rounds {
        for contender in in_turn(contenders, round) {
            let address = contender.server.address;
            let seen = open_loop(address, OPEN_RATE, context.common.seconds, MANY_CONNECTIONS, target)?;
            report.add(&line("p50"), contender.name, seen.p50_us as f64);
            report.add(&line("p99"), contender.name, seen.p99_us as f64);
            report.add(&line("sent too late p99"), contender.name, seen.late_p99_us as f64);
            report.add(&tail, contender.name, seen.p99_us as f64 / seen.p50_us.max(1) as f64);
        }
    }
    Ok(())
}

/// Our line of a contender that has no peer.
fn add_ours(report: &mut Report, line: &Line, figure: f64) {
    report.add(line, OURS, figure);
}
