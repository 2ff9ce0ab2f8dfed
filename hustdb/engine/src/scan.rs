//! Reading ranges: the layers of one or all partitions merged, page by page.
//!
//! The active memtable goes on changing, so a page copies from it, under its read lock, as many rows as the page may
//! have; where that copy ends the page ends too (its *horizon*), since what lies beyond was not looked at. All other
//! layers are immutable. A page is a consistent view of each partition; a [`crate::Snapshot`] is one of all.

mod visit;

use std::sync::Arc;

use crate::{
    Error, Result,
    compaction::{Direction, Merge, RowCursor},
    engine::{Engine, Inner},
    fetch::{Cold, Fetch},
    head::{Head, Row},
    key::Key,
    log::{SegmentsMap, ValueRead},
    memtable::MemCursor,
    row::RowRef,
    runs::TableRun,
    view::View,
};

pub use visit::{Lent, LentValue, Visited};

/// User keys and inline values that a page without values may hold, about.
const KEY_PAGE_BYTES: usize = 8 << 20;

/// A part of a range.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Newest rows, tombstones included, in the order asked for.
    pub rows: Vec<(Key, Row)>,
    /// The bound to go on from (in place of `from`, or of `to` when backward); `None` = the range is done.
    pub next: Option<Key>,
}

/// What to read. Both bounds belong to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub from: Key,
    pub to: Key,
    pub direction: Direction,
    pub limit: usize,
    pub max_bytes: usize,
    /// Whether values are read from the content log.
    pub values: bool,
}

impl Engine {
    /// The newest rows with `from <= key <= to`, tombstones included: at most `limit` and about `max_bytes` of user keys
    /// and values, at least one if there is one. May block.
    pub fn page(
        &self,
        from: Key,
        to: Key,
        direction: Direction,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Page> {
        self.page_now(&Range { from, to, direction, limit, max_bytes, values: true })
    }

    /// [`Engine::page`] without values that lie in the content log: those rows show an empty one.
    pub fn page_without_values(
        &self,
        from: Key,
        to: Key,
        direction: Direction,
        limit: usize,
    ) -> Result<Page> {
        self.page_now(&Range { from, to, direction, limit, max_bytes: KEY_PAGE_BYTES, values: false })
    }

    fn page_now(&self, range: &Range) -> Result<Page> {
        let views: Vec<_> = self.inner.partitions.iter().map(|partition| partition.view_full()).collect();
        self.inner.page_of(&views, range, None)
    }
}

impl Inner {
    /// A page of these views, one a partition. With `pinned`, values are read from those segments.
    pub fn page_of(&self, views: &[Arc<View>], range: &Range, pinned: Option<&SegmentsMap>) -> Result<Page> {
        if range.limit == 0 {
            return Err(Error::Invalid("a page of no rows".into()));
        }
        let mut page = Page::default();
        let mut bytes = 0;
        let Some(mut rest) = (range.from <= range.to).then_some(*range) else { return Ok(page) };
        for group in self.groups(views, range) {
            let bound = self.fill(&group, &rest, pinned, &mut page, &mut bytes)?;
            if let Some(next) = bound {
                page.next = Some(next);
                return Ok(page);
            }
            rest.limit = range.limit - page.rows.len();
            if rest.limit == 0 || bytes >= range.max_bytes {
                page.next = page.rows.last().and_then(|(key, _)| range.after(*key));
                return Ok(page);
            }
        }
        Ok(page)
    }

