//! The sections all server programs have: `[server]` and `[security]`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Bounds, DAY_MS, Key, Size};

/// `[server]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address and port.
    pub listen: String,
    /// Event-loop threads; 0 = one a core.
    pub workers: usize,
    /// The largest request body.
    pub max_body_size: Size,
    /// Connections at the same time.
    pub max_connections: usize,
    /// How long a connection may be idle.
    pub keepalive_timeout_ms: u64,
    /// How long a request may take to arrive.
    pub request_timeout_ms: u64,
    /// How long requests in flight may take when the program ends.
    pub drain_timeout_ms: u64,
    /// PEM file of the certificate chain.
    pub tls_cert: String,
    /// PEM file of the private key.
    pub tls_key: String,
    /// What is logged.
    pub log_level: String,
}

impl Default for ServerConfig {
    fn default() -> ServerConfig {
        ServerConfig {
            listen: "127.0.0.1:8085".into(),
            workers: 0,
            max_body_size: Size::mib(32),
            max_connections: 65_536,
            keepalive_timeout_ms: 300_000,
            request_timeout_ms: 60_000,
            drain_timeout_ms: 10_000,
            tls_cert: String::new(),
            tls_key: String::new(),
            log_level: "info".into(),
        }
    }
}

impl ServerConfig {
    /// The defaults with another address.
    pub fn listening_on(listen: &str) -> ServerConfig {
        ServerConfig { listen: listen.into(), ..ServerConfig::default() }
    }

    /// Event-loop threads.
    pub fn worker_count(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        }
    }

    /// `keepalive_timeout_ms`.
    pub fn keepalive_timeout(&self) -> Duration {
        Duration::from_millis(self.keepalive_timeout_ms)
    }

    /// `request_timeout_ms`.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    /// `drain_timeout_ms`.
    pub fn drain_timeout(&self) -> Duration {
        Duration::from_millis(self.drain_timeout_ms)
    }
}

/// The keys of `[server]`.
pub const SERVER_KEYS: &[Key] = &[
    Key::new(
        "server.listen",
        Bounds::Any,
        "Address and port; \"[::1]:8085\" works, port 0 takes a free one.",
    ),
    Key::new(
        "server.workers",
        Bounds::Number(0, 1024),
        "Event-loop threads, each with a listener of its own; 0 = one a core.",
    ),
    Key::new(
        "server.max_body_size",
        // With all that a row has beside it, a body must fit a value of the engine: 64 MiB.
        Bounds::Size(1024, 63 << 20),
        "Largest request body in bytes; a larger one is answered 413.",
    ),
    Key::new(
        "server.max_connections",
        Bounds::Number(1, 10_000_000),
        "Connections at the same time; further ones are answered 503.",
    ),
    Key::new(
        "server.keepalive_timeout_ms",
        Bounds::Number(1, DAY_MS),
        "An idle connection is closed after this many ms.",
    ),
    Key::new(
        "server.request_timeout_ms",
        Bounds::Number(1, DAY_MS),
        "A request that takes longer to arrive, in ms, is answered 408.",
    ),
    Key::new(
        "server.drain_timeout_ms",
        Bounds::Number(0, DAY_MS),
        "On SIGTERM, requests in flight get this many ms to finish.",
    ),
    Key::new(
        "server.tls_cert",
        Bounds::Any,
        "PEM file of the certificate chain; with tls_key it turns HTTPS on; both are read again on SIGHUP.",
    ),
    Key::new("server.tls_key", Bounds::Any, "PEM file of the private key."),
    Key::new(
        "server.log_level",
        Bounds::OneOf(&["error", "warn", "info", "debug", "trace"]),
        "What is logged to stderr; read again on SIGHUP.",
    ),
];

/// `[security]`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecurityConfig {
    /// User of Basic authentication.
    pub user: String,
    /// Password of Basic authentication.
    pub password: String,
    /// Peers that may connect; empty = all.
    pub access_allow: Vec<String>,
}

impl std::fmt::Debug for SecurityConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecurityConfig").field("access_allow", &self.access_allow).finish_non_exhaustive()
    }
}

/// The keys of `[security]`.
pub const SECURITY_KEYS: &[Key] = &[
    Key::new(
        "security.user",
        Bounds::Any,
        "User of Basic authentication; on when user and password are both set.",
    ),
    Key::new("security.password", Bounds::Any, "Password of Basic authentication."),
    Key::new(
        "security.access_allow",
        Bounds::Any,
        "Addresses, a-b ranges and CIDR blocks that may connect; empty = all.",
    ),
];
