//! The repairer as a process, against real nodes and against one that misbehaves.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that fails, and says with which seed")]

mod crash;
mod damage;
mod fake;
mod process;
mod redirect;
mod refusals;
mod replay;
mod scrub;
mod support;
