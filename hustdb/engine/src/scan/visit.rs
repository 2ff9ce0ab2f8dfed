//! Ranges without copies: rows are lent to a visitor, one by one.
//!
//! What [`Engine::page`] gives as rows of their own, a visit shows in place: nothing is allocated for a row that lies in
//! a table, and a value in the content log is read only if the visitor asks for it. No lock is held while a row is
//! shown, so the visitor may call the engine. A visit is of one partition, across all its tables, and has a page's
//! horizon: see `scan.rs`.

use std::{ops::ControlFlow, sync::Arc};

use super::{Range, sources};
use crate::{
    Error, Result,
    compaction::{Direction, Merge, RowCursor},
    engine::{Engine, Inner},
    fetch::{Cold, Fetch},
    head::Row,
    key::Key,
    log::{SegmentsMap, ValueRead},
    row::{Meta, RowRef, Value},
    slice::Slice,
    snapshot::Snapshot,
    view::View,
};

/// A row as long as it is shown. Tombstones are rows too: see [`Meta::is_tombstone`].
#[derive(Debug)]
pub struct Lent<'a> {
    key: Key,
    row: RowRef<'a>,
    inner: &'a Inner,
    pinned: Option<&'a SegmentsMap>,
}

/// The value of a lent row.
#[derive(Debug)]
pub enum LentValue<'a> {
    /// It lies in the row.
    Inline(&'a [u8]),
    /// It lies in the content log.
    Stored(Slice),
    /// It has moved since the row was found; the row as it is now, if it is still there. Never in a snapshot.
    Moved(Option<Row>),
}

/// How a visit ended.
#[derive(Debug)]
pub enum Visited<B> {
    /// The range is done.
    Done,
    /// There may be more from this key on.
    More(Key),
    /// The visitor broke it off with this.
    Broken(B),
}

impl<'a> Lent<'a> {
    /// The row key.
    pub fn key(&self) -> Key {
        self.key
    }

    /// Stamp, version, expiry, flags.
    pub fn meta(&self) -> &Meta {
        &self.row.meta
    }

    /// The full user key.
    pub fn user_key(&self) -> &'a [u8] {
        self.row.user_key
    }

    /// Length of the value, bytes.
    pub fn value_len(&self) -> usize {
        match self.row.value {
            Value::Inline(bytes) => bytes.len(),
            Value::Stored(pointer) => pointer.raw_len as usize,
        }
    }

    /// The value. May block on the disk.
    pub fn value(&self) -> Result<LentValue<'a>> {
        let pointer = match self.row.value {
            Value::Inline(bytes) => return Ok(LentValue::Inline(bytes)),
            Value::Stored(pointer) => pointer,
        };
        let read = match self.pinned {
            Some(segments) => self.inner.log.read_in(segments, pointer, Cold::Read)?,
            None => self.inner.log.read(pointer, Cold::Read)?,
        };
        match (read, self.pinned) {
            (ValueRead::Ready(value), _) => Ok(LentValue::Stored(value)),
            (ValueRead::Cold | ValueRead::Gone, Some(_)) => Err(Error::damaged(
                self.inner.segment_path(pointer.segment),
                0,
                "missing, yet a snapshot needs it",
            )),
            (ValueRead::Cold | ValueRead::Gone, None) => match self.inner.row(&self.key, Cold::Read)? {
                Fetch::Ready(row) => Ok(LentValue::Moved(row)),
                Fetch::Cold => Err(Error::Busy("a cold read did not block")),
            },
        }
    }
}

