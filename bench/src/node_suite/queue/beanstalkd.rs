//! beanstalkd: started with a synced log, and a client of its text protocol. It has no batches: commands for several
//! messages are sent together and their answers read in order.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use super::broker::Client;
use crate::{
    process::{Server, accepts, free_address},
    store::Failure,
};

/// No answer takes longer unless the server hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Seconds a message is leased.
const LEASE_S: u32 = 300;

/// Longest message.
const MESSAGE_MAX: usize = 1 << 20;

/// Starts it on `dir` with every write synced (`-f 0`).
pub fn start(program: &Path, dir: &Path) -> Result<Server, Failure> {
    std::fs::create_dir_all(dir)?;
    let address = free_address()?;
    let mut command = Command::new(program);
    command.args(["-l", "127.0.0.1", "-p", &address.port().to_string(), "-f", "0", "-z"]);
    command.arg(MESSAGE_MAX.to_string()).arg("-b").arg(dir);
    Server::at(command, address, accepts)
}

/// See the module.
pub struct Beanstalkd {
    stream: TcpStream,
    answers: BufReader<TcpStream>,
    requests: Vec<u8>,
    /// Numbers of the jobs that were taken.
    taken: Vec<u64>,
    /// Whether acknowledgements are sent with the next reserve.
    along: bool,
    /// Acknowledgements that are to be sent, or are not answered.
    acking: usize,
    line: String,
    item: Vec<u8>,
}

impl Beanstalkd {
    /// Connects to the tube `queue`; `along`: acknowledgements are sent with the next reserve.
    pub fn connect(address: SocketAddr, queue: &str, along: bool) -> Result<Beanstalkd, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let answers = BufReader::with_capacity(64 << 10, stream.try_clone()?);
        let mut client = Beanstalkd {
            stream,
            answers,
            requests: Vec::new(),
            taken: Vec::new(),
            along,
            acking: 0,
            line: String::new(),
            item: Vec::new(),
        };
        write!(client.requests, "use {queue}\r\nwatch {queue}\r\nignore default\r\n")?;
        client.send()?;
        client.expect("USING ")?;
        client.expect("WATCHING ")?;
        client.expect("WATCHING ")?;
        Ok(client)
    }

    fn send(&mut self) -> Result<(), Failure> {
        self.stream.write_all(&self.requests)?;
        self.requests.clear();
        Ok(())
    }

    /// Adds the acknowledgements that are to be sent.
    fn add_acks(&mut self) -> Result<(), Failure> {
        for id in self.taken.drain(..self.acking) {
            write!(self.requests, "delete {id}\r\n")?;
        }
        Ok(())
    }

    /// Reads the answers to them.
    fn acknowledged(&mut self) -> Result<(), Failure> {
        for _ in 0..std::mem::take(&mut self.acking) {
            self.expect("DELETED")?;
        }
        Ok(())
    }

    /// Reads a line, which must begin so; what follows is the answer.
    fn expect(&mut self, before: &str) -> Result<&str, Failure> {
        self.line.clear();
        self.answers.read_line(&mut self.line)?;
        let rest = self.line.strip_suffix("\r\n").and_then(|line| line.strip_prefix(before));
        rest.ok_or_else(|| format!("beanstalkd: {:?} in place of {before:?}", self.line).into())
    }
}

impl Client for Beanstalkd {
    fn put(&mut self, messages: &[&[u8]]) -> Result<(), Failure> {
        for message in messages {
            write!(self.requests, "put 0 0 {LEASE_S} {}\r\n", message.len())?;
            self.requests.extend_from_slice(message);
            self.requests.extend_from_slice(b"\r\n");
        }
        self.send()?;
        for _ in messages {
            self.expect("INSERTED ")?;
        }
        Ok(())
    }

    fn get(&mut self, most: usize, seen: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        self.add_acks()?;
        (0..most).for_each(|_| self.requests.extend_from_slice(b"reserve\r\n"));
        self.send()?;
        self.acknowledged()?;
        for _ in 0..most {
            let answer = self.expect("RESERVED ")?;
            let (id, len) = answer.split_once(' ').ok_or("beanstalkd: RESERVED without a length")?;
            let (id, len): (u64, usize) = (id.parse()?, len.parse()?);
            if len > MESSAGE_MAX {
                return Err("beanstalkd: a message is too long".into());
            }
            self.taken.push(id);
            self.item.resize(len + 2, 0);
            self.answers.read_exact(&mut self.item)?;
            seen(&self.item[..len]);
        }
        Ok(())
    }

    fn ack(&mut self) -> Result<(), Failure> {
        self.acking = self.taken.len();
        if self.along { Ok(()) } else { self.finish() }
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.add_acks()?;
        self.send()?;
        self.acknowledged()
    }
}
