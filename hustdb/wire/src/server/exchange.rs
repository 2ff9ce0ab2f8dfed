//! One request and its answer: admit, take the body, handle, count.
//!
//! hyper hands a request over while it reads, and asks for the answer when it writes. What needs no waiting is answered
//! at once, when the request is handed over: no future of all that a handler may ever do is made and moved, and what
//! the request borrows of hyper's read buffer is given back before hyper reads on, which then needs no other buffer.
//! For that, a handler of a request without a body that has to wait begins at once too.

use std::{
    convert::Infallible,
    future::Future,
    mem,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Response,
    body::{Body, Incoming},
    header::EXPECT,
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
    /// Wakes the task of the connection, all of whose futures hyper asks with this waker.
    pub waker: Waker,
    pub peer: IpAddr,
    /// Why nothing on this connection is answered, if so.
    pub refused: Option<Refusal>,
}

/// What one worker keeps for itself.
pub struct Local<H: Handler> {
    pub worker: H::Worker,
    pub shard: Arc<Shard>,
}

/// The answer to a request: there already, or to be waited for.
pub enum Exchange<'a> {
    Answered(Response<Full<Bytes>>),
    /// Asked when the request was handed over, and not since.
    Begun(Waiting<'a>),
    Waiting(Waiting<'a>),
    /// The answer was taken.
    Over,
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send + 'a>>;

impl Future for Exchange<'_> {
    type Output = Result<Response<Full<Bytes>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Exchange::Waiting(answer) = &mut *self {
            return answer.as_mut().poll(cx).map(Ok);
        }
        match mem::replace(&mut *self, Exchange::Over) {
            Exchange::Answered(answer) => Poll::Ready(Ok(answer)),
            // It wakes the task when there is more to be had.
            Exchange::Begun(answer) => {
                *self = Exchange::Waiting(answer);
                Poll::Pending
            }
            _ => Poll::Pending,
        }
    }
}

/// Takes a request on.
pub fn exchange<H: Handler>(link: &Link<H>, request: hyper::Request<Incoming>) -> Exchange<'_> {
    let (head, body) = request.into_parts();
    link.pulse.head_read(body.is_end_stream());
    let admitted = gate::admit(&link.shared, &head, link.refused.as_ref());
    let mut request = Request::new(head, 0, Bytes::new(), link.peer);
    if let Ok(Target::Route(route)) = admitted {
        request.route = route.id;
        if body.is_end_stream() {
            link.pulse.handling();
            let answer = link.shared.handler.answer_now(&link.local.worker, route.id, request.query());
            link.pulse.answered_at_once(answer.is_some());
            if let Some(answer) = answer {
                return Exchange::Answered(respond(link, answer, Some(route.id), request));
            }
            return begin(link, async move {
                let answer = link.shared.handler.handle(&link.local.worker, &mut request).await;
                let id = Some(request.route);
                respond(link, answer, id, request)
            });
        }
    }
    link.pulse.answered_at_once(false);
    Exchange::Waiting(Box::pin(wait(link, admitted, request, body)))
}

fn begin<'a, H: Handler>(
    link: &Link<H>,
    answer: impl Future<Output = Response<Full<Bytes>>> + Send + 'a,
) -> Exchange<'a> {
    let mut answer = Box::pin(answer);
    match answer.as_mut().poll(&mut Context::from_waker(&link.waker)) {
        Poll::Ready(answer) => Exchange::Answered(answer),
        Poll::Pending => Exchange::Begun(answer),
    }
}

/// Answers what takes its time.
async fn wait<H: Handler>(
    link: &Link<H>,
    admitted: Result<Target<'_>, Refusal>,
    mut request: Request,
    body: Incoming,
) -> Response<Full<Bytes>> {
    let (answer, route) = match admitted {
        Ok(Target::Route(route)) => {
            let taken = take(&link.shared, route.body, body).await;
            link.pulse.handling();
            let answer = match taken {
                Ok(body) => {
                    request.body = body;
                    link.shared.handler.handle(&link.local.worker, &mut request).await
                }
                Err(refusal) => refusal.into(),
            };
            (answer, Some(route.id))
        }
        Ok(target) => (own(&link.shared, target, body).await, None),
        Err(refusal) => (refuse(&link.shared, refusal, &request.head, body).await, None),
    };
    respond(link, answer, route, request)
}

/// Counts an answer and makes it HTTP.
fn respond<H: Handler>(
    link: &Link<H>,
    mut answer: Answer,
    route: Option<u16>,
    request: Request,
) -> Response<Full<Bytes>> {
    if answer.close {
        link.pulse.set_linger();
    }
    // The next request is for whoever serves then.
    answer.close |= link.shared.lifecycle.phase() == Phase::Draining;
    let took_us = link.pulse.answering(request.receipt);
    link.local.shard.count(route, answer.status, took_us);
    let is_head = request.head.method == Method::HEAD;
    answer.into_response(request.head.headers, is_head)
}

async fn take<H: Handler>(shared: &Shared<H>, rule: BodyRule, body: Incoming) -> Result<Bytes, Refusal> {
    match rule {
        BodyRule::Ignored => intake::discard(body, shared.body_max).await.map(|()| Bytes::new()),
        BodyRule::Collected => intake::collect(body, shared.body_max).await,
        BodyRule::CollectedOver(more) => intake::collect(body, shared.body_max + more).await,
    }
}

/// A refusal leaves the connection usable if the body can be read to its end; a client that waits for `100 Continue`
/// sends none, so its connection ends.
async fn refuse<H: Handler>(shared: &Shared<H>, refusal: Refusal, head: &Parts, body: Incoming) -> Answer {
    let answer = Answer::from(refusal);
    if answer.close || body.is_end_stream() {
        return answer;
    }
    if head.headers.contains_key(EXPECT) || intake::discard(body, shared.body_max).await.is_err() {
        return answer.closing();
    }
    answer
}

/// The server's own paths.
async fn own<H: Handler>(shared: &Shared<H>, target: Target<'_>, body: Incoming) -> Answer {
    if let Err(refusal) = take(shared, BodyRule::Ignored, body).await {
        return refusal.into();
    }
    match target {
        Target::Version => {
            Answer::ok(Kind::Text, format!("{} {}\n", shared.program.name, shared.program.version))
        }
        Target::Metrics => metrics(shared),
        Target::Status | Target::Route(_) => status(shared),
    }
}

fn status<H: Handler>(shared: &Shared<H>) -> Answer {
    match shared.lifecycle.phase() {
        Phase::Ready => match shared.handler.ailment() {
            None => Answer::ok(Kind::Text, Bytes::from_static(b"ok\n")),
            Some(reason) => Refusal::unavailable("status", reason).into(),
        },
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
