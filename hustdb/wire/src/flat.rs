//! Writes a few small buffers as one.

use std::{cell::RefCell, io::IoSlice};

/// Up to so many bytes a head and its body are written as one piece.
pub(crate) const FLAT_MAX_BYTES: usize = 4096;

/// Hands `bufs` on as one piece: for little, copying is cheaper than what the kernel does for a vector.
pub(crate) fn flat<T>(bufs: &[IoSlice<'_>], write: impl FnOnce(&[u8]) -> T) -> T {
    thread_local! {
        static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.clear();
        bufs.iter().for_each(|buf| scratch.extend_from_slice(buf));
        write(scratch)
    })
}
