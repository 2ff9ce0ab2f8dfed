//! Waiting for conditions of other processes and threads that cannot be waited for directly: they are asked every
//! few milliseconds. The thread parks in between; nothing is measured by the number of passes.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How often a condition is asked.
const PASS: Duration = Duration::from_millis(10);

/// Returns once `done` says so.
pub fn wait_until(mut done: impl FnMut() -> bool) {
    while !done() {
        thread::park_timeout(PASS);
    }
}

/// Asks until `done` has an answer; `None` after `limit`.
pub fn wait_at_most<T>(limit: Duration, mut done: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = done() {
            return Some(answer);
        }
        if start.elapsed() > limit {
            return None;
        }
        thread::park_timeout(PASS);
    }
}

/// Parks until `moment`; returns at once when it has passed.
pub fn park_until(moment: Instant) {
    loop {
        let left = moment.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        thread::park_timeout(left);
    }
}
