//! Configuration: embedded defaults, a TOML file over them, `--set section.key=value` over both.
//!
//! A program's configuration is one serde struct whose `Default` says the defaults, and a table of [`Key`]s that says
//! bounds and meaning. From the two come the refusal of unknown keys and values out of range, each in one clear
//! line, and the generated `conf/*.toml` and `doc/config.md` (`reference.rs`).

mod backend;
mod health;
mod load;
mod reference;
mod server;
mod size;

pub use backend::{BACKEND_KEYS, BackendConfig, backend_hosts};
pub use health::{HEALTH_KEYS, HealthConfig};
pub use load::load;
pub use reference::{conf, doc, mismatches};
pub use server::{SECURITY_KEYS, SERVER_KEYS, SecurityConfig, ServerConfig};
pub use size::Size;

/// The configuration is wrong: one line that says where and why. Exit status 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

impl Invalid {
    /// Wrong for the reason in `line`.
    pub fn new(line: impl Into<String>) -> Invalid {
        Invalid(line.into())
    }
}

/// A configuration: `Default` is the embedded one.
pub trait Config: Default + serde::Serialize + serde::de::DeserializeOwned {
    /// What is known of the keys, in the order of the reference.
    fn keys() -> Vec<Key>;
}

/// What is known of one key beside its default.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// `section.key`.
    pub name: &'static str,
    /// The values allowed.
    pub bounds: Bounds,
    /// One line: unit, meaning, consequence.
    pub about: &'static str,
}

impl Key {
    /// What is known of the key `name`.
    pub const fn new(name: &'static str, bounds: Bounds, about: &'static str) -> Key {
        Key { name, bounds, about }
    }
}

/// The longest time most keys take, in milliseconds.
pub const DAY_MS: i64 = 86_400_000;
/// The longest time an exchange may be given, in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;

/// The values allowed for a key.
#[derive(Debug, Clone, Copy)]
pub enum Bounds {
    /// Whatever has the type of the default.
    Any,
    /// A whole number within these, both included.
    Number(i64, i64),
    /// A size within these bytes, both included.
    Size(u64, u64),
    /// One of these words.
    OneOf(&'static [&'static str]),
}

#[cfg(test)]
mod tests;
