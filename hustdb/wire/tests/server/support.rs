//! A server with a small program, and a client that speaks raw bytes.

use std::{
    future::poll_fn,
    io::{Read, Write},
    net::{IpAddr, Shutdown, SocketAddr, TcpStream},
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use hust_wire::{
    Answer, Kind, Query, Request,
    config::{SecurityConfig, ServerConfig, Size},
    route::{BodyRule, Methods, Route},
    server::{self, Control, Handler, Program, Running},
};
use tokio::sync::{Semaphore, mpsc};

pub const PROGRAM: Program = Program {
    name: "testdb",
    version: "1.2.3",
    routes: &[
        Route { path: "/get", methods: Methods::READ, id: 0, body: BodyRule::Ignored },
        Route { path: "/put", methods: Methods::WRITE, id: 1, body: BodyRule::Collected },
        Route { path: "/merge", methods: Methods::POST, id: 2, body: BodyRule::CollectedOver(100) },
        Route { path: "/big", methods: Methods::READ, id: 3, body: BodyRule::Ignored },
        Route { path: "/wait", methods: Methods::READ, id: 4, body: BodyRule::Ignored },
        Route { path: "/receipt", methods: Methods::READ, id: 5, body: BodyRule::Ignored },
        Route { path: "/turn", methods: Methods::READ, id: 6, body: BodyRule::Ignored },
    ],
    shares_port: true,
};

/// What `/big` answers: longer than socket buffers, and ending in what hyper says about a bad request.
pub fn big() -> Bytes {
    const OWN: &[u8] = b"\r\n\r\nHTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    [vec![b'v'; 24 << 20].as_slice(), OWN].concat().into()
}

/// The program: `/get` answers the key, `/put` the body, `/wait` when let, `/receipt` much, when let, and tells whether
/// that left; `/turn` lets all others go first.
pub struct Echo {
    big: Bytes,
    gate: Arc<Semaphore>,
    entered: mpsc::UnboundedSender<()>,
    left: mpsc::UnboundedSender<bool>,
}

impl Handler for Echo {
    type Worker = usize;

    fn worker(&self, index: usize) -> usize {
        index
    }

    fn answer_now(&self, _: &usize, route: u16, query: Query<'_>) -> Option<Answer> {
        match route {
            0 => Some(key(query)),
            3 => Some(Answer::ok(Kind::Text, self.big.clone())),
            _ => None,
        }
    }

    async fn handle(&self, _: &usize, request: &mut Request) -> Answer {
        match request.route {
            0 => key(request.query()),
            1 | 2 => Answer::shared(Kind::Binary, request.body.clone()),
            3 => Answer::ok(Kind::Text, self.big.clone()),
            4 => {
                let _ = self.entered.send(());
                let _permit = self.gate.acquire().await;
                Answer::ok(Kind::Text, "waited")
            }
            6 => {
                let mut is_next = false;
                poll_fn(|cx| {
                    if std::mem::replace(&mut is_next, true) {
                        return Poll::Ready(());
                    }
                    cx.waker().wake_by_ref();
                    Poll::Pending
                })
                .await;
                Answer::ok(Kind::Text, "turned")
            }
            _ => {
                let (receipt, left) = (request.receipt(), self.left.clone());
                tokio::spawn(async move { left.send(receipt.await.is_ok()) });
                let _ = self.entered.send(());
                let _permit = self.gate.acquire().await;
                Answer::ok(Kind::Text, self.big.clone())
            }
        }
    }

    fn metrics(&self, text: &mut String) {
        text.push_str("own_metric 1\n");
    }
}

fn key(query: Query<'_>) -> Answer {
    match query.key("key") {
        Ok(key) => Answer::ok(Kind::Text, key.unwrap_or_default().into_owned()).with_version(1),
        Err(refusal) => refusal.into(),
    }
}

pub struct Server {
    pub address: SocketAddr,
    pub control: Control,
    pub gate: Arc<Semaphore>,
    entered: Mutex<mpsc::UnboundedReceiver<()>>,
    left: Mutex<mpsc::UnboundedReceiver<bool>>,
    running: Option<Running>,
}

pub fn config() -> ServerConfig {
    let mut config = ServerConfig::listening_on("127.0.0.1:0");
    config.workers = 1;
    config.max_body_size = Size::new(1000);
    config
}

impl Server {
    pub fn start() -> Server {
        Server::with(&config(), &SecurityConfig::default())
    }

    pub fn with(server: &ServerConfig, security: &SecurityConfig) -> Server {
        Server::run(PROGRAM, server, security)
    }

    /// One that is not ready; a program that shares its port would be.
    pub fn starting(server: &ServerConfig, security: &SecurityConfig) -> Server {
        Server::run(Program { shares_port: false, ..PROGRAM }, server, security)
    }

    fn run(program: Program, server: &ServerConfig, security: &SecurityConfig) -> Server {
        let gate = Arc::new(Semaphore::new(0));
        let (sender, entered) = mpsc::unbounded_channel();
        let (left_sender, left) = mpsc::unbounded_channel();
        let handler = Echo { big: big(), gate: gate.clone(), entered: sender, left: left_sender };
        let running = server::start(program, server, security, handler).unwrap();
        let (address, control) = (running.address(), running.control());
        let (entered, left) = (Mutex::new(entered), Mutex::new(left));
        Server { address, control, gate, entered, left, running: Some(running) }
    }

    pub fn connect(&self) -> Client {
        Client::to(self.address)
    }

    /// Sends `request` on a connection of its own; returns all there is until the server closes.
    pub fn whole(&self, request: impl AsRef<[u8]>) -> String {
        let mut client = self.connect();
        client.send(request);
        client.rest()
    }

    /// Waits until a handler of `/wait` runs.
    pub fn entered(&self) {
        self.entered.lock().unwrap().blocking_recv().unwrap();
    }

    /// Waits until it is known of an answer of `/receipt` whether it left.
    pub fn left(&self) -> bool {
        self.left.lock().unwrap().blocking_recv().unwrap()
    }

    /// Waits until the server has ended.
    pub fn join(mut self) {
        assert!(self.running.take().unwrap().join());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.control.drain();
    }
}

pub struct Client(pub TcpStream);

#[derive(Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    pub fn to(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client(stream)
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    pub fn head(&mut self) -> (u16, String) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap_or_else(|error| {
                panic!("{error} after {:?}", String::from_utf8_lossy(&head));
            });
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        (head[9..12].parse().unwrap(), head)
    }

    pub fn reply(&mut self) -> Reply {
        let (status, head) = self.head();
        let mut reply = Reply { status, head, body: Vec::new() };
        let length = reply.header("content-length").expect("always a Content-Length").parse().unwrap();
        assert_eq!(reply.header("transfer-encoding"), None);
        reply.body = vec![0; length];
        self.0.read_exact(&mut reply.body).unwrap();
        reply
    }

    pub fn ask(&mut self, request: impl AsRef<[u8]>) -> Reply {
        self.send(request);
        self.reply()
    }

    pub fn get(&mut self, target: &str) -> Reply {
        self.ask(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n"))
    }

    /// Everything until the server closes; a reset fails.
    pub fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    pub fn is_closed(&mut self) -> bool {
        self.rest().is_empty()
    }

    pub fn end_sending(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }
}

pub fn loopback(last: u8) -> IpAddr {
    IpAddr::from([127, 0, 0, last])
}

/// A handler for servers that do not start.
#[derive(Debug)]
pub struct Nothing;

impl Handler for Nothing {
    type Worker = ();

    fn worker(&self, _: usize) {}

    async fn handle(&self, (): &(), _: &mut Request) -> Answer {
        Answer::empty(hyper::StatusCode::OK)
    }

    fn metrics(&self, _: &mut String) {}
}
