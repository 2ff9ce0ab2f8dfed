//! What goes in comes out, and the facts are right.

use super::*;
use crate::{Error, table::layout::FOOTER_BYTES};

/// Every row is found, near misses are not, and the facts of the file are those of the rows.
fn check(model: &Model, block_bytes: usize, compress: bool) {
    let fixture = Fixture::build(model, block_bytes, compress);
    let table = fixture.open().unwrap();
    for (key, row) in model {
        assert_eq!(find(&table, *key).unwrap().as_ref(), Some(row), "{key:?}");
        let Key([a, b, c]) = *key;
        for near in [[a, b, c ^ 1], [a, b ^ 1 << 63, c], [a ^ 1, b, c], [a ^ 1 << 63, b, c], [a, b, !c]] {
            // Past the filter too: its hash is the caller's.
            for hash in [Key(near).filter_hash(), key.filter_hash()] {
                let found = matches!(table.get(&Key(near), hash, Cold::Read).unwrap(), Find::Row(_));
                assert!(!found || model.contains_key(&Key(near)));
            }
        }
    }
    assert!(find(&table, Key::MAX).unwrap().is_none() && find(&table, Key::MIN).unwrap().is_none());
    table.verify().unwrap();

    let meta = table.meta();
    let rows: Vec<&Owned> = model.values().collect();
    assert_eq!(meta.rows, rows.len() as u64);
    assert_eq!(meta.tombstones, rows.iter().filter(|row| row.meta.is_tombstone()).count() as u64);
    assert_eq!((Some(&meta.min), Some(&meta.max)), (model.keys().next(), model.keys().last()));
    assert_eq!(Some(meta.max_stamp), rows.iter().map(|row| row.meta.stamp).max());
    assert_eq!(meta.payload_bytes, rows.iter().map(|row| row.row().inline_bytes() as u64).sum::<u64>());
    let droppable: Vec<u64> = rows
        .iter()
        .filter(|row| row.value.is_ok())
        .filter_map(|row| row.meta.droppable_from_ms(GRACE_MS))
        .collect();
    assert_eq!(meta.droppable_rows, droppable.len() as u64);
    assert_eq!(meta.droppable_from_ms, droppable.into_iter().max().unwrap_or(u64::MAX));
    assert_eq!(meta.size_bytes, fixture.file.len().unwrap());
}

#[test]
fn random_rows_of_all_kinds() {
    for seed in 1..=12 {
        println!("seed {seed}");
        let mut rng = Rng(seed);
        let rows = 1 + rng.below(2000) as usize;
        let block_bytes = [0, 300, 4096, 16 << 10, 1 << 20][rng.below(5) as usize];
        check(&rng.model(rows), block_bytes, seed % 2 == 0);
    }
}

#[test]
fn one_row_and_extreme_keys() {
    let row = Owned::plain(b"", b"");
    for keys in
        [vec![Key::MIN], vec![Key::MAX], vec![Key::MIN, Key::MAX], vec![Key([0, 0, 1]), Key([0, 1, 0])]]
    {
        let model: Model = keys.into_iter().map(|key| (key, row.clone())).collect();
        let fixture = Fixture::build(&model, 4096, false);
        let table = fixture.open().unwrap();
        for key in [Key::MIN, Key::MAX, Key([0, 0, 1]), Key([0, 1, 0]), Key([1, 0, 0])] {
            assert_eq!(find(&table, key).unwrap().as_ref(), model.get(&key));
        }
        table.verify().unwrap();
    }
}

#[test]
fn skewed_keys_are_found() {
    // Exponentially growing gaps on every level: interpolation is always wrong.
    let row = Owned::plain(b"key", b"value");
    let mut model = Model::new();
    for high in 0..64 {
        for low in 0..64 {
            model.insert(Key([1, 1 << high, 1 << low]), row.clone());
            model.insert(Key([u64::MAX - (1 << high), u64::MAX, u64::MAX - (1 << low)]), row.clone());
        }
    }
    for block_bytes in [200, 16 << 10] {
        check(&model, block_bytes, false);
    }
}

#[test]
fn equal_filter_hashes_do_not_matter() {
    // hash = b ^ rotate(a) * M: for any a there is a b that gives the same hash.
    let row = Owned::plain(b"key", b"value");
    let same = |a: u64| Key([a, Key([a, 0, 0]).filter_hash() ^ 77, 0]);
    let model: Model = (0..5000).map(|a| (same(a), row.clone())).collect();
    assert!(model.keys().all(|key| key.filter_hash() == 77));
    check(&model, 4096, false);
}

