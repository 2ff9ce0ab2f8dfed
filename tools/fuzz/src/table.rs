//! A hostile table file: open, gets, cursors both ways, and the check of the whole file.
//!
//! Mode bit 1 says which of the two real tables the input was made of: without or with compressed payloads.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, sync::OnceLock};

use hust_engine::{
    Cold, Head, Key, Meta, Pointer, Result, RowRef, Value,
    key::ORDERED_TABLE_BIT,
    row::TOMBSTONE,
    table::{BlockCache, Cursor, Find, Table, TableBuilder, TableMeta, TableOptions},
    vfs::{SimVfs, Vfs},
};

use crate::{
    MEND, Random, set_u32, u32_at, u64_at,
    world::{disk, files_of},
};

const PATH: &str = "/00000009.table";
const ID: u64 = 9;
const FOOTER_BYTES: usize = 64;

/// What a get answers of a row, but for a value in the content log.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    meta: Meta,
    user_key: Vec<u8>,
    value_len: u32,
    inline: Option<Vec<u8>>,
}

/// A real table and what is in it.
struct Real {
    bytes: Vec<u8>,
    meta: TableMeta,
    rows: BTreeMap<Key, Row>,
}

fn real(compress: bool) -> &'static Real {
    static REAL: OnceLock<[Real; 2]> = OnceLock::new();
    let made = REAL.get_or_init(|| [false, true].map(|compress| make(compress).expect("a table in memory")));
    &made[usize::from(compress)]
}

fn make(compress: bool) -> Result<Real> {
    let mut random = Random::new(5);
    let mut rows = BTreeMap::new();
    for number in 0..120u64 {
        let md5 = (u128::from(random.word()) << 64 | u128::from(random.word())).to_be_bytes();
        let key = match number % 4 {
            0 => Key::new(ORDERED_TABLE_BIT | 4, {
                let mut tail = [0; 20];
                tail[..8].copy_from_slice(&(number << 20).to_be_bytes());
                tail
            }),
            _ => Key::hashed(1 + (number % 3) as u32, md5),
        };
        let deleted = number % 10 == 0;
        let stored = number % 7 == 3 && !deleted;
        let flags = if deleted { TOMBSTONE } else { 0 };
        let meta = Meta { stamp: (1 << 40 | number) << 16, version: number, expire_ms: number % 2, flags };
        let value_len = if deleted { 0 } else { random.below(90) as u32 };
        let inline = (!stored).then(|| vec![number as u8; value_len as usize]);
        rows.insert(key, Row { meta, user_key: format!("key {number}").into(), value_len, inline });
    }
    let vfs = SimVfs::new(1);
    let options = TableOptions { block_bytes: 1000, compress, grace_ms: 50 };
    let mut builder =
        TableBuilder::new(vfs.create(PATH.as_ref()).expect("a new file"), PATH.into(), ID, options);
    for (key, row) in &rows {
        let len = row.value_len;
        let value = match &row.inline {
            Some(bytes) => Value::Inline(bytes),
            None => Value::Stored(Pointer { segment: 3, offset: 77, len, raw_len: len, crc: 5 }),
        };
        builder.add(*key, &RowRef { meta: row.meta, user_key: &row.user_key, value })?;
    }
    let meta = builder.finish()?;
    let (_, bytes) = files_of(&vfs).swap_remove(0);
    Ok(Real { bytes, meta, rows })
}

/// Where a section is: the footer's pair of start and length at `at`.
fn section(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let footer = bytes.len().checked_sub(FOOTER_BYTES)?;
    let start = usize::try_from(u64_at(bytes, footer + at)?).ok()?;
    let end = start.checked_add(usize::try_from(u64_at(bytes, footer + at + 8)?).ok()?)?;
    (end <= bytes.len()).then_some((start, end))
}

/// Recomputes the CRC-32 that a section or block begins with.
fn lead(bytes: &mut [u8], start: usize, end: usize) {
    if let Some(rest) = bytes.get(start + 4..end) {
        let crc = crc32fast::hash(rest);
        set_u32(bytes, start, crc);
    }
}

/// Recomputes all checksums that can be found.
fn mend(bytes: &mut [u8]) {
    if let Some(header) = bytes.get(..36) {
        let crc = crc32fast::hash(header);
        set_u32(bytes, 36, crc);
    }
    let Some(footer) = bytes.len().checked_sub(FOOTER_BYTES) else { return };
    if let Some((start, end)) = section(bytes, 16) {
        let mut block = 40;
        for entry in (start + 8..end.saturating_sub(35)).step_by(36) {
            let len = u32_at(bytes, entry + 24).unwrap_or_default() as usize;
            lead(bytes, block, block.saturating_add(len).min(bytes.len()));
            block = block.saturating_add(len).min(bytes.len());
        }
        lead(bytes, start, end);
    }
    if let Some((start, end)) = section(bytes, 0) {
        lead(bytes, start, end);
    }
    if let Some(properties) = u64_at(bytes, footer + 32).and_then(|start| usize::try_from(start).ok())
        && properties < footer
    {
        lead(bytes, properties, footer);
    }
    let crc = crc32fast::hash(&bytes[footer..footer + 52]);
    set_u32(bytes, footer + 52, crc);
}

