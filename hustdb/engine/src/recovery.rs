//! Opening a database: the lock, the manifest, the tables, then the rows of the log that are not in tables yet.
//!
//! Bounded: tables are opened in parallel and only their indexes and filters read; the log is streamed from the
//! oldest flushed position, and a partition whose memtable is full is flushed before replay goes on. A crash at any
//! point leaves a folder that opens the same way again: nothing is removed before all that is needed has been found.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;

use crate::{
    Error, Result,
    background::Workers,
    budget::Budget,
    engine::{Engine, Inner},
    manifest::{Edit, Manifest, State},
    options::Options,
    outputs::TableFiles,
    partition::Partition,
    replay::Replay,
    table::{Table, TableMeta},
    view::Levels,
};

/// What `VERSION` says of folders this program writes.
const VERSION_LINE: &str = "huststore 1\n";

impl Engine {
    /// Opens the database in a folder, or creates one there.
    ///
    /// Refuses a folder that another process holds (`Busy`), that a newer version wrote (`Invalid`), or that is damaged
    /// anywhere but at the torn end of the log (`Damaged`, with file and offset).
    pub fn open(options: Options) -> Result<Engine> {
        check(&options)?;
        let vfs = options.vfs.clone();
        let io = |e| Error::io(format!("open {}", options.dir.display()), e);
        for dir in [options.dir.clone(), options.dir.join("log"), options.dir.join("table")] {
            vfs.create_dir_all(&dir).map_err(io)?;
        }
        let lock = vfs.lock(&options.dir.join("LOCK")).map_err(|e| match e.kind() {
            std::io::ErrorKind::WouldBlock => Error::Busy("the data folder is in use by another process"),
            _ => io(e),
        })?;
        check_version(&options)?;
        let mut manifest = if Manifest::exists(&*vfs, &options.dir)? {
            Manifest::open(vfs.clone(), &options.dir)?
        } else {
            refuse_orphans(&options)?;
            Manifest::create(vfs.clone(), &options.dir, State::new(options.partition_bits))?
        };
        if manifest.state().partition_bits != options.partition_bits {
            let bits = manifest.state().partition_bits;
            return Err(Error::Invalid(format!("the folder was created with {} partitions", 1u32 << bits)));
        }
        let clean_end = manifest.state().clean_end;
        if clean_end.is_some() {
            manifest.append(&Edit { clean_end: Some(None), ..Edit::default() })?;
        }
        let inner = Arc::new(Inner::build(options, manifest, lock, clean_end)?);
        let workers = Arc::new(Workers::start(&inner)?);
        Ok(Engine { inner, workers })
    }

    /// Flushes everything, makes it durable and closes. Other handles must not be used any more: they get errors.
    pub fn close(&self) -> Result<()> {
        self.workers.stop();
        for index in 0..self.inner.partitions.len() {
            self.inner.flush_partition(index)?;
        }
        self.inner.log.close()?;
        let clean_end = Some(Some(self.inner.log.end()));
        self.inner.manifest.lock().append(&Edit { clean_end, ..Edit::default() })
    }
}

impl Inner {
    fn build(
        options: Options,
        manifest: Manifest,
        lock: Box<dyn std::any::Any + Send + Sync>,
        clean_end: Option<u64>,
    ) -> Result<Inner> {
        let tables = TableFiles::new(&options);
        let state = manifest.state().clone();
        let levels = open_tables(&tables, &state)?;
        remove_orphan_tables(&options, &tables, &state)?;
        let partitions: Vec<Partition> = state
            .partitions
            .iter()
            .zip(levels)
            .map(|(partition, levels)| Partition::new(partition.flushed, &partition.accounts, levels))
            .collect();
        let mut replay = Replay::new(&options, &tables, &partitions, manifest);
        let log = replay.open_log(&state, clean_end)?;
        let (manifest, max_stamp, appended_bytes) = replay.finish();
        let inner = Inner {
            budget: Budget::new(&options),
            partitions,
            log,
            manifest,
            tables,
            max_stamp: AtomicU64::new(max_stamp),
            appended_bytes: AtomicU64::new(appended_bytes),
            signal: Default::default(),
            reclaim: Default::default(),
            busy_tables: Default::default(),
            pacer: Default::default(),
            counters: Default::default(),
            options,
            _lock: lock,
        };
        inner.share_memory();
        Ok(inner)
    }
}

