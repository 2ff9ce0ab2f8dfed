//! Memory of a simulated file that maps share with the file, as the page cache is shared with a `mmap`.
//!
//! Written only under the world's lock. Maps read it without one: they look only at bytes that were written before and
//! are not written again while the map lives (see `map.rs`).

use std::{cell::UnsafeCell, fmt, ptr, sync::Arc};

/// A fixed number of bytes, zero at first.
pub(in crate::vfs) struct Region {
    cells: Box<[UnsafeCell<u8>]>,
}

// SAFETY: writers are serialised by the world's lock, and nobody reads bytes that may be written at the same time (see
// the header).
unsafe impl Sync for Region {}

impl Region {
    pub(super) fn zeroed(capacity: usize) -> Arc<Region> {
        let bytes = Box::into_raw(vec![0u8; capacity].into_boxed_slice());
        // SAFETY: the box was just made, and UnsafeCell<u8> has the layout of u8.
        let cells = unsafe { Box::from_raw(bytes as *mut [UnsafeCell<u8>]) };
        Arc::new(Region { cells })
    }

    pub(in crate::vfs) fn capacity(&self) -> usize {
        self.cells.len()
    }

    pub(in crate::vfs) fn start(&self) -> *const u8 {
        self.cells.as_ptr().cast()
    }

    /// Copies `data` to `offset`; what would pass the end is left out.
    pub(super) fn write(&self, offset: usize, data: &[u8]) {
        let Some(cells) = self.cells.get(offset..) else { return };
        let len = data.len().min(cells.len());
        // SAFETY: `len` bytes fit both sides; cells may be written through a shared reference, and the world's lock and
        // the header's invariant keep others away from them. `copy` allows overlap.
        unsafe { ptr::copy(data.as_ptr(), cells.as_ptr().cast::<u8>().cast_mut(), len) }
    }

    /// Zeroes `start..end` as far as it exists.
    pub(super) fn clear(&self, start: usize, end: usize) {
        let Some(cells) = self.cells.get(start..end.min(self.capacity())) else { return };
        // SAFETY: as in `write`.
        unsafe { ptr::write_bytes(cells.as_ptr().cast::<u8>().cast_mut(), 0, cells.len()) }
    }

    /// Fills `buf` from `offset`, with zeros where there is no memory.
    pub(super) fn read(&self, offset: usize, buf: &mut [u8]) {
        let cells = self.cells.get(offset..).unwrap_or_default();
        let len = buf.len().min(cells.len());
        let (present, absent) = buf.split_at_mut(len);
        // SAFETY: `len` bytes fit both sides, `present` is ours alone, and no writer runs (the caller has the lock).
        unsafe { ptr::copy_nonoverlapping(cells.as_ptr().cast::<u8>(), present.as_mut_ptr(), len) }
        absent.fill(0);
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({} bytes)", self.capacity())
    }
}