/// What the file says of itself, as the manifest would.
fn meta_of(bytes: &[u8]) -> Option<TableMeta> {
    let footer = bytes.len().checked_sub(FOOTER_BYTES)?;
    let at = usize::try_from(u64_at(bytes, footer + 32)?).ok()?;
    let section = bytes.get(at..footer)?;
    let key = |at: usize| Some(Key::from_bytes(section.get(at..)?.first_chunk()?));
    Some(TableMeta {
        id: u64_at(bytes, footer + 40)?,
        rows: u64_at(section, 4)?,
        tombstones: u64_at(section, 12)?,
        min: key(20)?,
        max: key(44)?,
        max_stamp: u64_at(section, 68)?,
        payload_bytes: u64_at(section, 76)?,
        droppable_from_ms: u64_at(section, 84)?,
        droppable_rows: u64_at(section, 92)?,
        size_bytes: bytes.len() as u64,
    })
}

/// Reads the input as a table in every way.
pub fn table(data: &[u8]) {
    let Some((&mode, bytes)) = data.split_first() else { return };
    let real = real(mode & 2 != 0);
    let mut bytes = bytes.to_vec();
    let mended = mode & MEND != 0;
    if mended {
        mend(&mut bytes);
    }
    let Some(meta) = (if mended { meta_of(&bytes) } else { Some(real.meta.clone()) }) else { return };
    let vfs = disk(&vec![(PathBuf::from(PATH), bytes)]);
    let file = vfs.open(PATH.as_ref()).expect("a file that is there");
    let Ok(table) = Table::open(&*file, PATH.into(), &meta, Arc::new(BlockCache::new(1 << 20))) else {
        return;
    };
    for key in real.rows.keys().chain([&Key::MIN, &Key::MAX, &meta.min, &meta.max]) {
        let found = table.get(key, key.filter_hash(), Cold::Read);
        assert!(!matches!(found, Ok(Find::Cold)), "a read that may wait was refused");
        if !mended && let Ok(found) = found {
            assert_eq!(row(&found).as_ref(), real.rows.get(key));
        }
        let mut cursor = table.cursor();
        let _ = cursor.seek(key).and_then(|()| cursor.prev()).and_then(|()| cursor.row().map(|_| ()));
        let _ =
            cursor.seek_for_prev(key).and_then(|()| cursor.next()).and_then(|()| cursor.row().map(|_| ()));
    }
    let whole = table.verify().is_ok();
    let mut cursor = table.cursor();
    let forward = cursor.seek_first().and_then(|()| walk(&mut cursor, &meta, Cursor::next));
    let backward = cursor.seek_last().and_then(|()| walk(&mut cursor, &meta, Cursor::prev));
    if whole {
        assert_eq!(forward.expect("a table that was verified"), meta.rows);
        assert_eq!(backward.expect("a table that was verified"), meta.rows);
    }
}

/// Counts the rows from where the cursor stands, never more than the file has.
fn walk(cursor: &mut Cursor, meta: &TableMeta, step: fn(&mut Cursor) -> Result<()>) -> Result<u64> {
    let mut rows = 0;
    while cursor.valid() {
        cursor.row()?;
        step(cursor)?;
        rows += 1;
        assert!(rows <= meta.rows, "a walk without end");
    }
    Ok(rows)
}

fn row(found: &Find<'_>) -> Option<Row> {
    let Find::Row(sight) = found else { return None };
    let head = Head::from(sight.clone());
    Some(Row {
        meta: *head.meta(),
        user_key: head.user_key().to_vec(),
        value_len: head.value_len(),
        inline: head.inline_value().map(<[u8]>::to_vec),
    })
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let with = |mode: u8| [&[mode], &real(mode & 2 != 0).bytes[..]].concat();
    [0, MEND, 2, 2 | MEND].map(with).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mending_what_is_whole_changes_nothing() {
        for compress in [false, true] {
            let real = real(compress);
            let mut bytes = real.bytes.clone();
            mend(&mut bytes);
            assert!(bytes == real.bytes);
            assert_eq!(meta_of(&bytes).as_ref(), Some(&real.meta));
        }
    }
}
