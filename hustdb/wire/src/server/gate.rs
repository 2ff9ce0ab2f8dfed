//! The order of checks on a request's head: access 403, auth 401, path 404, method 405, ready 503.

use hyper::{Method, StatusCode, http::request::Parts};

use super::{Handler, Shared};
use crate::{
    lifecycle::Phase,
    refusal::{Hint, Refusal},
    route::{Methods, Route},
};

/// Who answers an admitted request.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// The program.
    Route(&'a Route),
    /// `/status.html`.
    Status,
    /// `/version`.
    Version,
    /// `/metrics`.
    Metrics,
}

/// Decides on a head. `refused` is what was decided when the connection came.
pub fn admit<'a, H: Handler>(
    shared: &'a Shared<H>,
    head: &Parts,
    refused: Option<&Refusal>,
) -> Result<Target<'a>, Refusal> {
    if let Some(refusal) = refused {
        return Err(refusal.clone());
    }
    let path = head.uri.path();
    let Some(route) = shared.router.find(path) else {
        return own_path(shared, head, path);
    };
    authenticate(shared, head)?;
    check_method(route.methods, head)?;
    match shared.lifecycle.phase() {
        Phase::Starting => Err(not_ready()),
        Phase::Ready | Phase::Draining => Ok(Target::Route(route)),
    }
}

/// Whether of a GET nothing but its path decides; else it is for [`admit`].
pub fn is_open<H: Handler>(shared: &Shared<H>, refused: Option<&Refusal>) -> bool {
    refused.is_none() && !shared.guard.asks_for_credentials() && shared.lifecycle.phase() == Phase::Ready
}

/// The route of a GET where the gate is open; `None` leaves it to [`admit`].
pub fn route_of_get<'a, H: Handler>(shared: &'a Shared<H>, path: &str) -> Option<&'a Route> {
    shared.router.find(path).filter(|route| route.methods.allow(&Method::GET))
}

fn own_path<H: Handler>(shared: &Shared<H>, head: &Parts, path: &str) -> Result<Target<'static>, Refusal> {
    let target = match path {
        "/status.html" => return Ok(Target::Status),
        "/version" => Target::Version,
        "/metrics" => Target::Metrics,
        _ => {
            authenticate(shared, head)?;
            return Err(Refusal::new(StatusCode::NOT_FOUND, "path", "unknown"));
        }
    };
    check_method(Methods::READ, head)?;
    Ok(target)
}

fn authenticate<H: Handler>(shared: &Shared<H>, head: &Parts) -> Result<(), Refusal> {
    shared.guard.authenticate(&head.headers, shared.program.name)
}

fn check_method(methods: Methods, head: &Parts) -> Result<(), Refusal> {
    if methods.allow(&head.method) {
        return Ok(());
    }
    let reason = format!("use {}", methods.sentence());
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method", reason);
    Err(refusal.hinting(Hint::Allow(methods.header())))
}

/// 503 while starting.
pub fn not_ready() -> Refusal {
    Refusal::unavailable("status", "starting")
}
