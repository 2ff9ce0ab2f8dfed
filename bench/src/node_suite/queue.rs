//! Queues: put, get and ack of ours beside RabbitMQ, beanstalkd and Redis streams, one message at a time and in
//! batches; then what a long queue costs.
//!
//! What is compared promises the same:
//!
//! - *put + get + ack*, a request each, everything synced before the answer (ours `always`, confirms, `-f 0`,
//!   `appendfsync always`), or synced within a second (`interval`, `everysec`; RabbitMQ and beanstalkd have no such
//!   thing). RabbitMQ promises less than the others of the first group: its acknowledgement has no answer and is not
//!   synced, and is sent with what is published next.
//! - *put, get with ack*, single messages, where the acknowledgement of the message before goes with the request for the
//!   next. Once synced, beside beanstalkd, which syncs a delete, and is sent it in one packet with the next reserve; once
//!   not, beside RabbitMQ. These have the goals.
//! - *put and get with ack in one packet*: the same beside RabbitMQ, whose client sends an acknowledgement in one packet
//!   with what it publishes next and is given the delivery without asking: one round trip for both.

use std::rc::Rc;

use super::{in_turn, peer, redis, start_ours};
use crate::{
    args::{Context, Node},
    load::Messages,
    process::Server,
    report::{Goal, Line, OURS, Report},
    store::Failure,
    workload::size_name,
};

mod amqp;
mod beanstalkd;
mod broker;
mod cycle;
mod depth;
mod hust;
mod rabbitmq;
mod streams;

use broker::{Broker, Protocol};
use cycle::{Shape, cycle};
use hust::Acks;

const BATCH: usize = 100;
const REDIS: &str = "redis";

/// Our throughput over that of RabbitMQ and of beanstalkd, one message at a time, at the durability of each.
const SINGLE_GOAL: f64 = 2.0;
/// Our throughput over that of Redis streams, in batches.
const BATCH_GOAL: f64 = 1.0;

/// What the command line says.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Messages in the long queue; 0 leaves it out
    #[arg(long, default_value_t = 5_000_000)]
    pub messages: u64,
    /// Only these parts: single, batch, depth
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Numbers of clients
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100])]
    pub clients: Vec<usize>,
    /// Lengths of messages, bytes
    #[arg(long, value_delimiter = ',', default_values_t = [256, 1024])]
    pub bytes: Vec<usize>,
}

/// Brokers that keep a message equally safe when they have answered.
struct Group {
    /// What a client does again and again.
    turn: &'static str,
    /// What the answers promise.
    promise: &'static str,
    brokers: Vec<Broker>,
    /// It is measured with up to so many messages at a time.
    batch_max: usize,
}

impl Group {
    /// A request for each of put, get and ack.
    fn apart(promise: &'static str) -> Group {
        Group { turn: "put + get + ack", promise, brokers: Vec::new(), batch_max: BATCH }
    }

    /// Single messages, acknowledged with the next get.
    fn along(turn: &'static str, promise: &'static str) -> Group {
        Group { turn, promise, brokers: Vec::new(), batch_max: 1 }
    }

    fn add(&mut self, name: &'static str, server: &Rc<Server>, protocol: Protocol) {
        self.brokers.push(Broker { name, server: server.clone(), protocol });
    }
}

/// All brokers.
struct Started {
    groups: [Group; 5],
    /// What RabbitMQ needs beside itself; it ends after it.
    _epmd: Option<Server>,
}

/// Measures all parts.
pub fn run(context: &Context, node: &Node, options: &Options) -> Result<Report, Failure> {
    let mut report = Report::new("queue", None);
    let wanted = |part: &str| options.only.is_empty() || options.only.iter().any(|only| only == part);
    if wanted("single") || wanted("batch") {
        let started = start(context, node, &mut report)?;
        for (part, batch) in [("single", 1), ("batch", BATCH)] {
            for group in started.groups.iter().filter(|group| wanted(part) && batch <= group.batch_max) {
                measure(context, &mut report, group, batch, options)?;
            }
        }
    }
    if wanted("depth") && options.messages > 0 {
        let messages = if context.common.quick { options.messages.min(200_000) } else { options.messages };
        depth::run_depth(context, node, &mut report, messages)?;
    }
    Ok(report)
}

