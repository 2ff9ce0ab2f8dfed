//! What all workers of a server share.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use arc_swap::ArcSwap;
use hyper::{
    HeaderMap,
    header::{AUTHORIZATION, HeaderValue},
    server::conn::http1::Builder,
};
use tokio_rustls::TlsAcceptor;

use super::{Handler, Program, Timeouts};
use crate::{
    access::Access,
    auth::Auth,
    config::{Invalid, SecurityConfig, ServerConfig},
    lifecycle::Lifecycle,
    metrics::Commands,
    refusal::Refusal,
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

/// The security in force.
#[derive(Debug)]
pub struct Guard {
    security: ArcSwap<Security>,
    /// Spares requests a look at `security` where there is nothing to check.
    auth_on: AtomicBool,
}

impl Guard {
    pub fn new(security: Security) -> Guard {
        let auth_on = AtomicBool::new(security.auth.is_on());
        Guard { security: ArcSwap::from_pointee(security), auth_on }
    }

    /// Puts `security` in force.
    pub fn set(&self, security: Security) {
        let auth_on = security.auth.is_on();
        self.security.store(Arc::new(security));
        self.auth_on.store(auth_on, Ordering::Release);
    }

    pub fn allows(&self, peer: IpAddr) -> bool {
        self.security.load().access.allows(peer)
    }

    /// Whether requests need credentials.
    pub fn asks_for_credentials(&self) -> bool {
        self.auth_on.load(Ordering::Acquire)
    }

    /// Checks the credentials of a request.
    pub fn authenticate(&self, headers: &HeaderMap, realm: &'static str) -> Result<(), Refusal> {
        if !self.asks_for_credentials() {
            return Ok(());
        }
        let shown = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        self.security.load().auth.check(shown, realm)
    }
}

/// What all workers share.
pub struct Shared<H> {
    pub program: Program,
    pub router: Router,
    pub handler: H,
    pub guard: Arc<Guard>,
    pub lifecycle: Arc<Lifecycle>,
    pub commands: Arc<Commands>,
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
        guard: Arc<Guard>,
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
            guard,
            lifecycle,
            commands: Arc::new(Commands::new(program.routes)),
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
        crate::metrics::server(&self.commands, self.connections.load(Ordering::Relaxed))
    }
}
