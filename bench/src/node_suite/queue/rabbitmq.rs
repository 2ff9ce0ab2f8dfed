//! RabbitMQ: started with everything of its own under one folder, and a client of a durable queue with persistent
//! messages, publisher confirms, a consumer that is pushed to, and manual acknowledgements.

use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    amqp::{Arguments, Channel, Frame, Method, odd},
    broker::Client,
};
use crate::{
    process::{Server, accepts, free_address},
    store::Failure,
};

const CONFIRM_SELECT: Method = (85, 10);
const CONFIRM_SELECT_OK: Method = (85, 11);
const QUEUE_DECLARE: Method = (50, 10);
const QUEUE_DECLARE_OK: Method = (50, 11);
const QOS: Method = (60, 10);
const QOS_OK: Method = (60, 11);
const CONSUME: Method = (60, 20);
const CONSUME_OK: Method = (60, 21);
const PUBLISH: Method = (60, 40);
const DELIVER: Method = (60, 60);
const ACK: Method = (60, 80);
const CLOSE: Method = (20, 40);
const CLOSE_OK: Method = (20, 41);

/// The script that becomes the server; the one in the path may change the user first.
const SCRIPT: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// A broker and the daemon that Erlang nodes find each other by.
pub struct RabbitServer {
    /// The broker.
    pub server: Server,
    /// Ends after the broker, which would start one that stays otherwise.
    pub epmd: Server,
}

/// Starts RabbitMQ on `dir`. `program` is what is found in the path.
pub fn start(program: &Path, epmd: &Path, dir: &Path) -> Result<RabbitServer, Failure> {
    std::fs::create_dir_all(dir)?;
    let names = free_address()?;
    let mut command = Command::new(epmd);
    command.args(["-address", "127.0.0.1", "-port", &names.port().to_string()]).env("HOME", dir);
    let epmd = Server::at(command, names, accepts)?;
    let (address, nodes) = (free_address()?, free_address()?);
    let script = Some(PathBuf::from(SCRIPT)).filter(|script| script.is_file());
    let mut command = Command::new(script.as_deref().unwrap_or(program));
    for (name, folder) in [
        ("RABBITMQ_MNESIA_BASE", "mnesia"),
        ("RABBITMQ_LOG_BASE", "log"),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", "plugins"),
        ("RABBITMQ_CONFIG_FILE", "rabbitmq"),
        ("RABBITMQ_PID_FILE", "pid"),
        ("HOME", "."),
    ] {
        command.env(name, dir.join(folder));
    }
    command
        .env("RABBITMQ_NODENAME", format!("bench{}@localhost", address.port()))
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", address.port().to_string())
        .env("RABBITMQ_DIST_PORT", nodes.port().to_string())
        .env("ERL_EPMD_PORT", names.port().to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        // Then the script becomes the server, which can be asked to end by its own id.
        .env("RUNNING_UNDER_SYSTEMD", "true");
    let server = Server::at(command, address, |address| Channel::open(address).is_ok())?;
    Ok(RabbitServer { server, epmd })
}

/// See the module.
pub struct Rabbit {
    channel: Channel,
    queue: String,
    /// Publications so far, and the numbers of those that are not confirmed.
    published: u64,
    unconfirmed: BTreeSet<u64>,
    /// Deliveries that came while something else was waited for.
    arrived: VecDeque<Vec<u8>>,
    /// Deliveries handed out, which have the numbers from 1, and those of them that were acknowledged.
    taken: u64,
    acknowledged: u64,
}

impl Rabbit {
    /// Connects, and consumes with at most `most` unacknowledged deliveries.
    pub fn connect(address: SocketAddr, queue: &str, most: usize) -> Result<Rabbit, Failure> {
        let mut channel = Channel::open(address)?;
        let arguments = Arguments::default;
        channel.call(CONFIRM_SELECT, arguments().octet(0), CONFIRM_SELECT_OK)?;
        let durable = 2;
        let declare = arguments().short(0).text(queue).octet(durable).long(0);
        channel.call(QUEUE_DECLARE, declare, QUEUE_DECLARE_OK)?;
        channel.call(QOS, arguments().long(0).short(u16::try_from(most)?).octet(0), QOS_OK)?;
        let consume = arguments().short(0).text(queue).text("bench").octet(0).long(0);
        channel.call(CONSUME, consume, CONSUME_OK)?;
        Ok(Rabbit {
            channel,
            queue: queue.to_owned(),
            published: 0,
            unconfirmed: BTreeSet::new(),
            arrived: VecDeque::new(),
            taken: 0,
            acknowledged: 0,
        })
    }

    /// Reads what comes next: a confirmation, or a delivery with its message.
    fn receive(&mut self) -> Result<(), Failure> {
        match self.channel.receive()? {
            Frame::Method(ACK, arguments) => {
                let (tag, multiple) = tag(arguments)?;
                // Without `multiple` they come in any order.
                match multiple {
                    true => self.unconfirmed = self.unconfirmed.split_off(&(tag + 1)),
                    false => _ = self.unconfirmed.remove(&tag),
                }
                return Ok(());
            }
            Frame::Method(DELIVER, _) => {}
            other => return Err(format!("rabbitmq: {other:?}").into()),
        }
        let Frame::Header(len) = self.channel.receive()? else {
            return Err("rabbitmq: a delivery without a header".into());
        };
        let mut message = Vec::new();
        while (message.len() as u64) < len {
            let Frame::Body(part) = self.channel.receive()? else {
                return Err("rabbitmq: a delivery is cut off".into());
            };
            message.extend_from_slice(part);
        }
        self.arrived.push_back(message);
        Ok(())
    }
}

/// The number of a publication or delivery, and whether all before it are meant too.
fn tag(arguments: &[u8]) -> Result<(u64, bool), Failure> {
    let (tag, rest) = arguments.split_first_chunk().ok_or_else(|| odd("a tag is cut off"))?;
    Ok((u64::from_be_bytes(*tag), rest.first().is_some_and(|bits| bits & 1 == 1)))
}

impl Client for Rabbit {
    fn put(&mut self, messages: &[&[u8]]) -> Result<(), Failure> {
        for message in messages {
            let publish = Arguments::default().short(0).text("").text(&self.queue).octet(0);
            self.channel.method(PUBLISH, publish);
            self.channel.message(message);
        }
        self.channel.send()?;
        let last = self.published + messages.len() as u64;
        self.unconfirmed.extend(self.published + 1..=last);
        self.published = last;
        while !self.unconfirmed.is_empty() {
            self.receive()?;
        }
        Ok(())
    }

    fn get(&mut self, most: usize, seen: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        if self.arrived.is_empty() {
            self.channel.send()?;
        }
        while self.arrived.is_empty() {
            self.receive()?;
        }
        for message in self.arrived.drain(..most.min(self.arrived.len())) {
            self.taken += 1;
            seen(&message);
        }
        Ok(())
    }

    /// One acknowledgement for all. It has no answer, so it is sent with what is sent next.
    fn ack(&mut self) -> Result<(), Failure> {
        if self.taken > self.acknowledged {
            let multiple = 1;
            self.channel.method(ACK, Arguments::default().longlong(self.taken).octet(multiple));
            self.acknowledged = self.taken;
        }
        Ok(())
    }

    /// A connection that is just dropped may take its last acknowledgement along.
    fn finish(&mut self) -> Result<(), Failure> {
        self.channel.method(CLOSE, Arguments::default().short(200).text("").short(0).short(0));
        self.channel.send()?;
        loop {
            if let Frame::Method(CLOSE_OK, _) = self.channel.receive()? {
                return Ok(());
            }
        }
    }
}
