//! The contract of the front: against real nodes behind relays that can fail, and, for rows that real nodes cannot be
//! brought to say, against nodes that say what a test wants.

#![expect(clippy::unwrap_used, reason = "a test that fails")]
#![expect(clippy::print_stdout, reason = "what was measured, and what the machine does not allow")]

mod accounting;
mod acking;
mod backends;
mod clock;
mod cluster;
mod commands;
mod document;
mod doubt;
mod health;
mod hostile;
mod kinds;
mod merged;
mod orders;
mod process;
mod refusals;
mod routing;
mod security;
mod stub;
mod upgrade;
mod view;
mod wait;
