//! The hosts a program talks to, and what is common to all exchanges with them.

use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hashbrown::HashMap;
use parking_lot::Mutex;

use super::{Call, Failure, Reply, Trust, exchange::Exchange, peer::Peer};
use crate::{config::BackendConfig, host::Host};

/// A connection unused for this long is closed; well under the time after which a node does.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// So many may wait for each connection.
const WAITING_PER_CONNECTION: usize = 16;
/// Kept connections are looked at this often, or more often if they are kept only briefly.
const SWEEP_MAX: Duration = Duration::from_secs(5);

/// Limits of a pool.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long an exchange may take, unless its call says otherwise.
    pub timeout: Duration,
    /// Open connections to one host.
    pub connections: usize,
    /// Exchanges that may wait for a connection to one host.
    pub waiting: usize,
    /// How long a connection is kept unused.
    pub idle_timeout: Duration,
    /// Whether connections are encrypted.
    pub trust: Trust,
}

impl From<&BackendConfig> for Options {
    fn from(config: &BackendConfig) -> Options {
        Options {
            connect_timeout: config.connect_timeout(),
            timeout: config.timeout(),
            connections: config.pool,
            waiting: config.pool.saturating_mul(WAITING_PER_CONNECTION),
            idle_timeout: IDLE_TIMEOUT,
            trust: config.trust().unwrap_or_else(Trust::Broken),
        }
    }
}

/// Connections to any number of hosts. A clone is the same pool.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    options: Options,
    authorization: Option<String>,
    peers: Mutex<HashMap<Host, Arc<Peer>>>,
    sweeping: AtomicBool,
}

impl Pool {
    /// A pool as configured, with the configured credentials if both are set. A program has seen at its start that
    /// [`BackendConfig::trust`] is none that is broken.
    pub fn new(config: &BackendConfig) -> Pool {
        Pool::with(Options::from(config), &config.user, &config.password)
    }

    /// A pool with these limits; without credentials unless both are set.
    pub fn with(options: Options, user: &str, password: &str) -> Pool {
        let both = !user.is_empty() && !password.is_empty();
        let encoded = both.then(|| STANDARD.encode(format!("{user}:{password}")));
        let authorization = encoded.map(|encoded| format!("Basic {encoded}"));
        Pool(Arc::new(Shared {
            options,
            authorization,
            peers: Mutex::default(),
            sweeping: AtomicBool::new(false),
        }))
    }

    /// Sends a call to a host and waits for its complete answer. Dropping the future closes the connection it uses.
    pub async fn call(&self, host: &Host, call: &Call) -> Result<Reply, Failure> {
        let shared = &*self.0;
        let peer = shared.peer(host);
        if !shared.sweeping.load(Relaxed) && !shared.sweeping.swap(true, Relaxed) {
            tokio::spawn(sweep(Arc::downgrade(&self.0), shared.options.idle_timeout));
        }
        Exchange { peer: &peer, options: &shared.options }.run(call).await
    }
}

impl Shared {
    fn peer(&self, host: &Host) -> Arc<Peer> {
        let mut peers = self.peers.lock();
        if let Some(peer) = peers.get(host) {
            return peer.clone();
        }
        let authorization = self.authorization.as_deref();
        let peer = Arc::new(Peer::new(host.clone(), authorization, self.options.connections));
        peers.insert(host.clone(), peer.clone());
        peer
    }

    /// Forgets what is of no use any more.
    fn sweep(&self) {
        let peers: Vec<Arc<Peer>> = self.peers.lock().values().cloned().collect();
        let unused: Vec<Arc<Peer>> =
            peers.into_iter().filter(|peer| !peer.sweep(self.options.idle_timeout)).collect();
        let mut peers = self.peers.lock();
        for peer in unused {
            // The map and this list hold it, and nobody can take it from the map meanwhile.
            if Arc::strong_count(&peer) == 2 && !peer.sweep(self.options.idle_timeout) {
                peers.remove(&peer.host);
            }
        }
    }
}

async fn sweep(pool: Weak<Shared>, idle_timeout: Duration) {
    let period = (idle_timeout / 4).clamp(Duration::from_millis(1), SWEEP_MAX);
    loop {
        tokio::time::sleep(period).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.sweep();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { options, authorization, .. } = &*self.0;
        f.debug_struct("Pool")
            .field("options", options)
            .field("authorized", &authorization.is_some())
            .finish_non_exhaustive()
    }
}
