//! The header `Deadline`: a write that comes too late is not done.

use crate::support::{Client, brief, node, now_ms};

const WRITES: [&str; 8] = [
    "put?key=k&val=v",
    "hset?tb=h&key=k&val=v",
    "hincrby?tb=h&key=n&val=1",
    "sadd?tb=s&key=k",
    "zadd?tb=z&key=k&score=1",
    "del?key=there",
    "hdel?tb=there&key=there",
    "put?key=r&val=v&is_dup=true&ver=1&stamp=9",
];

#[test]
fn a_write_after_its_deadline_changes_nothing() {
    let node = node();
    let mut client = Client::of(&node);
    client.put("/hustdb/put?key=there", "v");
    client.put("/hustdb/hset?tb=there&key=there", "v");
    let before = client.get("/hustdb/scan").body;
    let stat = client.get("/hustdb/stat_all").text();
    for write in WRITES {
        let target = format!("/hustdb/{write}");
        for past in [(now_ms() - 1).to_string(), "0".into()] {
            let late = client.ask_with("GET", &target, &[("Deadline", &past)], b"");
            assert_eq!(brief(&late), "503 - - deadline: passed", "{write}");
        }
        for wrong in ["", "x", "-1", "1.5", "99999999999999999999999"] {
            let refused = client.ask_with("GET", &target, &[("Deadline", wrong)], b"");
            assert_eq!(brief(&refused), "400 - - deadline: not a number", "{write} {wrong:?}");
        }
    }
    assert_eq!(client.get("/hustdb/scan").body, before);
    assert_eq!(client.get("/hustdb/stat_all").text(), stat);
    for write in WRITES {
        let soon = (now_ms() + 60_000).to_string();
        let in_time = client.ask_with("GET", &format!("/hustdb/{write}"), &[("Deadline", &soon)], b"");
        assert_eq!(in_time.status, 200, "{write}: {}", in_time.text());
    }
}
