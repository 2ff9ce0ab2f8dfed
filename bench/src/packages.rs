//! Real data through HTTP: Debian's package index, one record a package, loaded, read back and compared byte for
//! byte - also with the node killed twice in the middle of it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{process::Server, store::Failure};

mod index;
mod load;
mod node;

pub use index::Source;
use load::Summary;
use node::{Launch, Node};

/// Loads into a node that serves at `address`.
pub fn load(address: SocketAddr, source: &Source, connections: usize) -> Result<ExitCode, Failure> {
    let records = index::read(source)?;
    let summary = load::run(&records, &Node::fixed(address), connections, true)?;
    Ok(conclude(&summary))
}

/// Starts the node on `data`, which must be empty, and kills it at the shares of the load in [`node::KILL_AT`].
pub fn load_with_kills(
    binary: &Path,
    data: Option<PathBuf>,
    source: &Source,
    connections: usize,
) -> Result<ExitCode, Failure> {
    let temporary = tempfile::tempdir()?;
    let data = data.unwrap_or_else(|| temporary.path().join("data"));
    if std::fs::read_dir(&data).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(format!("{} is not empty; versions would not begin at 1", data.display()).into());
    }
    let records = index::read(source)?;
    let hustdb = Hustdb { binary: binary.to_owned(), data, server: None };
    let summary = node::run_with_kills(&records, hustdb, connections, true)?;
    Ok(conclude(&summary))
}

fn conclude(summary: &Summary) -> ExitCode {
    println!("{summary}");
    if summary.mismatches == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Our node with every write synced before it is acknowledged.
struct Hustdb {
    binary: PathBuf,
    data: PathBuf,
    server: Option<Server>,
}

impl Launch for Hustdb {
    fn start(&mut self) -> Result<SocketAddr, Failure> {
        let server = Server::hustdb(&self.binary, &self.data, &["engine.sync=always", "server.workers=2"])?;
        let address = server.address;
        self.server = Some(server);
        Ok(address)
    }

    fn kill(&mut self) -> Result<(), Failure> {
        self.server.take().map_or(Ok(()), Server::kill)
    }
}

#[cfg(test)]
mod tests;
