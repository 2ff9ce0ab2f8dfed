//! `[health]`: how a program finds out whether nodes can be asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Bounds, DAY_MS, Key};
use crate::health::Limits;

/// `[health]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HealthConfig {
    /// Between two checks of a node.
    pub interval_ms: u64,
    /// Good checks in a row after which a node is up.
    pub rise: u32,
    /// Bad checks in a row after which a node is down.
    pub fall: u32,
    /// How long a check may take.
    pub timeout_ms: u64,
}

impl Default for HealthConfig {
    fn default() -> HealthConfig {
        HealthConfig { interval_ms: 5000, rise: 1, fall: 3, timeout_ms: 5000 }
    }
}

impl HealthConfig {
    /// When a node counts as up and as down.
    pub fn limits(&self) -> Limits {
        Limits { rise: self.rise, fall: self.fall }
    }

    /// `interval_ms`.
    pub fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms)
    }

    /// `timeout_ms`.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

/// The keys of `[health]`.
pub const HEALTH_KEYS: &[Key] = &[
    Key::new("health.interval_ms", Bounds::Number(1, DAY_MS), "Each node is checked every so many ms."),
    Key::new("health.rise", Bounds::Number(1, 1000), "Good checks in a row after which a node is up."),
    Key::new("health.fall", Bounds::Number(1, 1000), "Bad checks in a row after which a node is down."),
    Key::new("health.timeout_ms", Bounds::Number(1, DAY_MS), "A check that takes more ms is bad."),
];
