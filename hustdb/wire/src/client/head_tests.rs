//! Heads, whole and in pieces.

use super::*;

fn take_all(text: &str, piece: usize, method: &Method) -> Result<(Head, String), String> {
    let mut bytes = BytesMut::new();
    for part in text.as_bytes().chunks(piece) {
        bytes.extend_from_slice(part);
        if let Some(head) = take(&mut bytes, part.len(), method)? {
            return Ok((head, String::from_utf8_lossy(&bytes).into()));
        }
    }
    Err("unfinished".into())
}

#[test]
fn what_heads_say() {
    let ok = |framing, keeps| Ok((200, framing, keeps));
    /// A head, and its status, framing and whether the connection is kept, or why it is refused.
    type Row = (&'static str, Result<(u16, Framing, bool), &'static str>);
    let table: [Row; 20] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", ok(Framing::Length(2), true)),
        ("HTTP/1.1 200 OK\ncontent-length:2\n\n", ok(Framing::Length(2), true)),
        ("HTTP/1.1 200 \r\nContent-Length: 2\r\nCONTENT-LENGTH: 2\r\n\r\n", ok(Framing::Length(2), true)),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n", ok(Framing::Length(2), false)),
        (
            "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\n",
            ok(Framing::Length(2), false),
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n",
            ok(Framing::Length(2), true),
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", ok(Framing::Chunked, true)),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            ok(Framing::Length(0), true),
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", Ok((204, Framing::Length(0), true))),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", Ok((304, Framing::Length(0), true))),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", Err("answer: another protocol")),
        ("HTTP/1.1 200 OK\r\n\r\n", Err("answer: without a length")),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", Err("answer: two lengths")),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            Err("answer: two lengths"),
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Err("answer: unknown coding")),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Err("answer: unknown coding")),
        ("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", Err("answer: illegal length")),
        ("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n", Err("answer: illegal length")),
        ("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", Err("answer: illegal length")),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n", Err("unfinished")),
    ];
    for (text, expected) in table {
        for piece in [1, 3, 7, 1000] {
            let got = take_all(&format!("{text}rest"), piece, &Method::GET);
            let said = got.as_ref().map(|(head, _)| (head.status.as_u16(), head.framing, head.keeps));
            match expected {
                Err("unfinished") => assert!(said.is_err(), "{text}"),
                _ => assert_eq!(said.map_err(String::as_str), expected, "{text} by {piece}"),
            }
            if let Ok((_, left)) = got {
                assert!("rest".starts_with(&left), "{left} of {text}");
            }
        }
    }
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
    assert_eq!(take_all(text, 1000, &Method::HEAD).unwrap().0.framing, Framing::Length(0));
}

#[test]
fn headers_are_found_by_name() {
    let text = "HTTP/1.1 200 OK\r\nVersion: 7\r\nX:\r\nversion: 8\r\nContent-Length: 0\r\n\r\n";
    let headers = take_all(text, 5, &Method::GET).unwrap().0.headers;
    assert_eq!(headers.bytes("VERSION"), Some(b"7".as_slice()), "the first of two");
    assert_eq!(headers.get("version").unwrap(), "7");
    assert_eq!(headers.bytes("x"), Some(b"".as_slice()));
    assert!(headers.contains_key("Content-length") && !headers.contains_key("ersion"));
}

#[test]
fn heads_are_bounded() {
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(HEAD_MAX_BYTES));
    assert_eq!(take_all(&endless, 4096, &Method::GET).unwrap_err(), "answer: too long a head");
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(HEADERS_MAX + 1));
    assert!(take_all(&many, many.len(), &Method::GET).unwrap_err().starts_with("answer: "));
    let cursor = format!("HTTP/1.1 200 OK\r\nCursor: {}\r\nContent-Length: 0\r\n\r\n", "c".repeat(180_000));
    let (head, _) = take_all(&cursor, 4096, &Method::GET).unwrap();
    assert_eq!(head.headers.bytes("cursor").map(<[u8]>::len), Some(180_000));
}

#[test]
fn requests_have_a_length_where_a_body_could_be() {
    let text = |call: &Call| String::from_utf8(encode(call, b"host: a:1\r\n")).unwrap();
    let get = Call::get("/get?key=%20").unwrap();
    assert_eq!(text(&get), "GET /get?key=%20 HTTP/1.1\r\nhost: a:1\r\n\r\n");
    assert_eq!(text(&get.body("xy")), "GET /get?key=%20 HTTP/1.1\r\nhost: a:1\r\ncontent-length: 2\r\n\r\n");
    let post = Call::post("/p", "").unwrap();
    let post = post.header(hyper::header::EXPIRES, hyper::header::HeaderValue::from_static("1"));
    assert_eq!(text(&post), "POST /p HTTP/1.1\r\nhost: a:1\r\nexpires: 1\r\ncontent-length: 0\r\n\r\n");
}
