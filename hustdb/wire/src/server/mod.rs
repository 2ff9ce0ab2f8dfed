//! The HTTP/1.1 server loop of every program, on hyper.
//!
//! [`start`] runs `server.workers` threads, each with its own runtime and its own listener on the same port
//! (SO_REUSEPORT), so a connection lives and ends on one thread. `gate.rs` decides on a request's head in the order of
//! the contract, `intake.rs` takes the body within its limits, the program's [`Handler`] answers, `connection.rs`
//! watches the deadlines. A plain GET whose answer the handler knows at once never reaches hyper: `direct.rs`.
//!
//! hyper would answer malformed, too long and too large heads by itself, without a body, and close late ones
//! silently. `transport.rs` swallows those answers and `farewell.rs` gives ours instead: 400, 408, 414 and 431 have a
//! reason like every other refusal. What cannot be changed: a client that shuts down its sending side before it has the
//! answer is taken for gone; and where the end of one request and a piece of the next arrive in one read, that piece
//! is timed from the next bytes on (or ended by the keep-alive timeout).

mod alone;
mod connection;
mod direct;
mod exchange;
mod farewell;
mod gate;
mod intake;
mod listen;
mod outbox;
mod pulse;
mod roster;
mod shared;
mod tls;
mod transport;
mod worker;

use std::{future::Future, io, net::SocketAddr, sync::Arc, thread::JoinHandle, time::Duration};

use tokio::sync::watch;

use crate::{
    answer::Answer,
    config::{Invalid, SecurityConfig, ServerConfig},
    lifecycle::Lifecycle,
    metrics::{Commands, Requests},
    query::Query,
    request::Request,
    route::Route,
};

pub use alone::is_alone;
pub(crate) use shared::Shared;

/// What a program does with requests.
pub trait Handler: Send + Sync + 'static {
    /// What one worker thread keeps for itself.
    type Worker: Send + Sync + 'static;

    /// The state of worker `index`, made on its thread inside its runtime.
    fn worker(&self, index: usize) -> Self::Worker;

    /// Answers at once a request without a body whose head was admitted, if that needs no waiting of any kind and no more
    /// than route and query; what this leaves alone comes to [`Handler::handle`]. It may be asked twice for one request.
    fn answer_now(&self, _worker: &Self::Worker, _route: u16, _query: Query<'_>) -> Option<Answer> {
        None
    }

    /// Answers a request whose head was admitted and whose body is complete. Dropped halfway if the client goes.
    fn handle(&self, worker: &Self::Worker, request: &mut Request) -> impl Future<Output = Answer> + Send;

    /// Why health checks are to send nobody here although the server serves, if so.
    fn ailment(&self) -> Option<String> {
        None
    }

    /// Writes the program's own metrics, Prometheus text without the final `# EOF`.
    fn metrics(&self, text: &mut String);

    /// The server begins to end: answers that wait for what may never come are to be given now. Each worker says so.
    fn draining(&self) {}

    /// Runs when a worker begins to drain, within the drain timeout, before its connections are told to end: waits for
    /// what clients still have to say on the connections they have.
    fn settle(&self, _worker: &Self::Worker) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Runs when all connections of a worker have ended, before its runtime does: waits for what goes on without them.
    fn finish(&self, _worker: &Self::Worker) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// A program: its name (the realm of its authentication), its version and its paths. `/status.html`, `/version` and
/// `/metrics` are the server's own.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The name.
    pub name: &'static str,
    /// The version.
    pub version: &'static str,
    /// The paths.
    pub routes: &'static [Route],
    /// Whether two processes may listen on one port, so that one can replace the other without a gap. Such a program
    /// is ready when it starts to listen: it would be given requests that the other could still answer.
    pub shares_port: bool,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error("{0}")]
    Config(#[from] Invalid),
    /// The operating system refused.
    #[error("{what}: {cause}")]
    Io {
        /// What was being done.
        what: String,
        /// The cause.
        cause: io::Error,
    },
}

impl StartError {
    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> StartError {
        |cause| StartError::Io { what: what.into(), cause }
    }
}

/// A running server.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    control: Control,
    workers: Vec<JoinHandle<()>>,
}

/// What steers a running server from anywhere.
#[derive(Clone)]
pub struct Control {
    drain: watch::Sender<bool>,
    lifecycle: Arc<Lifecycle>,
    guard: Arc<shared::Guard>,
    certificate: Option<Arc<tls::Certificate>>,
    commands: Arc<Commands>,
}

/// Binds, starts the workers, and returns; unless it shares its port, the server answers 503 to everything but its own
/// paths until [`Control::ready`].
pub fn start<H: Handler>(
    program: Program,
    server: &ServerConfig,
    security: &SecurityConfig,
    handler: H,
) -> Result<Running, StartError> {
    let guard = Arc::new(shared::Guard::new(shared::Security::new(security)?));
    let tls = tls::read(server)?.map(tls::acceptor).transpose()?;
    let (tls, certificate) = tls.unzip();
    let (address, listeners) = listen::bind(program, server)?;
    let (drain, draining) = watch::channel(false);
    let lifecycle = Arc::new(Lifecycle::default());
    if program.shares_port {
        lifecycle.ready();
    }
    let shared = Arc::new(Shared::new(program, server, guard.clone(), lifecycle.clone(), tls, handler));
    let mut workers = Vec::with_capacity(listeners.len());
    let control = Control { drain, lifecycle, guard, certificate, commands: shared.commands.clone() };
    for (index, listener) in listeners.into_iter().enumerate() {
        let (shared, draining) = (shared.clone(), draining.clone());
        let started = worker::spawn(index, listener, shared, draining);
        match started {
            Ok(worker) => workers.push(worker),
            Err(cause) => {
                control.drain();
                return Err(StartError::io("starting a worker")(cause));
            }
        }
    }
    Ok(Running { address, control, workers })
}

/// Says what of the configuration [`start`] would refuse; starts nothing.
pub fn check(server: &ServerConfig, security: &SecurityConfig) -> Result<(), Invalid> {
    shared::Security::new(security)?;
    tls::read(server)?;
    listen::resolve(&server.listen).map(drop)
}

impl Running {
    /// The address it listens on, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The handle that steers it.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Blocks until it has drained; `false` if a worker panicked.
    pub fn join(self) -> bool {
        let panicked = self.workers.into_iter().filter_map(|worker| worker.join().err()).count();
        panicked == 0
    }
}

impl Control {
    /// Begins to serve.
    pub fn ready(&self) {
        self.lifecycle.ready();
    }

    /// Begins to end: accepts no more, closes idle connections, lets requests finish for at most
    /// `server.drain_timeout_ms`.
    pub fn drain(&self) {
        self.lifecycle.drain();
        self.drain.send_replace(true);
    }

    /// Where the server is.
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// What was answered since the start, by command.
    pub fn requests(&self) -> Vec<Requests> {
        self.commands.requests()
    }

    /// Takes over users, the access list and the certificate (its files are read again), for connections accepted from
    /// now on. If any of them is wrong, nothing changes.
    pub fn reload(&self, server: &ServerConfig, security: &SecurityConfig) -> Result<(), Invalid> {
        let security = shared::Security::new(security)?;
        match (&self.certificate, tls::read(server)?) {
            (None, None) => {}
            (Some(certificate), Some(pair)) => certificate.set(pair),
            _ => return Err(Invalid::new("server.tls_cert: HTTPS goes on or off only with a restart")),
        }
        self.guard.set(security);
        Ok(())
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("lifecycle", &self.lifecycle).finish_non_exhaustive()
    }
}

/// The limits in time of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub keepalive: Duration,
    pub request: Duration,
}
