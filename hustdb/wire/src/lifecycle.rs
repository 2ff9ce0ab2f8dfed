//! Where a server is between its start and its end; `/status.html` tells it to health checks.

use std::sync::atomic::{AtomicU8, Ordering};

/// The phase of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Listening, but not ready to do anything yet.
    Starting,
    /// Serving.
    Ready,
    /// Ending: what is in flight is finished, nothing new is accepted.
    Draining,
}

/// The phase, shared by all threads. It only goes forward.
#[derive(Debug, Default)]
pub struct Lifecycle(AtomicU8);

impl Lifecycle {
    /// The phase now.
    pub fn phase(&self) -> Phase {
        match self.0.load(Ordering::Relaxed) {
            0 => Phase::Starting,
            1 => Phase::Ready,
            _ => Phase::Draining,
        }
    }

    /// Begins to serve.
    pub fn ready(&self) {
        self.0.fetch_max(1, Ordering::Relaxed);
    }

    /// Begins to end.
    pub fn drain(&self) {
        self.0.fetch_max(2, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_goes_forward() {
        let lifecycle = Lifecycle::default();
        assert_eq!(lifecycle.phase(), Phase::Starting);
        lifecycle.ready();
        assert_eq!(lifecycle.phase(), Phase::Ready);
        lifecycle.drain();
        lifecycle.ready();
        assert_eq!(lifecycle.phase(), Phase::Draining);
    }
}
