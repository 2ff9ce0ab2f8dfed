//! The HA proxy: spreads keys over pairs of nodes and keeps both nodes of a pair equal.
//!
//! Reads its table, looks once at every node, then serves. Keeps no state that matters but the table file and the hint
//! logs, so any number of proxies may run, and one may replace another on the same port.

mod cache;
mod canon;
mod clock;
mod config;
mod get2;
mod health;
mod keeper;
mod manage;
mod metrics;
mod peer;
mod plan;
mod proxy;
mod read;
mod routes;
mod show;
mod table;
mod write;

use std::{
    path::Path,
    process::ExitCode,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use clap::Parser;
use hust_wire::{
    cli::{self, Failure, ServerArgs},
    config::Invalid,
    hint, log, memory,
    server::{self, Program},
    signal::Signals,
    table::Table,
};

use crate::{
    config::ProxyConfig,
    keeper::Keeper,
    proxy::{Front, Proxy},
    table::{Ids, Installer},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PROGRAM: Program =
    Program { name: "hustha", version: env!("CARGO_PKG_VERSION"), routes: routes::ROUTES, shares_port: true };

/// HA proxy of huststore
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
    let config: ProxyConfig = args.server.load()?;
    server::check(&config.server, &config.security)?;
    let (table, file) = read_table(&config.table)?;
    let ids = ids(&config)?;
    let (backends, (sync_host, sync_trust)) = (config.backend_hosts()?, config.sync_host()?);
    config.backend.trust()?;
    if args.server.check {
        return Ok(());
    }
    let level = log::init(&config.server.log_level);
    memory::without_huge_pages();
    let signals = Signals::new().map_err(Failure::other)?;
    let (keeper, stop) = Keeper::start(&config).map_err(Failure::other)?;
    let installer = Arc::new(Installer::new(config.table.clone(), backends, keeper.clone()));
    let first = {
        let installer = installer.clone();
        keeper.wait(async move { installer.first(table, file).await }).map_err(Failure::other)?
    };
    let tables = first.ok_or_else(|| Failure::other("table: a host has no node"))?;
    let proxy = Arc::new(Proxy {
        tables,
        installer,
        ids,
        flights: Arc::default(),
        hints: hint::Writer::start(config.hints.dir.clone()).map_err(Failure::other)?,
        debtor: Default::default(),
        counts: Default::default(),
        timeout: config.backend.timeout(),
        drain_timeout: config.server.drain_timeout(),
        fallback: config.fallback(),
        asks_for_credentials: config.asks_for_credentials().into(),
        sync_host,
        sync_trust,
        backend: config.backend.clone(),
        sync: config.sync.clone(),
        keeper: keeper.clone(),
    });
    keeper.spawn(health::poll(keeper.clone()));
    let running = server::start(PROGRAM, &config.server, &config.security, Front(proxy.clone()))?;
    let control = running.control();
    cli::announce(PROGRAM.name, running.address());
    let ended = signals.serve(running, || {
        args.server.reload(|config: ProxyConfig| {
            control.reload(&config.server, &config.security)?;
            proxy.asks_for_credentials.store(config.asks_for_credentials(), Relaxed);
            level.set(&config.server.log_level);
            Ok(())
        });
        reload_table(&proxy);
    });
    drop(stop);
    if ended { Ok(()) } else { Err(Failure::other("a worker panicked")) }
}

fn read_table(path: &Path) -> Result<(Table, Bytes), Invalid> {
    let wrong = |what: String| Invalid::new(format!("table: {}: {what}", path.display()));
    let file = table::read(path).map_err(|cause| wrong(cause.to_string()))?;
    let table = Table::parse(&file).map_err(|error| wrong(error.to_string()))?;
    Ok((table, file.into()))
}

fn ids(config: &ProxyConfig) -> Result<Ids, Invalid> {
    let path = &config.set_table.public_pem;
    let wrong = |what: String| Invalid::new(format!("set_table.public_pem: {}: {what}", path.display()));
    let pem = if path.as_os_str().is_empty() {
        String::new()
    } else {
        std::fs::read_to_string(path).map_err(|cause| wrong(cause.to_string()))?
    };
    Ids::new(&pem, Duration::from_millis(config.set_table.identifier_timeout_ms)).map_err(wrong)
}

/// Installs what the table file holds, without waiting for it.
fn reload_table(proxy: &Arc<Proxy>) {
    let shared = proxy.clone();
    proxy.keeper.spawn(async move {
        match shared.installer.reload(&shared.tables).await {
            Ok(etag) => tracing::info!("table {etag} is in force"),
            Err(error) => tracing::error!("the table stays as it was: {error}"),
        }
    });
}
