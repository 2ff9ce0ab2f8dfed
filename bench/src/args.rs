//! The command line, and what every suite needs to know of it.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::{Parser, Subcommand};

use crate::{
    bare, engine_suite, node_suite,
    packages::{self, Source},
    proc,
    report::Report,
    store::{Failure, Kind},
    worker,
};

/// Measures ours and the peers in turn; prints medians and ratios, writes JSON and a plot.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The storage engine beside RocksDB and fjall (build with --features peers)
    Engine {
        #[command(flatten)]
        common: Common,
        /// Rows of the measurement of opening
        #[arg(long, default_value_t = 2_000_000)]
        rows: u64,
        /// Only these groups: reads, writes, synced, mixed, amplification, open, memory
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
    },
    /// GET over HTTP beside bare hyper, nginx and Redis
    NodeRead(Node),
    /// PUT over HTTP beside bare hyper and Redis, for each sync mode
    NodeWrite(Node),
    /// GET and PUT mixed on 1 and 10 million keys, uniform and by Zipf, beside Redis
    NodeMixed {
        #[command(flatten)]
        node: Node,
        #[command(flatten)]
        options: node_suite::mixed::Options,
    },
    /// Hash fields, members of sets and of sorted sets beside kv pairs
    NodeKinds(Node),
    /// GET and PUT through hustha, found beside hustdb, beside nginx with proxy_pass
    Proxy(Node),
    /// put, get and ack beside RabbitMQ, beanstalkd and Redis streams; a queue of millions
    Queue {
        #[command(flatten)]
        node: Node,
        #[command(flatten)]
        options: node_suite::queue::Options,
    },
    /// Time to serve again after kill -9, beside Redis
    Recovery(Node),
    /// Memory and disk of a million records of 256 bytes
    Footprint {
        #[command(flatten)]
        node: Node,
        /// Records
        #[arg(long, default_value_t = 1_000_000)]
        rows: u64,
    },
    /// Memory, disk and start of a node with a million small hashes
    Tables {
        #[command(flatten)]
        node: Node,
        /// Hashes
        #[arg(long, default_value_t = 1_000_000)]
        tables: u64,
    },
    /// Load Debian's package index through HTTP, read it back and compare
    LoadPackages {
        /// A node that serves, as HOST:PORT or http://HOST:PORT
        #[arg(long, required_unless_present = "kill_restart")]
        url: Option<String>,
        /// Read this file instead of `apt-cache dumpavail`
        #[arg(long)]
        file: Option<PathBuf>,
        /// Connections
        #[arg(long, default_value_t = 32)]
        connections: usize,
        /// Start the node, kill it twice in the middle of the load and start it again
        #[arg(long, conflicts_with = "url")]
        kill_restart: bool,
        /// The node's binary [default: hustdb beside this one]
        #[arg(long, requires = "kill_restart")]
        hustdb: Option<PathBuf>,
        /// The node's data folder [default: a temporary one]
        #[arg(long, requires = "kill_restart")]
        data: Option<PathBuf>,
    },
    /// A bare hyper server, the measure of the HTTP suites
    #[command(hide = true)]
    ServeBare {
        /// Port on 127.0.0.1; 0 takes a free one
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Length of the answer to a GET
        #[arg(long)]
        size: usize,
        /// Threads
        #[arg(long, default_value_t = 2)]
        threads: usize,
    },
    /// One store, driven by the engine suite
    #[command(hide = true)]
    Worker {
        #[arg(long)]
        store: Kind,
        #[arg(long)]
        dir: PathBuf,
        #[arg(long)]
        seed: u64,
        #[arg(long)]
        synced: bool,
    },
}

/// What all suites have.
#[derive(Clone, Debug, clap::Args)]
pub struct Common {
    /// Rounds; contenders take turns within each
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Length of one measurement
    #[arg(long, default_value_t = 1.0)]
    pub seconds: f64,
    /// Less of everything: for a look, not for figures to keep
    #[arg(long)]
    pub quick: bool,
    /// Where data goes, in folders that are removed at the end [default: the folder for temporary files]
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Where JSON and plots go
    #[arg(long, default_value = "bench/results")]
    pub results: PathBuf,
    /// Seed of keys, values and choices [default: from the clock]
    #[arg(long)]
    pub seed: Option<u64>,
}

/// What the HTTP suites have.
#[derive(Clone, Debug, clap::Args)]
pub struct Node {
    #[command(flatten)]
    pub common: Common,
    /// Our binary [default: hustdb beside this one]
    #[arg(long)]
    pub hustdb: Option<PathBuf>,
    /// Connections of the load
    #[arg(long, default_value_t = 100)]
    pub connections: usize,
}

