//! Every message is accounted for: producers and consumers that crash, nodes that are killed and come back. What a put
//! was answered 200 for is acknowledged exactly once, and nobody sees a message again that was acknowledged.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use hust_testkit::{Random, Raw, Reply, wait_until};

use crate::cluster::{Client, Cluster, LONG};

const PRODUCERS: u64 = 3;
const CONSUMERS: u64 = 3;
const SEED: u64 = 20_260_701;

/// What all clients know together.
#[derive(Default)]
struct Ledger {
    /// Puts that were answered 200, and those in doubt.
    put: HashSet<String>,
    doubtful_puts: HashSet<String>,
    /// Acknowledgements that were answered 200, by when; and those in doubt.
    acked: HashMap<String, usize>,
    doubtful_acks: HashSet<String>,
    redelivered: usize,
}

struct Shared {
    front: SocketAddr,
    queue: String,
    ledger: Mutex<Ledger>,
    /// Producers end.
    full: AtomicBool,
    /// Consumers end.
    drained: AtomicBool,
    steps: AtomicUsize,
}

impl Shared {
    fn client(&self) -> Client {
        Client(Raw::connect(self.front).unwrap())
    }
}

fn is_in_doubt(reply: &Reply) -> bool {
    assert_eq!(reply.status, 503, "{}", reply.text());
    reply.header("outcome") == Some("unknown")
}

fn produce(shared: &Shared, number: u64) {
    let (mut client, mut random) = (shared.client(), Random(SEED + number));
    for serial in 0_u64.. {
        if shared.full.load(SeqCst) {
            return;
        }
        let count = if random.chance(20) { 3 } else { 1 };
        let items: Vec<String> = (0..count).map(|part| format!("{number}.{serial}.{part}")).collect();
        let reply = match &items[..] {
            [item] => client.get(&format!("/put?queue={}&item={item}", shared.queue)),
            _ => {
                let frame = |item: &String| format!("priori={}&len={}\n{item}\n", serial % 3, item.len());
                let body: String = items.iter().map(frame).collect();
                client.ask("POST", &format!("/put?queue={}&batch=true", shared.queue), body)
            }
        };
        let mut ledger = shared.ledger.lock().unwrap();
        if reply.status == 200 {
            ledger.put.extend(items);
        } else if is_in_doubt(&reply) {
            ledger.doubtful_puts.extend(items);
        }
        shared.steps.fetch_add(1, SeqCst);
    }
}

fn consume(shared: &Shared, number: u64) {
    let (mut client, mut random) = (shared.client(), Random(SEED + 100 + number));
    // What is acknowledged with the next get: its item, and the parameters.
    let mut held: Option<(String, String)> = None;
    while !shared.drained.load(SeqCst) {
        let before = shared.ledger.lock().unwrap().acked.len();
        let target = if random.chance(50) { "get" } else { "evget" };
        let mut target = format!("/{target}?queue={}&worker=w{number}&ack=false&inline=true", shared.queue);
        if let Some((_, acking)) = &held {
            target.push_str(acking);
        }
        client.send("GET", &target, "");
        if random.chance(10) {
            // It ends before it has its answer.
            client = shared.client();
            if let Some((item, _)) = held.take() {
                shared.ledger.lock().unwrap().doubtful_acks.insert(item);
            }
            continue;
        }
        let reply = client.reply();
        if let Some((item, _)) = held.take() {
            acknowledged(shared, &item, &reply);
        }
        match reply.status {
            200 => {}
            404 | 412 => continue,
            _ => {
                is_in_doubt(&reply);
                continue;
            }
        }
        let item = reply.text();
        {
            let mut ledger = shared.ledger.lock().unwrap();
            let acked = ledger.acked.get(&item).copied();
            assert!(acked.is_none_or(|at| at >= before), "{item} was acknowledged before this get");
            ledger.redelivered += usize::from(reply.header("redelivered").is_some());
        }
        if random.chance(15) {
            // It ends with its message.
            client = shared.client();
            continue;
        }
        let (token, peer) = (reply.header("ack-token").unwrap(), reply.header("ack-peer").unwrap());
        let acking = format!("&token={token}&peer={peer}");
        if random.chance(50) {
            held = Some((item, acking));
        } else {
            let reply = client.get(&format!("/ack?queue={}{acking}", shared.queue));
            acknowledged(shared, &item, &reply);
        }
    }
}

/// What an acknowledgement was answered, alone or with a get: 404 is of a get that had nothing to give.
fn acknowledged(shared: &Shared, item: &str, reply: &Reply) {
    let mut ledger = shared.ledger.lock().unwrap();
    match reply.status {
        200 | 404 => {
            let at = ledger.acked.len();
            let before = ledger.acked.insert(item.to_owned(), at);
            assert!(before.is_none(), "{item} was acknowledged twice");
        }
        // Somebody else has it by now.
        412 => {}
        _ if is_in_doubt(reply) => drop(ledger.doubtful_acks.insert(item.to_owned())),
        _ => {}
    }
}

/// Whether no node has anything of the queue.
fn is_empty(cluster: &Cluster, queue: &str) -> bool {
    (0..cluster.nodes.len()).all(|node| {
        let reply = cluster.node(node).get(&format!("/hustmq/stat?queue={queue}"));
        reply.status == 412 || reply.text().contains("\"ready\":[0,0,0],\"unacked\":0,")
    })
}

fn settle(ledger: &Ledger) {
    for item in &ledger.put {
        let known = ledger.acked.contains_key(item) || ledger.doubtful_acks.contains(item);
        assert!(known, "{item} was put and is lost");
    }
    for item in ledger.acked.keys() {
        assert!(ledger.put.contains(item) || ledger.doubtful_puts.contains(item), "{item} out of nowhere");
    }
    let doubtful = (ledger.doubtful_puts.len(), ledger.doubtful_acks.len());
    println!("{} put, {doubtful:?} in doubt, {} came again", ledger.put.len(), ledger.redelivered);
    assert!(ledger.put.len() > 100 && ledger.redelivered > 0, "nothing happened");
}

#[test]
fn each_message_is_acknowledged_once() {
    println!("seed {SEED}");
    let mut cluster = Cluster::with(2, &["long_polling_timeout_ms=200"]);
    let queue = cluster.owned_by(0);
    let mut client = cluster.client();
    client.ok(&format!("/settings?queue={queue}&create=true&second=1"));
    client.ok("/autost");
    let shared = Shared {
        front: cluster.front.address(),
        queue: queue.clone(),
        ledger: Mutex::default(),
        full: AtomicBool::new(false),
        drained: AtomicBool::new(false),
        steps: AtomicUsize::new(0),
    };
    thread::scope(|scope| {
        let shared = &shared;
        for number in 0..PRODUCERS {
            scope.spawn(move || produce(shared, number));
        }
        for number in 0..CONSUMERS {
            scope.spawn(move || consume(shared, number));
        }
        let more = |steps: usize| {
            let goal = shared.steps.load(SeqCst) + steps;
            assert!(wait_until(LONG, || shared.steps.load(SeqCst) >= goal), "the producers stand still");
        };
        for node in [0, 1, 0] {
            more(60);
            cluster.kill(node);
            more(60);
            cluster.revive(node);
        }
        more(60);
        shared.full.store(true, SeqCst);
        let empty = wait_until(LONG, || is_empty(&cluster, &queue));
        shared.drained.store(true, SeqCst);
        assert!(empty, "{}", cluster.client().get(&format!("/stat?queue={queue}")).text());
    });
    settle(&shared.ledger.into_inner().unwrap());
}
