//! Configuration of the repairer: `[server]`, `[security]`, `[backend]` as everywhere, the rest here.
//!
//! The structs are the source: `conf/hustsync.toml` and `doc/config.md` are generated from them and checked by a test.

use std::{path::PathBuf, time::Duration};

use hust_wire::{
    config::{
        BACKEND_KEYS, BackendConfig, Bounds, Config, DAY_MS, Key, SECURITY_KEYS, SERVER_KEYS, SecurityConfig,
        ServerConfig, Size,
    },
    hint::PAYLOAD_OVERHEAD_BYTES,
};
use serde::{Deserialize, Serialize};

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SyncConfig {
    pub table: PathBuf,
    pub server: ServerConfig,
    pub security: SecurityConfig,
    pub backend: BackendConfig,
    pub hints: HintsConfig,
    pub replay: ReplayConfig,
    pub scrub: ScrubConfig,
}

impl Default for SyncConfig {
    fn default() -> SyncConfig {
        SyncConfig {
            table: "hustdbtable.json".into(),
            server: ServerConfig::listening_on("127.0.0.1:8089"),
            security: SecurityConfig::default(),
            backend: BackendConfig::default(),
            hints: HintsConfig::default(),
            replay: ReplayConfig::default(),
            scrub: ScrubConfig::default(),
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

/// `[replay]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayConfig {
    pub threads: usize,
    pub check_interval_ms: u64,
}

impl Default for ReplayConfig {
    fn default() -> ReplayConfig {
        ReplayConfig { threads: 4, check_interval_ms: 1000 }
    }
}

/// `[scrub]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScrubConfig {
    pub interval_s: u64,
    pub rate: Size,
}

impl Default for ScrubConfig {
    fn default() -> ScrubConfig {
        ScrubConfig { interval_s: 600, rate: Size::mib(32) }
    }
}

impl SyncConfig {
    /// The longest value there is.
    pub fn value_max_bytes(&self) -> usize {
        usize::try_from(self.server.max_body_size.bytes()).unwrap_or(usize::MAX)
    }

    /// The longest payload of a hint.
    pub fn payload_max_bytes(&self) -> usize {
        self.value_max_bytes().saturating_add(PAYLOAD_OVERHEAD_BYTES)
    }
}

impl ReplayConfig {
    /// `check_interval_ms`.
    pub fn check_interval(&self) -> Duration {
        Duration::from_millis(self.check_interval_ms)
    }
}

impl ScrubConfig {
    /// `interval_s`; `None` if it is off.
    pub fn interval(&self) -> Option<Duration> {
        (self.interval_s > 0).then(|| Duration::from_secs(self.interval_s))
    }
}

impl Config for SyncConfig {
    fn keys() -> Vec<Key> {
        [TOP_KEYS, SERVER_KEYS, SECURITY_KEYS, BACKEND_KEYS, OWN_KEYS].concat()
    }
}

const TOP_KEYS: &[Key] = &[Key::new(
    "table",
    Bounds::Any,
    "The load-balance table: hustha's file. Read again when it changes; without it nothing is compared.",
)];

const OWN_KEYS: &[Key] = &[
    Key::new(
        "hints.dir",
        Bounds::Any,
        "Folder of hustha's hints. A hint longer than server.max_body_size and 1 MiB counts as damaged, so that must not be less than hustha's.",
    ),
    Key::new(
        "replay.threads",
        Bounds::Number(1, 1024),
        "Hosts to which hints are replayed at the same time.",
    ),
    Key::new(
        "replay.check_interval_ms",
        Bounds::Number(1, DAY_MS),
        "Folders of hints and the table file are looked at every so many ms.",
    ),
    Key::new(
        "scrub.interval_s",
        Bounds::Number(0, 366 * 86_400),
        "Seconds between rounds in which pairs are compared; 0 = only when asked by POST /scrub.",
    ),
    Key::new(
        "scrub.rate",
        Bounds::Size(0, 1 << 40),
        "Bytes a second that comparing may move between nodes, in all; 0 = no limit.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_generated() {
        hust_testkit::check_reference::<SyncConfig>("hustsync");
    }
}
