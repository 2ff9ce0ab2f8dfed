//! `watch`: what wakes, how soon, and what does not.

use std::{thread, time::Duration};

use hust_testkit::Node;

use super::{frame, told};
use crate::support::{Client, node, now_ms};

/// How late a watcher may learn of an event on a busy machine: 5 ms of gathering and the machine, ms.
const WAKE_MS: u64 = 5 + 95;

fn cursor(client: &mut Client) -> u64 {
    let first = client.json("watch");
    assert_eq!((&first["reset"], &first["queues"]), (&false.into(), &serde_json::json!([])));
    first["cursor"].as_u64().unwrap()
}

/// What a watcher from `cursor` on is told, and when, while `event` happens to what it waits for.
fn woken(node: &Node, cursor: u64, event: impl FnOnce(&mut Client)) -> (serde_json::Value, u64) {
    let mut watcher = Client::of(node);
    watcher.0.request("GET", &format!("/hustmq/watch?cursor={cursor}&wait=20000"), &[], b"").unwrap();
    thread::scope(|scope| {
        let told = scope.spawn(move || {
            let reply = watcher.0.reply().unwrap();
            (serde_json::from_slice(&reply.body).unwrap(), now_ms())
        });
        event(&mut Client::of(node));
        told.join().unwrap()
    })
}

#[test]
fn every_event_that_makes_a_message_fetchable_wakes() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq("settings?queue=lease&create=true&second=1", "");
    client.mq("settings?queue=dying&create=true&max_deliveries=1&dead_letter=dead", "");
    client.mq("put?queue=nacked&item=i", "");
    client.mq("put?queue=dying&item=i", "");
    let (_, nacked, _) = client.take("nacked").unwrap();
    let (_, dying, _) = client.take("dying").unwrap();
    let merge = frame("index=5", "x");
    let nack = format!("nack?queue=nacked&token={nacked}");
    let bury = format!("nack?queue=dying&token={dying}");
    let table: [(&str, &str, &str); 5] = [
        ("put?queue=put&item=i", "", "put"),
        ("put?queue=put&batch=true", &"len=0\n\n".repeat(9), "put"),
        ("pub?queue=push&item=i", "", "push"),
        (&nack, "", "nacked"),
        (&bury, "", "dead"),
    ];
    for (target, body, queue) in table {
        let from = cursor(&mut client);
        let mut done_ms = 0;
        let (seen, seen_ms) = woken(&node, from, |client| {
            assert_eq!(client.mq(target, body).status, 200, "{target}");
            done_ms = now_ms();
        });
        assert_eq!(
            (&seen["queues"], &seen["reset"]),
            (&serde_json::json!([queue]), &false.into()),
            "{target}"
        );
        assert!(seen_ms <= done_ms + WAKE_MS, "{target}: {} ms", seen_ms - done_ms);
        // From the cursor of the answer on there is nothing.
        let next = seen["cursor"].as_u64().unwrap();
        let then = client.json(&format!("watch?cursor={next}"));
        assert_eq!(then["queues"], serde_json::json!([]), "{target}");
        // From the older one on it is still told, at once.
        let again = client.json(&format!("watch?cursor={from}&wait=60000"));
        assert_eq!(again["queues"], serde_json::json!([queue]), "{target}");
    }
    let from = cursor(&mut client);
    let (seen, _) = woken(&node, from, |client| {
        assert_eq!(client.ask("POST", "/hustmq/merge?queue=merged", &merge).status, 200);
    });
    assert_eq!(seen["queues"], serde_json::json!(["merged"]));
}

#[test]
fn deadlines_and_due_times_wake_without_any_get() {
    let node = node();
    let mut client = Client::of(&node);
    client.mq("settings?queue=lease&create=true&second=1", "");
    client.mq("put?queue=lease&item=i", "");
    client.take("lease").unwrap();
    let taken_ms = now_ms();
    let from = cursor(&mut client);
    let (seen, seen_ms) = woken(&node, from, |_| {});
    assert_eq!(seen["queues"], serde_json::json!(["lease"]));
    let after_ms = seen_ms - taken_ms;
    assert!((980..1000 + 100 + WAKE_MS).contains(&after_ms), "{after_ms}");
    client.mq("put?queue=later&item=i&delay=1", "");
    let put_ms = now_ms();
    let from = cursor(&mut client);
    let (seen, seen_ms) = woken(&node, from, |_| {});
    assert_eq!(seen["queues"], serde_json::json!(["later"]));
    let after_ms = seen_ms - put_ms;
    assert!((980..1000 + 100 + WAKE_MS).contains(&after_ms), "{after_ms}");
}

