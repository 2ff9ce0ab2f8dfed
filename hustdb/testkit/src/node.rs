//! A storage node as its own process.

use std::{
    ffi::OsString,
    fs::File,
    io,
    net::SocketAddr,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::program::Program;

/// How to start a node.
#[derive(Debug)]
pub struct NodeBuilder {
    program: PathBuf,
    args: Vec<OsString>,
    data: Option<PathBuf>,
    listen: Option<SocketAddr>,
    log: Option<File>,
}

/// A running node, a [`Program`] with a data folder; killed when dropped. The folder, unless given, goes with it.
#[derive(Debug)]
pub struct Node {
    // Before the folder: the process ends first.
    program: Program,
    data: PathBuf,
    _folder: TempDir,
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
        let data = self.data.unwrap_or_else(|| folder.path().to_owned());
        let listen = self.listen.map_or_else(|| "127.0.0.1:0".into(), |address| address.to_string());
        let mut args: Vec<OsString> =
            vec!["--data".into(), data.clone().into(), "--listen".into(), listen.into()];
        args.extend(self.args);
        let program = Program::logging(self.program, args, self.log)?;
        Ok(Node { program, data, _folder: folder })
    }
}

impl Node {
    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }
}

impl Deref for Node {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for Node {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}
