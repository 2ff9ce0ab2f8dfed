//! The contract of the proxy: against real nodes behind relays that can fail, and, for rows that real nodes cannot be
//! brought to say, against nodes that say what a test wants.

#![expect(clippy::unwrap_used, reason = "a test that fails")]

mod both;
mod bounds;
mod cache;
mod cluster;
mod commands;
mod compare;
mod document;
mod doubt;
mod fail_over;
mod installs;
mod life;
mod listings;
mod load;
mod moving;
mod outcomes;
mod reads;
mod refusals;
mod reload;
mod security;
mod space;
mod start;
mod stub;
mod sync;
mod tables;
mod two_step;