/// Starts all brokers.
fn start(context: &Context, node: &Node, report: &mut Report) -> Result<Started, Failure> {
    let (mut synced, mut delayed) = (Group::apart("synced"), Group::apart("synced within 1 s"));
    let mut as_beanstalkd = Group::along("put, get with ack", "all synced, as with beanstalkd");
    let unsynced = "acks not synced, as with RabbitMQ";
    let mut as_rabbitmq = Group::along("put, get with ack", unsynced);
    let mut in_one_packet = Group::along("put and get with ack in one packet", unsynced);
    let dir = context.dir.path();
    if let Some(server) = start_ours(context, node, report, "hust-always", "always")?.map(Rc::new) {
        synced.add(OURS, &server, Protocol::Hust(Acks::Alone));
        as_beanstalkd.add(OURS, &server, Protocol::Hust(Acks::WithGet));
        as_rabbitmq.add(OURS, &server, Protocol::Hust(Acks::WithGetUnsynced));
        in_one_packet.add(OURS, &server, Protocol::Hust(Acks::InOnePacketUnsynced));
    }
    if let Some(server) = start_ours(context, node, report, "hust-interval", "interval")?.map(Rc::new) {
        delayed.add(OURS, &server, Protocol::Hust(Acks::Alone));
    }
    let mut daemon = None;
    if let (Some(program), Some(epmd)) = (peer(report, "rabbitmq-server"), peer(report, "epmd")) {
        let started = rabbitmq::start(&program, &epmd, &dir.join("rabbitmq"))?;
        let server = Rc::new(started.server);
        synced.add("rabbitmq", &server, Protocol::Amqp);
        as_rabbitmq.add("rabbitmq", &server, Protocol::Amqp);
        in_one_packet.add("rabbitmq", &server, Protocol::Amqp);
        daemon = Some(started.epmd);
    }
    if let Some(program) = peer(report, "beanstalkd") {
        let server = Rc::new(beanstalkd::start(&program, &dir.join("beanstalkd"))?);
        synced.add("beanstalkd", &server, Protocol::Beanstalk);
        as_beanstalkd.add("beanstalkd", &server, Protocol::BeanstalkAcksAlong);
    }
    if let Some(program) = peer(report, "redis-server") {
        for (group, fsync) in [(&mut synced, "always"), (&mut delayed, "everysec")] {
            let server = redis::start(&program, &dir.join(format!("redis-{fsync}")), Some(fsync))?;
            group.add(REDIS, &Rc::new(server), Protocol::Streams);
        }
    }
    Ok(Started { groups: [synced, as_beanstalkd, as_rabbitmq, in_one_packet, delayed], _epmd: daemon })
}

/// Measures a group in all sizes and with all numbers of clients.
fn measure(
    context: &Context,
    report: &mut Report,
    group: &Group,
    batch: usize,
    options: &Options,
) -> Result<(), Failure> {
    for &value_bytes in &options.bytes {
        let messages = Messages::new(context.seed, value_bytes);
        for &clients in &options.clients {
            let s = if clients == 1 { "" } else { "s" };
            let each = if batch == 1 { String::new() } else { format!(" by {batch}") };
            let size = size_name(value_bytes);
            let what = format!("{}{each}, {size}, {clients} client{s}, {}", group.turn, group.promise);
            for round in 0..context.common.rounds {
                for broker in in_turn(&group.brokers, round) {
                    let queue = format!("q{clients}x{batch}x{value_bytes}");
                    let shape = Shape { clients, batch };
                    let seen = cycle(broker, &queue, &messages, shape, context.common.seconds)
                        .and_then(|seen| broker.forget(&queue).map(|()| seen))
                        .map_err(|error| format!("{what}, {}: {error}", broker.name))?;
                    lines(report, &what, group, batch, broker.name, &seen);
                }
            }
        }
    }
    Ok(())
}

/// Adds what was seen. Redis has lines of its own with ours, as the goals are not the same.
fn lines(report: &mut Report, what: &str, group: &Group, batch: usize, name: &str, seen: &cycle::Seen) {
    let alone = group.brokers.iter().all(|broker| [OURS, REDIS].contains(&broker.name));
    let redis = group.brokers.iter().any(|broker| broker.name == REDIS);
    for beside_redis in [false, true] {
        if (name == REDIS && !beside_redis)
            || (name != REDIS && name != OURS && beside_redis)
            || (alone && !beside_redis)
            || (beside_redis && !redis)
        {
            continue;
        }
        let what = if beside_redis { format!("{what}, beside Redis") } else { what.to_owned() };
        let rate = Line::more(what.clone(), "msg/s");
        let rate = match (group.batch_max > 1, batch > 1, alone) {
            (false, _, _) => rate.goal(Goal::Ratio(SINGLE_GOAL)),
            (true, true, true) => rate.goal(Goal::Ratio(BATCH_GOAL)),
            _ => rate,
        };
        report.add(&rate, name, seen.rate);
        report.add(&Line::less(format!("{what}, server CPU"), "us/msg"), name, seen.cpu_us);
        report.add(&Line::less(format!("{what}, CPU of the load"), "us/msg"), name, seen.load_us);
    }
}
