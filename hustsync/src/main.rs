//! The repairer: brings nodes what they missed, and compares pairs until they are equal.
//!
//! Counts the hints on disk, says that it serves, and then works in the background until told to end. It keeps nothing
//! that matters but on disk, so it may be killed at any moment.

mod background;
mod backlog;
mod clock;
mod config;
mod disk;
mod handler;
mod metrics;
mod nodes;
mod replay;
mod scrub;
mod shared;
mod status;
mod table;

use std::{process::ExitCode, sync::Arc};

use clap::Parser;
use hust_wire::{
    cli::{self, Failure, ServerArgs},
    log,
    server::{self, Program},
    signal::Signals,
};

use crate::{
    background::Background, backlog::Backlog, config::SyncConfig, handler::Sync, nodes::Watch,
    shared::Shared, table::Tables,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PROGRAM: Program = Program {
    name: "hustsync",
    version: env!("CARGO_PKG_VERSION"),
    routes: handler::ROUTES,
    shares_port: false,
};

/// Repairer of huststore: replays what a node missed, compares pairs
#[derive(Debug, Parser)]
#[command(version, disable_version_flag = true)]
struct Args {
    #[command(flatten)]
    server: ServerArgs,
}

fn main() -> ExitCode {
    cli::exit(PROGRAM.name, || run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), Failure> {
    let config: SyncConfig = args.server.load()?;
    server::check(&config.server, &config.security)?;
    config.backend.trust()?;
    let tables = Tables::new(config.table.clone());
    tables.refresh().map_err(Failure::Config)?;
    if args.server.check {
        return Ok(());
    }
    let level = log::init(&config.server.log_level);
    let signals = Signals::new().map_err(Failure::other)?;
    let shared = Shared {
        backlog: Arc::new(Backlog::new(config.hints.dir.clone(), config.payload_max_bytes())),
        tables: Arc::new(tables),
        watch: Arc::new(Watch::new(&config.hints.dir)),
        journal: Arc::default(),
    };
    let running = server::start(PROGRAM, &config.server, &config.security, Sync(shared.clone()))?;
    let (control, address) = (running.control(), running.address());
    let ready = move || {
        control.ready();
        cli::announce(PROGRAM.name, address);
    };
    let control = running.control();
    let background = Background::start(config, shared, ready).map_err(Failure::other)?;
    let reload = || {
        args.server.reload(|config: SyncConfig| {
            control.reload(&config.server, &config.security)?;
            level.set(&config.server.log_level);
            Ok(())
        });
    };
    let ended = signals.serve(running, reload);
    let ended = background.end() && ended;
    if ended { Ok(()) } else { Err(Failure::other("a thread panicked")) }
}
