//! What is synced when: how many syncs of the log commands cost with `engine.sync = always`.

use super::*;

fn always() -> Node {
    Node::new(|options| {
        options.engine.sync = SyncMode::Always;
        options.engine.memtable_bytes = 8 << 20;
        options.engine.segment_bytes = 8 << 20;
    })
}

impl Node {
    /// Syncs of the log that something costs.
    fn syncs_of(&self, what: impl FnOnce(&Node)) -> u64 {
        let syncs = || self.store.as_ref().unwrap().engine().stats().log.syncs;
        let before = syncs();
        what(self);
        syncs() - before
    }
}

#[test]
fn a_message_that_is_leased_and_acknowledged_costs_two() {
    let node = always();
    node.put("q", b"first");
    let mut leased = Vec::new();
    assert_eq!(node.syncs_of(|node| assert_eq!(node.put("q", b"a"), 2)), 1, "put");
    assert_eq!(node.syncs_of(|node| leased = node.try_get("q", false, 2).unwrap()), 0, "a delivery");
    let later = |node: &Node| {
        node.settle("q", &[leased[1].token.unwrap()], Verdict::Touch).unwrap();
        node.nack("q", &leased[1], 0).unwrap();
    };
    assert_eq!(node.syncs_of(later), 0, "touch and nack");
    assert_eq!(node.syncs_of(|node| node.ack("q", &leased[0]).unwrap()), 1, "ack");
    assert_eq!(node.syncs_of(|node| assert_eq!(node.drain("q"), ["a"])), 1, "a delivery that removes");
    for (ack, syncs) in [(ACK, 1), (ACK_WRITTEN, 0)] {
        node.put("q", b"to take");
        let tokens = [node.lease("q").unwrap().token];
        let next = |node: &Node| {
            let acked = node.queues().settle("q", &tokens, ack).unwrap();
            let got = node.queues().get("q", &Get { worker: "w", ack: false, count: 1 }).unwrap();
            acked.promise.and(got.promise).wait().unwrap();
        };
        assert_eq!(node.syncs_of(next), syncs, "an ack and the next delivery, {ack:?}");
    }
}

#[test]
fn what_is_durable_does_not_wait_for_what_was_put_later() {
    let node = always();
    let get = Get { worker: "w", ack: false, count: 1 };
    let put = |priority: u8| {
        let message = NewMessage { priority, ..new(b"x") };
        node.queues().put("q", &[message]).unwrap().promise
    };
    put(0).wait().unwrap();
    put(0).wait().unwrap();
    put(1).wait().unwrap();
    let later = [put(0), put(1), put(2)];
    let taken = |settled: bool| {
        let take = |node: &Node| node.queues().get("q", &get).unwrap().promise.wait().unwrap();
        assert_eq!(node.syncs_of(take), u64::from(!settled));
    };
    let put_last = node.lease("q").unwrap();
    assert_eq!(put_last.index, 1, "priority 2 goes first, and was synced for it");
    node.nack("q", &put_last, 0).unwrap();
    later.into_iter().for_each(|promise| promise.wait().unwrap());
    let later = put(0);
    for _ in 0..6 {
        taken(true);
    }
    taken(false);
    later.wait().unwrap();
}

#[test]
fn a_batch_costs_one() {
    let node = always();
    node.put("q", b"first");
    let messages: Vec<NewMessage<'_>> = (0..1000)
        .map(|number| NewMessage { priority: number as u8 % 3, id: Some(b"i"), ..new(b"x") })
        .collect();
    let put = |node: &Node| {
        let done = node.queues().put("q", &messages).unwrap();
        done.promise.wait().unwrap();
    };
    assert_eq!(node.syncs_of(put), 1);
    let messages: Vec<NewMessage<'_>> = (0..999).map(|_| new(b"x")).collect();
    let put = |node: &Node| node.queues().put("q", &messages).unwrap().promise.wait().unwrap();
    assert_eq!(node.syncs_of(put), 1);
    let mut leased = Vec::new();
    assert_eq!(node.syncs_of(|node| leased = node.try_get("q", false, 1000).unwrap()), 0);
    let tokens: Vec<Token> = leased.iter().filter_map(|delivered| delivered.token).collect();
    assert_eq!(tokens.len(), 1000);
    assert_eq!(node.syncs_of(|node| drop(node.settle("q", &tokens, ACK).unwrap())), 1);
}

#[test]
fn commands_on_one_queue_share_one() {
    let node = always();
    let first = node.put("q", b"first");
    assert_eq!(first, 1);
    let many = |node: &Node| {
        let queues = node.queues();
        let mut promises = Vec::new();
        for number in 0..10 {
            let done = queues.put("q", &[new(b"x")]).unwrap();
            assert_eq!(done.stored[0].index, number + 2);
            promises.push(done.promise);
            let leased = queues.get("q", &Get { worker: "w", ack: false, count: 1 }).unwrap();
            let settled = leased
                .messages
                .iter()
                .map(|delivered| queues.settle("q", &[delivered.token], ACK).unwrap().promise);
            promises.extend(settled);
        }
        assert!(promises.len() > 10, "what was there could be taken");
        promises.into_iter().for_each(|promise| promise.wait().unwrap());
    };
    assert_eq!(node.syncs_of(many), 1);
}
