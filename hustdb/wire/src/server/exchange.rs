//! One request and its answer: admit, take the body, handle, count.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Response,
    body::{Body, Incoming},
    header::{EXPECT, HeaderMap},
    http::request::Parts,
};

use super::{Handler, Shared, gate, gate::Target, intake, pulse::Pulse};
use crate::{
    answer::{Answer, Kind},
    lifecycle::Phase,
    metrics::Shard,
    refusal::Refusal,
    request::Request,
    route::BodyRule,
};

/// What the requests of one connection need.
pub struct Link<H: Handler> {
    pub shared: Arc<Shared<H>>,
    pub local: Arc<Local<H>>,
    pub pulse: Arc<Pulse>,
    pub peer: IpAddr,
    /// Why nothing on this connection is answered, if so.
    pub refused: Option<Refusal>,
}

/// What one worker keeps for itself.
pub struct Local<H: Handler> {
    pub worker: H::Worker,
    pub shard: Arc<Shard>,
}

/// Answers one request.
pub async fn exchange<H: Handler>(
    link: Arc<Link<H>>,
    request: hyper::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    link.pulse.head_read();
    let (mut parts, body) = request.into_parts();
    let is_head = parts.method == Method::HEAD;
    let admitted = gate::admit(&link.shared, &parts, link.refused.as_ref());
    let route = match &admitted {
        Ok(Target::Route(route)) => Some(route.id),
        _ => None,
    };
    let (answer, headers) = match admitted {
        Ok(target) => match take(&link.shared, target, body).await {
            Ok(body) => answer(&link, target, parts, body).await,
            Err(refusal) => (refusal.into(), std::mem::take(&mut parts.headers)),
        },
        Err(refusal) => (refuse(&link.shared, refusal, &parts, body).await, parts.headers),
    };
    if answer.close {
        link.pulse.set_linger();
    }
    let took_us = link.pulse.answering();
    link.local.shard.count(route, answer.status, took_us);
    Ok(answer.into_response(headers, is_head))
}

async fn take<H: Handler>(shared: &Shared<H>, target: Target, body: Incoming) -> Result<Bytes, Refusal> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let rule = match target {
        Target::Route(route) => route.body,
        _ => BodyRule::Ignored,
    };
    match rule {
        BodyRule::Ignored => intake::discard(body, shared.body_max).await.map(|()| Bytes::new()),
        BodyRule::Collected => intake::collect(body, shared.body_max).await,
        BodyRule::CollectedOver(more) => intake::collect(body, shared.body_max + more).await,
    }
}

/// A refusal leaves the connection usable if the body can be read to its end; a client that waits for `100 Continue`
/// sends none, so its connection ends.
async fn refuse<H: Handler>(shared: &Shared<H>, refusal: Refusal, parts: &Parts, body: Incoming) -> Answer {
    let answer = Answer::from(refusal);
    if answer.close || body.is_end_stream() {
        return answer;
    }
    if parts.headers.contains_key(EXPECT) || intake::discard(body, shared.body_max).await.is_err() {
        return answer.closing();
    }
    answer
}

async fn answer<H: Handler>(
    link: &Link<H>,
    target: Target,
    parts: Parts,
    body: Bytes,
) -> (Answer, HeaderMap) {
    link.pulse.handling();
    let answer = match target {
        Target::Route(route) => {
            let (method, target, headers) = (parts.method, parts.uri, parts.headers);
            let mut request = Request { method, target, headers, route: route.id, body, peer: link.peer };
            let answer = link.shared.handler.handle(&link.local.worker, &mut request).await;
            return (answer, request.headers);
        }
        Target::Status => status(link.shared.lifecycle.phase()),
        Target::Version => {
            let program = link.shared.program;
            Answer::ok(Kind::Text, format!("{} {}\n", program.name, program.version))
        }
        Target::Metrics => metrics(&link.shared),
    };
    (answer, parts.headers)
}

fn status(phase: Phase) -> Answer {
    match phase {
        Phase::Ready => Answer::ok(Kind::Text, Bytes::from_static(b"ok\n")),
        Phase::Starting => gate::not_ready().into(),
        Phase::Draining => Refusal::unavailable("status", "draining").into(),
    }
}

fn metrics<H: Handler>(shared: &Shared<H>) -> Answer {
    let mut text = shared.metrics();
    shared.handler.metrics(&mut text);
    text.push_str("# EOF\n");
    Answer::ok(Kind::Other("application/openmetrics-text; version=1.0.0; charset=utf-8"), text)
}
