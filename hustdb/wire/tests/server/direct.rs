//! Plain GETs, which are answered without hyper, among requests that are not.

use hust_testkit::Random;

use crate::support::{Client, Server, big, config};

/// A request, and status and body of its answer.
type Exchange = (Vec<u8>, u16, Vec<u8>);

/// What would be an answer too many if it were taken for a request.
const BAIT: &str = "GET /get?key=bait HTTP/1.1\r\n\r\n";

fn exchange(random: &mut Random, n: usize) -> Exchange {
    let sent = |request: String, status, body: &str| (request.into_bytes(), status, body.as_bytes().to_vec());
    let key = format!("k{n}");
    let body = ["", BAIT, "x\r\n\r\n", "\r\n\r\n", "some"][random.place(5)];
    let length = body.len();
    match random.below(12) {
        0 => sent(format!("HEAD /get?key={key} HTTP/1.1\r\n\r\n"), 200, ""),
        1 => sent(format!("PUT /put HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}"), 200, body),
        2 => {
            let chunk = if body.is_empty() { String::new() } else { format!("{length:x}\r\n{body}\r\n") };
            let head = "PUT /put HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
            sent(format!("{head}{chunk}0\r\n\r\n"), 200, body)
        }
        3 => {
            sent(format!("GET /get?key={key} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}"), 200, &key)
        }
        4 => sent(format!("\r\n\r\nGET /get?key={key} HTTP/1.1\r\n\r\n"), 200, &key),
        5 => sent(format!("GET /get?key={key} HTTP/1.1\n\n"), 200, &key),
        6 => sent(format!("GET /none?key={key} HTTP/1.1\r\n\r\n"), 404, "path: unknown\n"),
        7 => sent("GET /get?key=%zz HTTP/1.1\r\n\r\n".into(), 400, "key: bad escape\n"),
        8 => sent(format!("GET /get?key={key} HTTP/1.1\r\nConnection: keep-alive\r\nX: {BAIT}"), 200, &key),
        _ => sent(format!("GET /get?key={key} HTTP/1.1\r\nHost: h\r\n\r\n"), 200, &key),
    }
}

fn check(client: &mut Client, (request, status, body): &Exchange, seed: u64) {
    let request = String::from_utf8_lossy(request);
    let (found, head) = client.head();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut seen = vec![0; if request.starts_with("HEAD") { 0 } else { length.parse().unwrap() }];
    std::io::Read::read_exact(&mut client.0, &mut seen).unwrap();
    assert_eq!((found, &seen), (*status, body), "seed {seed}: {request}");
}

fn add(sum: &mut usize, more: usize) -> usize {
    *sum += more;
    *sum
}

#[test]
fn any_mix_in_any_pieces_is_answered_in_order() {
    let server = Server::start();
    for seed in 0..100 {
        let mut random = Random(seed);
        let mut client = server.connect();
        client.0.set_nodelay(true).unwrap();
        let exchanges: Vec<Exchange> = (0..30).map(|n| exchange(&mut random, n)).collect();
        let mut left = exchanges.iter();
        let stream = exchanges.iter().flat_map(|(request, ..)| request.clone()).collect::<Vec<u8>>();
        let ends: Vec<usize> =
            exchanges.iter().scan(0, |end, (request, ..)| Some(add(end, request.len()))).collect();
        // Where requests end, and where something looks like one.
        let begins = (1..stream.len()).filter(|at| stream[*at..].starts_with(b"GET /"));
        let mut cuts: Vec<usize> = ends.iter().copied().chain(begins).collect();
        cuts.sort_unstable();
        let (mut sent, mut answered) = (0, 0);
        while sent < stream.len() {
            let ahead: Vec<usize> = cuts.iter().copied().filter(|cut| *cut > sent).take(4).collect();
            let cut =
                if random.chance(80) { ahead[random.place(ahead.len())] } else { sent + random.place(80) };
            let to = cut.clamp(sent + 1, stream.len());
            client.send(&stream[sent..to]);
            sent = to;
            if random.chance(80) {
                let complete = ends.iter().filter(|end| **end <= sent).count();
                left.by_ref()
                    .take(complete - answered)
                    .for_each(|exchange| check(&mut client, exchange, seed));
                answered = complete;
            }
        }
        left.for_each(|exchange| check(&mut client, exchange, seed));
    }
}

#[test]
fn answers_are_the_same_with_and_without_hyper() {
    let server = Server::start();
    let mut client = server.connect();
    for key in ["", "a", "%00%ff", &"k".repeat(900), &"long".repeat(1500)] {
        let request = format!("GET /get?key={key} HTTP/1.1\r\nHost: h\r\n\r\n");
        let direct = client.ask(&request);
        let by_hyper = client.ask(format!("\r\n{request}"));
        assert_eq!(direct, by_hyper);
        assert_eq!(direct, client.ask(&request));
    }
    let metrics = client.get("/metrics");
    let counted = "hust_requests_total{command=\"/get\"} 15\n";
    assert!(metrics.text().contains(counted), "{}", metrics.text());
}

#[test]
fn a_drain_lets_an_answer_leave_that_has_begun() {
    let server = Server::starting(&config(), &Default::default());
    server.control.ready();
    let mut client = server.connect();
    client.send("GET /big HTTP/1.1\r\n\r\n");
    let (status, head) = client.head();
    assert!(status == 200 && head.contains(&format!("content-length: {}\r\n", big().len())));
    server.control.drain();
    let mut body = vec![0; big().len()];
    std::io::Read::read_exact(&mut client.0, &mut body).unwrap();
    assert!(body == big());
    assert!(client.is_closed());
    server.join();
}
