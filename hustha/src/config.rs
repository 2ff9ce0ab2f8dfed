//! Configuration of the proxy: `[server]`, `[security]`, `[backend]` as everywhere, the rest here.
//!
//! The structs are the source: `conf/hustha.toml` and `doc/config.md` are generated from them and checked by a test.

use std::{fmt, path::PathBuf};

use hust_wire::{
    Host,
    client::Trust,
    config::{
        BACKEND_KEYS, BackendConfig, Bounds, Config, DAY_MS, HEALTH_KEYS, HealthConfig, Invalid, Key,
        SECURITY_KEYS, SERVER_KEYS, SecurityConfig, ServerConfig, backend_hosts,
    },
};
use serde::{Deserialize, Serialize};

use crate::plan::Fallback;

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProxyConfig {
    pub table: PathBuf,
    pub backends: Vec<String>,
    pub read_fallback_on_miss: String,
    pub server: ServerConfig,
    pub security: SecurityConfig,
    pub backend: BackendConfig,
    pub health: HealthConfig,
    pub hints: HintsConfig,
    pub sync: SyncConfig,
    pub set_table: SetTableConfig,
}

impl Default for ProxyConfig {
    fn default() -> ProxyConfig {
        ProxyConfig {
            table: "hustdbtable.json".into(),
            backends: Vec::new(),
            read_fallback_on_miss: "auto".into(),
            server: ServerConfig::listening_on("127.0.0.1:8082"),
            security: SecurityConfig::default(),
            backend: BackendConfig::default(),
            health: HealthConfig::default(),
            hints: HintsConfig::default(),
            sync: SyncConfig::default(),
            set_table: SetTableConfig::default(),
        }
    }
}

/// `[hints]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HintsConfig {
    pub dir: PathBuf,
}

impl Default for HintsConfig {
    fn default() -> HintsConfig {
        HintsConfig { dir: "logs".into() }
    }
}

/// `[sync]`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SyncConfig {
    pub url: String,
    pub user: String,
    pub password: String,
}

impl Default for SyncConfig {
    fn default() -> SyncConfig {
        SyncConfig { url: "http://127.0.0.1:8089".into(), user: String::new(), password: String::new() }
    }
}

impl fmt::Debug for SyncConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncConfig").field("url", &self.url).finish_non_exhaustive()
    }
}

/// `[set_table]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SetTableConfig {
    pub public_pem: PathBuf,
    pub identifier_timeout_ms: u64,
}

impl Default for SetTableConfig {
    fn default() -> SetTableConfig {
        SetTableConfig { public_pem: PathBuf::new(), identifier_timeout_ms: 10_000 }
    }
}

impl Config for ProxyConfig {
    fn keys() -> Vec<Key> {
        [OWN_KEYS, SERVER_KEYS, SECURITY_KEYS, BACKEND_KEYS, HEALTH_KEYS, SECTION_KEYS].concat()
    }
}

/// Keys before any section.
const OWN_KEYS: &[Key] = &[
    Key::new(
        "table",
        Bounds::Any,
        "File of the load-balance table; read at the start and on SIGHUP, written by /set_table.",
    ),
    Key::new(
        "backends",
        Bounds::Any,
        "Hosts in the order of peer=N; those of the table that are not named here follow by first appearance.",
    ),
    Key::new(
        "read_fallback_on_miss",
        Bounds::OneOf(&["auto", "always", "never"]),
        "When the other master is asked after a miss: while the first may lack records, at each miss, or not at all.",
    ),
];

const SECTION_KEYS: &[Key] = &[
    Key::new("hints.dir", Bounds::Any, "Folder of the hint logs; hustsync replays them from there."),
    Key::new(
        "sync.url",
        Bounds::Any,
        "Where hustsync listens: http://host:port, or https://host:port under one of backend.tls_ca's authorities.",
    ),
    Key::new("sync.user", Bounds::Any, "User hustsync asks for; sent when user and password are both set."),
    Key::new("sync.password", Bounds::Any, "Password hustsync asks for."),
    Key::new(
        "set_table.public_pem",
        Bounds::Any,
        "RSA public key (PEM, SPKI) for the two-step form of /set_table; empty = that form is off.",
    ),
    Key::new(
        "set_table.identifier_timeout_ms",
        Bounds::Number(1, DAY_MS),
        "An id of the two-step form is valid for so many ms.",
    ),
];

impl ProxyConfig {
    /// The hosts of `backends`, each once.
    pub fn backend_hosts(&self) -> Result<Vec<Host>, Invalid> {
        backend_hosts(&self.backends)
    }

    /// Where hustsync listens, and how it is spoken to.
    pub fn sync_host(&self) -> Result<(Host, Trust), Invalid> {
        let wrong = |what| Invalid::new(format!("sync.url: {what}"));
        let (rest, trust) =
            match (self.sync.url.strip_prefix("http://"), self.sync.url.strip_prefix("https://")) {
                (Some(rest), _) => (rest, Trust::Plain),
                (None, Some(_)) if self.backend.tls_ca.is_empty() => {
                    return Err(wrong("https:// needs backend.tls_ca"));
                }
                (None, Some(rest)) => (rest, self.backend.trust()?),
                (None, None) => return Err(wrong("neither http://host:port nor https://host:port")),
            };
        let host = rest.strip_suffix('/').unwrap_or(rest).parse().map_err(wrong)?;
        Ok((host, trust))
    }

    /// `read_fallback_on_miss`.
    pub fn fallback(&self) -> Fallback {
        match self.read_fallback_on_miss.as_str() {
            "always" => Fallback::Always,
            "never" => Fallback::Never,
            _ => Fallback::Auto,
        }
    }

    /// Whether clients must show credentials.
    pub fn asks_for_credentials(&self) -> bool {
        !self.security.user.is_empty() && !self.security.password.is_empty()
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
