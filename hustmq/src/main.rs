//! The queue front: one set of queues over many nodes, with long polling, push and request-reply.
//!
//! Looks once at every node, then serves. Keeps nothing that must outlive it, so any number of fronts may run, and one
//! may replace another on the same port.

mod acks;
mod backend;
mod config;
mod front;
mod get;
mod keeper;
mod kind;
mod metrics;
mod order;
mod place;
mod poll;
mod push;
mod put;
mod routes;
mod rpc;
mod settle;
mod show;
mod view;

use std::{
    process::ExitCode,
    sync::{Arc, atomic::AtomicUsize},
};

use clap::Parser;
use hust_wire::{
    cli::{self, Failure, ServerArgs},
    log, memory,
    server::{self, Program},
    signal::Signals,
};

use crate::{
    backend::Backend,
    config::FrontConfig,
    front::{Front, Service},
    keeper::Keeper,
    poll::Polls,
    push::Pushes,
    rpc::Rpc,
    view::View,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PROGRAM: Program =
    Program { name: "hustmq", version: env!("CARGO_PKG_VERSION"), routes: routes::ROUTES, shares_port: true };

/// Queue front of huststore
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
    let config: FrontConfig = args.server.load()?;
    server::check(&config.server, &config.security)?;
    let hosts = config.backend_hosts()?;
    if args.server.check {
        return Ok(());
    }
    let level = log::init(&config.server.log_level);
    memory::without_huge_pages();
    let signals = Signals::new().map_err(Failure::other)?;
    let (keeper, stop) = Keeper::start(&config).map_err(Failure::other)?;
    let limits = config.health.limits();
    let backends: Vec<_> = hosts.into_iter().map(|host| Arc::new(Backend::new(host, limits))).collect();
    keeper.begin_checks(&backends).map_err(Failure::other)?;
    let (server, security) = (config.server.clone(), config.security.clone());
    let front = Arc::new(Front {
        view: View::new(backends.len(), config.status_cache),
        turn: AtomicUsize::new(0),
        polls: Polls::new(config.health.timeout()),
        pushes: Pushes::default(),
        rpc: Arc::new(Rpc::new(&config.rpc)),
        config,
        keeper,
        backends,
    });
    if let Some(interval) = front.config.autost_interval() {
        front.keeper.wait(view::first(front.clone())).map_err(Failure::other)?;
        view::poll(&front, interval);
    }
    poll::start(&front);
    push::start(&front);
    let running = server::start(PROGRAM, &server, &security, Service(front))?;
    let control = running.control();
    cli::announce(PROGRAM.name, running.address());
    let ended = signals.serve(running, || {
        args.server.reload(|config: FrontConfig| {
            control.reload(&config.server, &config.security)?;
            level.set(&config.server.log_level);
            Ok(())
        });
    });
    drop(stop);
    if ended { Ok(()) } else { Err(Failure::other("a worker panicked")) }
}