#[test]
fn long_rows_stand_in_blocks_of_their_own() {
    let mut rng = Rng(9);
    let mut model = Model::new();
    for _ in 0..3 {
        let key = Key::hashed(1, rng.md5());
        model.insert(key, Owned::plain(&rng.bytes(64 << 10), &rng.bytes(3 << 20)));
        model.insert(key.successor().unwrap(), Owned::plain(b"", b"short"));
    }
    model.insert(Key::hashed(2, [0; 16]), Owned::plain(b"zeros", &vec![0; 32 << 20]));
    check(&model, 16 << 10, false);
    check(&model, 16 << 10, true);
}

#[test]
fn constant_columns_cost_nothing() {
    let mut rng = Rng(3);
    let model: Model =
        (0..1000).map(|_| (Key::hashed(1, rng.md5()), Owned::plain(&rng.bytes(16), &[7; 100]))).collect();
    let fixture = Fixture::build(&model, 16 << 10, false);
    let row_bytes = fixture.meta.size_bytes / 1000;
    // 116 of payload, 16 of key, 2 of payload start, a little for heads, filter and index.
    assert!((134..139).contains(&row_bytes), "{row_bytes}");
    let packed = Fixture::build(&model, 16 << 10, true).meta.size_bytes / 1000;
    assert!(packed < 70, "{packed}");
}

#[test]
fn rows_out_of_order_are_refused() {
    let fixture = Fixture::build(&Rng(1).model(3), 4096, false);
    let file = RealVfs.create(&fixture.path.with_extension("other")).unwrap();
    let mut builder = TableBuilder::new(file, fixture.path.clone(), 1, TableOptions::default());
    let row = Owned::plain(b"k", b"v");
    builder.add(Key([1, 2, 3]), &row.row()).unwrap();
    for key in [Key([1, 2, 3]), Key([1, 2, 2]), Key::MIN] {
        assert!(matches!(builder.add(key, &row.row()), Err(Error::Invalid(_))));
    }
    builder.add(Key([1, 2, 4]), &row.row()).unwrap();
    assert_eq!(builder.finish().unwrap().rows, 2);
}

#[test]
fn a_table_without_rows_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("table");
    let builder = TableBuilder::new(RealVfs.create(&path).unwrap(), path, 1, TableOptions::default());
    assert!(matches!(builder.finish(), Err(Error::Invalid(_))));
}

#[test]
fn the_manifest_can_keep_the_facts() {
    let meta = Fixture::build(&Rng(5).model(40), 4096, false).meta;
    let bytes = postcard::to_allocvec(&meta).unwrap();
    assert_eq!(postcard::from_bytes::<TableMeta>(&bytes).unwrap(), meta);
}

/// Rows as fields of `tables` small hashes leave them in one partition.
fn small_tables(tables: u32, spread: u32) -> Model {
    let mut rng = Rng(31);
    let field = |rng: &mut Rng, table: u32| (Key::hashed(0x1000_0000 + table * spread, rng.md5()), rng.row());
    (0..tables * 2).map(|n| field(&mut rng, n / 2)).collect()
}

#[test]
fn fields_of_many_small_tables_take_the_width_they_need() {
    for (spread, width) in [(1, 18), (300, 19), (90_000, 20), (500_000, 20)] {
        let model = small_tables(400, spread);
        check(&model, 16 << 10, false);
        let fixture = Fixture::build(&model, 16 << 10, false);
        let table = fixture.open().unwrap();
        let widest = table.index.blocks().iter().map(|block| block.shape.width).max();
        assert!(widest.is_some_and(|widest| (17..=width).contains(&widest)), "{spread}: {widest:?}");
    }
    let mut model = small_tables(5, 1);
    for byte in 0..8 {
        model.insert(Key([0x1000_0000 << 32, 7, 1 << (8 * byte)]), Owned::plain(b"k", b"v"));
        check(&model, 16 << 10, true);
    }
}

#[test]
fn files_of_the_version_before_are_read_and_later_ones_refused() {
    let model = Rng(5).model(300);
    let fixture = Fixture::build(&model, 4096, false);
    let good = fixture.bytes();
    let footer = good.len() - FOOTER_BYTES;
    for (version, readable) in [(0, false), (1, true), (2, true), (3, false)] {
        let mut bytes = good.clone();
        for (at, version_at, checked) in [(0, 8, 36), (footer, 48, 52)] {
            bytes[at + version_at] = version;
            let crc = crc32fast::hash(&bytes[at..at + checked]);
            bytes[at + checked..at + checked + 4].copy_from_slice(&crc.to_le_bytes());
        }
        fixture.file.write_all_at(&bytes, 0).unwrap();
        match fixture.open() {
            Ok(table) => {
                assert!(readable, "{version}");
                table.verify().unwrap();
                assert!(model.iter().all(|(key, row)| find(&table, *key).unwrap().as_ref() == Some(row)));
            }
            Err(error) => assert!(!readable && error.to_string().contains("version"), "{version}: {error}"),
        }
    }
}
