//! Nodes, a relay before each, one front.

use std::{
    net::{SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use hust_testkit::{Fault, Program, Raw, Relay, Reply, sibling, wait_until};
use hust_wire::slot::md5;
use tempfile::TempDir;

/// How long something may take that has no reason to.
pub const LONG: Duration = Duration::from_secs(60);

/// A cluster.
pub struct Cluster {
    pub front: Program,
    pub nodes: Vec<Program>,
    pub relays: Vec<Relay>,
    _folder: TempDir,
}

impl Cluster {
    /// So many nodes, and settings of the front.
    pub fn with(count: usize, settings: &[&str]) -> Cluster {
        let folder = TempDir::new().unwrap();
        let hustdb = sibling(env!("CARGO_BIN_EXE_hustmq"), "hustdb").unwrap();
        let nodes: Vec<Program> = (0..count)
            .map(|number| {
                let data = folder.path().join(format!("node{number}")).display().to_string();
                let mut args = vec!["--data".into(), data, "--listen".into(), free_address()];
                for setting in ["engine.sync=os", "server.workers=1", "server.log_level=warn"] {
                    args.extend(["--set".into(), setting.into()]);
                }
                Program::start(&hustdb, args).unwrap()
            })
            .collect();
        let relays: Vec<Relay> = nodes.iter().map(|node| Relay::start(node.address()).unwrap()).collect();
        let hosts: Vec<String> = relays.iter().map(|relay| format!("\"{}\"", relay.address())).collect();
        let backends = format!("backends=[{}]", hosts.join(","));
        let fixed = [
            "backend.timeout_ms=3000",
            "backend.connect_timeout_ms=1000",
            "health.interval_ms=200",
            "health.timeout_ms=1000",
            "server.workers=2",
            "server.log_level=warn",
        ];
        let mut args = vec!["--listen".to_owned(), "127.0.0.1:0".to_owned()];
        let all = fixed.iter().copied().chain(settings.iter().copied()).chain([backends.as_str()]);
        for setting in all {
            args.extend(["--set".to_owned(), setting.to_owned()]);
        }
        let front = Program::start(env!("CARGO_BIN_EXE_hustmq"), args).unwrap();
        Cluster { front, nodes, relays, _folder: folder }
    }

    /// One node.
    pub fn one() -> Cluster {
        Cluster::with(1, &[])
    }

    /// A connection to the front.
    pub fn client(&self) -> Client {
        Client(Raw::connect(self.front.address()).unwrap())
    }

    /// A connection to a node, past its relay.
    pub fn node(&self, number: usize) -> Client {
        Client(Raw::connect(self.nodes[number].address()).unwrap())
    }

    /// A node as the front knows it.
    pub fn host(&self, number: usize) -> SocketAddr {
        self.relays[number].address()
    }

    /// A GET on a connection of its own, whose answer is not read yet; it has arrived.
    pub fn park(&self, target: &str) -> Client {
        let before = self.waiting();
        let mut client = self.client();
        client.send("GET", target, "");
        assert!(wait_until(LONG, || self.waiting() == before + 1), "{target} does not wait");
        client
    }

    /// A figure of the front.
    pub fn figure(&self, name: &str) -> u64 {
        let text = self.client().get("/metrics").text();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    /// How many clients wait for a message or an index.
    pub fn waiting(&self) -> u64 {
        self.figure("hustmq_evget_waiting") + self.figure("hustmq_evsub_waiting")
    }

    /// Waits until so many wait.
    pub fn wait_for(&self, waiting: u64) {
        assert!(wait_until(LONG, || self.waiting() == waiting), "{} wait, not {waiting}", self.waiting());
    }

    /// Waits until the front thinks so of a node.
    pub fn wait_live(&self, number: usize, live: bool) {
        let line = format!("hustmq_backend_up{{host=\"{}\"}} {}", self.host(number), u8::from(live));
        assert!(wait_until(LONG, || self.client().get("/metrics").text().contains(&line)), "{line}");
    }

    /// Kills a node. Its relay refuses from then on, as a machine without the process does.
    pub fn kill(&mut self, number: usize) {
        self.nodes[number].kill().unwrap();
        self.relays[number].set(Fault::Cut);
        self.wait_live(number, false);
    }

    /// Starts a killed node again.
    pub fn revive(&mut self, number: usize) {
        self.nodes[number].restart().unwrap();
        self.relays[number].lead_to(self.nodes[number].address());
        self.relays[number].set(Fault::None);
        self.wait_live(number, true);
    }

    /// A name that this node owns.
    pub fn owned_by(&self, number: usize) -> String {
        let owner = |name: &String| {
            let hash = u64::from_be_bytes(md5(name.as_bytes())[..8].try_into().unwrap());
            (u128::from(hash) * self.nodes.len() as u128) >> 64
        };
        (0..).map(|at| format!("queue{at}")).find(|name| owner(name) == number as u128).unwrap()
    }
}

/// An address nobody listens on; a restart finds it again.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A connection.
pub struct Client(pub Raw);

impl Client {
    pub fn send(&mut self, method: &str, target: &str, body: impl AsRef<[u8]>) {
        self.0.request(method, target, &[], body.as_ref()).unwrap();
    }

    pub fn reply(&mut self) -> Reply {
        self.0.reply().unwrap()
    }

    pub fn ask(&mut self, method: &str, target: &str, body: impl AsRef<[u8]>) -> Reply {
        self.send(method, target, body);
        self.0.reply().unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }

    pub fn get(&mut self, target: &str) -> Reply {
        self.ask("GET", target, "")
    }

    /// Asks; it must be 200.
    pub fn ok(&mut self, target: &str) -> Reply {
        let reply = self.get(target);
        assert_eq!(reply.status, 200, "{target}: {}", reply.text());
        reply
    }

    /// Asks and compares with `status body`.
    pub fn check(&mut self, table: &[(&str, &str)]) {
        for (target, expected) in table {
            assert_eq!(brief(&self.get(target)), *expected, "{target}");
        }
    }
}

/// `status body`
pub fn brief(reply: &Reply) -> String {
    format!("{} {}", reply.status, reply.text()).trim_end().to_owned()
}

/// Now.
#[expect(clippy::disallowed_methods, reason = "what real processes take")]
pub fn now() -> Instant {
    Instant::now()
}
