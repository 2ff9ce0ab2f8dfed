//! Many clients at once: order, ids, and that queues do not hold each other up.

use std::{collections::BTreeSet, sync::Barrier, thread};

use super::frame;
use crate::support::{Client, builder, node};

#[test]
fn pipelined_puts_keep_their_order() {
    for sync in ["os", "always"] {
        let node = crate::support::synced(sync).set("server.workers=2").start().unwrap();
        thread::scope(|scope| {
            for name in ["a", "b"] {
                let node = &node;
                scope.spawn(move || {
                    let mut client = Client::of(node);
                    let put = |number| {
                        let item = format!("{name}{number}");
                        let length = item.len();
                        format!("PUT /hustmq/put?queue=q HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{item}")
                    };
                    client.0.send((0..300).map(put).collect::<String>()).unwrap();
                    let indices: Vec<u64> =
                        (0..300).map(|_| client.0.reply().unwrap().number("index").unwrap()).collect();
                    assert!(indices.is_sorted_by(|one, next| one < next));
                });
            }
        });
        let mut client = Client::of(&node);
        let mut last = [None, None];
        for index in 1..=600 {
            let reply = client.mq("get?queue=q&worker=w", "");
            assert_eq!(reply.number("index"), Some(index));
            let text = reply.text();
            let number: u32 = text[1..].parse().unwrap();
            let seen = &mut last[usize::from(text.starts_with('b'))];
            assert!(seen.is_none_or(|before| before + 1 == number), "{text} after {seen:?}");
            *seen = Some(number);
        }
    }
}

#[test]
fn one_id_of_many_clients_stores_one_message() {
    const CLIENTS: usize = 8;
    const IDS: usize = 60;
    let node = builder().set("server.workers=2").start().unwrap();
    let barrier = Barrier::new(CLIENTS);
    let told: Vec<Vec<(u64, bool)>> = thread::scope(|scope| {
        let putting = |client: usize| {
            let (node, barrier) = (&node, &barrier);
            move || {
                let mut connection = Client::of(node);
                barrier.wait();
                let put = |id: usize| {
                    if (client + id).is_multiple_of(2) {
                        let reply = connection.mq(&format!("put?queue=q&id=id{id}&item=c{client}"), "");
                        (reply.number("index").unwrap(), reply.header("duplicate").is_some())
                    } else {
                        let body = frame(&format!("id=id{id}"), &format!("c{client}"));
                        let reply = connection.mq("put?queue=q&batch=true", body);
                        let json: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
                        (json["index"][0].as_u64().unwrap(), json["duplicates"] == 1)
                    }
                };
                (0..IDS).map(put).collect()
            }
        };
        let threads: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(putting(client))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut indices = BTreeSet::new();
    for id in 0..IDS {
        let of_id: Vec<(u64, bool)> = told.iter().map(|client| client[id]).collect();
        assert!(of_id.iter().all(|(index, _)| *index == of_id[0].0), "{of_id:?}");
        assert_eq!(of_id.iter().filter(|(_, duplicate)| !duplicate).count(), 1, "{of_id:?}");
        indices.insert(of_id[0].0);
    }
    assert_eq!((indices.len(), Client::of(&node).ready("q")[0]), (IDS, IDS as u64));
}

#[test]
fn each_message_goes_to_one_consumer() {
    const MESSAGES: usize = 4000;
    let node = node();
    let mut client = Client::of(&node);
    for batch in 0..MESSAGES / 1000 {
        let body: String = (0..1000).map(|n| frame("", &(batch * 1000 + n).to_string())).collect();
        assert_eq!(client.mq("put?queue=q&batch=true", body).status, 200);
    }
    let taken: Vec<Vec<usize>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::of(&node);
                    let reply = move || client.mq("get?queue=q&worker=w", "");
                    let replies = std::iter::repeat_with(reply).take_while(|reply| reply.status == 200);
                    replies.map(|reply| reply.text().parse().unwrap()).collect()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(taken.iter().all(|one| one.is_sorted()), "each sees the order");
    let mut all = taken.concat();
    all.sort_unstable();
    assert!(all.iter().copied().eq(0..MESSAGES));
}

#[test]
fn purge_and_delete_of_a_long_queue_hold_nobody_up() {
    const BATCHES: usize = 60;
    let node = node();
    let mut client = Client::of(&node);
    for queue in ["purged", "deleted"] {
        for _ in 0..BATCHES {
            assert_eq!(
                client.mq(&format!("put?queue={queue}&batch=true"), frame("", "x").repeat(1000)).status,
                200
            );
        }
    }
    client.mq("put?queue=purged&item=stays&priori=1", "");
    let begun_ms = crate::support::now_ms();
    client.mq_check(&[
        ("purge?queue=purged&priori=0", "200 "),
        ("delete?queue=deleted", "200 "),
        ("get?queue=purged&worker=w", "200 stays [index: 1]"),
        ("get?queue=purged&worker=w", "404 "),
        ("put?queue=deleted&item=new", "200  [index: 1]"),
        ("put?queue=purged&item=new", "200  [index: 60001]"),
        ("get?queue=deleted&worker=w", "200 new [index: 1]"),
        ("get?queue=purged&worker=w", "200 new [index: 60001]"),
    ]);
    let took_ms = crate::support::now_ms() - begun_ms;
    assert!(took_ms < 2000, "{took_ms} ms");
}
