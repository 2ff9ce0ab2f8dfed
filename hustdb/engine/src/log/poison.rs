//! Fail-stop: once a write or sync of the log has failed, nobody knows what the file holds. The cause is kept, every
//! later write answers it, and nothing is ever tried again.

use std::sync::OnceLock;

use crate::{Error, Result};

/// The first failure, if there was one.
#[derive(Debug, Default)]
pub struct Poison(OnceLock<String>);

impl Poison {
    /// Answers the failure that has happened.
    pub fn check(&self) -> Result<()> {
        match self.0.get() {
            None => Ok(()),
            Some(cause) => Err(Error::Poisoned(cause.clone())),
        }
    }

    /// Keeps `cause`, unless there was a failure before, and answers the one that counts.
    pub fn set(&self, cause: String) -> Error {
        Error::Poisoned(self.0.get_or_init(|| cause).clone())
    }

    /// The cause, if there was a failure.
    pub fn cause(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}
