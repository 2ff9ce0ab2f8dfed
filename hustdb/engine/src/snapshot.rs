//! A point in time: every batch committed before it, whole, and none after.
//!
//! Taking one freezes all memtables under all writer locks. It keeps memtables, tables and segments it needs in
//! memory or mapped for as long as it lives, also when compaction and collection have replaced them.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use crate::{
    Result,
    compaction::Direction,
    engine::Engine,
    key::Key,
    log::SegmentsMap,
    memtable::Memtable,
    scan::{Page, Range},
    view::View,
};

/// A consistent view of the whole database.
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) engine: Engine,
    pub(crate) views: Vec<Arc<View>>,
    pub(crate) segments: Arc<SegmentsMap>,
}

impl Engine {
    /// Takes a snapshot. Costs the freezing of the memtables, so not for every request: [`Engine::page`] is.
    pub fn snapshot(&self) -> Snapshot {
        let inner = &self.inner;
        let writers: Vec<_> = inner.partitions.iter().map(|partition| partition.lock()).collect();
        let (end, appended_bytes) = (inner.log.end(), inner.appended_bytes.load(Relaxed));
        for (partition, writer) in inner.partitions.iter().zip(&writers) {
            partition.freeze(writer, end, appended_bytes);
        }
        let views = inner.partitions.iter().map(|partition| {
            let view = partition.view_full();
            Arc::new(View { active: Arc::new(Memtable::new()), ..View::clone(&view) })
        });
        let views = views.collect();
        let segments = inner.log.snapshot_segments();
        drop(writers);
        inner.signal.work();
        Snapshot { engine: self.clone(), views, segments }
    }
}

impl Snapshot {
    /// Rows of a range as they were, tombstones included: at most `limit` rows and about `max_bytes` of them, at least
    /// one if there is one. May block.
    pub fn page(
        &self,
        from: Key,
        to: Key,
        direction: Direction,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Page> {
        let range = Range { from, to, direction, limit, max_bytes, values: true };
        self.engine.inner.page_of(&self.views, &range, Some(&self.segments))
    }
}
