//! One node: its state, what has been counted of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use hust_wire::{
    Host,
    health::{Event, Limits, State, Track},
};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// A node.
#[derive(Debug)]
pub struct Backend {
    /// Where it is.
    pub host: Host,
    limits: Limits,
    track: Mutex<Track>,
    /// The state of `track`, for those who only look.
    live: AtomicBool,
    /// Wakes whoever checks it.
    pub alarm: Notify,
    /// What has been counted of it.
    pub counts: Counts,
}

/// Counters of a node.
#[derive(Debug, Default)]
pub struct Counts {
    /// Requests sent to it, or tried to.
    pub asked: AtomicU64,
    /// Requests that were not done: no connection.
    pub not_connected: AtomicU64,
    /// Requests of which nothing is known.
    pub unknown: AtomicU64,
    /// Messages it took as a stand-in for another.
    pub stand_in: AtomicU64,
    /// Messages it gave out of queues that another owns.
    pub strays: AtomicU64,
}

impl Backend {
    pub fn new(host: Host, limits: Limits) -> Backend {
        Backend {
            host,
            limits,
            track: Mutex::default(),
            live: AtomicBool::new(false),
            alarm: Notify::new(),
            counts: Counts::default(),
        }
    }

    /// Whether it can be asked.
    pub fn is_live(&self) -> bool {
        self.live.load(Relaxed)
    }

    /// Takes in what a check or a request tells of it. Whether it has just come up.
    pub fn observe(&self, event: Event) -> bool {
        let mut track = self.track.lock();
        let before = track.state();
        track.observe(event, self.limits);
        let now = track.state();
        let risen = now == State::Up && before != State::Up;
        self.live.store(now == State::Up, Relaxed);
        if now != before {
            tracing::info!("{} is {now:?}", self.host);
        }
        risen
    }

    /// Counts one more.
    pub fn count(&self, counter: impl FnOnce(&Counts) -> &AtomicU64) {
        counter(&self.counts).fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn down_before_the_first_success_and_after_a_refused_connection() {
        let backend = Backend::new("a:1".parse().unwrap(), Limits { rise: 1, fall: 3 });
        assert!(!backend.is_live());
        assert!(backend.observe(Event::Good));
        assert!(backend.is_live() && !backend.observe(Event::Good));
        backend.observe(Event::RequestUnreachable);
        assert!(!backend.is_live());
        assert!(backend.observe(Event::Good));
        for event in [Event::Bad, Event::RequestLost] {
            backend.observe(event);
            assert!(backend.is_live());
        }
        backend.observe(Event::Bad);
        assert!(!backend.is_live());
    }
}
