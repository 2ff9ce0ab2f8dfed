//! Reading everything, to know that it can be read.

use crate::{Result, compaction::Direction, engine::Engine, key::Key};

/// Rows and bytes read at a time.
const PAGE_ROWS: usize = 1024;
const PAGE_BYTES: usize = 8 << 20;

/// What [`Engine::verify`] has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Table files, every byte of them.
    pub tables: u64,
    /// Newest rows, tombstones included.
    pub rows: u64,
    /// Bytes of their values, wherever they lie.
    pub value_bytes: u64,
}

impl Engine {
    /// Checks every checksum of every table and reads every newest value. The first damage ends it. Blocks.
    pub fn verify(&self) -> Result<Verified> {
        let mut verified = Verified::default();
        for partition in &self.inner.partitions {
            for table in partition.view_full().levels.iter().flatten() {
                table.verify()?;
                verified.tables += 1;
            }
        }
        let snapshot = self.snapshot();
        let mut from = Some(Key::MIN);
        while let Some(start) = from {
            let page = snapshot.page(start, Key::MAX, Direction::Forward, PAGE_ROWS, PAGE_BYTES)?;
            verified.rows += page.rows.len() as u64;
            verified.value_bytes += page.rows.iter().map(|(_, row)| row.value().len() as u64).sum::<u64>();
            from = page.next;
        }
        Ok(verified)
    }
}
