//! What all huststore server programs share: slots, parameters, answers, merge frames, hint logs, the HTTP server loop and
//! the client pool, health of nodes, access and authentication, configuration, metrics, command line.
//!
//! A program gives [`server::start`] a table of routes and a [`server::Handler`]; everything the contract says about
//! HTTP itself happens here, once.

pub mod access;
pub mod answer;
pub mod auth;
pub mod background;
pub mod backoff;
pub mod cli;
pub mod client;
pub mod config;
pub mod detached;
mod flat;
pub mod frame;
pub mod health;
pub mod hint;
pub mod host;
pub mod lifecycle;
pub mod line;
pub mod log;
pub mod memory;
pub mod message;
pub mod metrics;
pub mod param;
pub mod query;
pub mod queue;
pub mod refusal;
pub mod request;
pub mod route;
pub mod server;
pub mod signal;
pub mod slot;
pub mod table;

pub use answer::{Answer, Kind};
pub use host::Host;
pub use query::Query;
pub use refusal::{Hint, Refusal};
pub use request::Request;
