//! The engine: one database folder, its partitions, log and manifest.
//!
//! [`Engine`] is a handle; clones share one database. The state is in [`Inner`], which the background threads share;
//! what they do is in `flush.rs`, `compact.rs` and `reclaim.rs`, writing in `update.rs`.

use std::{
    any::Any,
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;

use crate::{
    Result,
    background::{Signal, Workers},
    batch::LANES,
    budget::Budget,
    fetch::{Cold, Fetch},
    head::{Head, Row},
    key::Key,
    log::{Log, ValueRead},
    manifest::Manifest,
    options::Options,
    outputs::TableFiles,
    partition::Partition,
    pressure::Pacer,
    reclaim::Reclaim,
    row::{Meta, Pointer},
    sight::Seen,
    slice::Slice,
    stats::Counters,
};

/// Handle to an open database. Clones share it; the last one dropped stops the background threads, but only
/// [`Engine::close`] reports errors.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
    /// Stops the threads with the last handle.
    pub(crate) workers: Arc<Workers>,
}

/// What a look at a row's layer gave.
enum Looked<R> {
    Done(Option<R>),
    /// The value is to be read from the content log, without the locks of the look.
    Stored(Meta, Pointer),
}

/// The state of an open database.
#[derive(Debug)]
pub(crate) struct Inner {
    pub options: Options,
    pub partitions: Vec<Partition>,
    pub log: Log,
    pub manifest: Mutex<Manifest>,
    pub tables: TableFiles,
    pub budget: Budget,
    pub max_stamp: AtomicU64,
    /// Bytes appended to the log since the engine was opened.
    pub appended_bytes: AtomicU64,
    pub signal: Signal,
    pub reclaim: Mutex<Reclaim>,
    /// Tables that a compaction is working on.
    pub busy_tables: Mutex<BTreeSet<u64>>,
    pub pacer: Pacer,
    pub counters: Counters,
    /// Holds the folder's lock.
    pub _lock: Box<dyn Any + Send + Sync>,
}

impl Engine {
    /// The newest row of a key. May block on the disk.
    pub fn get(&self, key: &Key) -> Result<Option<Row>> {
        loop {
            if let Fetch::Ready(row) = self.inner.row(key, Cold::Read)? {
                return Ok(row);
            }
        }
    }

    /// The newest row of a key, if that takes no disk access.
    pub fn try_get(&self, key: &Key) -> Result<Fetch<Option<Row>>> {
        self.inner.row(key, Cold::Refuse)
    }

    /// Shows the newest row of a key and its value where they lie, if that takes no disk access: nothing is copied or
    /// counted that `show` does not ask for. `None` if there is no row, or none that `fits` by meta and user key.
    ///
    /// Both must be short and ask nothing of this engine: locks may be held. `show` is run once.
    pub fn try_show<R>(
        &self,
        key: &Key,
        fits: impl Fn(&Meta, &[u8]) -> bool,
        mut show: impl FnMut(&Meta, Seen<'_>) -> R,
    ) -> Result<Fetch<Option<R>>> {
        self.inner.show(key, Cold::Refuse, fits, &mut show)
    }

    /// The newest row of a key without a value in the content log, if that takes no disk access.
    pub fn try_head(&self, key: &Key) -> Result<Fetch<Option<Head>>> {
        self.inner.partition(key).view().find(key, Cold::Refuse)
    }

    /// The newest row of a key without a value in the content log. May block on the disk.
    pub fn head(&self, key: &Key) -> Result<Option<Head>> {
        match self.inner.partition(key).view().find(key, Cold::Read)? {
            Fetch::Ready(head) => Ok(head),
            Fetch::Cold => Err(crate::Error::Busy("a cold read did not block")),
        }
    }

    /// The value of a head, if that takes no disk access. Also `Cold` if the value has moved since the head was read
    /// (never inside `decide` of an update): read the row again.
    pub fn value_of(&self, head: &Head) -> Result<Fetch<Slice>> {
        let Some(pointer) = head.pointer else {
            return Ok(Fetch::Ready(head.inline_value().unwrap_or_default().into()));
        };
        Ok(match self.inner.log.read(pointer, Cold::Refuse)? {
            ValueRead::Ready(value) => Fetch::Ready(value),
            ValueRead::Cold | ValueRead::Gone => Fetch::Cold,
        })
    }

    /// The sums of a slot.
    pub fn tally(&self, slot: u16) -> [i64; LANES] {
        let mut sums = [0i64; LANES];
        for partition in &self.inner.partitions {
            sums.iter_mut()
                .zip(partition.tallies.slot(slot))
                .for_each(|(sum, part)| *sum = sum.wrapping_add(part));
        }
        sums
    }

    /// The sum of a lane over all slots; costs nothing.
    pub fn tally_total(&self, lane: u8) -> i64 {
        let parts = self.inner.partitions.iter().map(|partition| partition.tallies.total(lane));
        parts.fold(0, i64::wrapping_add)
    }

    /// The greatest stamp of any row ever stored here.
    pub fn max_stamp(&self) -> u64 {
        self.inner.max_stamp.load(Relaxed)
    }

    /// Bytes free on the file system of the database.
    pub fn free_bytes(&self) -> Result<u64> {
        let dir = &self.inner.options.dir;
        self.inner.options.vfs.free_bytes(dir).map_err(|e| crate::Error::io(dir.display().to_string(), e))
    }

    /// How it was opened.
    pub fn options(&self) -> &Options {
        &self.inner.options
    }
}

impl Inner {
    pub fn partition(&self, key: &Key) -> &Partition {
        // In range: there are `1 << partition_bits` of them.
        &self.partitions[key.partition(self.options.partition_bits)]
    }

