//! Payloads of compressed blocks, decompressed, shared by all tables and bounded in bytes.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

/// What an entry costs beside its bytes.
const ENTRY_BYTES: u64 = 64;
/// What a payload is assumed to weigh when the cache sizes its own tables.
const ESTIMATED_PAYLOAD_BYTES: u64 = 16 << 10;

#[derive(Clone, Debug)]
struct PayloadWeight;

impl Weighter<(u64, u32), Arc<[u8]>> for PayloadWeight {
    fn weight(&self, _: &(u64, u32), payload: &Arc<[u8]>) -> u64 {
        payload.len() as u64 + ENTRY_BYTES
    }
}

/// Decompressed payloads by table and block number.
#[derive(Debug)]
pub struct BlockCache {
    payloads: Cache<(u64, u32), Arc<[u8]>, PayloadWeight>,
}

impl BlockCache {
    /// A cache that holds up to `capacity_bytes`.
    pub fn new(capacity_bytes: u64) -> BlockCache {
        let entries = (capacity_bytes / ESTIMATED_PAYLOAD_BYTES).max(16) as usize;
        BlockCache { payloads: Cache::with_weighter(entries, capacity_bytes, PayloadWeight) }
    }

    /// Changes how much it holds.
    pub fn set_capacity(&self, capacity_bytes: u64) {
        self.payloads.set_capacity(capacity_bytes);
    }

    /// Bytes held.
    pub fn memory_bytes(&self) -> u64 {
        self.payloads.weight()
    }

    pub(super) fn get(&self, table: u64, block: usize) -> Option<Arc<[u8]>> {
        self.payloads.get(&(table, u32::try_from(block).ok()?))
    }

    pub(super) fn insert(&self, table: u64, block: usize, payload: Arc<[u8]>) {
        if let Ok(block) = u32::try_from(block) {
            self.payloads.insert((table, block), payload);
        }
    }
}
