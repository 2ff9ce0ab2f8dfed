//! Long polling: clients that wait for a message, and what wakes them.
//!
//! `lines.rs` and `readers.rs` decide, `look.rs` asks a node about a queue somebody waits for, `watch.rs` hears from the
//! nodes that something happened, `evget.rs` and `evsub.rs` are the commands. A waiter is parked on the thread of its
//! connection; the state here is shared, behind one lock that is never held while anything is waited for.
//!
//! Nobody is woken because something should be there: every event (a put or nack that passed this front, a watch, an
//! arrival, a claim that ended) leads to a look at the node, and the answer decides. The polls of the view are looks
//! too. So delayed messages, redeliveries and puts to other fronts need no rules of their own.

mod agenda;
mod evget;
mod evsub;
mod give_back;
mod lines;
mod look;
mod readers;
mod seat;
mod watch;

use std::{collections::HashMap, time::Duration};

use hust_wire::{Answer, Request, backoff::Backoff};
use hyper::{
    HeaderMap, StatusCode, Uri,
    header::{HeaderValue, LOCATION},
};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, oneshot, watch as signal},
    time::Instant,
};

use self::{
    agenda::{Agenda, Spot},
    lines::Lines,
    readers::Readers,
};
pub use self::{
    evget::evget,
    evsub::evsub,
    give_back::lease,
    look::{astray, look, polled, published, straighten},
    readers::joint,
    seat::passed,
    watch::start,
};

/// A waiter that was woken in vain looks again after this: a node may count for a moment what it does not give.
const IN_VAIN: Backoff = Backoff::new(Duration::from_millis(5), Duration::from_millis(40));

/// Everybody who waits.
#[derive(Debug)]
pub struct Polls {
    state: Mutex<State>,
    /// Whether anybody waits.
    waits: signal::Sender<bool>,
    /// The next look is earlier than it was.
    sooner: Notify,
}

#[derive(Debug)]
struct State {
    lines: Lines<Seat>,
    readers: Readers<Seat>,
    agenda: Agenda,
    /// The looks under way; whether something happened since they were asked.
    looks: HashMap<Spot, bool>,
    draining: bool,
}

/// Leads to a waiter. Used under the lock, so one who is not in a line any more has been told why.
type Seat = oneshot::Sender<Wake>;

/// Why a waiter does not wait any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    /// This node has something.
    Go(usize),
    /// The index waited for may not be the next any more.
    Astray,
    /// The front ends.
    Draining,
}

impl Polls {
    /// Nobody waits. A node answers a look within `look_max`, or not at all.
    pub fn new(look_max: Duration) -> Polls {
        let state = State {
            lines: Lines::new(look_max + lines::CLAIM),
            readers: Readers::default(),
            agenda: Agenda::default(),
            looks: HashMap::new(),
            draining: false,
        };
        Polls { state: Mutex::new(state), waits: signal::Sender::new(false), sooner: Notify::new() }
    }

    /// Answers everybody who waits, and from now on everybody who would.
    pub fn drain(&self) {
        let mut state = self.state.lock();
        state.draining = true;
        let (waiters, readers) = (state.lines.clear(), state.readers.clear());
        for seat in waiters.into_iter().chain(readers) {
            // It may have gone.
            let _ = seat.send(Wake::Draining);
        }
    }

    /// How many wait for messages of normal and of push queues.
    pub fn counts(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.lines.waiting(), state.readers.waiting())
    }

    fn note_waiting(&self, state: &State) {
        let waits = state.lines.waiting() + state.readers.waiting() > 0;
        self.waits.send_if_modified(|known| std::mem::replace(known, waits) != waits);
    }

    fn plan(&self, state: &mut State, spot: Spot, at: Instant) {
        if state.agenda.add(spot, at) {
            self.sooner.notify_one();
        }
    }
}

/// Nothing came in time.
fn nothing() -> Answer {
    Answer::empty(StatusCode::NOT_FOUND)
}

/// Gives back what the head of a request borrows of its connection's read buffer, for a client that may wait long: what
/// is read next then needs no second buffer. The target stays as it was sent, but for the parameters that are `done`.
fn unburden(request: &mut Request, done: &[&str]) {
    request.head.headers = HeaderMap::new();
    let target = [request.path().as_bytes(), b"?", &request.query().without(done)].concat();
    if let Ok(uri) = Uri::try_from(target) {
        request.head.uri = uri;
    }
}

/// Sends the client where it finds what it waited for, with the query as it was sent.
fn redirect(path: &str, request: &Request) -> Answer {
    let query = request.head.uri.query().unwrap_or_default();
    let answer = Answer::empty(StatusCode::TEMPORARY_REDIRECT);
    match HeaderValue::try_from(format!("{path}?{query}")) {
        Ok(location) => answer.with_header(LOCATION, location),
        Err(_) => answer,
    }
}
