//! Nodes in chunks, addressed by number.
//!
//! Chunks are never moved once full, so growing costs no copy of a large array; the first one starts small, so an
//! empty partition costs next to nothing. Nothing is freed before the whole arena is.

/// Nodes in a full chunk.
const CHUNK: usize = 64;

/// An append-only array of `T`.
pub(super) struct Arena<T> {
    chunks: Vec<Vec<T>>,
    len: u32,
}

impl<T> Arena<T> {
    pub(super) fn new() -> Arena<T> {
        Arena { chunks: Vec::new(), len: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a node and returns its number.
    pub(super) fn push(&mut self, node: T) -> u32 {
        let first_chunk = self.chunks.len() <= 1;
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => {
                if chunk.len() == chunk.capacity() {
                    chunk.reserve_exact(chunk.len().min(CHUNK - chunk.len()));
                }
                chunk.push(node);
            }
            _ => {
                let mut chunk = Vec::with_capacity(if first_chunk && self.len == 0 { 1 } else { CHUNK });
                chunk.push(node);
                self.chunks.push(chunk);
            }
        }
        self.len += 1;
        self.len - 1
    }

    #[inline]
    pub(super) fn get(&self, at: u32) -> &T {
        &self.chunks[at as usize / CHUNK][at as usize % CHUNK]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: u32) -> &mut T {
        &mut self.chunks[at as usize / CHUNK][at as usize % CHUNK]
    }

    /// Bytes allocated, used or not.
    pub(super) fn memory_bytes(&self) -> usize {
        let nodes: usize = match (self.chunks.first(), self.chunks.len()) {
            (Some(first), chunks) => first.capacity() + (chunks - 1) * CHUNK,
            (None, _) => 0,
        };
        nodes * size_of::<T>() + self.chunks.capacity() * size_of::<Vec<T>>()
    }
}
