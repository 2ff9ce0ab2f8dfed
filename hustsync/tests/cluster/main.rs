//! Proxies, the repairer and nodes together: what holds of the whole while parts of it fail.
//!
//! `chaos` composes faults at random; the other files each show one case.

#![expect(clippy::unwrap_used, reason = "a test that fails")]
#![expect(clippy::print_stdout, reason = "the seed of a run, and what it does")]

mod chaos;
mod clocks;
mod hints;
mod repair;
mod support;
