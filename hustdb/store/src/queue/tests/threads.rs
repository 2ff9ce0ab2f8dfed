//! The real threads and clock: deadlines in time, producers and consumers at once, watchers that wake.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Wake, Waker},
    thread,
};

use hust_engine::clock::SystemClock;

use super::*;

fn real() -> Node {
    Node::new(|options| {
        options.engine.clock = Arc::new(SystemClock::new());
        options.engine.background = Background::Threads;
        options.engine.memtable_bytes = 8 << 20;
        options.engine.segment_bytes = 1 << 20;
        options.queue.threads = true;
    })
}

/// A waker for a thread.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for the next event, or too long.
fn wait(event: NextEvent) {
    let mut event = pin!(event);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    while event.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        thread::park_timeout(Duration::from_secs(10));
    }
}

#[test]
fn deadlines_are_noticed_by_themselves_and_wake_watchers() {
    let node = real();
    let clock = node.options.engine.clock.clone();
    node.put("q", b"a");
    node.set("q", Change { timeout_s: Some(1), ..Change::default() });
    node.lease("q").unwrap();
    let leased_ms = clock.now_ms();
    let cursor = node.queues().changes(None).cursor;
    loop {
        let event = node.queues().next_event();
        let changes = node.queues().changes(Some(cursor));
        if !changes.queues.is_empty() {
            break;
        }
        wait(event);
    }
    let late_ms = clock.now_ms() - leased_ms;
    assert!((990..2000).contains(&late_ms), "{late_ms} ms");
    assert_eq!(node.stat("q").ready, [1, 0, 0]);
    // Purged rows go by themselves too.
    node.queues().delete("q").unwrap().wait().unwrap();
    node.store.as_ref().unwrap().close().unwrap();
}

#[test]
fn every_message_is_consumed_exactly_once_by_many() {
    const PER_PRODUCER: usize = 300;
    let node = real();
    let (queues, done) = (node.queues(), AtomicUsize::new(0));
    let consumed: Vec<Vec<String>> = thread::scope(|scope| {
        for producer in 0..3 {
            scope.spawn(move || {
                for number in 0..PER_PRODUCER {
                    let item = format!("{producer}:{number}");
                    let put = queues.put("q", &[new(item.as_bytes())]).unwrap();
                    put.promise.wait().unwrap();
                }
            });
        }
        let consumers: Vec<_> = (0..3)
            .map(|consumer| {
                let done = &done;
                scope.spawn(move || consume(queues, consumer, done, 3 * PER_PRODUCER))
            })
            .collect();
        consumers.into_iter().map(|consumer| consumer.join().unwrap()).collect()
    });
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    consumed.iter().flatten().for_each(|item| *times.entry(item).or_default() += 1);
    assert_eq!((times.len(), times.values().max()), (3 * PER_PRODUCER, Some(&1)));
    let stat = node.stat("q");
    assert_eq!((stat.ready, stat.in_flight, stat.bytes), ([0; 3], 0, 0));
    assert_eq!(node.guarded(), 0);
}

/// Takes messages until `total` were consumed by all; of each it knows that it was the one who acknowledged it.
fn consume(queues: &Queues, consumer: usize, done: &AtomicUsize, total: usize) -> Vec<String> {
    let (worker, mut mine) = (format!("w{consumer}"), Vec::new());
    while done.load(Ordering::SeqCst) < total {
        let event = queues.next_event();
        let get = Get { worker: &worker, ack: consumer == 0, count: 1 + consumer };
        let taken = match queues.get("q", &get) {
            Err(QueueError::Unknown) => continue,
            taken => taken.unwrap(),
        };
        taken.promise.wait().unwrap();
        if taken.messages.is_empty() {
            if done.load(Ordering::SeqCst) < total {
                drop(event);
                thread::yield_now();
            }
            continue;
        }
        for delivered in &taken.messages {
            if let Some(token) = delivered.token {
                let settled = queues.settle("q", &[Some(token)], ACK).unwrap();
                settled.promise.wait().unwrap();
            }
            mine.push(text(delivered));
            done.fetch_add(1, Ordering::SeqCst);
        }
    }
    mine
}

#[test]
fn concurrent_puts_with_one_id_store_one_message() {
    let node = real();
    let queues = node.queues();
    let stored: Vec<Stored> = thread::scope(|scope| {
        let putters: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let message = NewMessage { id: Some(b"i"), ..new(b"x") };
                    queues.put("q", &[message]).unwrap().stored[0]
                })
            })
            .collect();
        putters.into_iter().map(|putter| putter.join().unwrap()).collect()
    });
    assert_eq!(stored.iter().filter(|stored| !stored.duplicate).count(), 1);
    assert!(stored.iter().all(|stored| stored.index == 1));
    assert_eq!(node.drain("q"), ["x"]);
}

#[test]
fn queues_that_bury_in_each_other_do_not_wait_for_each_other_for_ever() {
    let node = real();
    for (queue, target) in [("a", "b"), ("b", "a")] {
        let change =
            Change { max_deliveries: Some(1), dead_letter: Some(target.into()), ..Change::default() };
        node.set(queue, change);
        for number in 0..50 {
            node.put(queue, format!("{queue}{number}").as_bytes());
        }
    }
    let queues = node.queues();
    thread::scope(|scope| {
        for queue in ["a", "b", "a", "b"] {
            scope.spawn(move || {
                for _ in 0..200 {
                    let get = Get { worker: "w", ack: false, count: 1 };
                    let taken = queues.get(queue, &get).unwrap();
                    if let Some(token) = taken.messages.first().and_then(|delivered| delivered.token) {
                        queues.settle(queue, &[Some(token)], Verdict::Nack { delay_s: 0 }).unwrap();
                    }
                }
            });
        }
    });
    let items: std::collections::BTreeSet<String> =
        node.drain("a").into_iter().chain(node.drain("b")).collect();
    assert_eq!(items.len(), 100, "each is still there");
    assert_eq!(node.guarded(), 0);
}

#[test]
fn a_queue_that_fails_holds_up_no_other() {
    // No work in the background of the engine, which might move the damaged bytes elsewhere before they are.
    let mut node = Node::new(|options| {
        options.engine.clock = Arc::new(SystemClock::new());
        options.queue.threads = true;
    });
    let item = [0xd5; 500];
    let dying = Change {
        timeout_s: Some(2),
        max_deliveries: Some(1),
        dead_letter: Some("d".into()),
        ..Change::default()
    };
    node.set("damaged", dying);
    node.set("sound", Change { timeout_s: Some(3), ..Change::default() });
    node.put("damaged", &item);
    node.put("sound", b"a");
    node.lease("damaged").unwrap();
    node.lease("sound").unwrap();
    node.restart();
    crate::tests::damage(&node.vfs, &item);
    // The one cannot move its dead letter, again and again; the other's deadline is after the first failures.
    let clock = node.options.engine.clock.clone();
    let until_ms = clock.now_ms() + 20_000;
    while node.stat("sound").ready[0] == 0 {
        assert!(clock.now_ms() < until_ms, "its deadline is long over");
        thread::park_timeout(Duration::from_millis(5));
    }
    assert_eq!(node.stat("damaged").in_flight, 1, "it stays due");
}
