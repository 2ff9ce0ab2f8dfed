//! Bounds: on connections, on those who wait for one, on the body of an answer.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use hust_wire::client::{Options, Outcome, Pool};
use tokio::{
    io::AsyncWriteExt,
    sync::{Semaphore, mpsc},
};

use crate::support::{LONG, OK, SHORT, Server, get, options, pool, request};

/// A server that answers when let, and tells when it is asked.
async fn gated() -> (Server, Arc<Semaphore>, mpsc::UnboundedReceiver<usize>) {
    let gate = Arc::new(Semaphore::new(0));
    let (sender, asked) = mpsc::unbounded_channel();
    let let_in = gate.clone();
    let server = Server::start(move |number, mut stream| {
        let (gate, sender) = (let_in.clone(), sender.clone());
        async move {
            while request(&mut stream).await.is_some() {
                sender.send(number).unwrap();
                gate.acquire().await.unwrap().forget();
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    (server, gate, asked)
}

fn spawn(pool: &Pool, server: &Server) -> tokio::task::JoinHandle<Result<(), String>> {
    let (pool, host) = (pool.clone(), server.host.clone());
    tokio::spawn(
        async move { pool.call(&host, &get()).await.map(drop).map_err(|failure| failure.to_string()) },
    )
}

#[tokio::test]
async fn no_more_connections_than_allowed_and_everyone_is_served() {
    let (server, gate, mut asked) = gated().await;
    let pool = Pool::with(Options { connections: 3, ..options() }, "", "");
    let calls: Vec<_> = (0..20).map(|_| spawn(&pool, &server)).collect();
    for _ in 0..3 {
        asked.recv().await.unwrap();
    }
    assert!(asked.try_recv().is_err(), "three at once");
    gate.add_permits(20);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(server.accepted(), 3);
}

#[tokio::test]
async fn waiting_is_bounded_in_number_and_time() {
    let (server, gate, mut asked) = gated().await;
    let pool = Pool::with(Options { connections: 1, waiting: 1, ..options() }, "", "");
    let first = spawn(&pool, &server);
    asked.recv().await.unwrap();
    let failure = pool.call(&server.host, &get().timeout(SHORT)).await.unwrap_err();
    assert_eq!(failure.to_string(), "refused: pool: no connection free in time");
    assert!(!failure.is_unreachable() && failure.outcome() == Outcome::Refused);

    let second = spawn(&pool, &server);
    let third = spawn(&pool, &server);
    assert_eq!(third.await.unwrap(), Err("refused: pool: too many wait for a connection".into()));
    gate.add_permits(2);
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn hosts_do_not_wait_for_each_other() {
    let (slow, gate, mut asked) = gated().await;
    let fast = Server::answering(OK).await;
    let pool = Pool::with(Options { connections: 1, ..options() }, "", "");
    let waits = spawn(&pool, &slow);
    asked.recv().await.unwrap();
    pool.call(&fast.host, &get()).await.unwrap();
    gate.add_permits(1);
    waits.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_connection_used_last_is_used_first() {
    let (server, gate, mut asked) = gated().await;
    gate.add_permits(100);
    let pool = pool();
    let (first, second) = (spawn(&pool, &server), spawn(&pool, &server));
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    asked.recv().await.unwrap();
    asked.recv().await.unwrap();
    pool.call(&server.host, &get()).await.unwrap();
    let last = asked.recv().await.unwrap();
    for _ in 0..5 {
        pool.call(&server.host, &get()).await.unwrap();
        assert_eq!(asked.recv().await, Some(last));
    }
}

#[tokio::test]
async fn an_oversized_answer_is_unknown_and_ends_the_connection() {
    let table: [(&[u8], bool); 5] = [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345", true),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n123456", false),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551000\r\n\r\n123456", false),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n2\r\n45\r\n0\r\n\r\n", true),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n3\r\n456\r\n0\r\n\r\n", false),
    ];
    for (answer, fits) in table {
        let ended = Arc::new(AtomicUsize::new(0));
        let count = ended.clone();
        let server = Server::start(move |_, mut stream| {
            let count = count.clone();
            async move {
                while request(&mut stream).await.is_some() {
                    stream.write_all(answer).await.unwrap();
                }
                count.fetch_add(1, SeqCst);
            }
        })
        .await;
        let pool = pool();
        for round in 1..=2 {
            match pool.call(&server.host, &get().answer_max_bytes(5)).await {
                Ok(reply) => assert!(fits && reply.body == "12345"),
                Err(failure) => {
                    assert_eq!(failure.to_string(), "unknown: answer: over 5 bytes");
                    assert!(!fits);
                }
            }
            assert_eq!(server.accepted(), if fits { 1 } else { round });
        }
    }
}

/// A host that never pauses is read without waiting, and so without a look at the timer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_never_stops_talking_is_late_too() {
    for flood in [&b"HTTP/1.1 100 Continue\r\n\r\n"[..], b"1;x=y\r\nb\r\n"] {
        let server = Server::start(move |_, mut stream| async move {
            request(&mut stream).await.unwrap();
            if flood.starts_with(b"1") {
                let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                stream.write_all(head).await.unwrap();
            }
            let many = flood.repeat(10_000);
            while stream.write_all(&many).await.is_ok() {}
        })
        .await;
        let call = get().timeout(SHORT).answer_max_bytes(usize::MAX);
        let failure = tokio::time::timeout(LONG, pool().call(&server.host, &call)).await;
        let failure = failure.expect("the deadline holds").unwrap_err();
        assert_eq!(failure.to_string(), "unknown: no complete answer in time");
    }
}
