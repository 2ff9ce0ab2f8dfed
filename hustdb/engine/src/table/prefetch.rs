//! Asks the processor for memory ahead of its use.
//!
//! A get touches four places of a block that are far apart: head, keys, record, payload. All four can be guessed once
//! the block is known, so they are fetched at the same time instead of one after the other (measured: a hit among a
//! million rows takes a quarter less time).

/// Fetches the cache line where item `at` begins, if there is one. Does not wait, and does not fault where a page is absent.
#[inline(always)]
pub(super) fn prefetch<T>(items: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = items.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86_64 has the instruction; it changes nothing a program can see, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, at);
}
