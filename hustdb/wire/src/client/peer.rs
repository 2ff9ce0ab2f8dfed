//! What a pool has of one host: permits to use connections, and a stack of kept ones.
//!
//! Invariant: connections in use plus kept ones never exceed the permits. One is opened only by a permit's holder who
//! found none kept, and an exchange puts its connection back before it gives up its permit.

use std::{
    fmt::Write,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Duration, Instant, timeout_at},
};

use super::{Failure, link::Link};
use crate::host::Host;

/// One host of a pool.
pub struct Peer {
    pub host: Host,
    /// The header lines that all its requests have.
    pub fixed: Vec<u8>,
    permits: Semaphore,
    waiting: AtomicUsize,
    idle: Mutex<Vec<Link>>,
}

/// Counts one who waits.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Peer {
    /// A host; `authorization` is the value of that header, if requests have one.
    pub fn new(host: Host, authorization: Option<&str>, connections: usize) -> Peer {
        let mut fixed = format!("host: {host}\r\n");
        if let Some(authorization) = authorization {
            let _ = write!(fixed, "authorization: {authorization}\r\n");
        }
        let permits = Semaphore::new(connections.clamp(1, Semaphore::MAX_PERMITS));
        let (waiting, idle) = (AtomicUsize::new(0), Mutex::default());
        Peer { host, fixed: fixed.into(), permits, waiting, idle }
    }

    /// A permit to use a connection, if one is free and nobody waits.
    pub fn admit(&self) -> Option<SemaphorePermit<'_>> {
        self.permits.try_acquire().ok()
    }

    /// A permit to use a connection, once there is one; those who wait are served in order.
    pub async fn wait(&self, waiting_max: usize, deadline: Instant) -> Result<SemaphorePermit<'_>, Failure> {
        let before = self.waiting.fetch_add(1, Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= waiting_max {
            return Err(Failure::unsent("pool: too many wait for a connection"));
        }
        match timeout_at(deadline, self.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(Failure::unsent("pool: closed")),
            Err(_) => Err(Failure::unsent("pool: no connection free in time")),
        }
    }

    /// The connection used last that is still good. Those found closed are dropped.
    pub fn reuse(&self, now: Instant, idle_timeout: Duration) -> Option<Link> {
        loop {
            let mut link = self.idle.lock().pop()?;
            if now.saturating_duration_since(link.idle_since) < idle_timeout && link.is_usable() {
                return Some(link);
            }
        }
    }

    /// Keeps a connection for the next exchange.
    pub fn keep(&self, mut link: Link) {
        link.idle_since = Instant::now();
        self.idle.lock().push(link);
    }

    /// Drops kept connections that are too old or that the host has closed. Whether any are left.
    pub fn sweep(&self, idle_timeout: Duration) -> bool {
        let mut idle = self.idle.lock();
        idle.retain_mut(|link| link.idle_since.elapsed() < idle_timeout && link.is_usable());
        if idle.is_empty() {
            idle.shrink_to_fit();
        }
        !idle.is_empty()
    }
}