    /// The partitions to read, in order; those of one group have to be merged. The rows of a hashed table are in the
    /// order of the partitions, those of an ordered one in a single partition.
    fn groups<'a>(&self, views: &'a [Arc<View>], range: &Range) -> Vec<Vec<&'a View>> {
        if range.from.table() != range.to.table() {
            return vec![views.iter().map(|view| &**view).collect()];
        }
        let bits = self.options.partition_bits;
        let (first, last) = (range.from.partition(bits), range.to.partition(bits));
        let mut groups: Vec<Vec<&View>> =
            views.iter().take(last + 1).skip(first).map(|view| vec![&**view]).collect();
        if range.direction == Direction::Backward {
            groups.reverse();
        }
        groups
    }

    /// Adds rows of some views to a page. Answers where to go on if the page is full or a horizon was reached.
    fn fill(
        &self,
        views: &[&View],
        range: &Range,
        pinned: Option<&SegmentsMap>,
        page: &mut Page,
        bytes: &mut usize,
    ) -> Result<Option<Key>> {
        let (sources, horizon) = sources(views, range)?;
        let mut merge = Merge::new(sources, range.direction);
        let limit = page.rows.len() + range.limit;
        while let Some(key) = merge.key() {
            if range.is_past(key) || horizon.is_some_and(|horizon| range.is_beyond(key, horizon)) {
                break;
            }
            let row = self.resolve(key, &merge.row()?, range.values, pinned)?;
            merge.advance()?;
            if let Some(row) = row {
                *bytes += row.user_key().len() + row.value().len();
                page.rows.push((key, row));
            }
            if page.rows.len() >= limit || *bytes >= range.max_bytes {
                return Ok(range.after(key));
            }
        }
        Ok(horizon.and_then(|horizon| range.after(horizon)))
    }

    /// A whole row; `None` if it has vanished since.
    fn resolve(
        &self,
        key: Key,
        row: &RowRef<'_>,
        values: bool,
        pinned: Option<&SegmentsMap>,
    ) -> Result<Option<Row>> {
        let head = Head::from(row);
        let Some(pointer) = head.pointer.filter(|_| values) else { return Ok(Some(Row::new(head, None))) };
        let read = match pinned {
            Some(segments) => self.log.read_in(segments, pointer, Cold::Read)?,
            None => self.log.read(pointer, Cold::Read)?,
        };
        match read {
            ValueRead::Ready(value) => Ok(Some(Row::new(head, Some(value)))),
            // Collected since the layers were read: the row has a newer place.
            ValueRead::Cold | ValueRead::Gone => match self.row(&key, Cold::Read)? {
                Fetch::Ready(row) => Ok(row),
                Fetch::Cold => Ok(None),
            },
        }
    }
}

impl Range {
    fn is_past(&self, key: Key) -> bool {
        match self.direction {
            Direction::Forward => key > self.to,
            Direction::Backward => key < self.from,
        }
    }

    fn is_beyond(&self, key: Key, horizon: Key) -> bool {
        match self.direction {
            Direction::Forward => key > horizon,
            Direction::Backward => key < horizon,
        }
    }

    /// The bound to go on from after `key`, if anything of the range is left.
    fn after(&self, key: Key) -> Option<Key> {
        let next = match self.direction {
            Direction::Forward => key.successor(),
            Direction::Backward => key.predecessor(),
        };
        next.filter(|next| !self.is_past(*next))
    }

    fn start(&self) -> Key {
        match self.direction {
            Direction::Forward => self.from,
            Direction::Backward => self.to,
        }
    }
}

/// The layers of some views as merge sources, newest first within a view, and the horizon, if one cuts the page.
fn sources(views: &[&View], range: &Range) -> Result<(Vec<Source>, Option<Key>)> {
    let mut sources = Vec::new();
    let mut horizon = None;
    for view in views {
        let copy = view.active.page(range.from, range.to, range.direction, range.limit);
        if copy.len() == range.limit
            && let Some((last, _)) = copy.last()
        {
            let nearer = horizon.is_none_or(|horizon| range.is_beyond(horizon, *last));
            horizon = if nearer { Some(*last) } else { horizon };
        }
        let mut copy = copy.into_iter();
        let first = copy.next();
        sources.push(Source::Copy(copy, first));
        for frozen in &view.frozen {
            sources.push(Source::Frozen(frozen.rows.seek(&range.start(), range.direction)));
        }
        for (level, tables) in view.levels.iter().enumerate() {
            let runs = if level == 0 {
                tables.iter().map(|t| vec![t.clone()]).collect()
            } else {
                vec![tables.clone()]
            };
            for run in runs {
                sources.push(Source::Run(TableRun::seek(run, range.start(), range.direction)?));
            }
        }
    }
    Ok((sources, horizon))
}

/// One layer as a merge source.
enum Source {
    Copy(std::vec::IntoIter<(Key, Head)>, Option<(Key, Head)>),
    Frozen(MemCursor),
    Run(TableRun),
}

impl RowCursor for Source {
    fn key(&self) -> Option<Key> {
        match self {
            Source::Copy(_, shown) => shown.as_ref().map(|(key, _)| *key),
            Source::Frozen(rows) => rows.key(),
            Source::Run(run) => run.key(),
        }
    }

    fn row(&self) -> Result<RowRef<'_>> {
        match self {
            Source::Copy(_, shown) => match shown {
                Some((_, head)) => Ok(head.as_row_ref()),
                None => Err(Error::Invalid("no row".into())),
            },
            Source::Frozen(rows) => rows.row(),
            Source::Run(run) => run.row(),
        }
    }

    fn advance(&mut self) -> Result<()> {
        match self {
            Source::Copy(rest, shown) => {
                *shown = rest.next();
                Ok(())
            }
            Source::Frozen(rows) => rows.advance(),
            Source::Run(run) => run.advance(),
        }
    }
}
