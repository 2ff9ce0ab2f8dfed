//! Servers of raw bytes, and the pools that talk to them.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use hust_wire::{
    Host,
    client::{Call, Options, Pool, Trust},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// No test waits this long unless it fails.
pub const LONG: Duration = Duration::from_secs(20);
/// A deadline that is meant to pass.
pub const SHORT: Duration = Duration::from_millis(60);

pub const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

pub fn options() -> Options {
    Options {
        connect_timeout: LONG,
        timeout: LONG,
        connections: 4,
        waiting: 64,
        idle_timeout: LONG,
        trust: Trust::Plain,
    }
}

pub fn pool() -> Pool {
    Pool::with(options(), "", "")
}

pub fn get() -> Call {
    Call::get("/get?key=k").unwrap()
}

/// A server, and how many connections it has accepted.
pub struct Server {
    pub host: Host,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    /// Runs `serve` with each connection and its number, from 0.
    pub async fn start<F, W>(serve: F) -> Server
    where
        F: Fn(usize, TcpStream) -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string().parse().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = accepted.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(count.fetch_add(1, SeqCst), stream));
            }
        });
        Server { host, accepted }
    }

    /// A server that answers every request with the same bytes.
    pub async fn answering(answer: &'static [u8]) -> Server {
        Server::start(move |_, mut stream| async move {
            while request(&mut stream).await.is_some() {
                stream.write_all(answer).await.unwrap();
            }
        })
        .await
    }

    pub fn accepted(&self) -> usize {
        self.accepted.load(SeqCst)
    }
}

/// The next request: its head in lower case, and its body by `content-length`. `None` at the end.
pub async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) if head.is_empty() => return None,
            Err(error) => panic!("half a head: {error}"),
        }
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.split_once("content-length: ").map_or(0, |(_, rest)| {
        let digits = rest.split("\r\n").next().unwrap();
        digits.parse().unwrap()
    });
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    Some((head, body))
}

/// Waits until the other side has closed.
pub async fn closed(stream: &mut TcpStream) {
    let mut byte = [0];
    assert!(matches!(stream.read(&mut byte).await, Ok(0) | Err(_)));
}

/// Returns after the runtime has looked at all sockets once more: what had happened to any of them before is known.
pub async fn looked_at_sockets() {
    let server = Server::answering(OK).await;
    let pool = Pool::with(options(), "", "");
    pool.call(&server.host, &get()).await.unwrap();
}
