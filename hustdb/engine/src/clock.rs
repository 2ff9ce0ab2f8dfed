//! The one door to time.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant, SystemTime},
};

/// Wall and monotonic time. Tests bring their own.
pub trait Clock: Send + Sync + Debug {
    /// Wall clock, unix milliseconds.
    fn now_ms(&self) -> u64;
    /// Time since some fixed moment, never going back.
    fn monotonic(&self) -> Duration;
}

/// The clock of the operating system.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time begins now.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn new() -> SystemClock {
        SystemClock { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn now_ms(&self) -> u64 {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that stands still until it is told otherwise; shared by reference, set from any thread.
#[derive(Debug, Default)]
pub struct SimClock {
    now_ms: AtomicU64,
    monotonic_ns: AtomicU64,
}

impl SimClock {
    /// A clock that shows `now_ms`, with monotonic time at zero.
    pub fn new(now_ms: u64) -> SimClock {
        SimClock { now_ms: AtomicU64::new(now_ms), monotonic_ns: AtomicU64::new(0) }
    }

    /// Moves both times on. The wall clock goes by the whole milliseconds that the monotonic time passes, so small
    /// steps add up.
    pub fn advance(&self, step: Duration) {
        let step_ns = u64::try_from(step.as_nanos()).unwrap_or(u64::MAX);
        let before_ns = self.monotonic_ns.fetch_add(step_ns, Relaxed);
        let passed_ms = before_ns.saturating_add(step_ns) / NS_PER_MS - before_ns / NS_PER_MS;
        self.now_ms.fetch_add(passed_ms, Relaxed);
    }

    /// Sets the wall clock, back too, as an administrator or a time server may. Monotonic time does not change.
    pub fn set_now_ms(&self, now_ms: u64) {
        self.now_ms.store(now_ms, Relaxed);
    }
}

const NS_PER_MS: u64 = 1_000_000;

impl Clock for SimClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Relaxed)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.monotonic_ns.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_steps_add_up() {
        let clock = SimClock::new(1000);
        for _ in 0..10 {
            clock.advance(Duration::from_micros(250));
        }
        assert_eq!(clock.now_ms(), 1002);
        assert_eq!(clock.monotonic(), Duration::from_micros(2500));
    }

    #[test]
    fn wall_clock_jumps_and_monotonic_time_does_not() {
        let clock = SimClock::new(1000);
        clock.advance(Duration::from_secs(1));
        clock.set_now_ms(5);
        assert_eq!(clock.now_ms(), 5);
        assert_eq!(clock.monotonic(), Duration::from_secs(1));
    }

    #[test]
    fn system_clock_goes_forward() {
        let clock = SystemClock::new();
        let first = clock.monotonic();
        assert!(clock.monotonic() >= first);
        // The first of January 2020: an unset clock would show 1970.
        assert!(clock.now_ms() > 1_577_836_800_000);
    }
}
