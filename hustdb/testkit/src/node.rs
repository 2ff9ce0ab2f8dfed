//! A storage node as its own process.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{http::Http, raw::Raw};

/// How to start a node.
#[derive(Debug)]
pub struct NodeBuilder {
    program: PathBuf,
    args: Vec<OsString>,
    data: Option<PathBuf>,
    listen: Option<SocketAddr>,
    log: Option<File>,
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
        NodeBuilder { program: program.into(), args: Vec::new(), data: None, listen: None, log: None }
    }

    /// With `--set section.key=value`.
    pub fn set(mut self, assignment: &str) -> NodeBuilder {
        self.args.extend(["--set".into(), assignment.into()]);
        self
    }

    /// With `--config FILE`.
    pub fn config(mut self, file: &Path) -> NodeBuilder {
        self.args.extend(["--config".into(), file.into()]);
        self
    }

    /// With data in this folder in place of a temporary one.
    pub fn data(mut self, folder: &Path) -> NodeBuilder {
        self.data = Some(folder.to_owned());
        self
    }

    /// Listening there, after a restart too, in place of on a free port.
    pub fn listen(mut self, address: SocketAddr) -> NodeBuilder {
        self.listen = Some(address);
        self
    }

    /// With what it logs in this file in place of our own stderr.
    pub fn log(mut self, file: File) -> NodeBuilder {
        self.log = Some(file);
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
        let listen = self.listen.map_or_else(|| "127.0.0.1:0".into(), |address| address.to_string());
        command.arg("--data").arg(self.data.as_deref().unwrap_or(folder)).args(["--listen", &listen]);
        if let Some(log) = &self.log {
            command.stderr(log.try_clone()?);
        }
        let mut child = command.args(&self.args).stdout(Stdio::piped()).stdin(Stdio::null()).spawn()?;
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

    /// One connection to it.
    pub fn raw(&self) -> io::Result<Raw> {
        Raw::connect(self.address)
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

    /// Waits until it has ended by itself or by a signal sent before.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Kills it as `kill -9` does.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Starts it again on the same data, on another port unless it was told where to listen.
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
