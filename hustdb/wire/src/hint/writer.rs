//! Writes hints: one thread, which syncs what has come meanwhile together (group commit).
//!
//! Bytes on their way to the disk are bounded; a hint that would pass the bound fails at once. The thread owns all open
//! segments. When the [`Writer`] is dropped, what was handed over is written, the segments are closed, the thread ends.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    batch::{Batch, Waiting, by_host},
    folder::{Disk, RealDisk},
    format,
    segment::Segment,
};
use crate::{frame::RecordRef, host::Host};

/// Bytes of hints that may wait for the disk.
const WAITING_MAX_BYTES: usize = 256 << 20;
/// Open segments are looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// So much is written before what came meanwhile is left for the next sync.
const BATCH_MAX_BYTES: usize = 32 << 20;

/// Why a hint is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("hint: {0}")]
pub struct WriteError(String);

/// The writer of all segments of a process.
#[derive(Debug)]
pub struct Writer {
    sender: Option<Sender<Waiting>>,
    waiting_bytes: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread; nothing is created on disk before the first hint.
    pub fn start(hints_dir: PathBuf) -> io::Result<Writer> {
        Writer::over(RealDisk, hints_dir)
    }

    /// The same over any disk.
    pub(super) fn over(disk: impl Disk, hints_dir: PathBuf) -> io::Result<Writer> {
        let (sender, receiver) = channel();
        let waiting_bytes = Arc::new(AtomicUsize::new(0));
        let book = Book { disk, hints_dir, segments: HashMap::new(), created: 0 };
        let counted = waiting_bytes.clone();
        let thread =
            thread::Builder::new().name("hints".into()).spawn(move || run(book, &receiver, &counted))?;
        Ok(Writer { sender: Some(sender), waiting_bytes, thread: Some(thread) })
    }

    /// Keeps a record for a host; durable when this returns.
    pub async fn write(&self, host: &Host, noted_ms: u64, record: &RecordRef<'_>) -> Result<(), WriteError> {
        let frame = format::encode(noted_ms, record).map_err(|error| WriteError(error.to_string()))?;
        let length = frame.len();
        if self.waiting_bytes.fetch_add(length, Relaxed) > WAITING_MAX_BYTES {
            self.waiting_bytes.fetch_sub(length, Relaxed);
            return Err(WriteError("too many wait for the disk".into()));
        }
        let gone = || WriteError("the writer has ended".into());
        let (done, written) = oneshot::channel();
        let waiting = Waiting { host: host.clone(), noted_ms, frame, done };
        let sent = self.sender.as_ref().is_some_and(|sender| sender.send(waiting).is_ok());
        if !sent {
            self.waiting_bytes.fetch_sub(length, Relaxed);
            return Err(gone());
        }
        written.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer of hints panicked");
        }
    }
}

fn run<D: Disk>(mut book: Book<D>, hints: &Receiver<Waiting>, waiting_bytes: &AtomicUsize) {
    loop {
        match hints.recv_timeout(LOOK_EVERY) {
            Ok(first) => {
                let mut bytes = first.frame.len();
                let mut all = vec![first];
                while bytes < BATCH_MAX_BYTES
                    && let Ok(next) = hints.try_recv()
                {
                    bytes += next.frame.len();
                    all.push(next);
                }
                for batch in by_host(all) {
                    let size_bytes = batch.size_bytes();
                    book.settle(batch);
                    waiting_bytes.fetch_sub(size_bytes, Relaxed);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        book.segments.retain(|_, segment| !segment.is_done());
    }
}

/// The open segments, by the host as it is spelled.
struct Book<D: Disk> {
    disk: D,
    hints_dir: PathBuf,
    segments: HashMap<Box<str>, Segment<D::File>>,
    created: u64,
}

impl<D: Disk> Book<D> {
    fn settle(&mut self, batch: Batch) {
        let outcome = self.append(&batch).map_err(|cause| {
            // What of it has reached the disk is not known: it is never written again.
            self.segments.remove(batch.host.as_str());
            WriteError(cause.to_string())
        });
        batch.settle(&outcome);
    }

    fn append(&mut self, batch: &Batch) -> io::Result<()> {
        let host = &batch.host;
        if self.segments.get(host.as_str()).is_none_or(Segment::is_done) {
            self.created += 1;
            let dir: &Path = &self.hints_dir;
            let segment = Segment::create(&self.disk, dir, host, batch.noted_ms, self.created)?;
            self.segments.insert(host.as_str().into(), segment);
        }
        let segment = self.segments.get_mut(host.as_str());
        segment.ok_or(io::ErrorKind::NotFound)?.append(&batch.frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a disk that is full")]
    fn after_an_error_a_segment_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let host: Host = "a:1".parse().unwrap();
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let segments = HashMap::from([(host.as_str().into(), Segment::of(full))]);
        let hints_dir = folder.path().to_path_buf();
        let mut book = Book { disk: RealDisk, hints_dir, segments, created: 0 };
        let mut write = |frame: &[u8]| {
            let (done, mut written) = oneshot::channel();
            let (frames, waiting) = (vec![frame.to_vec()], vec![done]);
            book.settle(Batch { host: host.clone(), noted_ms: 7, frames, waiting });
            written.try_recv().unwrap()
        };
        assert!(write(b"lost").is_err());
        assert_eq!(hint::segments(folder.path(), &host).unwrap().len(), 0, "only that hint failed");
        assert_eq!((write(b"one"), write(b"two")), (Ok(()), Ok(())));
        let segments = hint::segments(folder.path(), &host).unwrap();
        let bytes = hint::read_segment(&segments[0]).unwrap();
        assert_eq!((segments.len(), &bytes[hint::HEADER_BYTES..]), (1, &b"onetwo"[..]));
    }
}
