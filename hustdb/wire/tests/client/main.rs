//! The client pool against real servers on loopback that do right and wrong at will.

#![expect(clippy::unwrap_used, reason = "a test that fails")]

mod answer;
mod failure;
mod kept;
mod limits;
mod support;