#[test]
fn the_wait_ends_and_a_burst_is_one_answer() {
    let mut node = node();
    let mut client = Client::of(&node);
    let from = cursor(&mut client);
    let asked_ms = now_ms();
    let seen = client.json(&format!("watch?cursor={from}&wait=300"));
    assert_eq!(seen["queues"], serde_json::json!([]));
    assert!((299..300 + WAKE_MS).contains(&(now_ms() - asked_ms)), "{}", now_ms() - asked_ms);
    let asked_ms = now_ms();
    client.json(&format!("watch?cursor={from}"));
    assert!(now_ms() - asked_ms < 200, "without a wait it answers at once");
    let from = cursor(&mut client);
    let (seen, _) = woken(&node, from, |client| {
        let requests =
            ["b", "a", "c"].map(|queue| format!("GET /hustmq/put?queue={queue}&item=i HTTP/1.1\r\n\r\n"));
        client.0.send(requests.concat()).unwrap();
        for _ in requests {
            assert_eq!(client.0.reply().unwrap().status, 200);
        }
    });
    let mut known: Vec<String> = serde_json::from_value(seen["queues"].clone()).unwrap();
    let next = seen["cursor"].as_u64().unwrap();
    let rest = client.json(&format!("watch?cursor={next}&wait=0"));
    known.extend(serde_json::from_value::<Vec<String>>(rest["queues"].clone()).unwrap());
    known.sort();
    assert_eq!(known, ["a", "b", "c"], "in one answer or two, each once");
    // What frees or removes messages wakes nobody.
    let from = cursor(&mut client);
    for target in ["get?queue=a&worker=w", "lock?queue=b&on=1", "purge?queue=b&priori=0", "delete?queue=c"] {
        assert_eq!(client.mq(target, "").status, 200, "{target}");
    }
    assert_eq!(client.json(&format!("watch?cursor={from}"))["queues"], serde_json::json!([]));
    node.kill().unwrap();
    node.restart().unwrap();
    let mut client = Client::of(&node);
    for other in [from, 0, 1, u64::MAX] {
        let seen = client.json(&format!("watch?cursor={other}&wait=60000"));
        assert_eq!((&seen["reset"], &seen["queues"]), (&true.into(), &serde_json::json!([])), "{other}");
    }
    let from = cursor(&mut client);
    assert_eq!(told(&client.ask("HEAD", &format!("/hustmq/watch?cursor={from}"), "")), "200 ");
}

#[test]
fn many_watchers_all_wake_and_a_draining_node_answers_them() {
    let mut node = node();
    let mut client = Client::of(&node);
    let from = cursor(&mut client);
    let target = format!("/hustmq/watch?cursor={from}&wait=60000");
    let park = |node: &Node| -> Vec<Client> {
        let watch = |_| {
            let mut watcher = Client::of(node);
            watcher.0.request("GET", &target, &[], b"").unwrap();
            watcher
        };
        (0..200).map(watch).collect()
    };
    let mut first = park(&node);
    // Some hang up: that costs the others nothing.
    first.truncate(150);
    client.mq("put?queue=q&item=i", "");
    for watcher in &mut first {
        let seen: serde_json::Value = serde_json::from_slice(&watcher.0.reply().unwrap().body).unwrap();
        assert_eq!(seen["queues"], serde_json::json!(["q"]));
    }
    let from = cursor(&mut client);
    let target = format!("/hustmq/watch?cursor={from}&wait=60000");
    let mut parked: Vec<Client> = (0..50)
        .map(|_| {
            let mut watcher = Client::of(&node);
            watcher.0.request("GET", &target, &[], b"").unwrap();
            watcher
        })
        .collect();
    // Behind all of them on the one event loop, so they are parked when it is answered.
    assert_eq!(client.mq("stat?queue=q", "").status, 200);
    node.signal(rustix::process::Signal::TERM).unwrap();
    let begun_ms = now_ms();
    for watcher in &mut parked {
        let reply = watcher.0.reply().unwrap();
        let seen: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((reply.status, &seen["queues"]), (200, &serde_json::json!([])));
    }
    assert!(node.wait().unwrap().success());
    assert!(
        Duration::from_millis(now_ms() - begun_ms) < Duration::from_secs(5),
        "nobody waits for the drain timeout"
    );
}
