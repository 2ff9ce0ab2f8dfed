//! A whole server program on this crate, answering 256 fixed bytes: the figure to hold against `bare_hyper`.
//!
//! `hello --listen ADDR --set server.workers=2`, then `GET /hello`, or `PUT /hello` which answers the body's length.

use std::process::ExitCode;

use bytes::Bytes;
use clap::Parser;
use hust_wire::{
    Answer, Kind, Request,
    cli::{self, Failure, ServerArgs},
    config::{Config, Key, SECURITY_KEYS, SERVER_KEYS, SecurityConfig, ServerConfig},
    log,
    route::{BodyRule, Methods, Route},
    server::{self, Handler, Program},
    signal::Signals,
};
use hyper::Method;
use serde::{Deserialize, Serialize};

const BODY: &[u8] = &[b'x'; 256];
const PROGRAM: Program = Program {
    name: "hello",
    version: env!("CARGO_PKG_VERSION"),
    routes: &[Route {
        path: "/hello",
        methods: Methods::WRITE.and(Methods::HEAD),
        id: 0,
        body: BodyRule::Collected,
    }],
    shares_port: false,
};

#[derive(Default, Serialize, Deserialize)]
struct HelloConfig {
    server: ServerConfig,
    security: SecurityConfig,
}

impl Config for HelloConfig {
    fn keys() -> Vec<Key> {
        [SERVER_KEYS, SECURITY_KEYS].concat()
    }
}

struct Hello;

impl Handler for Hello {
    type Worker = ();

    fn worker(&self, _: usize) {}

    async fn handle(&self, (): &(), request: &mut Request) -> Answer {
        match *request.method() {
            Method::GET | Method::HEAD => Answer::ok(Kind::Text, Bytes::from_static(BODY)).with_version(1),
            _ => Answer::ok(Kind::Text, request.body.len().to_string()).with_version(1),
        }
    }

    fn metrics(&self, _: &mut String) {}
}

#[derive(Parser)]
#[command(version, disable_version_flag = true)]
struct Args {
    #[command(flatten)]
    server: ServerArgs,
}

fn main() -> ExitCode {
    cli::exit(PROGRAM.name, || run(&Args::parse().server))
}

fn run(args: &ServerArgs) -> Result<(), Failure> {
    let config: HelloConfig = args.load()?;
    if args.check {
        return Ok(());
    }
    let level = log::init(&config.server.log_level);
    let signals = Signals::new().map_err(Failure::other)?;
    let running = server::start(PROGRAM, &config.server, &config.security, Hello)?;
    let control = running.control();
    control.ready();
    cli::announce(PROGRAM.name, running.address());
    let reload = || match args.load::<HelloConfig>().and_then(|config| {
        level.set(&config.server.log_level);
        control.reload(&config.server, &config.security)
    }) {
        Ok(()) => tracing::info!("configuration read again"),
        Err(invalid) => tracing::error!("configuration not read again: {invalid}"),
    };
    match signals.serve(running, reload) {
        true => Ok(()),
        false => Err(Failure::other("a worker panicked")),
    }
}
