//! What the engine suite measures: a key-value store behind one small trait, ours and the peers alike.
//!
//! All of them get the same budgets ([`Budget`]), no compression, a write-ahead log, and the same meaning of
//! "synced". A store lives in one worker process of its own (see `worker`), so that memory and written bytes can be
//! read from `/proc/self`.

use std::{
    io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

#[cfg(feature = "fjall")]
mod fjall;
mod hust;
#[cfg(feature = "rocksdb")]
mod rocks;

use crate::{clock::wait_at_most, report::OURS};

/// Any failure of a store; a benchmark can only report it and stop.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Memory every store may use.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Rows not yet in tables.
    pub memtable_bytes: u64,
    /// Cache of table blocks or rows.
    pub cache_bytes: u64,
}

/// The budget of every measurement.
pub const BUDGET: Budget = Budget { memtable_bytes: 64 << 20, cache_bytes: 256 << 20 };

/// An open store.
pub trait Store: Send + Sync {
    /// Writes a row; returns once the operating system has it (sync = os).
    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), Failure>;

    /// Writes a row; returns once it is on disk (sync = always).
    fn put_synced(&self, key: &[u8], value: &[u8]) -> Result<(), Failure>;

    /// Shows the value to `visit` without copying it where the store can; false if there is none.
    fn get(&self, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, Failure>;

    /// Flushes the memtables and waits until no flush and no compaction is left to do.
    fn settle(&self) -> Result<(), Failure>;

    /// Flushes, then compacts: a peer everything, ours what is due. Returns when done.
    fn compact(&self) -> Result<(), Failure>;

    /// Closes properly; nothing is asked of the store any more. The peers do it when dropped.
    fn close(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// The stores there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ours.
    Hust,
    /// RocksDB.
    #[cfg(feature = "rocksdb")]
    Rocks,
    /// fjall.
    #[cfg(feature = "fjall")]
    Fjall,
}

impl Kind {
    /// Ours first, then the peers that were compiled in.
    pub const ALL: &[Kind] = &[
        Kind::Hust,
        #[cfg(feature = "rocksdb")]
        Kind::Rocks,
        #[cfg(feature = "fjall")]
        Kind::Fjall,
    ];

    /// The name in tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Hust => OURS,
            #[cfg(feature = "rocksdb")]
            Kind::Rocks => "rocksdb",
            #[cfg(feature = "fjall")]
            Kind::Fjall => "fjall",
        }
    }

    /// Opens the store in `dir`, creating it where there is none; `synced` if [`Store::put_synced`] will be used.
    pub fn open(self, dir: &Path, budget: Budget, synced: bool) -> Result<Arc<dyn Store>, Failure> {
        match self {
            Kind::Hust => Ok(Arc::new(hust::Hust::open(dir, budget, synced)?)),
            #[cfg(feature = "rocksdb")]
            Kind::Rocks => Ok(Arc::new(rocks::Rocks::open(dir, budget)?)),
            #[cfg(feature = "fjall")]
            Kind::Fjall => Ok(Arc::new(fjall::Fjall::open(dir, budget)?)),
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Kind, String> {
        let known = || Kind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
        let found = Kind::ALL.iter().copied().find(|kind| kind.name() == name);
        found.ok_or_else(|| format!("no store {name:?} in this build; there are: {}", known()))
    }
}

/// Looks at the disk without a change before it counts as at rest: three seconds.
const QUIET_LOOKS: u32 = 300;

/// Waits until the files under `dir` occupy the same for three seconds; false if they do not within `limit`.
pub fn wait_for_rest(dir: &Path, limit: Duration) -> bool {
    let (mut last, mut quiet) = (0, 0);
    let rested = wait_at_most(limit, || {
        // A look that fails is no rest.
        let now = disk_bytes(dir).unwrap_or(0);
        quiet = if now == last { quiet + 1 } else { 0 };
        last = now;
        (quiet >= QUIET_LOOKS).then_some(())
    });
    rested.is_some()
}

/// Bytes that the files under `dir` occupy; files that vanish meanwhile count nothing.
pub fn disk_bytes(dir: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut total = 0;
    let mut folders: Vec<PathBuf> = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder != dir => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                Ok(meta) => total += meta.blocks() * 512,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(total)
}
