//! Appends to the reserved part of a growing file by storing into a map of it, without a system call for each.
//!
//! A store into a shared map is in the page cache at once, as a write is: it survives the end of the process, and
//! `fdatasync` makes it durable. What costs time is a page of its own for each fault, so a run of zeros is written
//! ahead of the stores by an ordinary call: the kernel takes large folios for it, and the stores find them there
//! (measured: 0.1 us instead of 1.1 for 400 bytes, 1.2 instead of 3.8 for 4 KiB).
//!
//! Writes that are synced one by one go by the ordinary call, but profit from zeros ahead as well, of more pages: the
//! first write to reserved space changes the file system's record of what was written, and a sync must commit that to
//! its journal. Behind zeros a sync is the data and no more (measured: 100 us instead of 150 for 400 bytes, 180 instead
//! of 320 for 64 KiB, and it does not wait for what others have in the journal).
//!
//! A store that finds no space kills the process. So it is done only within what `fallocate` has really reserved, on
//! file systems where a page that was reserved and written needs no further space; elsewhere the caller writes. The
//! window is the range reserved last; it is gone before the file is cut.

use std::{fs::File, io, ops::Range, os::unix::fs::FileExt, ptr};

use memmap2::{MmapOptions, MmapRaw};
use parking_lot::Mutex;
use rustix::fs::fstatfs;

/// Zeros are written ahead in pieces of this, bytes. Larger appends gain nothing by a map.
const AHEAD_BYTES: usize = 128 << 10;

static ZEROS: [u8; AHEAD_BYTES] = [0; AHEAD_BYTES];

/// Zeros ahead of synced writes, bytes. The sync that follows on them has them all to do.
const SYNCED_AHEAD_BYTES: u64 = 1 << 20;

/// Magic numbers of ext4, XFS and tmpfs. Others may copy on write, or promise space that they do not have.
const KEEP_RESERVED_SPACE: [u64; 3] = [0xEF53, 0x5846_5342, 0x0102_1994];

/// What of a file can be stored to.
#[derive(Debug, Default)]
pub(super) struct Window(Mutex<Place>);

#[derive(Debug, Default)]
struct Place {
    /// Reserved, and to be stored to; empty if that cannot be.
    range: Range<u64>,
    /// Maps the range once something was stored.
    map: Option<MmapRaw>,
    /// Bytes of the range before this are in the page cache.
    ready: u64,
}

impl Window {
    /// The range was reserved by the file system.
    pub fn open(&self, range: Range<u64>) {
        *self.0.lock() = Place { range, ..Place::default() };
    }

    /// Nothing is stored from now on.
    pub fn close(&self) {
        *self.0.lock() = Place::default();
    }

    /// Puts `data` at `offset`, behind which nothing was written yet; `false` if it must be written instead.
    pub fn store(&self, file: &File, data: &[u8], offset: u64) -> io::Result<bool> {
        let mut place = self.0.lock();
        let end = offset.saturating_add(data.len() as u64);
        if data.len() > AHEAD_BYTES || offset < place.range.start || place.range.end < end {
            return Ok(false);
        }
        if !place.map(file) {
            place.range = 0..0;
            return Ok(false);
        }
        place.prepare(file, offset..end, AHEAD_BYTES as u64)?;
        Ok(place.copy(data, offset))
    }

    /// Writes zeros to `range` and behind it, where nothing was written yet, for synced writes.
    pub fn prepare(&self, file: &File, range: Range<u64>) -> io::Result<()> {
        let mut place = self.0.lock();
        let within = place.range.start <= range.start && range.end <= place.range.end;
        if !within || range.end <= place.ready || !keeps_reserved_space(file) {
            return Ok(());
        }
        place.prepare(file, range, SYNCED_AHEAD_BYTES)
    }
}

impl Place {
    /// Maps the range if it is not mapped. Answers whether it is.
    fn map(&mut self, file: &File) -> bool {
        if self.map.is_none() && keeps_reserved_space(file) {
            let len = usize::try_from(self.range.end - self.range.start).unwrap_or_default();
            self.map = MmapOptions::new().offset(self.range.start).len(len).map_raw(file).ok();
        }
        self.map.is_some()
    }

    /// Brings the pages of `wanted`, and some more up to a multiple of `ahead`, into the page cache. Nothing is there or
    /// behind it yet.
    fn prepare(&mut self, file: &File, wanted: Range<u64>, ahead: u64) -> io::Result<()> {
        if wanted.end <= self.ready {
            return Ok(());
        }
        let target = wanted.end.next_multiple_of(ahead).min(self.range.end);
        let mut at = self.ready.max(wanted.start);
        while at < target {
            let len = ((target - at) as usize).min(AHEAD_BYTES);
            file.write_all_at(ZEROS.get(..len).unwrap_or(&ZEROS), at)?;
            at += len as u64;
        }
        self.ready = target;
        Ok(())
    }

    fn copy(&self, data: &[u8], offset: u64) -> bool {
        let Some(map) = &self.map else { return false };
        let Ok(at) = usize::try_from(offset - self.range.start) else { return false };
        if at.checked_add(data.len()).is_none_or(|end| end > map.len()) {
            return false;
        }
        // SAFETY: the bytes lie in the map by the check above, and in the file, which is cut only after the window is
        // closed; the caller's `data` is no part of it. Nobody reads them before whoever appends says that they are
        // there, and nobody else writes them.
        unsafe { ptr::copy_nonoverlapping(data.as_ptr(), map.as_mut_ptr().add(at), data.len()) };
        true
    }
}

fn keeps_reserved_space(file: &File) -> bool {
    fstatfs(file).is_ok_and(|stat| KEEP_RESERVED_SPACE.contains(&(stat.f_type as u64)))
}
