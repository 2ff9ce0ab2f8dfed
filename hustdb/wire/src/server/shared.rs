//! What all workers of a server share.

use std::sync::{Arc, atomic::AtomicUsize};

use arc_swap::ArcSwap;
use hyper::server::conn::http1::Builder;
use tokio_rustls::TlsAcceptor;

use super::{Handler, Program, Timeouts};
use crate::{
    access::Access,
    auth::Auth,
    config::{Invalid, SecurityConfig, ServerConfig},
    lifecycle::Lifecycle,
    metrics::Commands,
    route::Router,
};

/// Room for connections over `max_connections`, which are told so; beyond it they are only closed.
pub const REFUSED_MAX: usize = 1024;
const HEAD_MAX_BYTES: usize = 128 * 1024;
const WRITE_BUFFER_BYTES: usize = 512 * 1024;

/// Users and access list, exchanged as one on reload.
#[derive(Debug)]
pub struct Security {
    pub access: Access,
    pub auth: Auth,
}

impl Security {
    pub fn new(config: &SecurityConfig) -> Result<Security, Invalid> {
        let access = Access::parse(&config.access_allow)
            .map_err(|line| Invalid::new(format!("security.access_allow: {line}")))?;
        Ok(Security { access, auth: Auth::new(&config.user, &config.password) })
    }
}

/// What all workers share.
pub struct Shared<H> {
    pub program: Program,
    pub router: Router,
    pub handler: H,
    pub security: Arc<ArcSwap<Security>>,
    pub lifecycle: Arc<Lifecycle>,
    pub commands: Commands,
    /// Open connections, refused ones included.
    pub connections: AtomicUsize,
    pub connections_max: usize,
    pub body_max: usize,
    pub timeouts: Timeouts,
    pub drain_timeout: std::time::Duration,
    pub tls: Option<TlsAcceptor>,
    pub http: Builder,
}

impl<H: Handler> Shared<H> {
    pub fn new(
        program: Program,
        config: &ServerConfig,
        security: Arc<ArcSwap<Security>>,
        lifecycle: Arc<Lifecycle>,
        tls: Option<TlsAcceptor>,
        handler: H,
    ) -> Shared<H> {
        let mut http = Builder::new();
        http.auto_date_header(false)
            .header_read_timeout(None)
            .writev(true)
            .max_buf_size(WRITE_BUFFER_BYTES)
            .max_header_size(HEAD_MAX_BYTES);
        Shared {
            program,
            router: Router::new(program.routes),
            handler,
            security,
            lifecycle,
            commands: Commands::new(program.routes),
            connections: AtomicUsize::new(0),
            connections_max: config.max_connections,
            body_max: config.max_body_size.bytes() as usize,
            timeouts: Timeouts { keepalive: config.keepalive_timeout(), request: config.request_timeout() },
            drain_timeout: config.drain_timeout(),
            tls,
            http,
        }
    }
}

impl<H> Shared<H> {
    /// The metrics of the server, as Prometheus text.
    pub fn metrics(&self) -> String {
        crate::metrics::server(&self.commands, self.connections.load(std::sync::atomic::Ordering::Relaxed))
    }
}
