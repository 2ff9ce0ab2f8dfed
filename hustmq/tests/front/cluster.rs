//! Nodes, a relay before each, one front.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use hust_testkit::{Fault, Program, Raw, Relay, Reply, free_address, sibling, wait_until};
use hust_wire::slot::md5;
use tempfile::TempDir;

/// How long something may take that has no reason to.
pub const LONG: Duration = Duration::from_secs(60);

/// A front that is quick to notice.
const FRONT: [&str; 6] = [
    "backend.timeout_ms=3000",
    "backend.connect_timeout_ms=1000",
    "health.interval_ms=200",
    "health.timeout_ms=1000",
    "server.workers=2",
    "server.log_level=warn",
];
const NODE: [&str; 3] = ["engine.sync=os", "server.workers=1", "server.log_level=warn"];

/// A cluster.
pub struct Cluster {
    pub front: Program,
    pub nodes: Vec<Program>,
    pub relays: Vec<Relay>,
    folder: TempDir,
}

impl Cluster {
    /// So many nodes, and settings of the front.
    pub fn with(count: usize, settings: &[&str]) -> Cluster {
        Cluster::of(count, &[], settings)
    }

    /// So many nodes, settings of each, and settings of the front.
    pub fn of(count: usize, each: &[&str], settings: &[&str]) -> Cluster {
        Cluster::under(&[], count, each, settings)
    }

    /// The same, with nodes that this command starts.
    pub fn under(command: &[String], count: usize, each: &[&str], settings: &[&str]) -> Cluster {
        let folder = TempDir::new().unwrap();
        let hustdb = sibling(env!("CARGO_BIN_EXE_hustmq"), "hustdb").unwrap().display().to_string();
        let nodes: Vec<Program> = (0..count)
            .map(|number| {
                let data = folder.path().join(format!("node{number}")).display().to_string();
                // A restart finds its address again.
                let address = free_address().unwrap().to_string();
                let mut words = command.to_vec();
                words.extend([&hustdb, "--data", &data, "--listen", &address].map(str::to_owned));
                words.extend(set(NODE.iter().chain(each)));
                let file = words.remove(0);
                Program::start(file, words).unwrap()
            })
            .collect();
        let relays: Vec<Relay> = nodes.iter().map(|node| Relay::start(node.address()).unwrap()).collect();
        let hosts: Vec<SocketAddr> = relays.iter().map(Relay::address).collect();
        let front = start_front(&hosts, settings);
        Cluster { front, nodes, relays, folder }
    }

    /// One more front before these nodes, by their numbers.
    pub fn front_of(&self, nodes: &[usize], settings: &[&str]) -> Program {
        let hosts: Vec<SocketAddr> = nodes.iter().map(|node| self.host(*node)).collect();
        start_front(&hosts, settings)
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
        self.relays[number].set(Fault::Refuse);
        self.wait_live(number, false);
    }

    /// Kills a node, whose disk is lost with it.
    pub fn lose(&mut self, number: usize) {
        self.kill(number);
        std::fs::remove_dir_all(self.folder.path().join(format!("node{number}"))).unwrap();
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
        owned_by(number, self.nodes.len())
    }
}

/// Starts a front before these nodes.
pub fn start_front(hosts: &[SocketAddr], settings: &[&str]) -> Program {
    Program::start(env!("CARGO_BIN_EXE_hustmq"), front_args(hosts, settings)).unwrap()
}

/// What a front before these nodes is started with.
pub fn front_args(hosts: &[SocketAddr], settings: &[&str]) -> Vec<String> {
    let hosts: Vec<String> = hosts.iter().map(|host| format!("\"{host}\"")).collect();
    let backends = format!("backends=[{}]", hosts.join(","));
    let listen = ["server.listen=127.0.0.1:0", backends.as_str()];
    set(listen.iter().chain(&FRONT).chain(settings)).collect()
}

fn set<'a>(settings: impl Iterator<Item = &'a &'a str>) -> impl Iterator<Item = String> {
    settings.flat_map(|setting| ["--set".to_owned(), (*setting).to_owned()])
}

/// A name that this one of so many nodes owns.
pub fn owned_by(number: usize, nodes: usize) -> String {
    (0..).map(|at| format!("queue{at}")).find(|name| owner(name, nodes) == number).unwrap()
}

/// Which of so many nodes owns a name.
pub fn owner(name: &str, nodes: usize) -> usize {
    let hash = u64::from_be_bytes(md5(name.as_bytes())[..8].try_into().unwrap());
    ((u128::from(hash) * nodes as u128) >> 64) as usize
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
