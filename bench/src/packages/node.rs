//! The node that is loaded, as the connections see it: an address that may change, because the node is killed and
//! started again. Connections that fail wait here for the next generation of it.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    index::Record,
    load::{Progress, Summary, read_back, write_all},
};
use crate::{clock::wait_until, load::Client, store::Failure};

/// Percent of the records acknowledged when the node is killed.
pub const KILL_AT: [usize; 2] = [40, 75];

/// Longest wait for the node to come back.
const RETURN_LIMIT: Duration = Duration::from_secs(120);

/// A node that can be started and killed, again and again, on the same data.
pub trait Launch {
    /// Starts it; where it serves.
    fn start(&mut self) -> Result<SocketAddr, Failure>;
    /// Kills it without a chance to clean up.
    fn kill(&mut self) -> Result<(), Failure>;
}

/// The node at its current address.
pub struct Node {
    state: Mutex<State>,
    changed: Condvar,
    /// It is killed and comes back; it was empty at first.
    returns: bool,
}

struct State {
    generation: u64,
    address: SocketAddr,
    /// It will not come back.
    failed: bool,
}

/// A connection to one generation of the node.
pub struct Connection {
    /// The connection itself.
    pub client: Client,
    generation: u64,
}

impl Node {
    /// A node that stays where it is; a failed connection is a failure.
    pub fn fixed(address: SocketAddr) -> Node {
        Node::new(address, false)
    }

    fn new(address: SocketAddr, returns: bool) -> Node {
        Node {
            state: Mutex::new(State { generation: 0, address, failed: false }),
            changed: Condvar::new(),
            returns,
        }
    }

    /// Whether the node held nothing before, so that versions begin at 1.
    pub fn was_empty(&self) -> bool {
        self.returns
    }

    /// The first connection of a thread.
    pub fn connect(&self) -> Result<Connection, Failure> {
        let (generation, address) = {
            let state = self.state();
            (state.generation, state.address)
        };
        match Client::connect(address) {
            Ok(client) => Ok(Connection { client, generation }),
            Err(error) => self.connect_after(generation, &error),
        }
    }

    /// A connection to the next generation, after `last` failed with `error`.
    pub fn connect_again(&self, last: &Connection, error: &io::Error) -> Result<Connection, Failure> {
        self.connect_after(last.generation, error)
    }

    fn connect_after(&self, mut generation: u64, error: &io::Error) -> Result<Connection, Failure> {
        if !self.returns {
            return Err(format!("connection: {error}").into());
        }
        loop {
            let address = {
                let waiting = |state: &mut State| state.generation == generation && !state.failed;
                let (state, timeout) = self
                    .changed
                    .wait_timeout_while(self.state(), RETURN_LIMIT, waiting)
                    .unwrap_or_else(PoisonError::into_inner);
                if timeout.timed_out() || state.failed {
                    return Err(
                        format!("the node is gone and does not come back; connection: {error}").into()
                    );
                }
                generation = state.generation;
                state.address
            };
            // A failure says that it was killed again; then there will be another generation.
            if let Ok(client) = Client::connect(address) {
                return Ok(Connection { client, generation });
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is a single assignment away from consistent; a panic elsewhere spoils nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }
}

/// Loads `records` into a node that is killed on the way, then reads them back.
pub fn run_with_kills(
    records: &[Record],
    mut launch: impl Launch + Send,
    connections: usize,
    visible: bool,
) -> Result<Summary, Failure> {
    let node = Node::new(launch.start()?, true);
    let progress = Progress::new(records.len(), visible);
    let ended = AtomicBool::new(false);
    let (loaded, restarts) = thread::scope(|scope| -> Result<_, Failure> {
        let kills = || kill_on_the_way(records.len(), &mut launch, &node, &progress, &ended);
        let killer = thread::Builder::new().name("killer".into()).spawn_scoped(scope, kills)?;
        let loaded = write_all(records, &node, connections, &progress);
        ended.store(true, Ordering::Relaxed);
        let restarts = killer.join().map_err(|_| "the killing thread panicked")??;
        Ok((loaded?, restarts))
    })?;
    // Once more: what is read back now comes from a recovery.
    launch.kill()?;
    let address = launch.start()?;
    node.change(|state| *state = State { generation: state.generation + 1, address, failed: false });
    let summary = read_back(records, &node, connections, &loaded, visible)?;
    launch.kill()?;
    Ok(Summary { restarts: restarts + 1, ..summary })
}

/// Kills and restarts at each share of [`KILL_AT`]; how often.
fn kill_on_the_way(
    total: usize,
    launch: &mut impl Launch,
    node: &Node,
    progress: &Progress,
    ended: &AtomicBool,
) -> Result<usize, Failure> {
    let mut restarts = 0;
    for percent in KILL_AT {
        let reached = || progress.acknowledged.load(Ordering::Relaxed) * 100 >= total * percent;
        wait_until(|| reached() || ended.load(Ordering::Relaxed));
        if !reached() {
            break;
        }
        let again = launch.kill().and_then(|()| launch.start());
        match again {
            Ok(address) => {
                node.change(|state| {
                    *state = State { generation: state.generation + 1, address, failed: false }
                });
            }
            Err(error) => {
                node.change(|state| state.failed = true);
                return Err(error);
            }
        }
        restarts += 1;
    }
    Ok(restarts)
}
