//! The contract of the proxy, against real nodes behind relays that can fail.

#![expect(clippy::unwrap_used, reason = "a test that fails")]

mod both;
mod cluster;
mod commands;
mod doubt;
mod fail_over;
mod load;

mod tables;
