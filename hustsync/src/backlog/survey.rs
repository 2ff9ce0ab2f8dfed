//! Looks at a folder of hints: what is new in it is read and counted, what is done is ended.
//!
//! Everything here blocks. A segment without a whole header may be one whose writer has not locked it yet, so it is
//! left alone for a while; one with a header has been locked, so a free lock means that its writer is gone, and what
//! is read after that is all there will ever be.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use hust_wire::hint::{self, Growth, HEADER_BYTES, HintError, Piece, Reader, SEGMENT_SUFFIX, Source};

use super::{
    progress::{self, Progress},
    queue::{Queue, Reading, Segment},
};
use crate::disk;

/// What names of segments that were put aside end with.
pub const BAD_SUFFIX: &str = ".bad";
/// A segment without a whole header is removed when it is this old.
const HEADLESS_MAX_MS: u64 = 60_000;

/// How to look.
#[derive(Debug)]
pub struct Survey<'a> {
    pub folder: &'a Path,
    pub queue: &'a Queue,
    pub payload_max_bytes: usize,
    pub now_ms: u64,
    /// Ends the survey early.
    pub stop: &'a AtomicBool,
}

impl Survey<'_> {
    /// Looks at everything in the folder once.
    pub fn run(&self) -> io::Result<()> {
        let names: BTreeSet<String> = disk::names(self.folder)?.into_iter().collect();
        let lost = self.queue.retain(|name| names.contains(name));
        if lost > 0 {
            tracing::error!(host = %self.queue.host, lost, "segments with hints that were not replayed have vanished");
        }
        for name in &names {
            if self.stop.load(Relaxed) {
                return Ok(());
            }
            if name.ends_with(SEGMENT_SUFFIX) {
                self.look(name);
            } else if let Some(segment) =
                name.strip_suffix(".new").unwrap_or(name).strip_suffix(progress::SUFFIX)
                && !names.contains(segment)
            {
                disk::remove(&self.folder.join(name))?;
            }
        }
        if self.queue.counts().pending > 0 {
            self.queue.wake.notify_one();
        }
        Ok(())
    }

    /// Looks at one segment; one that cannot be read is for the next time.
    fn look(&self, name: &str) {
        let path = self.folder.join(name);
        let segment = self.queue.segment(name).unwrap_or_else(|| Segment::new(Progress::load(&path)));
        let looked = match segment.growth {
            Growth::Closed if segment.is_done() => self.end(name, &path, &segment),
            Growth::Closed => Ok(()),
            Growth::Open => self.read_on(name, &path, segment),
        };
        let wrong = looked.err().filter(|cause| cause.kind() != io::ErrorKind::NotFound);
        let is_news = self.queue.looked(name, wrong.is_none());
        if let Some(cause) = wrong.filter(|_| is_news) {
            tracing::error!(segment = %path.display(), %cause, "a segment cannot be read");
        }
    }

    fn read_on(&self, name: &str, path: &Path, segment: Segment) -> io::Result<()> {
        let file = disk::open(path)?;
        let header = hint::header(&file)?;
        let Some(header) = header else { return self.headless(name, path) };
        let growth = if hint::is_free(path)? { Growth::Closed } else { Growth::Open };
        // After the lock was seen free: this length is the last one.
        let end = file.metadata()?.len();
        let is_foreign = matches!(header, Err(HintError::Version(_)));
        if is_foreign && !segment.is_foreign {
            tracing::error!(segment = %path.display(), "a segment of an unknown version is left alone");
        }
        if is_foreign {
            let read_to = segment.read_to;
            let reading = Reading { read_to, hints: 0, first_ms: None, damaged: 0, growth, is_foreign };
            self.queue.read(name, segment, &reading);
            return Ok(());
        }
        let is_begun = segment.read_to >= HEADER_BYTES as u64;
        let from = segment.read_to.max(HEADER_BYTES as u64);
        let reader = Reader::new(file, from, end, growth, self.payload_max_bytes);
        let mut reading = count(reader, from, growth, self.stop)?;
        if header.is_err() && !is_begun {
            reading.damaged += 1;
        }
        if reading.damaged > 0 {
            tracing::error!(segment = %path.display(), places = reading.damaged, "a segment is damaged");
        }
        self.queue.read(name, segment, &reading);
        match self.queue.segment(name) {
            Some(segment) if segment.is_done() => self.end(name, path, &segment),
            _ => Ok(()),
        }
    }

    /// A segment without a whole header: it has no hint that counts.
    fn headless(&self, name: &str, path: &Path) -> io::Result<()> {
        let created_ms = name.split('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(0_u64);
        if self.now_ms.saturating_sub(created_ms) > HEADLESS_MAX_MS && hint::is_free(path)? {
            disk::end_segment(path, None)?;
        }
        Ok(())
    }

    /// Removes a segment that is done; one that is damaged is kept under another name.
    fn end(&self, name: &str, path: &Path, segment: &Segment) -> io::Result<()> {
        let bad = (segment.damaged > 0).then(|| bad_path(path));
        if disk::end_segment(path, bad.as_ref())? {
            disk::remove(&progress::path(path))?;
            self.queue.retain(|other| other != name);
        }
        Ok(())
    }
}

/// Where what cannot be replayed of a segment is put aside.
pub fn bad_path(segment: &Path) -> PathBuf {
    let mut name = segment.as_os_str().to_owned();
    name.push(BAD_SUFFIX);
    name.into()
}

/// Reads to the end.
fn count<S: Source>(
    mut reader: Reader<S>,
    from: u64,
    growth: Growth,
    stop: &AtomicBool,
) -> io::Result<Reading> {
    let mut reading =
        Reading { read_to: from, hints: 0, first_ms: None, damaged: 0, growth, is_foreign: false };
    loop {
        match reader.read()? {
            Piece::Hint { end, noted_ms } => {
                reading.read_to = end;
                reading.hints += 1;
                reading.first_ms.get_or_insert(noted_ms);
            }
            Piece::Damage { end } => {
                reading.read_to = end;
                reading.damaged += 1;
            }
            Piece::Torn { .. } | Piece::End => return Ok(reading),
        }
        if stop.load(Relaxed) {
            // What has not been read may still be there.
            return Ok(Reading { growth: Growth::Open, ..reading });
        }
    }
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
