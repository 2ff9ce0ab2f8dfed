//! One connection from its first byte to its close.
//!
//! hyper drives the exchanges; around it, this task watches the deadlines and the drain, and decides how the
//! connection ends: as hyper left it, with an answer hyper could not give, or silently. What it needs only to begin
//! (TLS) and to end lives on the heap for that time, since an idle connection would keep room for it.

use std::{future::poll_fn, net::IpAddr, pin::Pin, sync::Arc, task::Poll, time::Duration};

use hyper::{StatusCode, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    time::{sleep_until, timeout},
};

use super::{
    Handler, Shared, Timeouts,
    exchange::{Link, Local, exchange},
    farewell,
    pulse::{Pulse, Verdict},
    roster::Roster,
    transport::{Stream, Transport},
};
use crate::refusal::Refusal;

/// How long a client that will be refused anyway may take.
const REFUSED_TIMEOUT: Duration = Duration::from_secs(5);

/// A client that was accepted.
pub struct Client {
    pub stream: TcpStream,
    pub peer: IpAddr,
    pub refused: Option<Refusal>,
}

enum End {
    Finished(hyper::Result<()>),
    Late,
    Close,
}

/// Serves a client until its connection ends.
pub async fn serve<H: Handler>(
    shared: Arc<Shared<H>>,
    local: Arc<Local<H>>,
    roster: Arc<Roster>,
    client: Client,
) {
    let Client { stream, peer, refused } = client;
    let mut timeouts = shared.timeouts;
    if refused.is_some() {
        timeouts.keepalive = timeouts.keepalive.min(REFUSED_TIMEOUT);
        timeouts.request = timeouts.request.min(REFUSED_TIMEOUT);
    }
    let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    let _entry = roster.enter(&waker);
    let stream = match &shared.tls {
        None => Stream::Plain(TokioIo::new(stream)),
        Some(tls) => match timeout(timeouts.request, Box::pin(tls.accept(stream))).await {
            Ok(Ok(stream)) => Stream::Tls(Box::new(TokioIo::new(stream))),
            _ => return,
        },
    };
    let pulse = Arc::new(Pulse::new());
    let link = Link { shared, local, pulse, waker, peer, refused };
    run(&link, stream, timeouts, &roster).await;
}

async fn run<H: Handler>(link: &Link<H>, stream: Stream, timeouts: Timeouts, roster: &Roster) {
    let pulse = &link.pulse;
    let transport = Transport::new(stream, link);
    let mut http =
        link.shared.http.serve_connection(transport, service_fn(|request| exchange(link, request)));
    let mut alarm =
        Box::pin(sleep_until(tokio::time::Instant::now() + timeouts.request.min(timeouts.keepalive)));
    let (mut told, mut set) = (false, false);
    let end = poll_fn(|cx| {
        if let Poll::Ready(result) = Pin::new(&mut http).poll(cx) {
            return Poll::Ready(End::Finished(result));
        }
        // Told to end between two requests, hyper would drop a head it has read in part, and an answer it knows nothing of.
        if !told && roster.is_draining() && !pulse.is_reading_head() && !pulse.is_blocked() {
            told = true;
            Pin::new(&mut http).graceful_shutdown();
            if let Poll::Ready(result) = Pin::new(&mut http).poll(cx) {
                return Poll::Ready(End::Finished(result));
            }
        }
        // A request that came with others waits. Those that only let others go first are answered in their next turn,
        // and that is what answers held are kept for.
        if pulse.is_holding() {
            pulse.release();
            cx.waker().wake_by_ref();
        }
        // Once set, the alarm wakes this task by itself; asking it each time would cost every request.
        while (!set || alarm.is_elapsed()) && alarm.as_mut().poll(cx).is_ready() {
            set = false;
            match pulse.verdict(timeouts) {
                Verdict::Wait(until) => alarm.as_mut().reset(until),
                Verdict::Late => return Poll::Ready(End::Late),
                Verdict::Close => return Poll::Ready(End::Close),
            }
        }
        set = true;
        Poll::Pending
    })
    .await;
    let parts = http.into_parts();
    // In the middle of an earlier answer nothing can be said any more.
    if matches!(end, End::Close) || (matches!(end, End::Late) && pulse.is_blocked()) {
        return;
    }
    let Some(stream) = Box::pin(farewell::finish(parts.io)).await else { return };
    match end {
        End::Finished(Err(error)) => {
            let status = match pulse.swallowed() {
                Some(_) if farewell::is_target_too_long(&parts.read_buf) => Some(StatusCode::URI_TOO_LONG),
                Some(status) => Some(status),
                None => error.is_parse().then_some(StatusCode::BAD_REQUEST),
            };
            if let Some(status) = status {
                Box::pin(farewell::refuse(stream, farewell::refusal(status))).await;
            } else {
                Box::pin(farewell::close(stream, pulse.lingers())).await;
            }
        }
        End::Finished(Ok(())) | End::Close => Box::pin(farewell::close(stream, pulse.lingers())).await,
        End::Late => Box::pin(farewell::refuse(stream, farewell::refusal(StatusCode::REQUEST_TIMEOUT))).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{answer::Answer, request::Request};

    struct Silent;

    impl Handler for Silent {
        type Worker = ();

        fn worker(&self, _: usize) {}

        async fn handle(&self, (): &(), _: &mut Request) -> Answer {
            Answer::empty(StatusCode::OK)
        }

        fn metrics(&self, _: &mut String) {}
    }

    fn future_bytes<A, B, C, D, F>(_: impl Fn(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_connection_that_waits_holds_no_room_for_how_it_begins_and_ends() {
        let bytes = future_bytes(serve::<Silent>);
        assert!(bytes <= 1664, "{bytes} bytes");
    }
}