impl Engine {
    /// Shows the newest rows of a partition with `from <= key <= to` in key order, tombstones included, until `show`
    /// breaks. Of the rows not yet in tables it sees at most `copied` before it answers [`Visited::More`]; that many
    /// are copied, so ask for about as many as will be shown. May block.
    pub fn visit<B>(
        &self,
        partition: usize,
        from: Key,
        to: Key,
        copied: usize,
        show: impl FnMut(&Lent<'_>) -> ControlFlow<B>,
    ) -> Result<Visited<B>> {
        let Some(partition) = self.inner.partitions.get(partition) else { return Ok(Visited::Done) };
        let view = partition.view_full();
        self.inner.visit_view(&view, None, &visited(from, to, copied), show)
    }
}

impl Snapshot {
    /// [`Engine::visit`] of the rows as they were; never [`Visited::More`].
    pub fn visit<B>(
        &self,
        partition: usize,
        from: Key,
        to: Key,
        show: impl FnMut(&Lent<'_>) -> ControlFlow<B>,
    ) -> Result<Visited<B>> {
        let Some(view) = self.views.get(partition) else { return Ok(Visited::Done) };
        self.engine.inner.visit_view(view, Some(&self.segments), &visited(from, to, 1), show)
    }
}

fn visited(from: Key, to: Key, copied: usize) -> Range {
    let limit = copied.max(1);
    Range { from, to, direction: Direction::Forward, limit, max_bytes: usize::MAX, values: false }
}

impl Inner {
    fn visit_view<B>(
        &self,
        view: &Arc<View>,
        pinned: Option<&SegmentsMap>,
        range: &Range,
        mut show: impl FnMut(&Lent<'_>) -> ControlFlow<B>,
    ) -> Result<Visited<B>> {
        if range.from > range.to {
            return Ok(Visited::Done);
        }
        let (sources, horizon) = sources(&[&**view], range)?;
        let mut merge = Merge::new(sources, Direction::Forward);
        let last = horizon.map_or(range.to, |horizon| horizon.min(range.to));
        while let Some(key) = merge.key().filter(|key| *key <= last) {
            let lent = Lent { key, row: merge.row()?, inner: self, pinned };
            if let ControlFlow::Break(broken) = show(&lent) {
                return Ok(Visited::Broken(broken));
            }
            merge.advance()?;
        }
        let next = horizon.and_then(|horizon| range.after(horizon));
        Ok(next.map_or(Visited::Done, Visited::More))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Background, Options, row::TOMBSTONE, vfs::SimVfs};

    fn engine() -> Engine {
        let mut options = Options::new("/db");
        options.vfs = Arc::new(SimVfs::new(1));
        options.background = Background::Manual;
        options.partition_bits = 1;
        Engine::open(options).unwrap()
    }

    fn put(engine: &Engine, table: u32, byte: u8, value: &[u8], flags: u8) {
        let key = Key::hashed(table, [byte; 16]);
        let meta = Meta { version: u64::from(byte), flags, ..Meta::default() };
        let user_key = [byte];
        let ((), ticket) = engine
            .update(&[key], |_, batch| {
                batch.put(key, meta, &user_key, value);
                Ok::<_, Error>(())
            })
            .unwrap();
        ticket.wait().unwrap();
    }

    type Seen = Vec<(u32, u8, Vec<u8>)>;

    fn add(lent: &Lent<'_>, seen: &mut Seen) {
        let value = match lent.value().unwrap() {
            LentValue::Inline(bytes) => bytes.to_vec(),
            LentValue::Stored(slice) => slice.to_vec(),
            LentValue::Moved(row) => row.unwrap().value().to_vec(),
        };
        assert_eq!(value.len(), lent.value_len());
        seen.push((lent.key().table(), lent.user_key()[0], value));
    }

    fn all(engine: &Engine, partition: usize, copied: usize) -> Seen {
        let (mut seen, mut from) = (Vec::new(), Key::MIN);
        loop {
            let visited = engine.visit(partition, from, Key::MAX, copied, |lent| {
                add(lent, &mut seen);
                ControlFlow::<()>::Continue(())
            });
            match visited.unwrap() {
                Visited::More(next) => from = next,
                _ => return seen,
            }
        }
    }

    #[test]
    fn a_visit_crosses_tables_and_layers_of_one_partition() {
        let engine = engine();
        let long = vec![7; 4000];
        put(&engine, 1, 3, b"old", 0);
        put(&engine, 2, 4, &long, 0);
        drop(engine.snapshot());
        while engine.work().unwrap() {}
        put(&engine, 1, 3, b"new", 0);
        put(&engine, 1, 5, b"", TOMBSTONE);
        put(&engine, 1, 0xf0, b"of the other partition", 0);
        let expected = vec![(1, 3, b"new".to_vec()), (1, 5, Vec::new()), (2, 4, long.clone())];
        for copied in [1, 2, 3, 100] {
            assert_eq!(all(&engine, 0, copied), expected, "{copied} copied");
        }
        assert_eq!(all(&engine, 1, 9).len(), 1);
        assert!(all(&engine, 2, 9).is_empty(), "no such partition");
    }

    #[test]
    fn a_visitor_breaks_and_a_snapshot_stays() {
        let engine = engine();
        put(&engine, 1, 3, &[1; 4000], 0);
        let snapshot = engine.snapshot();
        put(&engine, 1, 3, b"new", 0);
        put(&engine, 1, 4, b"new", 0);
        let mut seen = Vec::new();
        let visited = snapshot.visit(0, Key::MIN, Key::MAX, |lent| {
            add(lent, &mut seen);
            ControlFlow::<()>::Continue(())
        });
        assert!(matches!(visited.unwrap(), Visited::Done));
        assert_eq!(seen, [(1, 3, vec![1; 4000])]);
        let visited = engine.visit(0, Key::MIN, Key::MAX, 9, |lent| ControlFlow::Break(lent.key()));
        assert!(matches!(visited.unwrap(), Visited::Broken(key) if key == Key::hashed(1, [3; 16])));
        let none = engine.visit(0, Key::MAX, Key::MIN, 9, |_| ControlFlow::Break(()));
        assert!(matches!(none.unwrap(), Visited::Done));
    }
}
