//! A segment that is being written. It has one writer, which created it and holds its lock.

use std::{io, path::Path, time::Duration};

use tokio::time::Instant;

use super::{
    SEGMENT_MAX_BYTES, SEGMENT_SUFFIX,
    folder::{self, Disk, SegmentFile},
    format::{HEADER_BYTES, Header},
};
use crate::host::Host;

/// Closed after this long without a new hint.
const IDLE_MAX: Duration = Duration::from_secs(1);
/// Closed after this long in any case.
const AGE_MAX: Duration = Duration::from_secs(60);

/// An open segment.
#[derive(Debug)]
pub struct Segment<F> {
    file: F,
    size_bytes: u64,
    created: Instant,
    used: Instant,
}

impl<F: SegmentFile> Segment<F> {
    /// A new one; its name and its header are durable.
    pub fn create<D>(disk: &D, hints_dir: &Path, host: &Host, now_ms: u64, number: u64) -> io::Result<Self>
    where
        D: Disk<File = F>,
    {
        let home = hints_dir.join(host.as_str());
        folder::make(disk, &home)?;
        // Another process, or one that was cut off, may have made the folder and not synced its name yet.
        disk.sync_folder(hints_dir)?;
        let name = format!("{now_ms:013}-{}-{number}{SEGMENT_SUFFIX}", std::process::id());
        let mut file = disk.create(&home.join(name))?;
        file.append(&Header { created_ms: now_ms }.encode())?;
        file.sync()?;
        disk.sync_folder(&home)?;
        let now = Instant::now();
        Ok(Segment { file, size_bytes: HEADER_BYTES as u64, created: now, used: now })
    }

    /// One of a file that is there.
    #[cfg(test)]
    pub fn of(file: F) -> Self {
        let now = Instant::now();
        Segment { file, size_bytes: 0, created: now, used: now }
    }

    /// Appends frames and syncs them. After an error the segment must not be used again.
    pub fn append(&mut self, frames: &[Vec<u8>]) -> io::Result<()> {
        for frame in frames {
            self.file.append(frame)?;
            self.size_bytes += frame.len() as u64;
        }
        self.used = Instant::now();
        self.file.sync()
    }

    /// Whether it is time to close it.
    pub fn is_done(&self) -> bool {
        self.size_bytes >= SEGMENT_MAX_BYTES
            || self.used.elapsed() >= IDLE_MAX
            || self.created.elapsed() >= AGE_MAX
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use tokio::time::advance;

    use super::{super::folder::RealDisk, *};

    fn segment(folder: &Path, number: u64) -> Segment<File> {
        Segment::create(&RealDisk, folder, &"a:1".parse().unwrap(), 1_700_000_000_000, number).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn is_closed_for_its_age_and_when_nothing_comes() {
        let folder = tempfile::tempdir().unwrap();
        let mut busy = segment(folder.path(), 1);
        for _ in 0..119 {
            advance(Duration::from_millis(500)).await;
            busy.append(&[b"x".to_vec()]).unwrap();
            assert!(!busy.is_done(), "a hint every half a second");
        }
        advance(Duration::from_millis(499)).await;
        assert!(!busy.is_done(), "59.999 s");
        advance(Duration::from_millis(1)).await;
        assert!(busy.is_done(), "60 s");
        let mut idle = segment(folder.path(), 2);
        advance(Duration::from_millis(900)).await;
        idle.append(&[b"x".to_vec()]).unwrap();
        advance(Duration::from_millis(999)).await;
        assert!(!idle.is_done(), "0.999 s after the last");
        advance(Duration::from_millis(1)).await;
        assert!(idle.is_done(), "1 s after the last");
    }

    #[tokio::test(start_paused = true)]
    async fn is_closed_at_64_mib() {
        let folder = tempfile::tempdir().unwrap();
        let mut segment = segment(folder.path(), 1);
        let rest = (64 << 20) - HEADER_BYTES;
        segment.append(&[vec![0; rest / 2], vec![0; rest - rest / 2 - 1]]).unwrap();
        assert!(!segment.is_done(), "a byte is left");
        segment.append(&[vec![0]]).unwrap();
        assert!(segment.is_done());
        assert_eq!(segment.file.metadata().unwrap().len(), 64 << 20);
    }
}
