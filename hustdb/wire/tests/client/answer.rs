//! What is sent, and every way an answer may be framed.

use hust_wire::{
    Host,
    client::{Call, Pool},
    config::BackendConfig,
};
use hyper::{Method, StatusCode, header};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

use crate::support::{OK, Server, get, options, pool, request};

#[tokio::test]
async fn every_framing_is_read_to_its_end_and_the_connection_kept() {
    let table: [(Method, &[u8], u16, &[u8]); 7] = [
        (Method::GET, OK, 200, b"ok"),
        (Method::GET, b"HTTP/1.1 404 Not Found\r\nVersion: 0\r\nContent-Length: 0\r\n\r\n", 404, b""),
        (
            Method::GET,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
            200,
            b"abcde",
        ),
        (Method::GET, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx: y\r\n\r\n", 200, b""),
        (Method::HEAD, b"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n", 200, b""),
        (Method::POST, b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (
            Method::PUT,
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            200,
            b"x",
        ),
    ];
    for (method, answer, status, body) in table {
        let server = Server::answering(answer).await;
        let (pool, call) = (pool(), Call::new(method.clone(), "/get").unwrap());
        for _ in 0..3 {
            let reply = pool.call(&server.host, &call).await.unwrap();
            assert_eq!((reply.status.as_u16(), &reply.body[..]), (status, body));
        }
        assert_eq!(server.accepted(), 1, "{method} {}", String::from_utf8_lossy(answer));
    }
}

#[tokio::test]
async fn an_answer_in_single_bytes_is_whole() {
    let server = Server::start(|_, mut stream| async move {
        while request(&mut stream).await.is_some() {
            for byte in OK {
                stream.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
    let pool = pool();
    for _ in 0..2 {
        assert_eq!(pool.call(&server.host, &get()).await.unwrap().body, "ok");
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn sends_one_head_with_credentials_and_the_body() {
    let (sender, mut seen) = mpsc::unbounded_channel();
    let server = Server::start(move |_, mut stream| {
        let sender = sender.clone();
        async move {
            while let Some(request) = request(&mut stream).await {
                sender.send(request).unwrap();
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    let config = BackendConfig { user: "node".into(), password: "geheim".into(), ..BackendConfig::default() };
    let pool = Pool::new(&config);
    assert!(!format!("{pool:?}").contains("geheim"));
    let post = Call::post("/hustdb/merge?a=%20", "body")
        .unwrap()
        .header(header::HeaderName::from_static("deadline"), header::HeaderValue::from_static("17"));
    pool.call(&server.host, &post).await.unwrap();
    pool.call(&server.host, &get()).await.unwrap();
    pool.call(&server.host, &post.clone().body("")).await.unwrap();
    let (head, body) = seen.recv().await.unwrap();
    assert!(head.starts_with("post /hustdb/merge?a=%20 http/1.1\r\n"), "{head}");
    for line in [
        format!("host: {}", server.host),
        "authorization: basic bm9kztpnzwhlaw0=".into(),
        "deadline: 17".into(),
        "content-length: 4".into(),
    ] {
        assert_eq!(head.matches(&format!("\r\n{line}\r\n")).count(), 1, "{line} in {head}");
    }
    assert_eq!(body, b"body");
    let (head, body) = seen.recv().await.unwrap();
    assert!(!head.contains("content-length") && !head.contains("transfer-encoding") && body.is_empty());
    let (head, _) = seen.recv().await.unwrap();
    assert!(!head.contains("transfer-encoding"), "{head}");
}

#[tokio::test]
async fn targets_are_checked_before_anything_is_sent() {
    for target in ["", "get", "http://a/get", "/get#x", "/a b", "/a\r\nx: y", "*"] {
        let failure = Call::get(target).unwrap_err();
        assert!(failure.cause().starts_with("target: ") && !failure.is_unreachable(), "{failure}");
    }
    assert!(Call::get(format!("/{}", "a".repeat(65_533))).is_ok());
    assert!(Call::get(format!("/{}", "a".repeat(65_534))).is_err());
}

#[tokio::test]
async fn bodies_of_many_megabytes_pass_both_ways() {
    let server = Server::start(|_, mut stream| async move {
        while let Some((_, body)) = request(&mut stream).await {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&body).await.unwrap();
        }
    })
    .await;
    let pool = pool();
    for len in [1, 4000, 5000, 12 << 20] {
        let sent: Vec<u8> = (0..len).map(|at| (at / 7) as u8).collect();
        let call = Call::post("/echo", sent.clone()).unwrap();
        let reply = pool.call(&server.host, &call).await.unwrap();
        assert!(reply.body == sent, "{len}");
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn an_answer_before_the_body_was_sent_is_an_answer() {
    let server = Server::start(|_, mut stream| async move {
        let mut first = [0; 100];
        stream.read_exact(&mut first).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            .await
            .unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    })
    .await;
    let pool = pool();
    let call = Call::post("/put", vec![7; 32 << 20]).unwrap();
    for _ in 0..2 {
        let reply = pool.call(&server.host, &call).await.unwrap();
        assert_eq!((reply.status, &reply.body[..]), (StatusCode::PAYLOAD_TOO_LARGE, &b"no"[..]));
    }
    assert_eq!(server.accepted(), 2, "a connection with half a request in it is not kept");
}

#[tokio::test]
async fn names_are_resolved() {
    let server = Server::answering(OK).await;
    let host: Host = format!("LocalHost:{}", server.host.port()).parse().unwrap();
    assert_eq!(pool().call(&host, &get()).await.unwrap().body, "ok");
    let nowhere: Host = "no-such-host.invalid:80".parse().unwrap();
    let failure = pool().call(&nowhere, &get()).await.unwrap_err();
    assert!(failure.is_unreachable() && failure.cause().starts_with("resolve "), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runtime_with_several_threads_shares_one_pool() {
    let server = Server::answering(OK).await;
    let pool = Pool::with(options(), "", "");
    let calls: Vec<_> = (0..60)
        .map(|_| {
            let (pool, host) = (pool.clone(), server.host.clone());
            tokio::spawn(async move { pool.call(&host, &get()).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().body, "ok");
    }
    assert!(server.accepted() <= options().connections, "{}", server.accepted());
}
