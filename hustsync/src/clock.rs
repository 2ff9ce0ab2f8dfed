//! The wall clock: the one door to it in this program.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix milliseconds.
#[expect(clippy::disallowed_methods, reason = "the door to the clock")]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
