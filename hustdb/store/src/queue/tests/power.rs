//! What a loss of power leaves, by `engine.sync`: with `Always` all that was answered, otherwise what some first part of
//! the calls made of it, never half of one.

use super::*;

/// What is compared: settings and figures that survive, of both queues.
fn told(node: &Node) -> String {
    let tell = |name: &str| match node.queues().stat(name) {
        Err(_) => "none".to_owned(),
        Ok(stat) => {
            let QueueStat { ready, in_flight, delayed, window, bytes, floor, settings, .. } = stat;
            let Settings { timeout_s, max, lock, ttl_s, .. } = settings;
            format!(
                "{ready:?} {in_flight} {delayed:?} {window:?} {bytes} {floor} {timeout_s} {max} {lock} {ttl_s}"
            )
        }
    };
    format!("{} | {}", tell("q"), tell("p"))
}

fn publish(node: &Node, item: &[u8], idx: Option<u64>) {
    let publication = Publication { item, idx, base: 0, ttl_s: None };
    node.call(|| node.queues().publish("p", &publication)).unwrap().promise.wait().unwrap();
}

fn put_batch(node: &Node) {
    let messages: Vec<NewMessage<'_>> = (0..5)
        .map(|number| NewMessage { priority: number % 3, ..new(b"batch") })
        .chain([NewMessage { delay_s: 9, id: Some(b"id"), ..new(b"later") }])
        .collect();
    node.call(|| node.queues().put("q", &messages)).unwrap().promise.wait().unwrap();
}

type Call = fn(&Node);

/// Calls whose effect is promised, each of which changes what [`told`] tells.
const CALLS: [(&str, Call); 13] = [
    ("put", |node| assert_eq!(node.put("q", b"first"), 1)),
    ("put with a large item", |node| assert_eq!(node.put("q", &[b'x'; 5000]), 2)),
    ("batch put", put_batch),
    ("get and acknowledge at once", |node| drop(node.try_get("q", true, 2).unwrap())),
    ("max", |node| drop(node.set("q", Change { max: Some(7), ..Change::default() }))),
    ("timeout", |node| drop(node.set("q", Change { timeout_s: Some(9), ..Change::default() }))),
    ("publish", |node| publish(node, b"a", None)),
    ("publish with a gap", |node| publish(node, b"b", Some(9))),
    ("merge", |node| {
        let copy = Copy { index: 12, expire_ms: START_MS + 60_000, item: b"c" };
        node.call(|| node.queues().merge("p", 3, &[copy])).unwrap().promise.wait().unwrap();
    }),
    ("purge", |node| node.queues().purge("q", Purge::Priority(1)).unwrap().wait().unwrap()),
    ("lock", |node| drop(node.set("q", Change { lock: Some(true), ..Change::default() }))),
    ("purge of a push queue", |node| node.queues().purge("p", Purge::UpTo(9)).unwrap().wait().unwrap()),
    ("delete", |node| node.queues().delete("q").unwrap().wait().unwrap()),
];

#[test]
fn synced_always_every_answer_is_kept() {
    for (seed, calls) in (0..).zip(1..=CALLS.len()) {
        let mut node = Node::seeded(seed, |options| options.engine.sync = SyncMode::Always);
        CALLS[..calls].iter().for_each(|(_, call)| call(&node));
        let before = told(&node);
        node.crash();
        assert_eq!(told(&node), before, "{}", CALLS[calls - 1].0);
        node.kill();
        assert_eq!(told(&node), before, "{}", CALLS[calls - 1].0);
    }
}

#[test]
fn synced_later_a_first_part_of_the_calls_is_kept_each_whole() {
    let mut lost = 0;
    for sync in [SyncMode::Os, SyncMode::Interval(Duration::from_millis(200))] {
        for seed in 0..60 {
            let mut node = Node::seeded(seed, |options| options.engine.sync = sync);
            let mut states = vec![told(&node)];
            for (name, call) in CALLS {
                call(&node);
                states.push(told(&node));
                assert_ne!(states[states.len() - 2], states[states.len() - 1], "{name} shows");
            }
            node.crash();
            let found = told(&node);
            assert!(states.contains(&found), "seed {seed}, {sync:?}: {found}\nis none of {states:#?}");
            lost += usize::from(states.last() != Some(&found));
        }
    }
    assert!(lost > 0, "some crashes lose something");
}

#[test]
fn a_synced_ack_is_final_and_an_unsynced_one_brings_the_message_back_whole() {
    for sync in [SyncMode::Always, SyncMode::Os, SyncMode::Interval(Duration::from_millis(200))] {
        for seed in 0..30 {
            let mut node = Node::seeded(seed, |options| options.engine.sync = sync);
            node.put("q", b"kept");
            node.put("q", b"acked");
            let (kept, acked) = (node.lease("q").unwrap(), node.lease("q").unwrap());
            node.ack("q", &acked).unwrap();
            node.crash();
            let Ok(stat) = node.queues().stat("q") else {
                assert_ne!(sync, SyncMode::Always, "seed {seed}: the put is kept");
                continue;
            };
            let held = stat.in_flight + stat.ready[0];
            if sync == SyncMode::Always {
                assert_eq!(held, 1, "seed {seed}: acknowledged is gone, the other is there");
            } else {
                assert!(held <= 2, "seed {seed}");
            }
            // A token either is current, or matches nothing any more.
            let current = node.ack("q", &kept).is_ok();
            assert!(current || stat.in_flight == 0 || sync != SyncMode::Always, "seed {seed}");
            node.pass(300_000);
            let rest = node.drain("q");
            assert_eq!(rest.len() as u64, held - u64::from(current), "seed {seed}: {rest:?}");
        }
    }
}

#[test]
fn an_ack_that_was_not_waited_for_outlives_the_process_and_not_always_the_power() {
    let (mut lost, mut kept) = (0, 0);
    for seed in 0..60 {
        let mut node = Node::seeded(seed, |options| options.engine.sync = SyncMode::Always);
        node.put("q", b"item");
        let leased = node.lease("q").unwrap();
        let tokens = [leased.token.unwrap()];
        assert_eq!(node.settle("q", &tokens, ACK_WRITTEN).unwrap(), [true], "seed {seed}");
        assert!(matches!(node.settle("q", &tokens, ACK_WRITTEN), Err(QueueError::NotCurrent)));
        let covered = seed % 3 == 0;
        if covered {
            node.put("other", b"synced, and so is what was written before it");
        }
        if seed % 2 == 0 {
            node.kill();
            assert_eq!(node.drain("q"), [""; 0], "seed {seed}");
        }
        node.crash();
        node.pass(300_000);
        match node.drain("q").len() {
            0 => kept += 1,
            1 if !covered => lost += 1,
            more => panic!("seed {seed}: {more} came back, covered {covered}"),
        }
    }
    assert!(lost > 0 && kept > 20, "{lost} lost, {kept} kept");
}

#[test]
fn a_store_that_was_closed_has_nothing_to_lose() {
    let mut node = Node::new(|_| {});
    assert!(matches!(node.options.engine.sync, SyncMode::Os), "nothing is synced before it is closed");
    for (_, call) in &CALLS[..8] {
        call(&node);
    }
    let before = told(&node);
    node.store.take().unwrap().close().unwrap();
    node.crash();
    assert_eq!(told(&node), before);
}
