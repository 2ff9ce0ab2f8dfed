//! Thousands of clients that wait: what they cost, and that each is served.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::cluster::{Client, Cluster, brief};

/// Clients, if the limits of this process allow.
const CLIENTS: u64 = 5000;
/// Files of the test itself beside the clients' connections.
const OTHER_FILES: u64 = 200;
/// What one may cost beside its connection, and with it: 10,000 cost 200 MiB at most.
const WAITER_MAX_BYTES: u64 = 4 << 10;
const CLIENT_MAX_BYTES: u64 = (200 << 20) / 10_000;

/// As many files as clients need, or as many clients as there can be files.
fn clients() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let wanted = CLIENTS + OTHER_FILES;
    let files = limit.maximum.unwrap_or(wanted).min(wanted).max(limit.current.unwrap_or(wanted));
    setrlimit(Resource::Nofile, Rlimit { current: Some(files), maximum: limit.maximum }).unwrap();
    if files < wanted {
        println!("only {files} files may be open: fewer clients");
    }
    files.min(wanted) - OTHER_FILES
}

/// Memory the front uses.
fn resident(cluster: &Cluster) -> u64 {
    cluster.figure("process_resident_memory_bytes")
}

#[test]
fn a_waiter_costs_little_beside_its_connection() {
    let count = clients();
    // All look at once, and the machine is shared.
    let cluster = Cluster::with(1, &["health.timeout_ms=60000", "backend.timeout_ms=60000"]);
    let without = resident(&cluster);
    let mut waiters: Vec<Client> = (0..count).map(|_| cluster.client()).collect();
    for client in &mut waiters {
        client.get("/status.html");
    }
    let idle = resident(&cluster);
    for (number, client) in waiters.iter_mut().enumerate() {
        let target = match number % 3 {
            0 => format!("/evget?queue=q{}&worker=w", number % 100),
            1 => format!("/evget?queue=i{}&worker=w&inline=true", number % 100),
            _ => format!("/evsub?queue=p{}&idx=1", number % 100),
        };
        client.send("GET", &target, "");
        if number % 50 == 49 {
            cluster.wait_for(number as u64 + 1);
        }
    }
    cluster.wait_for(count);
    let waiting = resident(&cluster);
    let (more, all) = (waiting.saturating_sub(idle) / count, waiting.saturating_sub(without) / count);
    println!("{more} bytes a waiter, {all} with its connection");
    assert!(more <= WAITER_MAX_BYTES && all <= CLIENT_MAX_BYTES, "{more} bytes a waiter, {all} in all");
    let mut client = cluster.client();
    for (at, item) in [(1, "first"), (301, "second")] {
        client.ok(&format!("/put?queue=i1&item={item}"));
        assert_eq!(brief(&waiters[at].reply()), format!("200 {item}"));
    }
    client.ok("/pub?queue=p2&item=a");
    for at in (2..count).step_by(300) {
        assert_eq!(waiters[at as usize].reply().status, 307);
    }
    drop(waiters);
    cluster.wait_for(0);
}
