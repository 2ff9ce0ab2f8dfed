//! `[backend]`: how a program talks to nodes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Bounds, HOUR_MS, Invalid, Key};
use crate::{client::Trust, host::Host};

/// `[backend]`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackendConfig {
    /// User the nodes ask for.
    pub user: String,
    /// Password the nodes ask for.
    pub password: String,
    /// How long making a connection may take.
    pub connect_timeout_ms: u64,
    /// How long a whole exchange may take.
    pub timeout_ms: u64,
    /// Connections to one node at the same time, of one worker.
    pub pool: usize,
    /// PEM file of the authorities that sign the nodes' certificates.
    pub tls_ca: String,
}

impl Default for BackendConfig {
    fn default() -> BackendConfig {
        BackendConfig {
            user: String::new(),
            password: String::new(),
            connect_timeout_ms: 2000,
            timeout_ms: 60_000,
            pool: 256,
            tls_ca: String::new(),
        }
    }
}

impl BackendConfig {
    /// `connect_timeout_ms`.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// `timeout_ms`.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// Whether nodes are spoken to over HTTPS, and which certificates are believed.
    pub fn trust(&self) -> Result<Trust, Invalid> {
        Trust::read("backend.tls_ca", &self.tls_ca)
    }
}

impl std::fmt::Debug for BackendConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackendConfig")
            .field("connect_timeout_ms", &self.connect_timeout_ms)
            .field("timeout_ms", &self.timeout_ms)
            .field("pool", &self.pool)
            .field("tls_ca", &self.tls_ca)
            .finish_non_exhaustive()
    }
}

/// The hosts of the key `backends`, each once.
pub fn backend_hosts(backends: &[String]) -> Result<Vec<Host>, Invalid> {
    let mut hosts: Vec<Host> = Vec::with_capacity(backends.len());
    for text in backends {
        let wrong = |what: &str| Invalid::new(format!("backends: {text:?}: {what}"));
        let host: Host = text.parse().map_err(wrong)?;
        if hosts.contains(&host) {
            return Err(wrong("twice"));
        }
        hosts.push(host);
    }
    Ok(hosts)
}

/// The keys of `[backend]`.
pub const BACKEND_KEYS: &[Key] = &[
    Key::new(
        "backend.user",
        Bounds::Any,
        "User of Basic authentication at the nodes; sent when user and password are both set.",
    ),
    Key::new("backend.password", Bounds::Any, "Password of Basic authentication at the nodes."),
    Key::new(
        "backend.connect_timeout_ms",
        Bounds::Number(1, HOUR_MS),
        "A node that does not take a connection within this many ms is not reachable.",
    ),
    Key::new(
        "backend.timeout_ms",
        Bounds::Number(1, HOUR_MS),
        "A whole exchange with a node, from waiting for a connection to the last byte of the answer, may take this many ms.",
    ),
    Key::new(
        "backend.pool",
        Bounds::Number(1, 65_536),
        "Open connections of one worker to one node; further requests wait for a free one.",
    ),
    Key::new(
        "backend.tls_ca",
        Bounds::Any,
        "PEM file of the authorities that sign the nodes' certificates; set = all nodes are spoken to over HTTPS.",
    ),
];
