//! Waiting for a condition, never for a time.

use std::{
    thread,
    time::{Duration, Instant},
};

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks again and again until `met` says so; `false` if that takes longer than `limit`.
#[expect(clippy::disallowed_methods, reason = "a deadline for real processes")]
pub fn wait_until(limit: Duration, mut met: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if met() {
            return true;
        }
        if begun.elapsed() > limit {
            return false;
        }
        thread::park_timeout(LOOK_EVERY);
    }
}
