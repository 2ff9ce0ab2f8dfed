//! What is told of a table.

use super::{Figures, directory::Table};
use crate::kind::Kind;

/// Name, type and figures of a table with live rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableStat {
    /// Its name.
    pub name: Box<[u8]>,
    /// The type it shows.
    pub kind: Kind,
    /// Counts of its live rows.
    pub figures: Figures,
}

impl TableStat {
    pub(crate) fn of(table: &Table) -> Option<TableStat> {
        let figures = table.counts.figures();
        Some(TableStat { name: table.name.clone(), kind: figures.shown()?, figures })
    }

    /// Number of live rows of the type it shows.
    pub fn count(&self) -> u64 {
        match self.kind {
            Kind::Hash => self.figures.hash.count,
            Kind::Set => self.figures.set,
            _ => self.figures.zset,
        }
    }
}
