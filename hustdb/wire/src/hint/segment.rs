//! A segment that is being written. It has one writer, which created it and holds its lock.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    SEGMENT_MAX_BYTES, SEGMENT_SUFFIX, folder,
    format::{HEADER_BYTES, Header},
};
use crate::host::Host;

/// Closed after this long without a new hint.
const IDLE_MAX: Duration = Duration::from_secs(1);
/// Closed after this long in any case.
const AGE_MAX: Duration = Duration::from_secs(60);

/// An open segment.
#[derive(Debug)]
pub struct Segment {
    file: File,
    size_bytes: u64,
    created: Instant,
    used: Instant,
}

impl Segment {
    /// A new one; its name and its header are durable.
    pub fn create(hints_dir: &Path, host: &Host, now_ms: u64, number: u64) -> io::Result<Segment> {
        let home = hints_dir.join(host.as_str());
        folder::make(&home)?;
        let name = format!("{now_ms:013}-{}-{number}{SEGMENT_SUFFIX}", std::process::id());
        let mut file = folder::create(&home.join(name))?;
        file.write_all(&Header { created_ms: now_ms }.encode())?;
        file.sync_data()?;
        folder::sync(&home)?;
        let now = Instant::now();
        Ok(Segment { file, size_bytes: HEADER_BYTES as u64, created: now, used: now })
    }

    /// Appends frames and syncs them. After an error the segment must not be used again.
    pub fn append(&mut self, frames: &[Vec<u8>]) -> io::Result<()> {
        for frame in frames {
            self.file.write_all(frame)?;
            self.size_bytes += frame.len() as u64;
        }
        self.used = Instant::now();
        self.file.sync_data()
    }

    /// Whether it is time to close it.
    pub fn is_done(&self) -> bool {
        self.size_bytes >= SEGMENT_MAX_BYTES
            || self.used.elapsed() >= IDLE_MAX
            || self.created.elapsed() >= AGE_MAX
    }
}
