//! The node over HTTP beside its peers. What is not installed is left out with a line that says so; the bare hyper
//! server is part of this program and always there.

use std::rc::Rc;

use crate::{
    args::{Context, Node},
    load::{Script, Throughput, wrk},
    process::{Server, installed},
    report::{Goal, Line, OURS, Report},
    store::Failure,
};

pub mod footprint;
pub mod kinds;
pub mod mixed;
mod nginx;
pub mod proxy;
pub mod queue;
pub mod read;
pub mod recovery;
mod redis;
mod rest;
pub mod tables;
pub mod write;

/// The name of the bare hyper server in reports.
const BARE: &str = "hyper";

/// Lengths of values in the read and write suites.
const VALUE_BYTES: [usize; 5] = [256, 1 << 10, 4 << 10, 16 << 10, 64 << 10];

/// A server under load.
struct Contender {
    name: &'static str,
    server: Rc<Server>,
    load: Load,
}

/// How a contender is loaded.
#[derive(Clone, Copy)]
enum Load {
    Http(Script),
    Redis(redis::Load),
}

impl Contender {
    fn run(&self, context: &Context, connections: usize) -> Result<Throughput, Failure> {
        let seconds = context.common.seconds;
        match self.load {
            Load::Http(script) => {
                wrk(&self.server, script, connections, seconds, context.seed, context.dir.path())
            }
            Load::Redis(load) => redis::benchmark(&self.server, load, connections, seconds),
        }
    }
}

/// Runs every contender in turn, for all rounds; `what` names the lines, `cpu_goal` is our CPU over bare hyper's.
fn throughput(
    context: &Context,
    node: &Node,
    report: &mut Report,
    contenders: &[Contender],
    what: &str,
    cpu_goal: Option<f64>,
) -> Result<(), Failure> {
    let rate = Line::more(format!("{what}, throughput"), "req/s");
    let cpu = Line::less(format!("{what}, server CPU"), "us/req");
    let cpu = cpu_goal.map_or(cpu.clone(), |goal| cpu.goal(Goal::Ratio(goal)));
    let p50 = Line::less(format!("{what}, closed loop p50"), "us");
    let p99 = Line::less(format!("{what}, closed loop p99"), "us");
    for round in 0..context.common.rounds {
        for contender in in_turn(contenders, round) {
            let seen = contender
                .run(context, node.connections)
                .map_err(|error| format!("{what}, {}: {error}", contender.name))?;
            report.add(&rate, contender.name, seen.rate);
            report.add(&cpu, contender.name, seen.cpu_us);
            report.add(&p50, contender.name, seen.p50_us);
            report.add(&p99, contender.name, seen.p99_us);
        }
    }
    Ok(())
}

/// All of them, each round beginning with the next: who is first after a pause pays for what went to sleep meanwhile.
fn in_turn<T>(all: &[T], round: usize) -> impl Iterator<Item = &T> {
    let (before, first) = all.split_at(round % all.len().max(1));
    first.iter().chain(before)
}

/// Starts our node on a folder of its own, or notes why it is left out.
fn start_ours(
    context: &Context,
    node: &Node,
    report: &mut Report,
    folder: &str,
    sync: &str,
) -> Result<Option<Server>, Failure> {
    let sync = format!("engine.sync={sync}");
    start_with(context, node, report, folder, &[&sync, "server.workers=2"])
}

/// Starts our node on a folder of its own with these settings, or notes why it is left out.
fn start_with(
    context: &Context,
    node: &Node,
    report: &mut Report,
    folder: &str,
    settings: &[&str],
) -> Result<Option<Server>, Failure> {
    match node.binary() {
        Ok(binary) => Ok(Some(Server::hustdb(&binary, &context.dir.path().join(folder), settings)?)),
        Err(why) => {
            report.note_once(format!("{why}, {OURS} left out"));
            Ok(None)
        }
    }
}

/// The path of a peer's program, or a note that it is left out.
fn peer(report: &mut Report, program: &str) -> Option<std::path::PathBuf> {
    let path = installed(program);
    if path.is_none() {
        report.note_once(format!("{program}: not installed, left out"));
    }
    path
}

/// Without wrk there is no load.
fn require_wrk() -> Result<(), Failure> {
    installed("wrk").map(drop).ok_or_else(|| "wrk: not installed; it makes the load of this suite".into())
}
