//! Any server program as its own process.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{http::Http, raw::Raw, wait::wait_until};

/// How long threads may take to stop.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    address: SocketAddr,
    file: PathBuf,
    args: Vec<OsString>,
    log: Option<File>,
}

impl Program {
    /// Starts a program with these arguments and waits until it serves.
    pub fn start(
        file: impl Into<PathBuf>,
        args: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> io::Result<Program> {
        Program::logging(file.into(), args.into_iter().map(Into::into).collect(), None)
    }

    /// Starts a program whose log goes to this file in place of our own stderr.
    pub fn logging(file: PathBuf, args: Vec<OsString>, log: Option<File>) -> io::Result<Program> {
        let (child, address) = spawn(&file, &args, log.as_ref())?;
        Ok(Program { child, address, file, args, log })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A client of it.
    pub fn http(&self) -> Http {
        Http::new(&format!("http://{}", self.address))
    }

    /// One connection to it.
    pub fn raw(&self) -> io::Result<Raw> {
        Raw::connect(self.address)
    }

    /// Sends a signal. A stop has come to all threads when this returns: it is one of them that takes the signal, and
    /// the others go on until that one has run.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.ok_or(io::ErrorKind::InvalidInput)?, signal)?;
        if signal == Signal::STOP && !wait_until(STOPPED_WITHIN, || stands_still(self.child.id())) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "threads go on after SIGSTOP"));
        }
        Ok(())
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

    /// Starts it again with the same arguments: on another port unless it was told where to listen.
    pub fn restart(&mut self) -> io::Result<()> {
        (self.child, self.address) = spawn(&self.file, &self.args, self.log.as_ref())?;
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(file: &PathBuf, args: &[OsString], log: Option<&File>) -> io::Result<(Child, SocketAddr)> {
    let mut command = Command::new(file);
    if let Some(log) = log {
        command.stderr(log.try_clone()?);
    }
    let mut child = command.args(args).stdout(Stdio::piped()).stdin(Stdio::null()).spawn()?;
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut line)?;
    }
    match line.trim_end().rsplit(' ').next().and_then(|address| address.parse().ok()) {
        Some(address) => Ok((child, address)),
        None => {
            let status = child.wait()?;
            Err(io::Error::other(format!("it did not serve: {status}, {line:?}")))
        }
    }
}

/// Whether each thread of a process is stopped.
#[expect(clippy::disallowed_methods, reason = "what the kernel tells of a process")]
fn stands_still(pid: u32) -> bool {
    let stopped = |stat: String| stat.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" T"));
    let Ok(mut threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    threads.all(|thread| {
        thread.and_then(|thread| fs::read_to_string(thread.path().join("stat"))).is_ok_and(stopped)
    })
}
