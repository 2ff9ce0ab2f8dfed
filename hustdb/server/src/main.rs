//! The storage node: keeps records, speaks HTTP.
//!
//! Opens the store, serves until told to end, drains, and closes the store so that the next start replays nothing.

mod config;
mod delivery;
mod handlers;
mod metrics;
mod node;
mod openapi;
mod refuse;
mod routes;

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, OnceLock},
};

use clap::Parser;
use hust_store::{Error, Store};
use hust_wire::{
    cli::{self, Failure, ServerArgs},
    log, memory,
    server::{self, Program},
    signal::Signals,
};

use crate::{config::NodeConfig, delivery::Delivery, node::Node};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PROGRAM: Program = Program {
    name: "hustdb",
    version: env!("CARGO_PKG_VERSION"),
    routes: routes::ROUTES,
    shares_port: false,
};

/// Storage node of huststore
#[derive(Debug, Parser)]
#[command(version, disable_version_flag = true)]
struct Args {
    #[command(flatten)]
    server: ServerArgs,
    /// Folder of the data; created if absent
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
}

fn main() -> ExitCode {
    cli::exit(PROGRAM.name, || run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), Failure> {
    let config: NodeConfig = args.server.load()?;
    let options = config.store_options(&args.data)?;
    server::check(&config.server, &config.security)?;
    let trust = config.trust()?;
    if args.server.check {
        return Ok(());
    }
    let level = log::init(&config.server.log_level);
    memory::without_huge_pages();
    let mut signals = Signals::new().map_err(Failure::other)?;
    let (slot, steering) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
    let delivery = Delivery::new();
    let node = Node::new(slot.clone(), steering.clone(), delivery.clone(), &config);
    let running = server::start(PROGRAM, &config.server, &config.security, node)?;
    let control = running.control();
    let opened = signals.unless_ended("opening", || Store::open(options)).map_err(Failure::other)?;
    let Some(store) = opened else {
        // What was opened so far is left as a crash would leave it: the next start begins anew.
        signals.drain(running);
        return Ok(());
    };
    let store = Arc::new(store.map_err(|error| Failure::other(unopened(&error)))?);
    let threads = config.store.binlog_threads;
    delivery.start(&store, threads, &config.security, trust).map_err(Failure::other)?;
    if steering.set(control.clone()).is_err() || slot.set(store.clone()).is_err() {
        return Err(Failure::other("the store was opened twice"));
    }
    control.ready();
    cli::announce(PROGRAM.name, running.address());
    let reload = || {
        args.server.reload(|config: NodeConfig| {
            let trust = config.trust()?;
            control.reload(&config.server, &config.security)?;
            delivery.speak_as(&config.security, trust);
            level.set(&config.server.log_level);
            Ok(())
        });
    };
    let ended = signals.serve(running, reload);
    delivery.stop();
    store.close().map_err(Failure::other)?;
    if ended { Ok(()) } else { Err(Failure::other("a worker panicked")) }
}

/// What can be done about damage.
const DAMAGE: &str = "put a copy of the folder in its place, or an empty one to be filled from the pair's other master \
                      (doc/store.md)";

/// Why the store was not opened, and what to do if it is for damage.
fn unopened(error: &Error) -> String {
    match error {
        Error::Engine(hust_engine::Error::Damaged { .. }) | Error::Damaged(_) => {
            format!("{error}; {DAMAGE}")
        }
        _ => error.to_string(),
    }
}