fn check(options: &Options) -> Result<()> {
    let wrong = |what: &str| Err(Error::Invalid(what.into()));
    match options {
        o if o.partition_bits > 8 => wrong("partitions: over 256"),
        o if o.memtable_bytes < 1 << 16 => wrong("memtable: under 64 KiB"),
        o if o.segment_bytes < 1 << 12 => wrong("segment size: under 4 KiB"),
        o if o.segment_bytes > 1 << 30 => wrong("segment size: over 1 GiB"),
        _ => Ok(()),
    }
}

/// Writes `VERSION` into a new folder, whole or not at all; refuses one that a newer version wrote.
fn check_version(options: &Options) -> Result<()> {
    let (path, temporary) = (options.dir.join("VERSION"), options.dir.join("VERSION.tmp"));
    let (vfs, io) = (&options.vfs, |e| Error::io(path.display().to_string(), e));
    if vfs.exists(&path).map_err(io)? {
        let mut line = [0; 64];
        let len = vfs.open(&path).and_then(|file| file.read_at(&mut line, 0)).map_err(io)?;
        let line = line.get(..len).unwrap_or_default();
        if line == VERSION_LINE.as_bytes() {
            return Ok(());
        }
        let line = String::from_utf8_lossy(line);
        return Err(Error::Invalid(format!("the data folder is of another version: {:?}", line.trim_end())));
    }
    if vfs.exists(&temporary).map_err(io)? {
        vfs.remove(&temporary).map_err(io)?;
    }
    let file = vfs.create(&temporary).map_err(io)?;
    file.write_all_at(VERSION_LINE.as_bytes(), 0).and_then(|()| file.sync_data()).map_err(io)?;
    vfs.rename(&temporary, &path).and_then(|()| vfs.sync_dir(&options.dir)).map_err(io)
}

/// A folder with tables but without a manifest has lost its manifest: never start empty in its place.
fn refuse_orphans(options: &Options) -> Result<()> {
    let dir = options.dir.join("table");
    let tables = options.vfs.list(&dir).map_err(|e| Error::io(dir.display().to_string(), e))?;
    let log = options.dir.join("log");
    let segments = options.vfs.list(&log).map_err(|e| Error::io(log.display().to_string(), e))?;
    if tables.is_empty() && segments.is_empty() {
        return Ok(());
    }
    Err(Error::damaged(options.dir.join("MANIFEST"), 0, "missing, yet there are tables or segments"))
}

/// Opens all tables of all partitions, several at a time.
fn open_tables(files: &TableFiles, state: &State) -> Result<Vec<Levels>> {
    let metas: Vec<&TableMeta> = state.partitions.iter().flat_map(|partition| partition.tables()).collect();
    let opened: Vec<Mutex<Option<Result<Arc<Table>>>>> = metas.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let open_some = || {
        while let (Some(meta), Some(slot)) = {
            let at = next.fetch_add(1, Relaxed);
            (metas.get(at), opened.get(at))
        } {
            *slot.lock() = Some(files.open(meta));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get()).min(metas.len() / 4);
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(open_some);
        }
        open_some();
    });
    let mut opened = opened.into_iter().map(|slot| {
        slot.into_inner().unwrap_or_else(|| Err(Error::Invalid("a table was not opened".into())))
    });
    let mut all = Vec::new();
    for partition in &state.partitions {
        let mut levels = Levels::new();
        for tables in &partition.levels {
            levels.push(opened.by_ref().take(tables.len()).collect::<Result<Vec<_>>>()?);
        }
        all.push(levels);
    }
    Ok(all)
}

/// Removes tables that no edit names (a job was cut short); new ones get greater numbers than any of them.
fn remove_orphan_tables(options: &Options, files: &TableFiles, state: &State) -> Result<()> {
    let known: HashSet<u64> =
        state.partitions.iter().flat_map(|p| p.tables()).map(|table| table.id).collect();
    let dir = options.dir.join("table");
    for name in options.vfs.list(&dir).map_err(|e| Error::io(dir.display().to_string(), e))? {
        let Some(id) = name.strip_suffix(".table").and_then(|id| id.parse().ok()) else { continue };
        files.begin_after(id);
        if !known.contains(&id) {
            files.remove(id)?;
        }
    }
    Ok(())
}
