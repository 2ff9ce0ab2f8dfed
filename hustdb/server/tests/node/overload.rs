//! Writes that come faster than the node can follow: 503 with `Retry-After`, nothing half done, and over by itself.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use hust_testkit::wait_until;

use crate::support::{Client, brief, builder};

const WRITERS: usize = 8;

#[test]
fn too_many_writes_are_503_with_retry_after_until_the_node_has_followed() {
    // Small memtables, and compaction that cannot keep up with them.
    let node = builder()
        .set("engine.partitions=1")
        .set("engine.memtable=1MiB")
        .set("engine.compaction_threads=1")
        .set("engine.compaction_rate=64KiB")
        .start()
        .unwrap();
    let over = AtomicBool::new(false);
    let value = "v".repeat(200);
    let refused = thread::scope(|scope| {
        let write = |writer: usize| {
            let mut client = Client::of(&node);
            for number in 0.. {
                if over.load(Relaxed) {
                    break;
                }
                let target = format!("/hustdb/put?key={writer}-{number}");
                let reply = client.put(&target, &value);
                if reply.status != 200 {
                    over.store(true, Relaxed);
                    return Some((target, reply));
                }
            }
            None
        };
        let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || write(writer))).collect();
        writers.into_iter().filter_map(|writer| writer.join().unwrap()).next()
    });
    let (target, reply) = refused.expect("some writer was refused");
    assert!(brief(&reply).starts_with("503 - - engine: "), "{}", brief(&reply));
    assert_eq!(reply.header("retry-after"), Some("1"));
    let mut client = Client::of(&node);
    let absent = client.get(&target.replace("put", "exist"));
    assert_eq!(brief(&absent), "404 0 -", "a refused write did nothing");
    assert_eq!(client.get("/hustdb/exist?key=0-0").status, 200, "reads go on");
    assert!(wait_until(Duration::from_secs(120), || client.put(&target, &value).status == 200), "by itself");
}
