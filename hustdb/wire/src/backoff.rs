//! How long to leave somebody alone who has failed: a first wait, doubling up to a longest one. Pure.

use std::time::Duration;

/// The waits to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// Waits that begin with `first` and never pass `longest`.
    pub const fn new(first: Duration, longest: Duration) -> Backoff {
        Backoff { first, longest, next: first }
    }

    /// The wait after this failure; the next one is longer.
    pub fn after_failure(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(self.longest);
        wait
    }

    /// After a success the next wait is the first again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }

    /// Whether nothing has failed since the last success.
    pub fn is_fresh(&self) -> bool {
        self.next == self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(5));
        assert!(backoff.is_fresh());
        let waits: Vec<u128> = (0..6).map(|_| backoff.after_failure().as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 5000, 5000]);
        assert!(!backoff.is_fresh());
        backoff.reset();
        assert_eq!(backoff.after_failure(), Duration::from_millis(500));
    }
}
