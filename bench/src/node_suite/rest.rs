//! Waiting until a server has nothing left to do on its disk.

use std::{path::Path, time::Duration};

use crate::{clock::wait_at_most, report::Report, store::disk_bytes};

/// Looks at the disk without a change before it counts as at rest: ten seconds. Ours flushes and compacts what is left
/// in memory only after three seconds without a write.
const QUIET_LOOKS: u32 = 1000;

/// Waits for rest, at most `limit`; what is on disk then is what is reported.
pub fn rest(report: &mut Report, name: &str, dir: &Path, limit: Duration) {
    let (mut last, mut quiet) = (0, 0);
    let rested = wait_at_most(limit, || {
        // A look that fails is no rest.
        let now = disk_bytes(dir).unwrap_or(0);
        quiet = if now == last { quiet + 1 } else { 0 };
        last = now;
        (quiet >= QUIET_LOOKS).then_some(())
    });
    if rested.is_none() {
        report.note(format!("{name}: the disk is not at rest after {} s", limit.as_secs()));
    }
}
