//! `store.max_clock_skew_ms`, to the millisecond: a stamp may be that far ahead and no more.
//!
//! The node reads its clock somewhere between our two looks at ours, so an answer tells something only when both looks
//! show the same millisecond.

use hust_testkit::Node;
use hust_wire::frame;

use crate::support::{Client, brief, builder, now_ms, pair, stamp};

const SKEW_MS: u64 = 5000;
/// What the answer is when the stamp is too far ahead.
const AHEAD: &str = "400 - - stamp: too far ahead of this node's clock";

/// The answer to `ask` of a stamp `ahead_ms` before the clock, of a node that saw the same millisecond.
fn exactly(ahead_ms: u64, mut ask: impl FnMut(u64) -> String) -> String {
    for _ in 0..10_000 {
        let before = now_ms();
        let answer = ask(stamp(before + ahead_ms));
        if now_ms() == before {
            return answer;
        }
    }
    panic!("no request was answered within a millisecond");
}

fn limited() -> Node {
    builder().set(&format!("store.max_clock_skew_ms={SKEW_MS}")).start().unwrap()
}

#[test]
fn replicas_of_every_kind_at_the_limit() {
    let node = limited();
    let mut client = Client::of(&node);
    for (command, at_the_limit) in [
        ("put?val=v", "200"),
        ("hset?tb=h&val=v", "200"),
        ("sadd?tb=s", "200"),
        ("zadd?tb=z&score=1", "200"),
        ("del?x", "200"),
        ("hdel?tb=none", "200"),
    ] {
        let mut ask = |stamp| {
            let shared = format!("key=k{stamp}&is_dup=true&ver=1&stamp={stamp}");
            brief(&client.get(&format!("/hustdb/{command}&{shared}")))
        };
        assert!(exactly(SKEW_MS, &mut ask).starts_with(at_the_limit), "{command}");
        assert_eq!(exactly(SKEW_MS + 1, &mut ask), AHEAD, "{command}");
    }
}

#[test]
fn merged_frames_at_the_limit() {
    let node = limited();
    let mut client = Client::of(&node);
    let mut merge = |stamp: u64| {
        let frame = frame::encode_one(&pair(&stamp.to_be_bytes(), stamp)).unwrap();
        brief(&client.ask("POST", "/hustdb/merge", frame))
    };
    assert_eq!(exactly(SKEW_MS, &mut merge), r#"200 - - {"received":1,"applied":1,"ignored":0}"#);
    assert_eq!(exactly(SKEW_MS + 1, &mut merge), AHEAD);
}
