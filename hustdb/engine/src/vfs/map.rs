//! A file's bytes in memory, for readers that want no copy.
//!
//! A [`Map`] is a pointer, a length and an owner that keeps the memory alive: a `mmap` of a real file or the storage
//! of a simulated one. Other threads may write the same file meanwhile. The invariant that makes the shared slices
//! sound: **bytes are read only after they were written, and are never written again while a map lives**. Log segments
//! only grow at their end and tables never change, so whoever learns of a range (from the log's position, an index
//! entry, a pointer) learns of it after the bytes are there.

use std::{ffi::c_int, ffi::c_void, fmt, fs::File, io, sync::Arc};

use memmap2::{Advice, MmapOptions, MmapRaw};

use super::sim::Region;

/// Pages asked for in one `mincore` call.
const RESIDENT_PAGES: usize = 64;

unsafe extern "C" {
    safe fn getpagesize() -> c_int;
    fn mincore(addr: *mut c_void, len: usize, pages: *mut u8) -> c_int;
}

/// The first bytes of a file, readable as memory.
///
/// Its length is the capacity it was made with, which may pass the end of a file that is still growing. Bytes beyond
/// the end of the file must not be read (the kernel would kill the process).
pub struct Map {
    start: *const u8,
    len: usize,
    owner: Owner,
}

enum Owner {
    /// No bytes at all; the kernel maps no empty ranges.
    Nothing,
    File(#[expect(dead_code, reason = "held, not used")] MmapRaw),
    Memory(#[expect(dead_code, reason = "held, not used")] Arc<Region>),
}

// SAFETY: the memory stays where it is until the owner is dropped with the `Map`, and the `Map` never writes to it.
// Writes of others do not touch bytes that a reader may look at (see the header).
unsafe impl Send for Map {}
// SAFETY: as above.
unsafe impl Sync for Map {}

impl Map {
    /// Maps the first `capacity` bytes of `file`, which stays mapped even if the file is closed or unlinked.
    pub(super) fn of_file(file: &File, capacity: u64) -> io::Result<Arc<Map>> {
        let len = usize::try_from(capacity).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        if len == 0 {
            return Ok(Arc::new(Map { start: std::ptr::dangling(), len, owner: Owner::Nothing }));
        }
        let raw = MmapOptions::new().len(len).map_raw_read_only(file)?;
        // Point reads dominate; whoever reads long runs uses `read_at`, whose read-ahead this does not touch. Advice
        // that the kernel does not take costs speed only.
        let _ = raw.advise(Advice::Random);
        Ok(Arc::new(Map { start: raw.as_ptr(), len, owner: Owner::File(raw) }))
    }

    /// Shows the first `capacity` bytes of a simulated file, or `None` if its region is smaller.
    pub(super) fn of_region(region: Arc<Region>, capacity: u64) -> Option<Arc<Map>> {
        let len = usize::try_from(capacity).ok().filter(|&len| len <= region.capacity())?;
        Some(Arc::new(Map { start: region.start(), len, owner: Owner::Memory(region) }))
    }

    /// Capacity in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the capacity is zero.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All bytes. Where the file is still being written, prefer [`Map::get`], which names only what is read.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `start` and `len` describe memory that the owner keeps mapped, initialised (zeros where nothing was
        // written) and readable up to the end of the file; readers look at no byte that is still to be written.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }

    /// `len` bytes at `offset`, or `None` if the map is shorter.
    pub fn get(&self, offset: usize, len: usize) -> Option<&[u8]> {
        if offset.checked_add(len)? > self.len {
            return None;
        }
        // SAFETY: in range by the check above; otherwise as in `bytes`.
        Some(unsafe { std::slice::from_raw_parts(self.start.add(offset), len) })
    }

    /// Whether reading `len` bytes at `offset` needs no disk. `false` for what is beyond the map or the file, and
    /// when the kernel does not say.
    pub fn resident(&self, offset: usize, len: usize) -> bool {
        let Some(bytes) = self.get(offset, len) else { return false };
        match self.owner {
            Owner::Nothing | Owner::Memory(_) => true,
            Owner::File(_) => bytes.is_empty() || self.pages_resident(offset, offset + len),
        }
    }

    /// Asks the kernel about the pages of `start..end`, which is not empty and lies in the map.
    fn pages_resident(&self, start: usize, end: usize) -> bool {
        let page = usize::try_from(getpagesize()).unwrap_or(4096);
        let mut at = start / page * page;
        let mut answers = [0u8; RESIDENT_PAGES];
        while at < end {
            let len = (end - at).min(RESIDENT_PAGES * page);
            // SAFETY: a real map starts on a page boundary, so `start + at` is one too and the range lies in the map;
            // `answers` has one byte for each of the at most RESIDENT_PAGES pages.
            let code = unsafe { mincore(self.start.add(at).cast_mut().cast(), len, answers.as_mut_ptr()) };
            let pages = len.div_ceil(page);
            if code != 0 || answers.iter().take(pages).any(|answer| answer & 1 == 0) {
                return false;
            }
            at += len;
        }
        true
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Map({} bytes)", self.len)
    }
}
