//! All rows of an engine, read and sorted out by kind, and compared with what the model says there must be.

use std::collections::BTreeMap;

use hust_engine::{Direction, Key, Meta, Row, key::KEY_BYTES};

use super::{
    model::{Id, Kept, Model},
    *,
};
use crate::{Kind, tables::NameRow};

/// Table and place of a row by score.
type ScoreKey = (&'static str, [u8; 20]);

/// Rows by what they are. Tombstones only among the records.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) records: BTreeMap<Id, (Meta, Vec<u8>)>,
    /// Row keys of the records, by identity.
    keys: BTreeMap<Id, Key>,
    /// By table and key of the row: the member and the meta.
    scores: BTreeMap<ScoreKey, (Vec<u8>, Meta)>,
    /// Due time and row key of the record.
    due: Vec<(u64, [u8; KEY_BYTES])>,
    names: BTreeMap<&'static str, NameRow>,
    numbers: BTreeMap<u32, &'static str>,
}

impl Rows {
    /// Everything; `tables` are the names there may be.
    pub(super) fn read(store: &Store, tables: &[&'static str]) -> Result<Rows> {
        let mut rows = Rows::default();
        let (mut from, mut all) = (Key::MIN, Vec::new());
        loop {
            let page = store.engine().page(from, Key::MAX, Direction::Forward, 300, usize::MAX)?;
            all.extend(page.rows);
            match page.next {
                Some(next) => from = next,
                None => break,
            }
        }
        let known = |name: &[u8]| *tables.iter().find(|table| table.as_bytes() == name).unwrap();
        // Names come after the records that need them.
        for (key, row) in all.iter().filter(|(_, row)| !row.meta.is_tombstone()) {
            match key.table() {
                table if table == Kind::Meta.table(0) => {
                    rows.names.insert(known(row.user_key()), NameRow::decode(row.value()).unwrap());
                }
                table if table == Kind::Meta.table(1) => {
                    let number = rows.names.values().map(|name| name.number).find(|number| {
                        *key == Key::hashed(Kind::Meta.table(1), crate::md5(&number.to_be_bytes()))
                    });
                    rows.numbers.insert(number.unwrap(), known(row.user_key()));
                }
                _ => {}
            }
        }
        all.into_iter().for_each(|(key, row)| rows.sort_in(key, &row));
        Ok(rows)
    }

    fn sort_in(&mut self, key: Key, row: &Row) {
        let table = |number: u32| *self.numbers.get(&number).unwrap();
        let number = key.table() << 4 >> 4;
        if let Some((kind, _)) = Kind::of_record(key.table()) {
            let table = if kind == Kind::Kv { "" } else { table(number) };
            let id = Id { kind, table, key: row.user_key().to_vec() };
            self.keys.insert(id.clone(), key);
            assert!(self.records.insert(id, (row.meta, row.value().to_vec())).is_none());
        } else if row.meta.is_tombstone() {
        } else if key.table() == Kind::Score.table(number) {
            let score = (row.user_key().to_vec(), row.meta);
            assert!(self.scores.insert((table(number), key.tail()), score).is_none());
            assert!(row.value().is_empty());
        } else if key.table() == Kind::Expiry.table(number) {
            let due_ms = u64::from_be_bytes(*key.tail().first_chunk().unwrap());
            self.due.push((due_ms, row.user_key().try_into().unwrap()));
        }
    }

    pub(super) fn is_record(&self, id: &Id, kept: Option<&Kept>) -> bool {
        let found = self.records.get(id).map(|(meta, value)| (*meta, &value[..]));
        found == kept.map(Kept::row)
    }

    /// Every row but the records follows from them.
    pub(super) fn compare(&self, model: &Model) {
        let records: BTreeMap<_, _> = model
            .kept
            .iter()
            .map(|(id, kept)| {
                let (meta, value) = kept.row();
                (id.clone(), (meta, value.to_vec()))
            })
            .collect();
        assert!(self.records == records, "records differ");
        let counted = || model.kept.iter().filter(|(_, kept)| kept.is_counted());
        let score_row = |(id, kept): (&Id, &Kept)| {
            let tail = [&kept.value[..], &crate::md5(&id.key)[..12]].concat();
            ((id.table, tail.try_into().unwrap()), (id.key.clone(), kept.row().0))
        };
        let scores: BTreeMap<_, _> =
            counted().filter(|(id, _)| id.kind == Kind::Zset).map(score_row).collect();
        assert_eq!(self.scores, scores, "rows by score");
        for (id, kept) in counted().filter(|(_, kept)| kept.shown.expire_ms != 0) {
            let due = (kept.shown.expire_ms, self.keys[id].to_bytes());
            assert!(self.due.contains(&due), "{id:?} is not in the expiry index");
        }
        let stats = model.table_stats();
        for (name, row) in &self.names {
            assert_eq!(self.numbers.get(&row.number), Some(name));
            let stat = stats.iter().find(|stat| *stat.name == *name.as_bytes());
            assert_eq!(row.figures, stat.map(|stat| stat.figures).unwrap_or_default(), "{name}");
        }
        assert_eq!(self.numbers.len(), self.names.len());
    }
}
