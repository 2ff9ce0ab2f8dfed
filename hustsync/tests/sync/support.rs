//! What the tests share: folders of hints as a proxy writes them, the repairer, real nodes, the status.

#![expect(clippy::disallowed_methods, reason = "files and the clock of the tests")]

use std::{
    cell::Cell,
    fs,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hust_testkit::{Node, NodeBuilder, Program, sibling, wait_until};
use hust_wire::{
    frame::{Form, Kind, RecordRef},
    hint::{self, Header},
};
use serde_json::Value;
use tempfile::TempDir;

/// How long something may take that has no reason to.
pub const LONG: Duration = Duration::from_secs(60);

/// The folder of a machine with a proxy: hints and the table.
pub struct Home {
    folder: TempDir,
    segments: Cell<u64>,
}

impl Home {
    pub fn new() -> Home {
        Home { folder: TempDir::new().unwrap(), segments: Cell::new(0) }
    }

    pub fn folder_of(&self, host: &str) -> PathBuf {
        self.folder.path().join("logs").join(host)
    }

    /// Writes a closed segment.
    pub fn segment(&self, host: &str, hints: &[Vec<u8>]) -> PathBuf {
        let number = self.segments.get() + 1;
        self.segments.set(number);
        fs::create_dir_all(self.folder_of(host)).unwrap();
        let name = format!("{:013}-1-{number}.hint", 1_700_000_000_000 + number);
        let path = self.folder_of(host).join(name);
        let bytes = [Header { created_ms: 1 }.encode().to_vec(), hints.concat()].concat();
        // Nobody sees half of it.
        let new = self.folder.path().join("new");
        fs::write(&new, bytes).unwrap();
        fs::rename(new, &path).unwrap();
        path
    }

    /// What is in the folder of a host.
    pub fn names(&self, host: &str) -> Vec<String> {
        let names = fs::read_dir(self.folder_of(host)).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Installs a table with one pair, as a proxy does.
    pub fn table(&self, masters: [&str; 2]) {
        let [first, second] = masters;
        let json = format!(r#"{{"table":[{{"item":{{"key":[0,1024],"val":["{first}","{second}"]}}}}]}}"#);
        let new = self.folder.path().join("table.new");
        fs::write(&new, json).unwrap();
        fs::rename(new, self.folder.path().join("table.json")).unwrap();
    }

    pub fn args(&self, settings: &[&str]) -> Vec<String> {
        let own = [
            format!("table={}", self.folder.path().join("table.json").display()),
            format!("hints.dir={}", self.folder.path().join("logs").display()),
        ];
        let fixed = [
            "replay.check_interval_ms=20",
            "scrub.interval_s=0",
            "server.workers=1",
            "server.log_level=error",
            "backend.timeout_ms=20000",
        ];
        let mut args = vec!["--listen".to_owned(), "127.0.0.1:0".to_owned()];
        let all = own.iter().map(String::as_str).chain(fixed).chain(settings.iter().copied());
        for setting in all {
            args.extend(["--set".to_owned(), setting.to_owned()]);
        }
        args
    }

    /// Starts the repairer; it has counted all hints when this returns.
    pub fn sync(&self, settings: &[&str]) -> Program {
        Program::start(env!("CARGO_BIN_EXE_hustsync"), self.args(settings)).unwrap()
    }
}

/// An address on which nobody listens.
pub fn free_address() -> SocketAddr {
    hust_testkit::free_address().unwrap()
}

/// A real node.
pub fn node() -> Node {
    node_at(free_address())
}

/// A real node at an address.
pub fn node_at(address: SocketAddr) -> Node {
    let hustdb = sibling(env!("CARGO_BIN_EXE_hustsync"), "hustdb").unwrap();
    let mut builder = NodeBuilder::new(hustdb).listen(address);
    for setting in
        ["engine.sync=os", "engine.segment_size=64MiB", "server.workers=1", "server.log_level=warn"]
    {
        builder = builder.set(setting);
    }
    builder.start().unwrap()
}

pub fn status(sync: &Program) -> Value {
    let reply = sync.http().get("/sync_status").unwrap();
    assert_eq!(reply.status, 200);
    serde_json::from_slice(&reply.body).unwrap()
}

/// A figure of one host.
pub fn of(sync: &Program, host: &str, name: &str) -> u64 {
    status(sync)["status"][host][name].as_u64().unwrap_or_else(|| panic!("{host} {name}"))
}

/// `processed synced pending damaged` of one host.
pub fn figures(sync: &Program, host: &str) -> [u64; 4] {
    ["processed_items", "synced_items", "pending", "damaged"].map(|name| of(sync, host, name))
}

/// Waits until a host is owed nothing any more and its segments are gone.
pub fn drained(home: &Home, sync: &Program, host: &str) {
    let is_drained = || {
        status(sync)["status"][host]["pending"] == 0
            && home.names(host).iter().all(|name| name.ends_with(".bad"))
    };
    assert!(wait_until(LONG, is_drained), "{} {:?}", status(sync), home.names(host));
}

/// The wall clock, unix ms.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// A kv pair.
pub fn kv<'a>(key: &'a str, value: &'a [u8]) -> RecordRef<'a> {
    RecordRef {
        kind: Kind::Kv,
        form: Form::Live,
        stamp: (now_ms() - 1000) << 16,
        version: 1,
        expire_ms: 0,
        table: "",
        key: key.as_bytes(),
        value,
    }
}

/// A hint noted a moment ago.
pub fn hinted(record: &RecordRef<'_>) -> Vec<u8> {
    hint::encode(now_ms() - 5000, record).unwrap()
}

/// Hints of kv pairs `<prefix><number>` with their own keys as values.
pub fn numbered(prefix: &str, numbers: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    let one = |number| {
        let key = format!("{prefix}{number}");
        hinted(&kv(&key, key.as_bytes()))
    };
    numbers.map(one).collect()
}
