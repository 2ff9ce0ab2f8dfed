//! A whole cluster on loopback: nodes, a relay before each, proxies, and the repairer beside them.
//!
//! The relays are what the table names, so a node keeps its identity whatever becomes of its process, and everybody
//! (proxies, the repairer, the other nodes) meets the same fault. All proxies share the table file and the folder of
//! hints, as on one machine. Node i is master 1 of range i and master 2 of the range before it.

use std::{fs, io, net::SocketAddr, path::Path};

use tempfile::TempDir;

use crate::{
    address::free_address,
    program::Program,
    raw::Raw,
    relay::{Fault, Relay},
    sibling::sibling,
};

/// How many slots there are.
const SLOTS: u16 = 1024;

/// What a cluster consists of.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Nodes, 2 or more.
    pub nodes: u16,
    /// Proxies.
    pub proxies: usize,
    /// Settings of every node.
    pub node: Vec<String>,
    /// Settings of single nodes, by their numbers.
    pub single: Vec<(u16, String)>,
    /// Settings of every proxy.
    pub proxy: Vec<String>,
    /// Settings of the repairer.
    pub sync: Vec<String>,
}

impl Default for Shape {
    /// Two nodes and one proxy, quick to notice and to repair.
    fn default() -> Shape {
        let list = |settings: &[&str]| settings.iter().map(|setting| (*setting).to_owned()).collect();
        Shape {
            nodes: 2,
            proxies: 1,
            node: list(&[
                "engine.sync=os",
                "engine.segment_size=64MiB",
                "server.workers=2",
                "server.log_level=error",
            ]),
            single: Vec::new(),
            proxy: list(&[
                "backend.timeout_ms=2000",
                "backend.connect_timeout_ms=1000",
                "health.interval_ms=200",
                "health.timeout_ms=2000",
                "server.workers=2",
                "server.log_level=error",
            ]),
            sync: list(&[
                "replay.check_interval_ms=50",
                "scrub.interval_s=0",
                "scrub.rate=0",
                "server.workers=1",
                "server.log_level=error",
                "backend.timeout_ms=10000",
            ]),
        }
    }
}

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    /// The nodes.
    pub nodes: Vec<Program>,
    /// The relay before each node.
    pub relays: Vec<Relay>,
    /// The proxies; each listens where it did after a restart too.
    pub proxies: Vec<Program>,
    /// The repairer.
    pub sync: Program,
    folder: TempDir,
}

impl Cluster {
    /// Starts the programs that lie beside `program`, building those that are not up to date.
    pub fn start(program: &str, shape: &Shape) -> io::Result<Cluster> {
        let folder = TempDir::new()?;
        let hustdb = sibling(program, "hustdb")?;
        let mut nodes = Vec::new();
        let mut relays = Vec::new();
        for number in 0..shape.nodes {
            let data = folder.path().join(format!("node{number}")).display().to_string();
            let mut args = listening(free_address()?);
            args.extend(["--data".to_owned(), data]);
            args.extend(set(&shape.node));
            let own = shape.single.iter().filter(|(of, _)| *of == number);
            args.extend(set(&own.map(|(_, setting)| setting.clone()).collect::<Vec<_>>()));
            let node = Program::start(&hustdb, args)?;
            relays.push(Relay::start(node.address())?);
            nodes.push(node);
        }
        let hosts: Vec<String> = relays.iter().map(|relay| relay.address().to_string()).collect();
        write(&folder.path().join("table.json"), &table(&hosts))?;
        let own = [
            format!("table={}", folder.path().join("table.json").display()),
            format!("hints.dir={}", folder.path().join("hints").display()),
        ];
        let mut args = listening(free_address()?);
        args.extend(set(&own).chain(set(&shape.sync)));
        let sync = Program::start(sibling(program, "hustsync")?, args)?;
        let hustha = sibling(program, "hustha")?;
        let mut proxies = Vec::new();
        for _ in 0..shape.proxies {
            let mut args = listening(free_address()?);
            let url = [format!("sync.url=http://{}", sync.address())];
            args.extend(set(&own).chain(set(&url)).chain(set(&shape.proxy)));
            proxies.push(Program::start(&hustha, args)?);
        }
        Ok(Cluster { nodes, relays, proxies, sync, folder })
    }

    /// The folder with the table, the hints and the data of the nodes.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A node's host in the table.
    pub fn host(&self, number: usize) -> String {
        self.relays.get(number).map_or_else(String::new, |relay| relay.address().to_string())
    }

    /// The pairs: where their slots begin and end, and the numbers of both masters.
    pub fn pairs(&self) -> Vec<(u16, u16, [usize; 2])> {
        pairs(self.nodes.len())
    }

    /// A connection to a node, past its relay.
    pub fn node(&self, number: usize) -> io::Result<Raw> {
        self.nodes.get(number).ok_or(io::ErrorKind::NotFound)?.raw()
    }

    /// Kills a node. Its relay refuses connections from then on, as a machine without the process does.
    pub fn kill(&mut self, number: usize) -> io::Result<()> {
        self.nodes.get_mut(number).ok_or(io::ErrorKind::NotFound)?.kill()?;
        self.relay(number)?.set(Fault::Refuse);
        Ok(())
    }

    /// Starts a node that has ended.
    pub fn revive(&mut self, number: usize) -> io::Result<()> {
        self.nodes.get_mut(number).ok_or(io::ErrorKind::NotFound)?.restart()?;
        self.relay(number)?.set(Fault::None);
        Ok(())
    }

    fn relay(&self, number: usize) -> io::Result<&Relay> {
        self.relays.get(number).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn listening(address: SocketAddr) -> Vec<String> {
    vec!["--listen".to_owned(), address.to_string()]
}

fn set(settings: &[String]) -> impl Iterator<Item = String> {
    settings.iter().flat_map(|setting| ["--set".to_owned(), setting.clone()])
}

fn pairs(nodes: usize) -> Vec<(u16, u16, [usize; 2])> {
    let begin = |number: usize| (usize::from(SLOTS) * number / nodes) as u16;
    (0..nodes).map(|number| (begin(number), begin(number + 1), [number, (number + 1) % nodes])).collect()
}

fn table(hosts: &[String]) -> String {
    let host = |number: usize| hosts.get(number).map_or("", String::as_str);
    let items: Vec<String> = pairs(hosts.len())
        .into_iter()
        .map(|(start, end, [one, two])| {
            format!(r#"{{"item":{{"key":[{start},{end}],"val":["{}","{}"]}}}}"#, host(one), host(two))
        })
        .collect();
    format!(r#"{{"table":[{}]}}"#, items.join(","))
}

#[expect(clippy::disallowed_methods, reason = "a file of a test")]
fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)
}
