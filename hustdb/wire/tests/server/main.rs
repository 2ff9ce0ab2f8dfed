//! The server loop over real sockets: every rule of the contract's HTTP section that lives in it.

mod body;
mod drain;
mod gate;
mod head;
mod late;
mod support;
mod tls;
