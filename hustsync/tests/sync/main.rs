//! The repairer as a process, against real nodes and against one that misbehaves.

#![expect(clippy::unwrap_used, reason = "a test that fails")]

mod crash;
mod damage;
mod fake;
mod process;
mod redirect;
mod refusals;
mod replay;
mod scrub;
mod support;
