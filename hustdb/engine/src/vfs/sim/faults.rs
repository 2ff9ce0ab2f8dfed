//! When a simulated disk fails, counted in operations that change it.

use std::{collections::BTreeMap, io};

use rustix::io::Errno;

/// How a simulated operation fails. It may have been done in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk reports an error.
    Eio,
    /// The disk is full.
    Enospc,
}

impl Fault {
    pub(super) fn error(self) -> io::Error {
        match self {
            Fault::Eio => Errno::IO.into(),
            Fault::Enospc => Errno::NOSPC.into(),
        }
    }
}

/// What happens to the present operation.
pub(super) enum Step {
    Go,
    Fail(Fault),
    /// The power goes off during it.
    Crash,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) ops: u64,
    pub(super) crash_at: Option<u64>,
    pub(super) crashed: bool,
    pub(super) once: BTreeMap<u64, Fault>,
    pub(super) from: Option<(u64, Fault)>,
}

impl Faults {
    /// Counts an operation and says how it ends.
    pub(super) fn step(&mut self) -> Step {
        self.ops += 1;
        if self.crash_at.is_some_and(|op| op <= self.ops) {
            self.crashed = true;
            return Step::Crash;
        }
        let lasting = self.from.filter(|&(op, _)| op <= self.ops).map(|(_, fault)| fault);
        match self.once.remove(&self.ops).or(lasting) {
            Some(fault) => Step::Fail(fault),
            None => Step::Go,
        }
    }

    /// Forgets what was planned; what has happened stays.
    pub(super) fn clear(&mut self) {
        self.crash_at = None;
        self.once.clear();
        self.from = None;
    }
}
