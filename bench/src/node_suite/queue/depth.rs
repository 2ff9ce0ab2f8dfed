//! A long queue beside a short one on the same node: what a put and a get cost, and what the long one takes in memory.

use std::{
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use super::{
    broker::{Broker, Client, Protocol},
    cycle::{Own, Seen, Shape, Work, run},
    hust::Acks,
};
use crate::{
    args::{Context, Node},
    load::{self, Messages},
    node_suite::{rest::rest, start_with},
    report::{Goal, Line, OURS, Report},
    store::Failure,
};

const VALUE_BYTES: usize = 256;
const SHORT: u64 = 1_000;

/// Messages of one request while a queue is filled.
const FILL_BATCH: usize = 500;
const FILL_CLIENTS: u64 = 4;
const CLIENTS: usize = 10;

/// What the node may take, megabytes.
const LIMIT_MB: f64 = 256.0 * 1.048_576;
const SETTINGS: [&str; 3] = ["engine.sync=interval", "engine.memory=256MiB", "server.workers=2"];

/// Longest wait for rest after the queue was filled.
const REST_LIMIT: Duration = Duration::from_secs(60);

/// Cost at `messages` over that at 1,000, at most.
const GOAL: f64 = 1.25;

/// Measures a queue of `messages` beside one of 1,000.
pub fn run_depth(context: &Context, node: &Node, report: &mut Report, messages: u64) -> Result<(), Failure> {
    let Some(server) = start_with(context, node, report, "depth", &SETTINGS)? else { return Ok(()) };
    let broker = Broker { name: OURS, server: Rc::new(server), protocol: Protocol::Hust(Acks::Alone) };
    let content = Messages::new(context.seed, VALUE_BYTES);
    let mut short = Depth { broker: &broker, content: &content, queue: "short", length: SHORT, round: 0 };
    let mut long = Depth { queue: "long", length: messages, ..short };
    let empty = broker.server.anonymous_bytes()?;
    short.fill()?;
    let start = Instant::now();
    long.fill()?;
    let what = format!("{messages} messages of {VALUE_BYTES} B");
    let filled = Line::more(format!("filling a queue with {what}"), "msg/s");
    report.add(&filled, OURS, messages as f64 / start.elapsed().as_secs_f64());
    memory(report, &broker, &what, empty, "when filled")?;
    rest(report, "depth", &context.dir.path().join("depth"), REST_LIMIT);
    for _ in 0..context.common.rounds {
        let (near, far) = (short.measure(context)?, long.measure(context)?);
        for ((name, near), far) in ["put", "get and ack"].into_iter().zip(near).zip(far) {
            let line = |where_: String| Line::less(format!("{name}, {where_}, server CPU"), "us/msg");
            report.add(&line(format!("{SHORT} queued")), OURS, near.cpu_us);
            report.add(&line(format!("{messages} queued")), OURS, far.cpu_us);
            let ratio = Line::less(format!("{name}, CPU at {messages} over that at {SHORT}"), "x");
            report.add(&ratio.goal(Goal::Figure(GOAL)), OURS, far.cpu_us / near.cpu_us.max(0.001));
        }
    }
    memory(report, &broker, &what, empty, "after the measurements")
}

fn memory(report: &mut Report, broker: &Broker, what: &str, empty: u64, when: &str) -> Result<(), Failure> {
    let now = broker.server.anonymous_bytes()?;
    let anonymous = Line::less(format!("{what}, anonymous memory {when} (limit 256 MiB)"), "MB");
    report.add(&anonymous.goal(Goal::Figure(LIMIT_MB)), OURS, now as f64 / 1e6);
    let more = Line::less(format!("{what}, more than before, {when}"), "MB");
    report.add(&more, OURS, now.saturating_sub(empty) as f64 / 1e6);
    let resident = Line::less(format!("{what}, resident with mapped files {when}"), "MB");
    report.add(&resident, OURS, broker.server.resident_bytes()? as f64 / 1e6);
    Ok(())
}

/// A queue of a length that it has again after each measurement.
#[derive(Clone, Copy)]
struct Depth<'a> {
    broker: &'a Broker,
    content: &'a Messages,
    queue: &'static str,
    length: u64,
    /// Loads so far.
    round: u64,
}

impl Depth<'_> {
    /// Makes it as long as it is to be.
    fn fill(&mut self) -> Result<(), Failure> {
        let batches = self.length.div_ceil(FILL_BATCH as u64);
        let next = AtomicU64::new(0);
        let work = |client: &mut dyn Client, own: &mut Own<'_>| {
            let mine = next.fetch_add(1, Ordering::Relaxed) < batches;
            if mine {
                own.put(client, FILL_BATCH)?;
            }
            Ok(mine)
        };
        let clients = FILL_CLIENTS.min(batches) as usize;
        self.length = batches * FILL_BATCH as u64;
        self.go(Shape { clients, batch: FILL_BATCH }, &work)?;
        self.check()
    }

    fn go(&mut self, shape: Shape, work: &Work<'_>) -> Result<Seen, Failure> {
        self.round += 1;
        Ok(run(self.broker, self.queue, self.content, shape, self.round, work)?.0)
    }

    /// Fails unless the node counts as many messages as there are to be.
    fn check(&self) -> Result<(), Failure> {
        let mut client = load::Client::connect(self.broker.server.address)?;
        let answer = client.get(&format!("/hustmq/stat?queue={}", self.queue))?;
        let stat: serde_json::Value = serde_json::from_slice(answer.body)?;
        let (ready, unacked) = (&stat["ready"][0], &stat["unacked"]);
        if ready.as_u64() == Some(self.length) && unacked.as_u64() == Some(0) {
            return Ok(());
        }
        Err(format!("{} messages in {}, ready: {ready}, in flight: {unacked}", self.length, self.queue)
            .into())
    }

    /// Puts for a while, then takes as many: what each cost.
    fn measure(&mut self, context: &Context) -> Result<[Seen; 2], Failure> {
        let length = Duration::from_secs_f64(context.common.seconds);
        let shape = Shape { clients: CLIENTS, batch: 1 };
        let start = Instant::now();
        let put = self.go(shape, &|client, own| {
            own.put(client, 1)?;
            Ok(start.elapsed() < length)
        })?;
        let left = AtomicU64::new(put.messages);
        let take = self.go(shape, &|client, own| {
            let mine =
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
            if mine {
                own.take(client, 1)?;
            }
            Ok(mine)
        })?;
        self.check()?;
        Ok([put, take])
    }
}
