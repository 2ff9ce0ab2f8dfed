//! The layers of a partition: freezing, flushing and compaction against writes, reads and snapshots. After
//! `partition.rs`, `flush.rs`, `compact.rs`, `snapshot.rs` and `view.rs`.

use std::{collections::BTreeMap, sync::Arc};

use shuttle::{
    sync::{
        Mutex, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
};

/// `Memtable`: newest value by key. Every value here is the position it was logged at.
#[derive(Default)]
struct Memtable {
    rows: RwLock<BTreeMap<u8, u64>>,
    frozen: AtomicBool,
}

impl Memtable {
    fn get(&self, key: u8) -> Option<u64> {
        self.rows.read().unwrap().get(&key).copied()
    }
}

struct Frozen {
    rows: Arc<Memtable>,
    end: u64,
}

type Table = Arc<BTreeMap<u8, u64>>;

/// `View`
#[derive(Clone, Default)]
struct View {
    active: Arc<Memtable>,
    frozen: Vec<Arc<Frozen>>,
    levels: [Vec<Table>; 2],
}

impl View {
    /// `View::find`
    fn find(&self, key: u8) -> Option<u64> {
        let frozen = || self.frozen.iter().find_map(|frozen| frozen.rows.get(key));
        let tables = || self.levels.iter().flatten().find_map(|table| table.get(&key).copied());
        self.active.get(key).or_else(frozen).or_else(tables)
    }
}

/// `Partition`; the swap of the view is one atomic step there, a short lock here.
#[derive(Default)]
struct Partition {
    writer: Mutex<()>,
    view: Mutex<Arc<View>>,
    install: Mutex<()>,
    flushing: Mutex<()>,
    flushed: AtomicU64,
}

impl Partition {
    fn view(&self) -> Arc<View> {
        self.view.lock().unwrap().clone()
    }

    /// `Partition::change`
    fn change(&self, edit: impl FnOnce(&mut View)) {
        let _one_at_a_time = self.install.lock().unwrap();
        let mut view = View::clone(&self.view());
        edit(&mut view);
        *self.view.lock().unwrap() = Arc::new(view);
    }

    /// `Partition::apply`, under the writer lock.
    fn apply(&self, key: u8, position: u64) {
        let view = self.view();
        let mut rows = view.active.rows.write().unwrap();
        assert!(!view.active.frozen.load(SeqCst), "insert into a frozen memtable");
        rows.insert(key, position);
    }

    /// `Partition::freeze`, under the writer lock.
    fn freeze(&self, end: u64) {
        self.change(|view| {
            if view.active.rows.read().unwrap().is_empty() {
                return;
            }
            let memtable = std::mem::take(&mut view.active);
            // `Memtable::freeze` takes the write lock, so that an insert under way ends first.
            let rows = memtable.rows.write().unwrap();
            memtable.frozen.store(true, SeqCst);
            drop(rows);
            view.frozen.insert(0, Arc::new(Frozen { rows: memtable, end }));
        });
    }
}

/// What partitions share: the end of the log.
#[derive(Default)]
struct Engine {
    partitions: [Partition; 2],
    end: AtomicU64,
}

impl Engine {
    /// `Inner::attempt`: one batch over some partitions, ascending.
    fn write(&self, partitions: &[usize], key: u8) -> u64 {
        let guards: Vec<_> =
            partitions.iter().map(|&index| self.partitions[index].writer.lock().unwrap()).collect();
        let position = self.end.fetch_add(1, SeqCst);
        partitions.iter().for_each(|&index| self.partitions[index].apply(key, position));
        drop(guards);
        position
    }

    /// `Inner::flush_partition` with `flush_frozen` and `install_flush`.
    fn flush(&self, index: usize) {
        let partition = &self.partitions[index];
        {
            let _writer = partition.writer.lock().unwrap();
            partition.freeze(self.end.load(SeqCst));
        }
        let _one_at_a_time = partition.flushing.lock().unwrap();
        let frozen = partition.view().frozen.clone();
        let Some(newest) = frozen.first() else { return };
        let mut table = BTreeMap::new();
        for layer in frozen.iter().rev() {
            table.extend(layer.rows.rows.read().unwrap().iter());
        }
        for position in table.values() {
            assert!(*position < newest.end, "a row from behind the flushed position");
        }
        partition.change(|view| {
            view.frozen.retain(|layer| !frozen.iter().any(|done| Arc::ptr_eq(done, layer)));
            view.levels[0].insert(0, Arc::new(table));
        });
        let before = partition.flushed.swap(newest.end, SeqCst);
        assert!(before <= newest.end, "the flushed position went back");
    }

    /// `Inner::compact` with `install_levels`: all of level 0 as it is now into level 1.
    fn compact(&self, index: usize) {
        let partition = &self.partitions[index];
        let levels = partition.view().levels.clone();
        let mut merged = BTreeMap::new();
        for table in levels.iter().flatten().collect::<Vec<_>>().into_iter().rev() {
            merged.extend(table.iter());
        }
        partition.change(|view| {
            let is_input = |table: &Table| levels.iter().flatten().any(|input| Arc::ptr_eq(input, table));
            view.levels.iter_mut().for_each(|tables| tables.retain(|table| !is_input(table)));
            view.levels[1].push(Arc::new(merged));
        });
    }

    /// `Engine::snapshot`
    fn snapshot(&self) -> Vec<View> {
        let guards: Vec<_> =
            self.partitions.iter().map(|partition| partition.writer.lock().unwrap()).collect();
        let end = self.end.load(SeqCst);
        self.partitions.iter().for_each(|partition| partition.freeze(end));
        let view = |partition: &Partition| View { active: Arc::default(), ..View::clone(&partition.view()) };
        let views = self.partitions.iter().map(view).collect();
        drop(guards);
        views
    }
}

/// A reader never sees a key go back, and sees at least what was there when it asked.
fn read(engine: &Engine, index: usize, key: u8, least: u64) {
    let mut last = Some(least);
    for _ in 0..3 {
        let found = engine.partitions[index].view().find(key);
        assert!(found >= last, "partition {index} key {key}: {found:?} after {last:?}");
        last = found;
    }
}

#[test]
fn no_row_is_lost_between_layers() {
    crate::explore(|| {
        let engine = Arc::new(Engine::default());
        let first = engine.write(&[0], 1);
        let work: [fn(&Engine); 4] = [
            |engine| {
                for _ in 0..2 {
                    let position = engine.write(&[0], 1);
                    read(engine, 0, 1, position);
                }
            },
            |engine| engine.flush(0),
            |engine| {
                engine.flush(0);
                engine.compact(0);
            },
            |engine| {
                engine.snapshot();
            },
        ];
        let spawn = |work: fn(&Engine)| {
            let engine = engine.clone();
            thread::spawn(move || work(&engine))
        };
        let threads = work.map(spawn);
        read(&engine, 0, 1, first);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(engine.partitions[0].view().find(1), Some(2), "the newest row");
    });
}

#[test]
fn a_snapshot_shows_batches_whole_and_stands_still() {
    crate::explore(|| {
        let engine = Arc::new(Engine::default());
        let writers = [1, 2].map(|key| {
            let engine = engine.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    engine.write(&[0, 1], key);
                }
            })
        });
        let flusher = {
            let engine = engine.clone();
            thread::spawn(move || {
                engine.flush(1);
                engine.compact(1);
                engine.flush(0);
            })
        };
        let snapshot = engine.snapshot();
        let seen = [1, 2].map(|key| snapshot[0].find(key));
        assert_eq!([1, 2].map(|key| snapshot[1].find(key)), seen, "a torn batch");
        writers.into_iter().for_each(|thread| thread.join().unwrap());
        flusher.join().unwrap();
        assert_eq!([1, 2].map(|key| snapshot[0].find(key)), seen, "a snapshot changed");
        assert_eq!([1, 2].map(|key| snapshot[1].find(key)), seen, "a snapshot changed");
    });
}
