//! Clients that wait: long polls, push queues and calls, against a real front over real nodes behind relays.

#![expect(clippy::unwrap_used, reason = "a test that fails")]
#![expect(clippy::print_stdout, reason = "what the machine does not allow")]

mod catch_up;
mod cluster;
mod drain;
mod evget;
mod evsub;
mod failure;
mod inline;
mod many;
mod publish;
mod rpc;
mod wake;
