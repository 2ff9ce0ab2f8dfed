//! Benchmarks of the engine and the node beside their peers, and a loader of real data.
//!
//! `hust-bench SUITE` measures ours and the peers in turn on this machine, prints medians and ratios, and writes JSON
//! and a plot. Absolute figures differ from machine to machine; the ratios are what is kept.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]
#![allow(clippy::disallowed_methods, reason = "a benchmark measures the real clock and the real disk")]

use std::process::ExitCode;

use clap::Parser;

mod args;
mod bare;
mod clock;
mod engine_suite;
mod load;
mod node_suite;
mod packages;
mod proc;
mod process;
mod report;
#[cfg(test)]
mod standin;
mod store;
mod task;
mod worker;
mod workload;

/// The node's allocator, for ours and for the peers that are written in Rust.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match args::Args::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hust-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
