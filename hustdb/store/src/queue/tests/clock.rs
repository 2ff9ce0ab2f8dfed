//! Steps of the wall clock, forwards and back: what they may do to leases, delays and expiries, and what not.

use super::*;

const TIMEOUT_MS: u64 = 300_000;

/// Sets the wall clock this far off, and lets that be noticed.
fn step(node: &Node, step_ms: i64) {
    use hust_engine::clock::Clock;
    node.clock.set_now_ms(node.clock.now_ms().saturating_add_signed(step_ms));
    node.tick();
}

#[test]
fn a_step_shortens_a_lease_by_no_more_than_itself() {
    for step_ms in [-3_600_000, -1000, -1, 0, 1, 1000, 200_000, 289_999] {
        let node = Node::new(|_| {});
        node.put("q", b"a");
        let lease = node.lease("q").unwrap();
        node.pass(10_000);
        step(&node, step_ms);
        let left_ms = (TIMEOUT_MS - 10_000).saturating_add_signed(-step_ms);
        node.pass(left_ms - 1);
        assert!(node.stat("q").in_flight == 1 && node.lease("q").is_none(), "step {step_ms}: 1 ms before");
        node.pass(1);
        assert_eq!((node.stat("q").in_flight, node.stat("q").ready[0]), (0, 1), "step {step_ms}");
        node.ack("q", &lease).unwrap();
    }
}

#[test]
fn a_step_beyond_the_deadline_brings_all_back_once() {
    let node = Node::new(|_| {});
    for item in ["a", "b", "c"] {
        node.put("q", item.as_bytes());
        node.lease("q").unwrap();
        node.pass(1000);
    }
    step(&node, TIMEOUT_MS as i64);
    assert_eq!((node.stat("q").in_flight, node.stat("q").ready[0]), (0, 3));
    step(&node, -2 * TIMEOUT_MS as i64);
    assert_eq!(node.stat("q").ready[0], 3, "what came back stays");
    assert_eq!(node.drain("q"), ["a", "b", "c"], "in the order in which they came back");
    assert_eq!((node.rows(), node.guarded()), (0, 0));
}

#[test]
fn leases_from_both_sides_of_a_step_all_come_back() {
    for step_ms in [-100_000, 100_000] {
        let mut node = Node::new(|_| {});
        for item in ["a", "b", "c", "d"] {
            node.put("q", item.as_bytes());
        }
        node.lease("q").unwrap();
        step(&node, step_ms);
        node.lease("q").unwrap();
        node.kill();
        node.lease("q").unwrap();
        node.pass(TIMEOUT_MS + 100_000);
        assert_eq!((node.stat("q").in_flight, node.stat("q").ready[0]), (0, 4), "step {step_ms}");
        let mut items = node.drain("q");
        items.sort();
        assert_eq!(items, ["a", "b", "c", "d"]);
    }
}

#[test]
fn delays_and_expiries_are_times_of_the_wall() {
    let node = Node::new(|_| {});
    node.try_put("q", NewMessage { delay_s: 60, ..new(b"delayed") }).unwrap();
    node.try_put("q", NewMessage { ttl_s: Some(60), ..new(b"brief") }).unwrap();
    step(&node, -30_000);
    node.pass(60_000);
    assert_eq!((node.stat("q").delayed[0], node.stat("q").ready[0]), (1, 1));
    step(&node, 30_000);
    node.pass(1000);
    assert_eq!(node.drain("q"), ["delayed"], "one is due, the other over");
}
