//! Kept connections: used again, replaced once when the host has closed them, closed when nobody needs them.

use std::sync::Arc;

use hust_wire::client::{Call, Options, Outcome, Pool};
use tokio::{
    io::AsyncWriteExt,
    sync::{Barrier, mpsc},
};

use crate::support::{OK, SHORT, Server, closed, get, looked_at_sockets, options, pool, request};

fn post() -> Call {
    Call::post("/put", "x").unwrap()
}

/// A server whose first connection answers once, then does `last` with a second request and closes; others answer all.
/// Every request is told.
async fn once(last: Option<&'static [u8]>) -> (Server, mpsc::UnboundedReceiver<usize>) {
    let (sender, seen) = mpsc::unbounded_channel();
    let server = Server::start(move |number, mut stream| {
        let sender = sender.clone();
        async move {
            let mut answered = 0;
            while (number > 0 || answered == 0 || last.is_some()) && request(&mut stream).await.is_some() {
                sender.send(number).unwrap();
                match last {
                    Some(bytes) if number == 0 && answered == 1 => {
                        stream.write_all(bytes).await.unwrap();
                        return;
                    }
                    _ => stream.write_all(OK).await.unwrap(),
                }
                answered += 1;
            }
        }
    })
    .await;
    (server, seen)
}

#[tokio::test]
async fn one_closed_meanwhile_is_replaced_for_any_request() {
    let (server, mut seen) = once(None).await;
    let pool = pool();
    pool.call(&server.host, &post()).await.unwrap();
    looked_at_sockets().await;
    assert_eq!(pool.call(&server.host, &post()).await.unwrap().body, "ok");
    assert_eq!((seen.recv().await, seen.recv().await), (Some(0), Some(1)));
    assert!(seen.try_recv().is_err(), "nothing was sent twice");
}

/// A runtime tells a task that has looked at 128 sockets in a row that nothing has come to the next ones.
#[tokio::test]
async fn any_number_closed_meanwhile_are_replaced() {
    const MANY: usize = 200;
    let all = Arc::new(Barrier::new(MANY));
    let (sender, mut ended) = mpsc::unbounded_channel();
    let server = Server::start(move |number, mut stream| {
        let (all, sender) = (all.clone(), sender.clone());
        async move {
            while request(&mut stream).await.is_some() {
                if number < MANY {
                    all.wait().await;
                }
                stream.write_all(OK).await.unwrap();
                if number < MANY {
                    drop(stream);
                    sender.send(number).unwrap();
                    return;
                }
            }
        }
    })
    .await;
    let pool = Pool::with(Options { connections: MANY, ..options() }, "", "");
    let calls: Vec<_> = (0..MANY)
        .map(|_| {
            let (pool, host) = (pool.clone(), server.host.clone());
            tokio::spawn(async move { pool.call(&host, &post()).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    for _ in 0..MANY {
        ended.recv().await.unwrap();
    }
    looked_at_sockets().await;
    assert_eq!(pool.call(&server.host, &post()).await.unwrap().body, "ok");
    assert_eq!(server.accepted(), MANY + 1);
}

#[tokio::test]
async fn one_that_said_something_unasked_is_replaced() {
    let server = Server::start(|number, mut stream| async move {
        request(&mut stream).await.unwrap();
        stream.write_all(OK).await.unwrap();
        if number == 0 {
            stream.write_all(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            closed(&mut stream).await;
        }
    })
    .await;
    let pool = pool();
    pool.call(&server.host, &post()).await.unwrap();
    looked_at_sockets().await;
    assert_eq!(pool.call(&server.host, &post()).await.unwrap().status.as_u16(), 200);
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn one_closed_over_a_request_is_replaced_only_if_repeating_is_harmless() {
    let (server, mut seen) = once(Some(b"")).await;
    let pool_1 = pool();
    pool_1.call(&server.host, &post()).await.unwrap();
    let failure = pool_1.call(&server.host, &post()).await.unwrap_err();
    assert_eq!(failure.outcome(), Outcome::Unknown);
    assert_eq!((seen.recv().await, seen.recv().await), (Some(0), Some(0)));
    assert!(seen.try_recv().is_err());

    let (server, mut seen) = once(Some(b"")).await;
    let pool_2 = pool();
    pool_2.call(&server.host, &post()).await.unwrap();
    assert_eq!(pool_2.call(&server.host, &post().idempotent()).await.unwrap().body, "ok");
    assert_eq!((seen.recv().await, seen.recv().await, seen.recv().await), (Some(0), Some(0), Some(1)));
}

#[tokio::test]
async fn one_byte_of_an_answer_is_enough_not_to_repeat() {
    let (server, mut seen) = once(Some(b"H")).await;
    let pool = pool();
    pool.call(&server.host, &post()).await.unwrap();
    let failure = pool.call(&server.host, &post().idempotent()).await.unwrap_err();
    assert_eq!(failure.outcome(), Outcome::Unknown);
    assert_eq!((seen.recv().await, seen.recv().await), (Some(0), Some(0)));
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn it_is_replaced_once_and_not_more() {
    let server = Server::start(|number, mut stream| async move {
        request(&mut stream).await.unwrap();
        if number == 0 {
            stream.write_all(OK).await.unwrap();
            request(&mut stream).await.unwrap();
        }
    })
    .await;
    let pool = pool();
    pool.call(&server.host, &get()).await.unwrap();
    let failure = pool.call(&server.host, &get().idempotent()).await.unwrap_err();
    assert_eq!(failure.outcome(), Outcome::Unknown);
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn connection_close_is_respected() {
    let answers: [&[u8]; 3] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ];
    for answer in answers {
        let server = Server::answering(answer).await;
        let pool = pool();
        for _ in 0..3 {
            assert_eq!(pool.call(&server.host, &post()).await.unwrap().body, "ok");
        }
        assert_eq!(server.accepted(), 3);
    }
}

#[tokio::test]
async fn unused_ones_are_closed_after_a_while_and_with_the_pool() {
    let (sender, mut ended) = mpsc::unbounded_channel();
    let server = Server::start(move |number, mut stream| {
        let sender = sender.clone();
        async move {
            while request(&mut stream).await.is_some() {
                stream.write_all(OK).await.unwrap();
            }
            sender.send(number).unwrap();
        }
    })
    .await;
    let pool_1 = Pool::with(Options { idle_timeout: SHORT, ..options() }, "", "");
    pool_1.call(&server.host, &get()).await.unwrap();
    assert_eq!(ended.recv().await, Some(0));
    pool_1.call(&server.host, &get()).await.unwrap();
    assert_eq!(ended.recv().await, Some(1));
    let pool_2 = pool();
    pool_2.call(&server.host, &get()).await.unwrap();
    assert!(ended.try_recv().is_err());
    drop(pool_2);
    assert_eq!(ended.recv().await, Some(2));
}
