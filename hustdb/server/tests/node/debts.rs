//! Debts between real nodes: noted, kept, delivered, settled.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use hust_testkit::{Node, NodeBuilder, wait_until};

use crate::support::{Client, brief, builder, free_address, node, now_ms, stamp};

const LIMIT: Duration = Duration::from_secs(30);

fn peer(address: SocketAddr) -> NodeBuilder {
    builder().listen(address)
}

/// The member `BINLOG` of stat_all.
fn owed(client: &mut Client) -> Option<String> {
    let stat = client.get("/hustdb/stat_all").text();
    let (_, rest) = stat.split_once(r#","BINLOG":"#)?;
    Some(rest.split_once('}').unwrap().0.to_owned() + "}")
}

fn note(client: &mut Client, host: impl std::fmt::Display, what: &str) {
    let reply = client.get(&format!("/hustdb/binlog?host={host}&{what}"));
    assert_eq!(brief(&reply), "200 - -", "{what}");
}

/// A record of each kind and form; gives what each is noted as.
fn write_all(client: &mut Client) -> Vec<&'static str> {
    client.check(&[
        ("PUT", "/hustdb/put?key=k", "value", "200 1 false"),
        ("PUT", "/hustdb/put?key=gone", "value", "200 1 false"),
        ("GET", "/hustdb/del?key=gone", "", "200 1 false"),
        ("PUT", "/hustdb/put?key=brief&ttl=600", "value", "200 1 false"),
        ("PUT", "/hustdb/hset?tb=h&key=f", "5", "200 1 false"),
        ("PUT", "/hustdb/hincrby?tb=h&key=f", "-8", "200 2 false -3"),
        ("PUT", "/hustdb/sadd?tb=s&key=m", "", "200 1 false"),
        ("PUT", "/hustdb/zadd?tb=z&key=m&score=-7", "", "200 1 false -7"),
        ("PUT", "/hustdb/zadd?tb=z&key=gone&score=1", "", "200 1 false 1"),
        ("GET", "/hustdb/zrem?tb=z&key=gone", "", "200 1 false"),
    ]);
    vec![
        "method=1&key=k",
        "method=2&key=gone",
        "method=1&key=brief",
        "method=3&tb=h&key=f",
        "method=5&tb=s&key=m",
        "method=7&tb=z&key=m",
        "method=8&tb=z&key=gone",
    ]
}

fn equal(one: &mut Client, other: &mut Client) -> bool {
    one.get("/hustdb/digest").body == other.get("/hustdb/digest").body
        && one.get("/hustdb/scan").body == other.get("/hustdb/scan").body
}

fn settled(client: &mut Client) -> bool {
    wait_until(LIMIT, || owed(client).is_none())
}