    /// The newest row. A row whose segment was collected between the two look-ups has a newer place: look again.
    pub fn row(&self, key: &Key, cold: Cold) -> Result<Fetch<Option<Row>>> {
        loop {
            let head = match self.partition(key).view().find(key, cold)? {
                Fetch::Ready(Some(head)) => head,
                Fetch::Ready(None) => return Ok(Fetch::Ready(None)),
                Fetch::Cold => return Ok(Fetch::Cold),
            };
            let Some(pointer) = head.pointer else {
                return Ok(Fetch::Ready(Some(Row::new(head, None))));
            };
            match self.log.read(pointer, cold)? {
                ValueRead::Ready(value) => return Ok(Fetch::Ready(Some(Row::new(head, Some(value))))),
                ValueRead::Cold => return Ok(Fetch::Cold),
                ValueRead::Gone => self.check_still_there(key, pointer)?,
            }
        }
    }

    /// Shows the newest row that fits, as [`Engine::try_show`] does.
    fn show<R>(
        &self,
        key: &Key,
        cold: Cold,
        fits: impl Fn(&Meta, &[u8]) -> bool,
        show: &mut impl FnMut(&Meta, Seen<'_>) -> R,
    ) -> Result<Fetch<Option<R>>> {
        loop {
            let looked = self.partition(key).view().look(key, cold, |row| {
                let Some(row) = row.filter(|row| fits(&row.meta, row.user_key())) else {
                    return Looked::Done(None);
                };
                let meta = row.meta;
                match row.pointer {
                    None => Looked::Done(Some(show(&meta, Seen::inline(row)))),
                    Some(pointer) => Looked::Stored(meta, pointer),
                }
            })?;
            let (meta, pointer) = match looked {
                Fetch::Cold => return Ok(Fetch::Cold),
                Fetch::Ready(Looked::Done(shown)) => return Ok(Fetch::Ready(shown)),
                Fetch::Ready(Looked::Stored(meta, pointer)) => (meta, pointer),
            };
            match self.log.read(pointer, cold)? {
                ValueRead::Ready(value) => return Ok(Fetch::Ready(Some(show(&meta, Seen::stored(value))))),
                ValueRead::Cold => return Ok(Fetch::Cold),
                ValueRead::Gone => self.check_still_there(key, pointer)?,
            }
        }
    }

    /// A row that points into a segment that is gone must have been replaced meanwhile.
    fn check_still_there(&self, key: &Key, pointer: Pointer) -> Result<()> {
        match self.partition(key).view().find(key, Cold::Read)? {
            Fetch::Ready(Some(now)) if now.pointer == Some(pointer) => Err(crate::Error::damaged(
                self.segment_path(pointer.segment),
                0,
                "missing, yet a row needs it",
            )),
            _ => Ok(()),
        }
    }

    pub fn segment_path(&self, segment: u32) -> PathBuf {
        self.options.dir.join("log").join(format!("{segment:08}.log"))
    }

    /// Bytes of all memtables.
    pub fn memtable_bytes(&self) -> u64 {
        self.partitions.iter().map(Partition::memtable_bytes).sum()
    }
}
