//! Paces what a comparison moves. Pure: it says how long to wait, and others wait.

use std::time::Duration;

/// Bytes a second over all that is moved.
#[derive(Debug, Clone, Copy)]
pub struct Throttle {
    rate_bytes: u64,
    /// When all that was moved is paid for, since some beginning.
    paid: Duration,
}

impl Throttle {
    /// So many bytes a second; 0 = as many as come.
    pub fn new(rate_bytes: u64) -> Throttle {
        Throttle { rate_bytes, paid: Duration::ZERO }
    }

    /// How long to wait after bytes were moved by `now`. Time in which nothing was moved is not made up for.
    pub fn wait(&mut self, bytes: u64, now: Duration) -> Duration {
        if self.rate_bytes == 0 {
            return Duration::ZERO;
        }
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate_bytes);
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.paid = self.paid.max(now).saturating_add(cost);
        self.paid.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_rate_holds_over_any_time() {
        let mut throttle = Throttle::new(1000);
        let steps = [
            (500, 0.0, 0.5),
            (500, 0.0, 1.0),
            (1000, 1.0, 1.0),
            (0, 2.0, 0.0),
            // Idle until 10: only the next second is free.
            (1000, 10.0, 1.0),
            (3000, 10.5, 3.5),
        ];
        for (bytes, now, expected) in steps {
            let waited = throttle.wait(bytes, SECOND.mul_f64(now));
            assert_eq!(waited, SECOND.mul_f64(expected), "{bytes} bytes at {now} s");
        }
    }

    #[test]
    fn no_limit_is_no_wait() {
        assert_eq!(Throttle::new(0).wait(u64::MAX, SECOND), Duration::ZERO);
        assert!(Throttle::new(1).wait(u64::MAX, SECOND) > SECOND);
    }
}
