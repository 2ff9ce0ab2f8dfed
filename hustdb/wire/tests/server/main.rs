//! The server loop over real sockets: every rule of the contract's HTTP section that lives in it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails")]

mod body;
mod direct;
mod drain;
mod gate;
mod head;
mod late;
mod packet;
mod receipt;
mod support;
mod tls;
