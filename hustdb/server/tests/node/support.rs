//! What the tests share: small nodes, a client whose every answer is checked for what all answers have, a seeded
//! generator.

use std::{
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use hust_testkit::{Node, NodeBuilder, Raw, Reply};
use hust_wire::frame::{Form, Kind, RecordRef};

/// A node on the operating system's syncing, which survives `kill -9` and costs no waiting for the disk.
pub fn builder() -> NodeBuilder {
    synced("os")
}

/// A node that syncs like this.
pub fn synced(sync: &str) -> NodeBuilder {
    NodeBuilder::new(env!("CARGO_BIN_EXE_hustdb"))
        .set(&format!("engine.sync={sync}"))
        .set("engine.segment_size=64MiB")
        .set("server.workers=1")
        .set("server.log_level=warn")
}

/// A running one.
pub fn node() -> Node {
    builder().start().unwrap()
}

/// An address nobody listens on, for a node that goes and comes back.
pub fn free_address() -> SocketAddr {
    hust_testkit::free_address().unwrap()
}

/// A connection.
pub struct Client(pub Raw);

impl Client {
    pub fn of(node: &Node) -> Client {
        Client::to(node.address())
    }

    pub fn to(address: SocketAddr) -> Client {
        Client(Raw::connect(address).unwrap())
    }

    pub fn ask_with(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let shown = &target[..target.len().min(100)];
        let reply = self.0.ask(method, target, headers, body).unwrap_or_else(|error| {
            panic!("{method} {shown}: {error}");
        });
        check_form(&reply, shown);
        reply
    }

    pub fn ask(&mut self, method: &str, target: &str, body: impl AsRef<[u8]>) -> Reply {
        self.ask_with(method, target, &[], body.as_ref())
    }

    pub fn get(&mut self, target: &str) -> Reply {
        self.ask("GET", target, "")
    }

    pub fn put(&mut self, target: &str, body: impl AsRef<[u8]>) -> Reply {
        self.ask("PUT", target, body)
    }

    /// Does these requests in turn and compares their answers as [`brief`] tells them.
    pub fn check(&mut self, table: &[(&str, &str, &str, &str)]) {
        for (method, target, body, expected) in table {
            assert_eq!(brief(&self.ask(method, target, body)), *expected, "{method} {target} {body}");
        }
    }

    /// GETs these, each of which answers 400 without any header of a data command.
    pub fn check_bad(&mut self, table: &[(&str, &str)]) {
        for (target, reason) in table {
            let reply = self.get(target);
            assert_eq!(brief(&reply), format!("400 - - {reason}"), "{target}");
            assert_eq!((reply.header("stamp"), reply.header("expire")), (None, None), "{target}");
        }
    }
}

/// What the contract says of every answer.
fn check_form(reply: &Reply, target: &str) {
    assert!(reply.header("content-length").is_some(), "{target}");
    assert_eq!(reply.header("transfer-encoding"), None, "{target}");
    assert!(reply.header("content-type").is_some(), "{target}");
    if !(200..300).contains(&reply.status) && !reply.body.is_empty() {
        let text = reply.text();
        let line = text.strip_suffix('\n').unwrap_or_else(|| panic!("{target}: no line: {text:?}"));
        assert!(line.contains(": ") && !line.contains(['\n', '\r']), "{target}: {line:?}");
        assert_eq!(reply.header("content-type"), Some("text/plain"), "{target}");
    }
}

/// `status Version VerError body`, `-` for a header that is not there.
pub fn brief(reply: &Reply) -> String {
    let header = |name| reply.header(name).unwrap_or("-");
    let text = reply.text();
    let line = format!("{} {} {} {text}", reply.status, header("version"), header("vererror"));
    line.trim_end().to_owned()
}

/// The wall clock, unix ms.
#[expect(clippy::disallowed_methods, reason = "what the node's own clock is compared with")]
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// A stamp of this time.
pub fn stamp(at_ms: u64) -> u64 {
    at_ms << 16
}

/// A kv pair, as it is merged.
pub fn pair(key: &[u8], stamp: u64) -> RecordRef<'_> {
    let (kind, form) = (Kind::Kv, Form::Live);
    RecordRef { kind, form, stamp, version: 1, expire_ms: 0, table: "", key, value: b"v" }
}

/// A seeded generator (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