#[test]
fn a_debt_to_a_host_that_is_up_is_delivered_at_once() {
    let nodes = [node(), node()];
    let mut clients = nodes.each_ref().map(Client::of);
    let [one, other] = &mut clients;
    for what in write_all(one) {
        note(one, nodes[1].address(), what);
    }
    assert!(settled(one));
    assert!(equal(one, other));
    let metrics = one.get("/metrics").text();
    assert!(metrics.contains("hustdb_delivered_records_total 7"), "{metrics}");
    let merged = other.get("/metrics").text();
    assert!(merged.contains(r#"hustdb_merged_records_total{outcome="applied"} 7"#), "{merged}");
}

#[test]
fn debts_wait_for_a_host_through_kills_of_the_debtor() {
    let address = free_address();
    let mut debtor = builder().set("engine.sync=always").start().unwrap();
    let mut client = Client::of(&debtor);
    let all = write_all(&mut client);
    for what in all.iter().chain(&all) {
        note(&mut client, address, what);
    }
    let expected = Some(format!(r#"{{"{address}":7}}"#));
    for _ in 0..2 {
        assert_eq!(owed(&mut client), expected, "many debts for one record are one");
        debtor.kill().unwrap();
        debtor.restart().unwrap();
        client = Client::of(&debtor);
    }
    let metrics = client.get("/metrics").text();
    assert!(metrics.contains(&format!(r#"hustdb_debts{{host="{address}"}} 7"#)), "{metrics}");
    // What is sent is what the record is by then.
    client.put("/hustdb/put?key=k", "newer");
    let mut back = peer(address).start().unwrap();
    let mut other = Client::to(address);
    assert!(settled(&mut client));
    assert!(equal(&mut client, &mut other));
    client.put("/hustdb/put?key=k", "newest");
    assert_eq!(owed(&mut client), None, "a write by itself owes nothing");
    back.kill().unwrap();
    note(&mut client, address, "method=1&key=k");
    assert_eq!(owed(&mut client), Some(format!(r#"{{"{address}":1}}"#)));
    back.restart().unwrap();
    assert!(settled(&mut client));
    assert!(equal(&mut client, &mut Client::to(address)));
    assert!(debtor.stop().unwrap().success());
}

#[test]
fn a_host_that_is_away_or_silent_delays_no_other() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (away, silent_address) = (free_address(), silent.local_addr().unwrap());
    let nodes = [builder().set("store.binlog_threads=1").start().unwrap(), node()];
    let mut clients = nodes.each_ref().map(Client::of);
    let [one, other] = &mut clients;
    one.put("/hustdb/put?key=k", "v");
    note(one, away, "method=1&key=k");
    note(one, silent_address, "method=1&key=k");
    for number in 0..20 {
        one.put(&format!("/hustdb/put?key=k{number}"), "v");
        note(one, nodes[1].address(), &format!("method=1&key=k{number}"));
        assert!(wait_until(LIMIT, || other.get(&format!("/hustdb/exist?key=k{number}")).status == 200));
    }
    let mut both = [format!(r#""{away}":1"#), format!(r#""{silent_address}":1"#)];
    both.sort();
    let left = Some(format!("{{{}}}", both.join(",")));
    assert!(wait_until(LIMIT, || owed(one) == left));
    let [mut debtor, _] = nodes;
    assert!(debtor.stop().unwrap().success(), "what is under way does not hold up the end");
}

#[test]
fn a_record_that_is_refused_alone_stays_owed_and_blocks_nothing() {
    // To the other node some stamps are too far ahead.
    let debtor = builder().set("store.max_clock_skew_ms=600000").start().unwrap();
    let mut one = Client::of(&debtor);
    let ahead = stamp(now_ms() + 300_000);
    one.put(&format!("/hustdb/put?key=ahead&is_dup=true&ver=1&stamp={ahead}"), "v");
    let past = stamp(now_ms() - 60_000);
    let address = free_address();
    for number in 0..50 {
        one.put(&format!("/hustdb/put?key=k{number}&is_dup=true&ver=1&stamp={past}"), "v");
        note(&mut one, address, &format!("method=1&key=k{number}"));
    }
    note(&mut one, address, "method=1&key=ahead");
    // All fifty-one are owed before the host is there, so they come in one batch.
    let strict = peer(address).start().unwrap();
    let mut other = Client::of(&strict);
    let one_left = Some(format!(r#"{{"{address}":1}}"#));
    assert!(wait_until(LIMIT, || owed(&mut one) == one_left), "{:?}", owed(&mut one));
    assert_eq!(other.get("/hustdb/stat").text().matches(r#""count":50"#).count(), 1);
    assert_eq!(other.get("/hustdb/exist?key=ahead").status, 404);
    one.put(&format!("/hustdb/put?key=later&is_dup=true&ver=1&stamp={past}"), "v");
    note(&mut one, address, "method=1&key=later");
    assert!(wait_until(LIMIT, || other.get("/hustdb/exist?key=later").status == 200));
    assert_eq!(owed(&mut one), one_left);
}

#[test]
fn deliveries_show_this_nodes_credentials() {
    let secured = || builder().set("security.user=u").set("security.password=p:w").start().unwrap();
    let nodes: [Node; 2] = [secured(), secured()];
    let header = [("Authorization", "Basic dTpwOnc=")];
    let mut clients = nodes.each_ref().map(Client::of);
    let [one, other] = &mut clients;
    assert_eq!(one.ask_with("PUT", "/hustdb/put?key=k", &header, b"v").status, 200);
    let target = format!("/hustdb/binlog?host={}&method=1&key=k", nodes[1].address());
    assert_eq!(one.ask_with("POST", &target, &[], b"").status, 401);
    assert_eq!(one.ask_with("POST", &target, &header, b"").status, 200);
    let there = |client: &mut Client| client.ask_with("GET", "/hustdb/exist?key=k", &header, b"").status;
    assert!(wait_until(LIMIT, || there(other) == 200));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a configuration that changes")]
fn deliveries_use_credentials_that_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hustdb.toml");
    let with = |password| format!("[security]\nuser = \"u\"\npassword = \"{password}\"\n");
    std::fs::write(&file, with("old")).unwrap();
    let debtor = builder().config(&file).start().unwrap();
    let peer = builder().set("security.user=u").set("security.password=new").start().unwrap();
    let (old, new) = ([("Authorization", "Basic dTpvbGQ=")], [("Authorization", "Basic dTpuZXc=")]);
    let mut client = Client::of(&debtor);
    assert_eq!(client.ask_with("PUT", "/hustdb/put?key=k", &old, b"v").status, 200);
    let target = format!("/hustdb/binlog?host={}&method=1&key=k", peer.address());
    assert_eq!(client.ask_with("GET", &target, &old, b"").status, 200);
    let failed = |client: &mut Client| !client.get("/metrics").text().contains("delivery_failures_total 0");
    assert!(wait_until(LIMIT, || failed(&mut client)), "the host does not know the old password");
    std::fs::write(&file, with("new")).unwrap();
    debtor.signal(rustix::process::Signal::HUP).unwrap();
    let mut other = Client::of(&peer);
    let there = || other.ask_with("GET", "/hustdb/exist?key=k", &new, b"").status == 200;
    assert!(wait_until(LIMIT, there));
}

#[test]
fn what_a_debt_must_say() {
    let node = node();
    let mut client = Client::of(&node);
    let long = format!("/hustdb/binlog?host={}:1&method=1&key=k", "a".repeat(254));
    client.check_bad(&[
        ("/hustdb/binlog?method=1&key=k", "host: missing"),
        ("/hustdb/binlog?host=&method=1&key=k", "host: empty"),
        ("/hustdb/binlog?host=nohost&method=1&key=k", "host: no port"),
        ("/hustdb/binlog?host=h:0&method=1&key=k", "host: port is not in 1..65535"),
        ("/hustdb/binlog?host=h:65536&method=1&key=k", "host: port is not in 1..65535"),
        ("/hustdb/binlog?host=1.2.3:80&method=1&key=k", "host: neither an IPv4 address nor a name"),
        ("/hustdb/binlog?host=::1:80&method=1&key=k", "host: an IPv6 address needs brackets"),
        ("/hustdb/binlog?host=a/b:80&method=1&key=k", "host: no legal host name"),
        ("/hustdb/binlog?host=%ff:80&method=1&key=k", "host: no legal host name"),
        (&long, "host: over 255 bytes"),
        ("/hustdb/binlog?host=h:1&key=k", "method: missing"),
        ("/hustdb/binlog?host=h:1&method=0&key=k", "method: not in 1..8"),
        ("/hustdb/binlog?host=h:1&method=9&key=k", "method: not in 1..8"),
        ("/hustdb/binlog?host=h:1&method=put&key=k", "method: not a number"),
        ("/hustdb/binlog?host=h:1&method=3&key=k", "tb: missing"),
        ("/hustdb/binlog?host=h:1&method=8&tb=a%20b&key=k", "tb: illegal name"),
        ("/hustdb/binlog?host=h:1&method=1", "key: missing"),
        ("/hustdb/binlog?host=h:1&method=1&key=", "key: empty"),
    ]);
    let away = free_address();
    for host in ["10.255.255.1:1", "[2001:db8::1]:80", "a-b.c_d:65535"] {
        note(&mut client, host, "method=1&key=unknown");
        note(&mut client, host, "method=6&tb=unknown&key=unknown");
    }
    assert_eq!(owed(&mut client), None, "what is not known here is not owed");
    client.put("/hustdb/put?key=k", "v");
    client.put("/hustdb/sadd?tb=s&key=k", "");
    note(&mut client, away, "method=3&tb=s&key=k");
    assert_eq!(owed(&mut client), None, "the kind must fit");
    let by_body = client.ask("POST", &format!("/hustdb/binlog?host={away}&method=1"), "k");
    assert_eq!(brief(&by_body), "200 - -");
    assert_eq!(owed(&mut client), Some(format!(r#"{{"{away}":1}}"#)));
    let name = format!("LocalHost:{}", away.port());
    note(&mut client, &name, "method=1&key=k");
    note(&mut client, name.to_lowercase(), "method=5&tb=s&key=k");
    let mut both = [format!(r#""{away}":1"#), format!(r#""{name}":2"#)];
    both.sort();
    assert_eq!(owed(&mut client), Some(format!("{{{}}}", both.join(","))), "spelled as first noted");
    client.check(&[("PUT", "/hustdb/binlog?host=h:1&method=1&key=k", "", "405 - - method: use GET or POST")]);
}

#[test]
fn many_debts_come_in_many_batches() {
    let address = free_address();
    let debtor = node();
    let mut client = Client::of(&debtor);
    for number in 0..2500 {
        let (table, value) = (number % 7, "v".repeat(number % 4 * 1500));
        client.put(&format!("/hustdb/hset?tb=t{table}&key=f{number}"), value);
        note(&mut client, address, &format!("method=3&tb=t{table}&key=f{number}"));
    }
    assert_eq!(owed(&mut client), Some(format!(r#"{{"{address}":2500}}"#)));
    let _peer = peer(address).start().unwrap();
    assert!(settled(&mut client));
    let other = &mut Client::to(address);
    assert_eq!(client.get("/hustdb/digest").body, other.get("/hustdb/digest").body);
    let metrics = client.get("/metrics").text();
    assert!(metrics.contains("hustdb_delivered_records_total 2500"), "{metrics}");
}

#[test]
fn forgotten_slots_are_owed_no_more() {
    let node = node();
    let mut client = Client::of(&node);
    let away = free_address();
    client.put("/hustdb/put?key=a", "v");
    client.put("/hustdb/zadd?tb=test_table&key=m&score=1", "");
    client.put("/hustdb/put?key=test_key", "v");
    for what in ["method=1&key=a", "method=7&tb=test_table&key=m", "method=1&key=test_key"] {
        note(&mut client, away, what);
    }
    // Slots 51, 902 and 560.
    for (window, left) in [("start=51&end=52", 2), ("start=902&end=903", 1), ("start=0&end=560", 1)] {
        client.ask("POST", &format!("/hustdb/forget?{window}"), "");
        assert_eq!(owed(&mut client), Some(format!(r#"{{"{away}":{left}}}"#)), "{window}");
    }
    client.ask("POST", "/hustdb/forget?start=0&end=1024", "");
    assert_eq!(owed(&mut client), None);
}

#[test]
fn old_debts_are_dropped() {
    let away = free_address();
    let mut debtor = builder().set("store.binlog_task_timeout=1").start().unwrap();
    let mut client = Client::of(&debtor);
    client.put("/hustdb/put?key=k", "v");
    note(&mut client, away, "method=1&key=k");
    assert!(owed(&mut client).is_some());
    let noted = now_ms();
    assert!(wait_until(LIMIT, || now_ms() > noted + 1100));
    debtor.kill().unwrap();
    debtor.restart().unwrap();
    assert!(settled(&mut Client::of(&debtor)), "what is too old when the node starts is dropped soon");
}

/// A host that takes whatever it is sent, also while it says that it is not ready.
#[derive(Default)]
struct Eager {
    ready: AtomicBool,
    over: AtomicBool,
    /// When it was asked for what.
    asked: Mutex<Vec<(u64, String)>>,
}

impl Eager {
    fn serve(&self, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.over.load(Relaxed) {
                return;
            }
            let mut stream = BufReader::new(stream.unwrap());
            while self.answer(&mut stream).is_some() {}
        }
    }

    /// Answers a request; `None` at the end of the connection.
    fn answer(&self, stream: &mut BufReader<TcpStream>) -> Option<()> {
        let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
        stream.read_line(&mut first).ok().filter(|bytes| *bytes > 0)?;
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
            let lower = line.to_ascii_lowercase();
            length =
                lower.strip_prefix("content-length:").map_or(length, |text| text.trim().parse().unwrap());
        }
        io::copy(&mut stream.by_ref().take(length), &mut io::sink()).ok()?;
        let is_status = first.starts_with("GET /status.html ");
        self.asked.lock().unwrap().push((now_ms(), first));
        let (status, body) = match (is_status, self.ready.load(Relaxed)) {
            (true, false) => ("503 Service Unavailable", "status: starting\n"),
            (true, true) => ("200 OK", "ok\n"),
            (false, _) => ("200 OK", r#"{"received":1,"applied":1,"ignored":0}"#),
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.get_mut().write_all(format!("{head}{body}").as_bytes()).ok()
    }

    fn times(&self, line: &str) -> Vec<u64> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(_, first)| first.starts_with(line)).map(|(at_ms, _)| *at_ms).collect()
    }
}

#[test]
fn nothing_is_sent_before_the_host_says_that_it_is_ready() {
    let (listener, eager) = (TcpListener::bind("127.0.0.1:0").unwrap(), Eager::default());
    let address = listener.local_addr().unwrap();
    let (early, settled) = thread::scope(|scope| {
        scope.spawn(|| eager.serve(&listener));
        let debtor = node();
        let mut client = Client::of(&debtor);
        client.put("/hustdb/put?key=k", "v");
        note(&mut client, address, "method=1&key=k");
        wait_until(LIMIT, || eager.times("GET /status.html ").len() >= 4);
        let early = eager.times("POST ");
        eager.ready.store(true, Relaxed);
        let settled = settled(&mut client);
        drop(debtor);
        eager.over.store(true, Relaxed);
        drop(TcpStream::connect(address));
        (early, settled)
    });
    assert_eq!(early, [0; 0], "not ready");
    assert!(settled && eager.times("POST /hustdb/merge ").len() == 1);
    let looks = eager.times("GET /status.html ");
    let waits: Vec<u64> = looks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits.len() >= 3 && waits[0] >= 400 && waits[1] >= 800 && waits[2] >= 1600, "{waits:?} ms");
}
