//! The hints on disk: which hosts have any, how many, and how far each segment is.
//!
//! A folder of `hints.dir` whose name is a legal host is a queue, from the moment it is seen. `survey.rs` reads what is
//! new in it, `queue.rs` holds what is known, `progress.rs` keeps how far each is replayed.

mod progress;
mod queue;
mod survey;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use hust_wire::{
    hint::{HEADER_BYTES, Reader},
    log::Failing,
};
use parking_lot::Mutex;

pub use progress::Progress;
pub use queue::{Counts, Queue, Settled, Task};
pub use survey::bad_path;

use crate::{clock, disk};
use survey::Survey;

/// All queues.
#[derive(Debug)]
pub struct Backlog {
    hints_dir: PathBuf,
    payload_max_bytes: usize,
    /// By the names of their folders.
    queues: Mutex<BTreeMap<String, Arc<Queue>>>,
    /// Whether they could not be listed when that was last tried.
    hidden: Failing,
    stop: AtomicBool,
}

impl Backlog {
    /// What is in this folder; nothing is read yet.
    pub fn new(hints_dir: PathBuf, payload_max_bytes: usize) -> Backlog {
        Backlog {
            hints_dir,
            payload_max_bytes,
            queues: Mutex::default(),
            hidden: Failing::default(),
            stop: AtomicBool::new(false),
        }
    }

    /// Looks at all folders once; blocks. Returns the queues that are new.
    pub fn survey(&self) -> Vec<Arc<Queue>> {
        let listed = disk::names(&self.hints_dir);
        let is_news = self.hidden.is_news(listed.is_err());
        let names = listed.unwrap_or_else(|cause| {
            if is_news {
                tracing::error!(folder = %self.hints_dir.display(), %cause, "hints cannot be listed");
            }
            Vec::new()
        });
        let mut new = Vec::new();
        for name in names {
            let Ok(host) = name.parse() else { continue };
            let queue = self
                .queues
                .lock()
                .entry(name.clone())
                .or_insert_with(|| {
                    let queue = Arc::new(Queue::new(host));
                    new.push(queue.clone());
                    queue
                })
                .clone();
            let survey = Survey {
                folder: &self.folder(&queue),
                queue: &queue,
                payload_max_bytes: self.payload_max_bytes,
                now_ms: clock::now_ms(),
                stop: &self.stop,
            };
            let looked = survey.run();
            let is_news = queue.looked(queue::FOLDER, looked.is_ok());
            if let Err(cause) = looked
                && is_news
            {
                tracing::error!(host = name, %cause, "a folder of hints cannot be read");
            }
        }
        new
    }

    /// Ends a survey that is under way.
    pub fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    /// The folder of a queue.
    pub fn folder(&self, queue: &Queue) -> PathBuf {
        self.hints_dir.join(queue.host.as_str())
    }

    /// A reader of a part of a segment.
    pub fn reader(&self, segment: &Path, task: &Task) -> std::io::Result<Reader<std::fs::File>> {
        let file = disk::open(segment)?;
        Ok(Reader::new(
            file,
            task.from.max(HEADER_BYTES as u64),
            task.to,
            task.growth,
            self.payload_max_bytes,
        ))
    }

    /// All queues, by the names of their folders.
    pub fn queues(&self) -> Vec<Arc<Queue>> {
        self.queues.lock().values().cloned().collect()
    }
}
