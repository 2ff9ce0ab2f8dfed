//! Models of the engine's concurrent protocols, run under many schedules with every lock and atomic a point where
//! another thread may come in.
//!
//! The models are small copies: each step names the function it stands for, takes the same locks in the same order and
//! does what decides the outcome; files are counters. When such a function changes, its model has to follow. A lost
//! wake-up is a deadlock, which the scheduler finds; a failing schedule is printed and can be replayed.
//! `HUST_SCHEDULES` sets the number of schedules.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests end at the first surprise, and tell what they saw"
)]

mod tickets;
mod views;

/// Runs a scenario under many random schedules.
fn explore(scenario: fn()) {
    let schedules = std::env::var("HUST_SCHEDULES").ok().and_then(|count| count.parse().ok());
    let schedules = schedules.unwrap_or(1_500);
    shuttle::check_random(scenario, schedules);
    shuttle::check_pct(scenario, schedules, 3);
}
