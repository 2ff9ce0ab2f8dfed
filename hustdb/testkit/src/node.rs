//! A storage node as its own process.

use std::{
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::http::Http;

/// How to start a node.
#[derive(Debug)]
pub struct NodeBuilder {
    program: PathBuf,
    set: Vec<String>,
    data: Option<PathBuf>,
}

/// A running node; killed when dropped. Its data folder, unless given, goes with it.
#[derive(Debug)]
pub struct Node {
    child: Child,
    address: SocketAddr,
    builder: NodeBuilder,
    folder: TempDir,
}

impl NodeBuilder {
    /// A node of this program file.
    pub fn new(program: impl Into<PathBuf>) -> NodeBuilder {
        NodeBuilder { program: program.into(), set: Vec::new(), data: None }
    }

    /// With `--set section.key=value`.
    pub fn set(mut self, assignment: &str) -> NodeBuilder {
        self.set.push(assignment.to_owned());
        self
    }

    /// With data in this folder in place of a temporary one.
    pub fn data(mut self, folder: &Path) -> NodeBuilder {
        self.data = Some(folder.to_owned());
        self
    }

    /// Starts it and waits until it serves.
    pub fn start(self) -> io::Result<Node> {
        let folder = TempDir::new()?;
        let (child, address) = self.spawn(folder.path())?;
        Ok(Node { child, address, builder: self, folder })
    }

    fn spawn(&self, folder: &Path) -> io::Result<(Child, SocketAddr)> {
        let mut command = Command::new(&self.program);
        command.arg("--data").arg(self.data.as_deref().unwrap_or(folder)).args(["--listen", "127.0.0.1:0"]);
        for assignment in &self.set {
            command.args(["--set", assignment]);
        }
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn()?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        match line.trim_end().rsplit(' ').next().and_then(|address| address.parse().ok()) {
            Some(address) => Ok((child, address)),
            None => {
                let status = child.wait()?;
                Err(io::Error::other(format!("the node did not serve: {status}, {line:?}")))
            }
        }
    }
}

impl Node {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of it.
    pub fn http(&self) -> Http {
        Http::new(&format!("http://{}", self.address))
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        self.builder.data.as_deref().unwrap_or(self.folder.path())
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        Ok(kill_process(pid.ok_or(io::ErrorKind::InvalidInput)?, signal)?)
    }

    /// Ends it as SIGTERM does and waits for that.
    pub fn stop(&mut self) -> io::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.child.wait()
    }

    /// Kills it as `kill -9` does.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Starts it again on the same data, on another port.
    pub fn restart(&mut self) -> io::Result<()> {
        (self.child, self.address) = self.builder.spawn(self.folder.path())?;
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
