//! Thousands of clients that wait: what they cost, and that each is served.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::cluster::{Client, Cluster, brief};

/// Clients, if the limits of this process allow.
const CLIENTS: u64 = 5000;
/// Files of the test itself beside the clients' connections.
const OTHER_FILES: u64 = 200;
/// What 10,000 of them may cost.
const BYTES_PER_10_000: u64 = 200 << 20;

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
fn ten_thousand_would_cost_less_than_200_mib() {
    let count = clients();
    let cluster = Cluster::with(1, &[]);
    let before = resident(&cluster);
    let mut waiters: Vec<Client> = (0..count)
        .map(|number| {
            let mut client = cluster.client();
            let target = match number % 3 {
                0 => format!("/evget?queue=q{}&worker=w", number % 100),
                1 => format!("/evget?queue=i{}&worker=w&inline=true", number % 100),
                _ => format!("/evsub?queue=p{}&idx=1", number % 100),
            };
            client.send("GET", &target, "");
            client
        })
        .collect();
    cluster.wait_for(count);
    let each = resident(&cluster).saturating_sub(before) / count;
    println!("{each} bytes a waiter");
    assert!(each * 10_000 <= BYTES_PER_10_000, "{each} bytes a waiter");
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
