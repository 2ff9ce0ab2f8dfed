//! Failures: what may have been done, and that nothing of a failed exchange is left.

use hust_wire::{
    Host,
    client::{Call, Outcome, Pool},
};
use socket2::{Domain, Socket, Type};
use tokio::{io::AsyncWriteExt, sync::mpsc, time::Instant};

use crate::support::{LONG, OK, SHORT, Server, closed, get, options, pool, request};

#[tokio::test]
async fn nobody_listening_is_refused_at_once() {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    let host: Host = format!("127.0.0.1:{port}").parse().unwrap();
    let failure = pool().call(&host, &get()).await.unwrap_err();
    assert_eq!(failure.outcome(), Outcome::Refused);
    assert!(failure.is_unreachable(), "{failure}");
    assert!(failure.to_string().starts_with("refused: connect 127.0.0.1:"), "{failure}");
}

#[tokio::test]
async fn a_host_that_takes_no_connection_is_refused_after_the_connect_timeout() {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap();
    // One waits to be accepted; there is no room for another.
    let waits = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    waits.connect(&address).unwrap();
    let host: Host = address.as_socket().unwrap().to_string().parse().unwrap();
    let pool = Pool::with(hust_wire::client::Options { connect_timeout: SHORT, ..options() }, "", "");
    let begun = Instant::now();
    let failure = pool.call(&host, &get()).await.unwrap_err();
    assert!(failure.is_unreachable() && failure.cause().ends_with("timed out"), "{failure}");
    assert!((SHORT..LONG).contains(&begun.elapsed()));
}

#[tokio::test]
async fn what_is_no_complete_answer_is_unknown() {
    let table: [(&[u8], &str); 11] = [
        (b"", "connection closed before it was answered"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "connection closed before it was answered"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", "connection closed within an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "connection closed within an answer"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
            "connection closed within an answer",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "answer: illegal chunk"),
        (b"HTTP/1.1 200 OK\r\n\r\nwhatever", "answer: without a length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "answer: two lengths"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "invalid HTTP version"),
        (b"\0\0\0\0", "invalid HTTP version"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            "answer: another protocol",
        ),
    ];
    for (answer, cause) in table {
        let server = Server::start(move |_, mut stream| async move {
            request(&mut stream).await.unwrap();
            stream.write_all(answer).await.unwrap();
        })
        .await;
        let failure = pool().call(&server.host, &get().idempotent()).await.unwrap_err();
        let shown = String::from_utf8_lossy(answer);
        assert_eq!(failure.outcome(), Outcome::Unknown, "{shown}");
        assert!(failure.cause().contains(cause), "{shown}: {failure}");
        assert!(!failure.to_string().contains('\n'));
        assert_eq!(server.accepted(), 1, "a fresh connection is not replaced: {shown}");
    }
}

#[tokio::test]
async fn the_deadline_covers_head_and_body_and_ends_the_connection() {
    let beginnings: [&[u8]; 4] = [
        b"",
        b"HTTP/1.1 200 OK\r\nConte",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
    ];
    for beginning in beginnings {
        let (sender, mut ended) = mpsc::unbounded_channel();
        let server = Server::start(move |_, mut stream| {
            let sender = sender.clone();
            async move {
                request(&mut stream).await.unwrap();
                stream.write_all(beginning).await.unwrap();
                closed(&mut stream).await;
                sender.send(()).unwrap();
            }
        })
        .await;
        let (pool, begun) = (pool(), Instant::now());
        let failure = pool.call(&server.host, &get().timeout(SHORT).idempotent()).await.unwrap_err();
        assert_eq!(failure.to_string(), "unknown: no complete answer in time");
        assert!((SHORT..LONG).contains(&begun.elapsed()));
        ended.recv().await.unwrap();
        assert_eq!(server.accepted(), 1);
    }
}

#[tokio::test]
async fn a_body_the_host_does_not_read_ends_at_the_deadline() {
    let (sender, mut ended) = mpsc::unbounded_channel::<()>();
    let server = Server::start(move |_, stream| {
        let sender = sender.clone();
        async move {
            sender.closed().await;
            drop(stream);
        }
    })
    .await;
    let call = Call::post("/put", vec![1; 64 << 20]).unwrap().timeout(SHORT);
    assert_eq!(pool().call(&server.host, &call).await.unwrap_err().outcome(), Outcome::Unknown);
    ended.close();
}

#[tokio::test]
async fn dropping_the_call_closes_the_connection_and_frees_its_place() {
    let (sender, mut events) = mpsc::unbounded_channel();
    let server = Server::start(move |number, mut stream| {
        let sender = sender.clone();
        async move {
            request(&mut stream).await.unwrap();
            if number == 0 {
                sender.send("asked").unwrap();
                closed(&mut stream).await;
                sender.send("closed").unwrap();
            } else {
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    let pool = Pool::with(hust_wire::client::Options { connections: 1, ..options() }, "", "");
    let (call, host) = (get(), server.host.clone());
    tokio::select! {
        reply = pool.call(&host, &call) => panic!("{reply:?}"),
        event = events.recv() => assert_eq!(event, Some("asked")),
    }
    assert_eq!(events.recv().await, Some("closed"));
    assert_eq!(pool.call(&host, &call).await.unwrap().body, "ok");
}
