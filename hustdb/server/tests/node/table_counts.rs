//! Counts of tables are exact: after every write, under concurrency, after restarts and kills under load.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use hust_testkit::{Node, Raw, wait_until};
use serde_json::Value;

use crate::support::{Client, Random, builder, node};

/// What every table must hold: fields with values, members, members with scores.
#[derive(Default)]
struct Model {
    tables: BTreeMap<String, (char, BTreeMap<String, String>)>,
}

impl Model {
    fn figures(fields: &BTreeMap<String, String>) -> [usize; 3] {
        let bytes = |(key, value): (&String, &String)| key.len() + value.len();
        let size = fields.iter().map(bytes).sum();
        let capacity = fields.iter().map(|row| bytes(row).next_multiple_of(1024)).sum();
        [fields.len(), size, capacity]
    }

    fn stat_all(&self) -> String {
        let hashes =
            self.tables.values().filter(|(kind, _)| *kind == 'H').map(|(_, rows)| Model::figures(rows));
        let [count, size, capacity] = hashes.fold([0; 3], |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]]);
        let mut text = format!(
            r#"[{{"TOTALIZE":{{"KVPAIR":{{"count":0,"size":0,"capacity":0}},"HASHTABLE":{{"count":{count},"size":{size},"capacity":{capacity}}}}}}}"#
        );
        for (name, (kind, rows)) in self.tables.iter().filter(|(_, (_, rows))| !rows.is_empty()) {
            let [count, size, capacity] = Model::figures(rows);
            let figures = match kind {
                'H' => format!(r#""count":{count},"size":{size},"capacity":{capacity}"#),
                _ => format!(r#""count":{count}"#),
            };
            text.push_str(&format!(r#",{{"table":"{name}","type":"{kind}",{figures}}}"#));
        }
        text + "]"
    }

    fn step(&mut self, client: &mut Client, random: &mut Random) {
        let kind = ['H', 'S', 'Z'][random.below(3) as usize];
        let table = format!("{}{}", kind, random.below(4));
        let key = format!("k{}", random.below(8));
        let lower = kind.to_ascii_lowercase();
        let rows = &mut self.tables.entry(table.clone()).or_insert((kind, BTreeMap::new())).1;
        let place = format!("tb={table}&key={key}");
        if random.below(3) == 0 {
            let command = if kind == 'H' { "hdel" } else { &format!("{lower}rem") };
            let expected = match (rows.is_empty(), rows.remove(&key)) {
                (true, _) => 412,
                (false, None) => 404,
                _ => 200,
            };
            assert_eq!(client.get(&format!("/hustdb/{command}?{place}")).status, expected);
            return;
        }
        let (target, value) = match (kind, random.below(2)) {
            ('H', 0) => {
                let value = "v".repeat([0, 1, 300, 1022, 2000][random.below(5) as usize]);
                (format!("hset?{place}&val={value}"), value)
            }
            ('H', _) => {
                let sum = rows.get(&key).map_or(Ok(0), |value| value.parse::<i64>()).map(|old| old + 7);
                match sum {
                    Ok(sum) => (format!("hincrby?{place}&val=7"), sum.to_string()),
                    Err(_) => {
                        return assert_eq!(client.get(&format!("/hustdb/hincrby?{place}&val=7")).status, 403);
                    }
                }
            }
            ('S', _) => (format!("sadd?{place}"), String::new()),
            (_, opt) => {
                let score = random.below(100) as i64 - 50;
                let old: i64 = rows.get(&key).map_or(0, |old| old.parse().unwrap());
                let sum = if opt == 0 { score } else { old + score };
                (format!("zadd?{place}&score={score}&opt={opt}"), sum.to_string())
            }
        };
        let reply = client.get(&format!("/hustdb/{target}"));
        assert_eq!(reply.status, 200, "{target}");
        if target.starts_with("hincrby") || kind == 'Z' {
            assert_eq!(reply.text(), value, "{target}");
        }
        rows.insert(key, value);
    }

    fn verify(&self, client: &mut Client) {
        assert_eq!(client.get("/hustdb/stat_all").text(), self.stat_all());
        for (table, (kind, rows)) in &self.tables {
            for (key, value) in rows {
                let command = match kind {
                    'H' => "hget",
                    'S' => "sismember",
                    _ => "zscore",
                };
                let reply = client.get(&format!("/hustdb/{command}?tb={table}&key={key}"));
                assert_eq!((reply.status, reply.text()), (200, value.clone()), "{table} {key}");
            }
        }
    }
}

#[test]
fn counts_are_exact_after_every_write_and_survive_restarts() {
    const SEED: u64 = 0x5eed_0004;
    println!("seed {SEED:#x}");
    let (mut node, mut model, mut random) = (node(), Model::default(), Random(SEED));
    let mut client = Client::of(&node);
    for round in 0..6 {
        for _ in 0..150 {
            model.step(&mut client, &mut random);
            assert_eq!(client.get("/hustdb/stat_all").text(), model.stat_all());
        }
        match round % 2 {
            0 => node.kill().unwrap(),
            _ => assert!(node.stop().unwrap().success()),
        }
        node.restart().unwrap();
        client = Client::of(&node);
        model.verify(&mut client);
    }
}

#[test]
fn many_connections_lose_no_increment_and_no_count() {
    const CONNECTIONS: u64 = 8;
    const TURNS: u64 = 150;
    let mut node = builder().set("server.workers=2").start().unwrap();
    let won: u64 = std::thread::scope(|scope| {
        let connection = |number: u64| {
            let mut client = Client::of(&node);
            let mut won = 0;
            for turn in 0..TURNS {
                assert_eq!(client.get("/hustdb/hincrby?tb=n&key=sum&val=3").status, 200);
                assert_eq!(client.get("/hustdb/zadd?tb=z&key=sum&score=2&opt=-1").status, 200);
                // A member of its own that comes and goes; the table does too.
                assert_eq!(client.get(&format!("/hustdb/sadd?tb=s&key=m{number}")).status, 200);
                assert_eq!(client.get(&format!("/hustdb/srem?tb=s&key=m{number}")).status, 200);
                let ver = client.get("/hustdb/hget?tb=n&key=cas").number("version").unwrap();
                let reply =
                    client.get(&format!("/hustdb/hset?tb=n&key=cas&val={number}.{turn}&ver={}", ver.max(1)));
                match reply.status {
                    200 => won += 1,
                    status => assert_eq!(status, 401),
                }
            }
            won
        };
        Client::of(&node).get("/hustdb/hset?tb=n&key=cas&val=first");
        let connections: Vec<_> =
            (0..CONNECTIONS).map(|number| scope.spawn(move || connection(number))).collect();
        connections.into_iter().map(|connection| connection.join().unwrap()).sum()
    });
    for _ in 0..2 {
        let mut client = Client::of(&node);
        let writes = CONNECTIONS * TURNS;
        client.check(&[
            ("GET", "/hustdb/hget?tb=n&key=sum", "", &format!("200 {writes} - {}", 3 * writes)),
            ("GET", "/hustdb/zscore?tb=z&key=sum", "", &format!("200 {writes} - -{}", 2 * writes)),
            ("GET", "/hustdb/hexist?tb=n&key=cas", "", &format!("200 {} -", 1 + won)),
            ("GET", "/hustdb/stat?tb=s", "", "404 - - tb: no such table"),
            ("GET", "/hustdb/stat?tb=z", "", r#"200 - - {"table":"z","type":"Z","count":1}"#),
        ]);
        let cas = client.get("/hustdb/hget?tb=n&key=cas").body.len();
        let bytes = 3 + (3 * writes).to_string().len() + 3 + cas;
        let expected = format!(r#"{{"table":"n","type":"H","count":2,"size":{bytes},"capacity":2048}}"#);
        assert_eq!(client.get("/hustdb/stat?tb=n").text(), expected);
        node.kill().unwrap();
        node.restart().unwrap();
    }
}

const NAMES: u64 = 3;
const KEYS: u64 = 4;

/// A random command on one of a few names, as any type; what must be answered depends on what others do.
fn command(random: &mut Random) -> String {
    let place = format!("tb=t{}&key=k{}", random.below(NAMES), random.below(KEYS));
    let ver = ["", "", "&ver=1", "&ver=2"][random.below(4) as usize];
    let number = random.below(2000);
    match random.below(10) {
        0 => format!("/hustdb/hset?{place}{ver}&val={}", "v".repeat(number as usize)),
        1 => format!("/hustdb/hincrby?{place}{ver}&val={number}"),
        2 => format!("/hustdb/sadd?{place}{ver}"),
        3 => format!("/hustdb/zadd?{place}{ver}&score={number}"),
        4 => format!("/hustdb/zadd?{place}{ver}&score={number}&opt=-1"),
        5 | 6 => format!("/hustdb/hdel?{place}{ver}"),
        7 | 8 => format!("/hustdb/srem?{place}{ver}"),
        _ => format!("/hustdb/zrem?{place}{ver}"),
    }
}

/// What `stat_all` says is what reading every key counts.
fn recount(client: &mut Client) {
    let stat_all: Vec<Value> = serde_json::from_slice(&client.get("/hustdb/stat_all").body).unwrap();
    let mut hashes = [0, 0, 0];
    for name in 0..NAMES {
        let said = stat_all.iter().find(|stat| stat["table"] == format!("t{name}"));
        let (mut counted, mut shown) = ([0, 0, 0], None);
        for (kind, read) in [("H", "hget"), ("S", "sismember"), ("Z", "zscore")] {
            for key in 0..KEYS {
                let reply = client.get(&format!("/hustdb/{read}?tb=t{name}&key=k{key}"));
                assert!(matches!(reply.status, 200 | 404 | 412), "{}", reply.status);
                if reply.status == 412 {
                    continue;
                }
                assert!(shown.is_none_or(|shown| shown == kind), "t{name} is a {shown:?} and a {kind}");
                shown = Some(kind);
                if reply.status == 200 {
                    let bytes = 2 + reply.body.len() as u64;
                    let record = [1, bytes, bytes.next_multiple_of(1024)];
                    counted.iter_mut().zip(record).for_each(|(sum, more)| *sum += more);
                }
            }
        }
        assert_eq!(said.map(|stat| &stat["type"]), shown.map(Value::from).as_ref(), "t{name}");
        let [count, size, capacity] = counted;
        match said {
            Some(stat) if shown == Some("H") => {
                assert_eq!([&stat["count"], &stat["size"], &stat["capacity"]], [count, size, capacity]);
                hashes.iter_mut().zip(counted).for_each(|(sum, more)| *sum += more);
            }
            Some(stat) => assert_eq!(stat["count"], count, "t{name}"),
            None => assert_eq!(count, 0, "t{name}"),
        }
        assert!(said.is_none() || count > 0, "t{name} is there without records");
    }
    let total = &stat_all[0]["TOTALIZE"]["HASHTABLE"];
    assert_eq!([&total["count"], &total["size"], &total["capacity"]], hashes);
}

/// Writes until the node is gone.
fn load(node: &Node, seed: u64, answered: &AtomicU64) {
    let (mut raw, mut random) = (Raw::connect(node.address()).unwrap(), Random(seed));
    loop {
        let target = command(&mut random);
        let Ok(reply) = raw.ask("GET", &target, &[], b"") else { return };
        assert!(matches!(reply.status, 200 | 401 | 403 | 404 | 412 | 503), "{target}: {}", reply.text());
        answered.fetch_add(1, Relaxed);
    }
}

#[test]
fn kills_while_tables_come_and_go_leave_exact_counts() {
    const SEED: u64 = 0x5eed_0006;
    println!("seed {SEED:#x}");
    let mut node = builder().set("server.workers=2").set("engine.memtable=1MiB").start().unwrap();
    for round in 0..12 {
        let answered = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for connection in 0..6 {
                let (node, answered) = (&node, &answered);
                scope.spawn(move || load(node, SEED + round * 100 + connection, answered));
            }
            let reached = wait_until(Duration::from_secs(60), || answered.load(Relaxed) >= 1500);
            node.signal(rustix::process::Signal::KILL).unwrap();
            assert!(reached, "only {answered:?} answers");
        });
        node.kill().unwrap();
        node.restart().unwrap();
        recount(&mut Client::of(&node));
    }
}

#[test]
fn connections_that_make_and_end_the_same_tables_leave_exact_counts() {
    const SEED: u64 = 0x5eed_0007;
    println!("seed {SEED:#x}");
    let mut node = builder().set("server.workers=2").start().unwrap();
    for round in 0..8 {
        std::thread::scope(|scope| {
            for connection in 0..6 {
                let (node, seed) = (&node, SEED + round * 100 + connection);
                scope.spawn(move || {
                    let (mut client, mut random) = (Client::of(node), Random(seed));
                    for _ in 0..200 {
                        let target = command(&mut random);
                        let status = client.get(&target).status;
                        assert!(matches!(status, 200 | 401 | 403 | 404 | 412), "{target}: {status}");
                    }
                });
            }
        });
        recount(&mut Client::of(&node));
    }
    assert!(node.stop().unwrap().success());
    node.restart().unwrap();
    recount(&mut Client::of(&node));
}
