//! Servers under measurement: started on a free port, waited for, and killed by their id when dropped.

use std::{
    io::{BufRead, BufReader, Read},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{clock::wait_at_most, proc, store::Failure};

/// Longest start anybody is waited for; a recovery of gigabytes is within.
const START_LIMIT: Duration = Duration::from_secs(600);

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Where it serves.
    pub address: SocketAddr,
    /// From the start of the process until it served.
    pub start_seconds: f64,
    child: Child,
}

impl Server {
    /// Starts our node and waits for the line that says where it listens.
    pub fn hustdb(binary: &Path, data: &Path, settings: &[&str]) -> Result<Server, Failure> {
        let mut command = Command::new(binary);
        command.arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]);
        for setting in settings {
            command.args(["--set", setting]);
        }
        Server::announced(command, "hustdb listening on ")
    }

    /// Starts a bare hyper server that answers GETs with `size` bytes.
    pub fn bare(size: usize) -> Result<Server, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve-bare", "--size", &size.to_string()]);
        Server::announced(command, "bare listening on ")
    }

    /// Starts a server that prints `before` and its address on a line of its own once it serves.
    pub fn announced(mut command: Command, before: &str) -> Result<Server, Failure> {
        let start = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take();
        let address = out.ok_or("no pipe".into()).and_then(|out| read_address(BufReader::new(out), before));
        let address = address.map_err(|error| {
            // It may have ended already; then there is nothing to kill.
            let _ = child.kill();
            let _ = child.wait();
            format!("{:?}: {error}", command.get_program())
        })?;
        Ok(Server { address, start_seconds: start.elapsed().as_secs_f64(), child })
    }

    /// Starts a server that was told to serve at `address`, and waits until `serves` says yes.
    pub fn at(
        mut command: Command,
        address: SocketAddr,
        mut serves: impl FnMut(SocketAddr) -> bool,
    ) -> Result<Server, Failure> {
        let start = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut server = Server { address, start_seconds: 0.0, child };
        let ended = wait_at_most(START_LIMIT, || match server.child.try_wait() {
            Ok(None) => serves(address).then_some(None),
            Ok(Some(status)) => Some(Some(status.to_string())),
            Err(error) => Some(Some(error.to_string())),
        });
        match ended {
            Some(None) => {
                server.start_seconds = start.elapsed().as_secs_f64();
                Ok(server)
            }
            Some(Some(status)) => Err(format!("{:?} ended: {status}", command.get_program()).into()),
            None => Err(format!("{:?} does not serve", command.get_program()).into()),
        }
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// CPU time used so far, children included.
    pub fn cpu_us(&self) -> Result<u64, Failure> {
        Ok(proc::cpu_us(self.child.id())?)
    }

    /// Resident memory of the process.
    pub fn resident_bytes(&self) -> Result<u64, Failure> {
        Ok(proc::resident_bytes(self.child.id())?)
    }

    /// Resident memory of the process that no file backs.
    pub fn anonymous_bytes(&self) -> Result<u64, Failure> {
        Ok(proc::anonymous_bytes(self.child.id())?)
    }

    /// `kill -9`; the process has ended when this returns.
    pub fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends SIGTERM and waits until the process is gone.
    fn terminate(&mut self) -> Result<(), Failure> {
        if self.child.try_wait()?.is_none() {
            let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
            let id = id.ok_or("the server has no process id")?;
            rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
            let ended = wait_at_most(Duration::from_secs(10), || self.child.try_wait().ok().flatten());
            if ended.is_none() {
                self.child.kill()?;
                self.child.wait()?;
            }
        }
        Ok(())
    }
}

impl Drop for Server {
    /// Asks first, so that a server with children (nginx) takes them along.
    fn drop(&mut self) {
        if self.terminate().is_err() {
            // Gone already.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Reads lines until one begins with `before`; the rest of the output is read and dropped, so that the server never
/// waits for a reader.
fn read_address(mut out: impl BufRead + Send + 'static, before: &str) -> Result<SocketAddr, Failure> {
    let mut line = String::new();
    loop {
        line.clear();
        if out.by_ref().take(4096).read_line(&mut line)? == 0 {
            return Err("ended before it served".into());
        }
        if let Some(address) = line.strip_prefix(before) {
            let address = address.trim().parse()?;
            thread::Builder::new()
                .name("output".into())
                .spawn(move || std::io::copy(&mut out, &mut std::io::sink()))?;
            return Ok(address);
        }
    }
}

/// An address on this machine that nobody listens on right now.
pub fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Whether somebody accepts connections at `address`.
pub fn accepts(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

/// The path of an installed program, as `PATH` and the folders of system programs have it.
pub fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_announced_address_is_found_behind_other_lines() {
        let text = "warming up\nx listening on 127.0.0.1:81\nmore\n";
        assert_eq!(
            read_address(text.as_bytes(), "x listening on ").unwrap(),
            "127.0.0.1:81".parse().unwrap()
        );
        assert!(read_address("nothing\n".as_bytes(), "x listening on ").is_err());
        assert!(read_address("x listening on here\n".as_bytes(), "x listening on ").is_err());
    }

    #[test]
    fn a_server_that_ends_is_reported() {
        let error = Server::at(Command::new("false"), free_address().unwrap(), accepts).unwrap_err();
        assert!(error.to_string().contains("ended"), "{error}");
    }

    #[test]
    fn programs_are_found() {
        assert!(installed("sh").is_some());
        assert!(installed("no-such-program-here").is_none());
    }
}
