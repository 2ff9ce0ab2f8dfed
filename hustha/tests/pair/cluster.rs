//! Two nodes, a relay before each, one proxy. Master 1 of every slot is node 0, master 2 is node 1.

use std::{path::Path, time::Duration};

use hust_testkit::{Fault, Program, Raw, Relay, Reply, free_address, sibling, wait_until};
use tempfile::TempDir;

/// How long something may take that has no reason to.
pub const LONG: Duration = Duration::from_secs(60);

/// A cluster.
pub struct Cluster {
    pub proxy: Program,
    pub nodes: Vec<Program>,
    pub relays: Vec<Relay>,
    pub folder: TempDir,
}

impl Cluster {
    /// Two nodes, all slots on both.
    pub fn start() -> Cluster {
        Cluster::with(2, &[])
    }

    /// So many nodes, the first two with all slots, and more settings of the proxy.
    pub fn with(count: usize, settings: &[&str]) -> Cluster {
        Cluster::of(count, &[], settings)
    }

    /// The same, with more settings of the nodes too.
    pub fn of(count: usize, node_settings: &[&str], settings: &[&str]) -> Cluster {
        let folder = TempDir::new().unwrap();
        let hustdb = sibling(env!("CARGO_BIN_EXE_hustha"), "hustdb").unwrap();
        let nodes: Vec<Program> = (0..count)
            .map(|number| {
                let data = folder.path().join(format!("node{number}")).display().to_string();
                let mut args =
                    vec!["--data".into(), data, "--listen".into(), free_address().unwrap().to_string()];
                let fixed = ["engine.sync=os", "server.workers=1", "server.log_level=warn"];
                for setting in fixed.iter().chain(node_settings) {
                    args.extend(["--set".into(), (*setting).into()]);
                }
                Program::start(&hustdb, args).unwrap()
            })
            .collect();
        let relays: Vec<Relay> = nodes.iter().map(|node| Relay::start(node.address()).unwrap()).collect();
        let table = at_rest(&relays[0].address().to_string(), &relays[1].address().to_string());
        let proxy = start_proxy(folder.path(), &table, settings);
        Cluster { proxy, nodes, relays, folder }
    }

    /// A connection to the proxy.
    pub fn client(&self) -> Client {
        Client(self.proxy.raw().unwrap())
    }

    /// A connection to a node, past its relay.
    pub fn node(&self, number: usize) -> Client {
        Client(self.nodes[number].raw().unwrap())
    }

    /// A node's host in the table.
    pub fn host(&self, number: usize) -> String {
        self.relays[number].address().to_string()
    }

    /// Kills a node. Its relay refuses from then on, as a machine without the process does.
    pub fn kill(&mut self, number: usize) {
        self.nodes[number].kill().unwrap();
        self.relays[number].set(Fault::Cut);
    }

    /// Starts a killed node again.
    pub fn revive(&mut self, number: usize) {
        self.nodes[number].restart().unwrap();
        self.relays[number].lead_to(self.nodes[number].address());
        self.relays[number].set(Fault::None);
    }

    /// Waits until the proxy shows a node like this: state and whether it is behind.
    pub fn wait_for(&self, number: usize, state: &str, behind: bool) {
        let row = format!("\"host\":\"{}\",\"state\":\"{state}\",\"behind\":{behind}", self.host(number));
        let shown = || self.client().get("/backends").text();
        assert!(wait_until(LONG, || shown().contains(&row)), "{row}\nin {}", shown());
    }

    /// Waits until both masters are equal and nobody is behind.
    pub fn wait_for_healing(&self) {
        for number in [0, 1] {
            self.wait_for(number, "up", false);
        }
        let digest = |number: usize| self.node(number).get("/hustdb/digest").text();
        assert!(wait_until(LONG, || digest(0) == digest(1)), "the masters stay different");
    }

    /// Checks that both nodes answer a read alike, stamps included, and returns the answer.
    pub fn equal(&self, target: &str) -> Reply {
        let ask = |number: usize| self.node(number).get(&format!("{target}&stamps=true"));
        let (one, two) = (ask(0), ask(1));
        assert_eq!(one, two, "{target}");
        one
    }
}

/// The table with all slots on one pair.
pub fn at_rest(one: &str, two: &str) -> String {
    format!("{{\"table\":[{{\"item\":{{\"key\":[0,1024],\"val\":[\"{one}\",\"{two}\"]}}}}]}}")
}

/// A proxy with this table and these settings; its files are in `folder`.
pub fn start_proxy(folder: &Path, table: &str, settings: &[&str]) -> Program {
    #[expect(clippy::disallowed_methods, reason = "a file of the test")]
    std::fs::write(folder.join("table.json"), table).unwrap();
    let mut args = vec!["--listen".to_owned(), "127.0.0.1:0".to_owned()];
    let own = [
        format!("table={}", folder.join("table.json").display()),
        format!("hints.dir={}", folder.join("hints").display()),
    ];
    let fixed = [
        "backend.timeout_ms=2000",
        "backend.connect_timeout_ms=1000",
        "health.interval_ms=200",
        "health.timeout_ms=1000",
        "server.workers=2",
        "server.log_level=warn",
    ];
    let all = own.iter().map(String::as_str).chain(fixed).chain(settings.iter().copied());
    for setting in all {
        args.extend(["--set".to_owned(), setting.to_owned()]);
    }
    Program::start(env!("CARGO_BIN_EXE_hustha"), args).unwrap()
}

/// A connection.
pub struct Client(pub Raw);

impl Client {
    pub fn ask(&mut self, method: &str, target: &str, body: impl AsRef<[u8]>) -> Reply {
        self.0
            .ask(method, target, &[], body.as_ref())
            .unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }

    pub fn get(&mut self, target: &str) -> Reply {
        self.ask("GET", target, "")
    }

    /// Asks and compares with `status Version VerError body`.
    pub fn check(&mut self, table: &[(&str, &str, &str)]) {
        for (target, body, expected) in table {
            let method = if body.is_empty() { "GET" } else { "POST" };
            assert_eq!(brief(&self.ask(method, target, body)), *expected, "{method} {target} {body}");
        }
    }
}

/// `status Version VerError body`, `-` for a header that is not there.
pub fn brief(reply: &Reply) -> String {
    let header = |name| reply.header(name).unwrap_or("-");
    let line = format!("{} {} {} {}", reply.status, header("version"), header("vererror"), reply.text());
    line.trim_end().to_owned()
}
