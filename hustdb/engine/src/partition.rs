//! One of the independent trees: a writer, a view, and the way from active memtable to table.
//!
//! Lock order: writer locks of partitions in ascending order, then the log's, then `install`. Under the writer lock
//! the order of log positions is the order of memtable inserts; a memtable is frozen under it together with the end
//! of the log, so it holds exactly the partition's rows below that position.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};

use crate::{
    accounts::{AccountsImage, LiveBytes, Tallies},
    log::DecodedEntry,
    memtable::Memtable,
    row::{RowRef, Value},
    view::{Frozen, Levels, View},
};

/// One tree.
#[derive(Debug)]
pub(crate) struct Partition {
    writer: Mutex<Writer>,
    view: ArcSwap<View>,
    /// Serialises changes of the view.
    install: Mutex<()>,
    /// Held by the one that flushes this partition.
    pub flushing: Mutex<()>,
    pub tallies: Tallies,
    /// Rows below this log position are in tables, durably.
    pub flushed: AtomicU64,
    /// Log bytes appended when the oldest row that is not in a table yet was written; `u64::MAX` = there is none.
    pub unflushed_since: AtomicU64,
    /// Bytes of the active memtable, for choosing which to freeze without its lock.
    pub active_bytes: AtomicU64,
    /// Bytes of frozen memtables.
    pub frozen_bytes: AtomicU64,
    /// Monotonic ms of the last write.
    pub written_at_ms: AtomicU64,
}

/// What only the holder of the writer lock may touch.
#[derive(Debug)]
pub(crate) struct Writer {
    pub live: LiveBytes,
}

impl Partition {
    pub fn new(flushed: u64, accounts: &AccountsImage, levels: Levels) -> Partition {
        let (live, tallies) = accounts.restore();
        let view = View { active: Arc::new(Memtable::new()), frozen: Vec::new(), levels };
        Partition {
            writer: Mutex::new(Writer { live }),
            view: ArcSwap::from_pointee(view),
            install: Mutex::new(()),
            flushing: Mutex::new(()),
            tallies,
            flushed: AtomicU64::new(flushed),
            unflushed_since: AtomicU64::new(u64::MAX),
            active_bytes: AtomicU64::new(0),
            frozen_bytes: AtomicU64::new(0),
            written_at_ms: AtomicU64::new(0),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock()
    }

    /// The present layers; cheap, without a count of its own. Not to be held across a wait.
    pub fn view(&self) -> arc_swap::Guard<Arc<View>> {
        self.view.load()
    }

    /// The present layers, to keep.
    pub fn view_full(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Bytes of all its memtables.
    pub fn memtable_bytes(&self) -> u64 {
        self.active_bytes.load(Relaxed) + self.frozen_bytes.load(Relaxed)
    }

    /// Applies an entry of the log: the same for a write and for replay. `since_bytes` is what had been appended to the
    /// log before it; `now_ms` 0 = no client has written.
    pub fn apply(&self, writer: &mut Writer, entry: &DecodedEntry<'_>, since_bytes: u64, now_ms: u64) {
        if let Value::Stored(pointer) = entry.value {
            writer.live.add(pointer.segment, pointer.len);
        }
        if let Some(kill) = entry.kill {
            writer.live.subtract(kill.segment, kill.len);
        }
        for tally in entry.tallies {
            self.tallies.add(tally.slot, tally.lane, tally.delta);
        }
        let view = self.view();
        view.active
            .insert(entry.key, &RowRef { meta: entry.meta, user_key: entry.user_key, value: entry.value });
        self.active_bytes.store(view.active.memory_bytes() as u64, Relaxed);
        self.unflushed_since.fetch_min(since_bytes, Relaxed);
        self.written_at_ms.fetch_max(now_ms, Relaxed);
    }

    /// Whether all its rows are in tables.
    pub fn memtable_is_empty(&self) -> bool {
        let view = self.view();
        view.active.is_empty() && view.frozen.is_empty()
    }

    /// Freezes the active memtable at log position `end`; nothing to do if it is empty. Under the writer lock.
    pub fn freeze(&self, writer: &Writer, end: u64, appended_bytes: u64) {
        let accounts = AccountsImage::take(&writer.live, &self.tallies);
        self.change(|view| {
            if view.active.is_empty() {
                return;
            }
            let memtable = std::mem::replace(&mut view.active, Arc::new(Memtable::new()));
            // In this order, so that nobody counts them twice and refuses writes for it.
            self.active_bytes.store(0, Relaxed);
            self.frozen_bytes.fetch_add(memtable.memory_bytes() as u64, Relaxed);
            view.frozen
                .insert(0, Arc::new(Frozen { rows: memtable.freeze(), end, appended_bytes, accounts }));
        });
    }

    /// Replaces flushed memtables by the table made of them. `flushed` are the oldest of the frozen ones.
    pub fn install_flush(&self, flushed: &[Arc<Frozen>], table: Arc<crate::table::Table>) {
        self.change(|view| {
            view.frozen.retain(|frozen| !flushed.iter().any(|done| Arc::ptr_eq(done, frozen)));
            if view.levels.is_empty() {
                view.levels.push(Vec::new());
            }
            if let Some(newest) = view.levels.first_mut() {
                newest.insert(0, table.clone());
            }
        });
        let bytes: usize = flushed.iter().map(|frozen| frozen.rows.memtable().memory_bytes()).sum();
        self.frozen_bytes.fetch_sub(bytes as u64, Relaxed);
    }

    /// Installs other levels, made of the present ones.
    pub fn install_levels(&self, make: impl FnOnce(&Levels) -> Levels) {
        self.change(|view| view.levels = make(&view.levels));
    }

    fn change(&self, edit: impl FnOnce(&mut View)) {
        let _one_at_a_time = self.install.lock();
        let mut view = View::clone(&self.view.load());
        edit(&mut view);
        self.view.store(Arc::new(view));
    }
}