/// A run of a suite.
#[derive(Debug)]
pub struct Context {
    /// The options.
    pub common: Common,
    /// The seed used.
    pub seed: u64,
    /// A folder of this run, removed when it ends.
    pub dir: tempfile::TempDir,
}

impl Context {
    fn new(mut common: Common) -> Result<Context, Failure> {
        if common.quick {
            common.rounds = 1;
            common.seconds = common.seconds.min(0.5);
        }
        let place = common.dir.clone().unwrap_or_else(std::env::temp_dir);
        std::fs::create_dir_all(&place)?;
        if proc::is_in_memory(&place) {
            eprintln!("warning: {} is in memory; give a folder on a disk with --dir", place.display());
        }
        let dir = tempfile::Builder::new().prefix("hust-bench-").tempdir_in(place)?;
        let seed = match common.seed {
            Some(seed) => seed,
            None => SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        };
        eprintln!("seed {seed} (repeat with --seed {seed}), data under {}", dir.path().display());
        Ok(Context { common, seed, dir })
    }

    fn finish(&self, report: &Report) -> Result<ExitCode, Failure> {
        let settings = serde_json::json!({
            "seed": self.seed,
            "rounds": self.common.rounds,
            "seconds": self.common.seconds,
            "quick": self.common.quick,
            "cpus": std::thread::available_parallelism().map_or(0, usize::from),
            "version": env!("CARGO_PKG_VERSION"),
        });
        for path in report.finish(&self.common.results, &settings)? {
            eprintln!("wrote {}", path.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Args {
    /// Does what the command line says.
    pub fn run(self) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Engine { common, rows, only } => {
                let context = Context::new(common)?;
                let report = engine_suite::run(&context, rows, &only)?;
                context.finish(&report)
            }
            Command::NodeRead(node) => node.suite(node_suite::read::run),
            Command::NodeWrite(node) => node.suite(node_suite::write::run),
            Command::NodeMixed { node, options } => {
                node.suite(|context, node| node_suite::mixed::run(context, node, &options))
            }
            Command::NodeKinds(node) => node.suite(node_suite::kinds::run),
            Command::Proxy(node) => node.suite(node_suite::proxy::run),
            Command::Queue { node, options } => {
                node.suite(|context, node| node_suite::queue::run(context, node, &options))
            }
            Command::Recovery(node) => node.suite(node_suite::recovery::run),
            Command::Footprint { node, rows } => {
                node.suite(|context, node| node_suite::footprint::run(context, node, rows))
            }
            Command::Tables { node, tables } => {
                node.suite(|context, node| node_suite::tables::run(context, node, tables))
            }
            Command::LoadPackages { url, file, connections, kill_restart: _, hustdb, data } => {
                let source = file.map_or(Source::AptCache, Source::File);
                match url {
                    Some(url) => packages::load(resolve(&url)?, &source, connections),
                    None => packages::load_with_kills(&binary(hustdb)?, data, &source, connections),
                }
            }
            Command::ServeBare { port, size, threads } => {
                bare::serve(port, size, threads)?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Worker { store, dir, seed, synced } => {
                worker::serve(store, &dir, seed, synced)?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl Node {
    fn suite(
        self,
        run: impl FnOnce(&Context, &Node) -> Result<Report, Failure>,
    ) -> Result<ExitCode, Failure> {
        let context = Context::new(self.common.clone())?;
        let report = run(&context, &self)?;
        context.finish(&report)
    }

    /// The path of our binary, or why it is left out.
    pub fn binary(&self) -> Result<PathBuf, Failure> {
        binary(self.hustdb.clone())
    }
}

fn binary(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let path = match given {
        Some(path) => path,
        None => std::env::current_exe()?.with_file_name("hustdb"),
    };
    if path.is_file() { Ok(path) } else { Err(format!("hustdb: no binary at {}", path.display()).into()) }
}

fn resolve(url: &str) -> Result<SocketAddr, Failure> {
    use std::net::ToSocketAddrs;
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let first = host.to_socket_addrs().map_err(|error| format!("{url}: {error}"))?.next();
    first.ok_or_else(|| format!("{url}: no address").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn urls_become_addresses() {
        assert_eq!(resolve("http://127.0.0.1:80/").unwrap(), "127.0.0.1:80".parse().unwrap());
        assert!(resolve("127.0.0.1").is_err());
    }
}
