//! A worker thread: its runtime, its listener, its connections.
//!
//! Draining takes in what the kernel has already accepted, lets the requests on the wire be read, and only then tells
//! the connections to finish, so that a client that was in time is answered. Where another process serves on the same
//! port, the kernel first ends handing out connections to this one, since it resets those that nobody took; and idle
//! connections are kept until the drain timeout is nearly over: a request that is already on its way to one is answered,
//! and told to go to the other process from then on.

use std::{
    io,
    net::TcpListener as StdListener,
    sync::{Arc, atomic::Ordering},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::watch,
    task::yield_now,
    time::{sleep, timeout},
};

use super::{
    Handler, Shared,
    alone::Here,
    connection::{self, Client},
    exchange::Local,
    listen,
    roster::Roster,
    shared::REFUSED_MAX,
};
use crate::refusal::Refusal;

const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(20);
/// Who has begun to connect has so long to be connected.
const HANDSHAKE_MAX: Duration = Duration::from_millis(100);
/// Idle connections are closed when this part of the drain timeout is left.
const LAST_PART: u32 = 10;

/// Starts worker `index` on `listener`.
pub fn spawn<H: Handler>(
    index: usize,
    listener: StdListener,
    shared: Arc<Shared<H>>,
    draining: watch::Receiver<bool>,
) -> io::Result<JoinHandle<()>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let name = format!("{}-{index}", shared.program.name);
    thread::Builder::new().name(name).spawn(move || work(index, &runtime, listener, shared, draining))
}

fn work<H: Handler>(
    index: usize,
    runtime: &Runtime,
    listener: StdListener,
    shared: Arc<Shared<H>>,
    draining: watch::Receiver<bool>,
) {
    runtime.block_on(async move {
        let listener = match TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => return tracing::error!("worker {index} has no listener: {error}"),
        };
        let local = Arc::new(Local { worker: shared.handler.worker(index), shard: shared.commands.shard() });
        Worker { shared, local, roster: Arc::default() }.run(listener, draining).await;
    });
}

struct Worker<H: Handler> {
    shared: Arc<Shared<H>>,
    local: Arc<Local<H>>,
    roster: Arc<Roster>,
}

impl<H: Handler> Worker<H> {
    async fn run(self, listener: TcpListener, mut draining: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                biased;
                _ = draining.wait_for(|drain| *drain) => break,
                () = self.accept(&listener) => {}
            }
        }
        self.drain(listener).await;
    }

    async fn accept(&self, listener: &TcpListener) {
        match listener.accept().await {
            Ok((stream, _)) => self.admit(stream),
            Err(error) if is_one_client(&error) => {}
            Err(error) => {
                tracing::warn!("accepting a connection: {error}");
                sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }

    /// Takes in those who had begun to connect; who comes later meets the process that shares the port.
    async fn accept_last(&self, listener: &TcpListener) {
        if let Err(error) = listen::take_no_more(listener) {
            return tracing::warn!("who connects just now may be reset: {error}");
        }
        let forever = async {
            loop {
                self.accept(listener).await;
            }
        };
        let _: Result<(), _> = timeout(HANDSHAKE_MAX, forever).await;
    }

    async fn drain(self, listener: TcpListener) {
        self.shared.handler.draining();
        if self.shared.program.shares_port {
            self.accept_last(&listener).await;
        }
        yield_now().await;
        while let Ok(Ok((stream, _))) = timeout(Duration::ZERO, listener.accept()).await {
            self.admit(stream);
        }
        drop(listener);
        for _ in 0..3 {
            yield_now().await;
        }
        let drain_timeout = self.shared.drain_timeout;
        let ending = async {
            self.shared.handler.settle(&self.local.worker).await;
            if self.shared.program.shares_port {
                // Those that are left are idle, or too slow.
                let _ = timeout(drain_timeout - drain_timeout / LAST_PART, self.roster.emptied()).await;
            }
            self.roster.drain().await;
        };
        if timeout(drain_timeout, ending).await.is_err() {
            tracing::warn!("connections were cut: they did not finish within the drain timeout");
        }
        self.shared.handler.finish(&self.local.worker).await;
    }

    fn admit(&self, stream: TcpStream) {
        let Ok(peer) = stream.peer_addr() else { return };
        let peer = peer.ip().to_canonical();
        let open = self.shared.connections.fetch_add(1, Ordering::Relaxed);
        let counted = (Counted(self.shared.clone()), Here::enter());
        if open >= self.shared.connections_max + REFUSED_MAX {
            return;
        }
        let refused = if !self.shared.guard.allows(peer) {
            let refusal = Refusal::new(hyper::StatusCode::FORBIDDEN, "peer", "not in the access list");
            Some(refusal.closing())
        } else if open >= self.shared.connections_max {
            Some(Refusal::unavailable("server", "too many connections").closing())
        } else {
            None
        };
        // A socket that cannot be told works all the same, only slower.
        let _ = stream.set_nodelay(true);
        let (shared, local, roster) = (self.shared.clone(), self.local.clone(), self.roster.clone());
        tokio::spawn(async move {
            let _counted = counted;
            connection::serve(shared, local, roster, Client { stream, peer, refused }).await;
        });
    }
}

/// An open connection in the count.
struct Counted<H>(Arc<Shared<H>>);

impl<H> Drop for Counted<H> {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

fn is_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
