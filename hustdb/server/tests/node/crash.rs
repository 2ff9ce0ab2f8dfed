//! `kill -9` under load: every acknowledged write is there with its version, every other one whole or not at all.
//!
//! Each client thread owns its keys and knows what each should be. At the kill at most one of its writes has no
//! answer; after the restart the key must be what it was before that write or what the write makes of it.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use hust_testkit::{Node, Raw, wait_until};

use crate::support::{Client, Random, synced};

const SEED: u64 = 0x5eed_0003;
const CLIENTS: u64 = 4;
const KEYS: u64 = 12;
const ROUNDS: u64 = 24;

/// A record: version and value, or absent.
type Record = Option<(u64, Vec<u8>)>;

struct Owner {
    name: u64,
    random: Random,
    records: Vec<Record>,
    /// The key whose last write has no answer, and what that write makes of it.
    pending: Option<(usize, Record)>,
    serial: u64,
}

impl Owner {
    fn new(name: u64) -> Owner {
        let records = vec![None; KEYS as usize];
        Owner { name, random: Random(SEED + name), records, pending: None, serial: 0 }
    }

    fn key(&self, at: usize) -> String {
        format!("owner{}-{at}", self.name)
    }

    /// Bytes that tell whose they are and cannot be mistaken for another write's, in part or whole.
    fn value(&mut self) -> Vec<u8> {
        self.serial += 1;
        let len = [0, 20, 200, 300, 4000, 70_000][self.random.below(6) as usize];
        format!("{}:{};", self.name, self.serial).bytes().cycle().take(len).collect()
    }

    /// Writes until the node is gone.
    fn load(&mut self, node: &Node, answered: &AtomicU64) {
        // A writer that starts late may find the node gone.
        let Ok(mut raw) = Raw::connect(node.address()) else { return };
        loop {
            let at = self.random.below(KEYS) as usize;
            let version = self.records[at].as_ref().map_or(0, |(version, _)| *version);
            let key = self.key(at);
            let delete = version > 0 && self.random.below(5) == 0;
            let (record, reply) = if delete {
                self.pending = Some((at, None));
                (None, raw.ask("GET", &format!("/hustdb/del?key={key}&ver={version}"), &[], b""))
            } else {
                let value = self.value();
                let record = Some((version + 1, value.clone()));
                self.pending = Some((at, record.clone()));
                (record, raw.ask("PUT", &format!("/hustdb/put?key={key}&ver={version}"), &[], &value))
            };
            let Ok(reply) = reply else { return };
            if reply.status == 503 {
                // Overloaded: nothing was done, as the next comparison shows.
                self.pending = None;
                continue;
            }
            assert_eq!(reply.status, 200, "{key}: {reply:?}");
            assert_eq!(reply.number("version"), Some(if delete { version } else { version + 1 }), "{key}");
            self.records[at] = record;
            self.pending = None;
            answered.fetch_add(1, Relaxed);
        }
    }

    /// Compares with what the node has, and takes over what became of the pending write.
    fn verify(&mut self, client: &mut Client) {
        let pending = self.pending.take();
        for at in 0..self.records.len() {
            let reply = client.get(&format!("/hustdb/get?key={}", self.key(at)));
            let found = match reply.status {
                200 => Some((reply.number("version").unwrap(), reply.body)),
                404 => None,
                status => panic!("{}: {status}", self.key(at)),
            };
            match &pending {
                Some((key, record)) if *key == at && found == *record => self.records[at] = found,
                _ => assert!(found == self.records[at], "{} is {}", self.key(at), describe(&found)),
            }
        }
    }
}

fn describe(record: &Record) -> String {
    let start = |value: &[u8]| String::from_utf8_lossy(&value[..value.len().min(20)]).into_owned();
    match record {
        Some((version, value)) => format!("version {version}, {} bytes {:?}", value.len(), start(value)),
        None => "absent".into(),
    }
}

fn kill_under_load(sync: &str) {
    println!("seed {SEED:#x}, engine.sync = {sync}");
    let mut node = synced(sync).set("engine.memtable=1MiB").set("engine.segment_size=1MiB").start().unwrap();
    let mut owners: Vec<Owner> = (0..CLIENTS).map(Owner::new).collect();
    let mut random = Random(SEED);
    for round in 0..ROUNDS {
        let enough = 50 + random.below(if sync == "os" { 800 } else { 200 });
        let answered = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for owner in &mut owners {
                let (node, answered) = (&node, &answered);
                scope.spawn(move || owner.load(node, answered));
            }
            let reached = wait_until(Duration::from_secs(60), || answered.load(Relaxed) >= enough);
            node.signal(rustix::process::Signal::KILL).unwrap();
            assert!(reached, "only {answered:?} of {enough} writes");
        });
        node.kill().unwrap();
        node.restart().unwrap();
        let mut client = Client::of(&node);
        for owner in &mut owners {
            owner.verify(&mut client);
        }
        let live = owners.iter().flat_map(|owner| &owner.records).flatten().count();
        let stat = client.get("/hustdb/stat").text();
        assert!(
            stat.contains(&format!(r#""KVPAIR":{{"count":{live},"#)),
            "round {round}: {live} live, {stat}"
        );
    }
}

#[test]
fn kill_9_under_load_with_sync_os() {
    kill_under_load("os");
}

#[test]
fn kill_9_under_load_with_sync_always() {
    kill_under_load("always");
}
