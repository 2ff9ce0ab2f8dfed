//! One connection to a host.
//!
//! HTTP/1.1 as far as nodes need it: one request at a time, its answer read to the end, bytes through whoever holds the
//! connection and nobody else; nothing happens on a connection nobody waits for. hyper's client does the same with
//! channels between the caller and a dispatcher, and cost more than all the rest of a request through the proxy.
//!
//! A deadline touches the timer only if it is earlier than what the timer is set to; a timer that fires early is set
//! again.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, ReadBuf},
    task::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

use super::socket::Socket;

/// A connection.
pub struct Link {
    pub socket: Socket,
    /// What has come and is not yet taken.
    pub input: BytesMut,
    /// Wakes whoever waits for an answer, at the earliest of their deadlines so far.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Since when it has been unused.
    pub idle_since: Instant,
}

impl Link {
    /// A fresh socket.
    pub fn new(socket: Socket) -> Link {
        Link { socket, input: BytesMut::new(), alarm: None, idle_since: Instant::now() }
    }

    /// Whether a request could be sent, as far as can be seen from here: an end the host has sent shows, and so does
    /// what it said unasked.
    pub fn is_usable(&mut self) -> bool {
        let mut room = [0];
        let mut room = ReadBuf::new(&mut room);
        let mut cx = Context::from_waker(Waker::noop());
        // Out of the runtime's budget: after many that were closed the next would look as if nothing had come.
        let look = pin!(unconstrained(poll_fn(|cx| Pin::new(&mut self.socket).poll_read(cx, &mut room))));
        self.input.is_empty() && look.poll(&mut cx).is_pending()
    }

    /// Whether it is too late.
    pub fn poll_late(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        loop {
            ready!(alarm.as_mut().poll(cx));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(deadline);
        }
    }
}
