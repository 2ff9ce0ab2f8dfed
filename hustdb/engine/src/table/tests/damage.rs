//! Bits that flip and files that end early: an error or the right answer, never anything else.

use super::*;
use crate::Error;

fn small_model() -> Model {
    let mut rng = Rng(77);
    let mut model = Model::new();
    for n in 0..14 {
        let mut row = rng.row();
        row.user_key.truncate(9);
        if let Ok(value) = &mut row.value {
            value.truncate(20);
        }
        model.insert(Key::hashed(1 + n % 2, rng.md5()), row);
    }
    model
}

/// Reads everything every way. Whether all of it was right; wrong answers panic.
fn is_whole(fixture: &Fixture, model: &Model) -> bool {
    let damaged = |error: Error| assert!(matches!(error, Error::Damaged { .. }), "{error}");
    let table = match fixture.open() {
        Ok(table) => table,
        Err(error) => {
            damaged(error);
            return false;
        }
    };
    let mut whole = table.verify().map_err(damaged).is_ok();
    let mut cursor = table.cursor();
    let mut at = cursor.seek_first();
    let mut rows = model.iter();
    loop {
        match at.and_then(|()| cursor.row().map(|row| row.map(|row| (cursor.key(), row)))) {
            Ok(found) => assert_eq!(found, rows.next().map(|(key, row)| (*key, row.row()))),
            Err(error) => {
                damaged(error);
                whole = false;
                break;
            }
        }
        if !cursor.valid() {
            break;
        }
        at = cursor.next();
    }
    for (key, row) in model {
        match find(&table, *key) {
            Ok(found) => assert_eq!(found.as_ref(), Some(row)),
            Err(error) => {
                damaged(error);
                whole = false;
            }
        }
    }
    whole
}

#[test]
fn every_flipped_bit_is_noticed() {
    let model = small_model();
    for compress in [false, true] {
        let fixture = Fixture::build(&model, 400, compress);
        assert!(is_whole(&fixture, &model));
        let good = fixture.bytes();
        for bit in 0..good.len() * 8 {
            let at = bit / 8;
            fixture.file.write_all_at(&[good[at] ^ 1 << (bit % 8)], at as u64).unwrap();
            assert!(!is_whole(&fixture, &model), "bit {bit} of byte {at}");
            fixture.file.write_all_at(&good[at..=at], at as u64).unwrap();
        }
        assert!(is_whole(&fixture, &model));
    }
}

#[test]
fn every_truncation_is_noticed() {
    let model = small_model();
    let fixture = Fixture::build(&model, 400, false);
    let good = fixture.bytes();
    for len in (0..good.len()).rev() {
        fixture.file.set_len(len as u64).unwrap();
        assert!(matches!(fixture.open(), Err(Error::Damaged { .. })), "{len}");
        // Not even if the manifest is wrong in the same way.
        let meta = TableMeta { size_bytes: len as u64, ..fixture.meta.clone() };
        let cache = Arc::new(BlockCache::new(0));
        let opened = Table::open(&*fixture.file, fixture.path.clone(), &meta, cache);
        assert!(matches!(opened, Err(Error::Damaged { .. })), "{len}");
    }
    fixture.file.write_all_at(&good, 0).unwrap();
    assert!(is_whole(&fixture, &model));
    fixture.file.set_len(good.len() as u64 + 1).unwrap();
    assert!(matches!(fixture.open(), Err(Error::Damaged { .. })));
}

#[test]
fn another_tables_facts_are_refused() {
    let fixture = Fixture::build(&small_model(), 400, false);
    let wrong: [fn(&mut TableMeta); 5] = [
        |meta| meta.id += 1,
        |meta| meta.rows += 1,
        |meta| meta.max = Key::MAX,
        |meta| meta.max_stamp -= 1,
        |meta| meta.droppable_rows += 1,
    ];
    for change in wrong {
        let mut meta = fixture.meta.clone();
        change(&mut meta);
        let cache = Arc::new(BlockCache::new(0));
        let opened = Table::open(&*fixture.file, fixture.path.clone(), &meta, cache);
        assert!(matches!(opened, Err(Error::Damaged { .. })));
    }
}

#[test]
fn the_error_names_the_block() {
    let model = small_model();
    let fixture = Fixture::build(&model, 400, false);
    let table = fixture.open().unwrap();
    let (second, first) = (table.index.blocks()[1], table.index.first(1));
    drop(table);
    fixture.file.write_all_at(&[0xAA; 3], u64::from(second.offset) + 120).unwrap();
    let table = fixture.open().unwrap();
    match find(&table, first) {
        Err(Error::Damaged { file, offset, .. }) => {
            assert_eq!((file, offset), (fixture.path.clone(), u64::from(second.offset)));
        }
        other => panic!("{other:?}"),
    }
    // Other blocks are still served.
    let (other, row) = model.iter().next().unwrap();
    assert_eq!(find(&table, *other).unwrap().as_ref(), Some(row));
}
