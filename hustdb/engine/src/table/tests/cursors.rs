//! Cursors against the map they walk.

use std::ops::Bound::{Excluded, Unbounded};

use super::*;
use crate::table::Cursor;

fn assert_at(cursor: &Cursor, expected: Option<(&Key, &Owned)>) {
    assert_eq!(cursor.valid(), expected.is_some());
    let row = cursor.row().unwrap();
    assert_eq!(row, expected.map(|(_, row)| row.row()));
    if let Some((key, _)) = expected {
        assert_eq!(cursor.key(), *key);
    }
}

#[test]
fn cursors_walk_both_ways() {
    for seed in 1..=8 {
        println!("seed {seed}");
        let mut rng = Rng(seed);
        let model = rng.model(1 + seed as usize * 80);
        let fixture = Fixture::build(&model, [0, 500, 16 << 10][seed as usize % 3], seed % 2 == 0);
        let table = fixture.open().unwrap();
        let mut cursor = table.cursor();
        assert_at(&cursor, None);

        cursor.seek_first().unwrap();
        for entry in &model {
            assert_at(&cursor, Some(entry));
            cursor.next().unwrap();
        }
        assert_at(&cursor, None);
        cursor.seek_last().unwrap();
        for entry in model.iter().rev() {
            assert_at(&cursor, Some(entry));
            cursor.prev().unwrap();
        }
        assert_at(&cursor, None);

        let keys: Vec<Key> = model.keys().copied().collect();
        for _ in 0..3000 {
            let key = match rng.below(4) {
                0 => rng.key(),
                1 => keys[rng.below(keys.len() as u64) as usize],
                2 => keys[rng.below(keys.len() as u64) as usize].successor().unwrap_or(Key::MAX),
                _ => {
                    let Key([a, b, c]) = keys[rng.below(keys.len() as u64) as usize];
                    Key([a, b, c.wrapping_sub(1)])
                }
            };
            let mut at = if rng.below(2) == 0 {
                cursor.seek(&key).unwrap();
                model.range(key..).next()
            } else {
                cursor.seek_for_prev(&key).unwrap();
                model.range(..=key).next_back()
            };
            assert_at(&cursor, at);
            for _ in 0..rng.below(5) {
                let Some((key, _)) = at else { break };
                at = if rng.below(2) == 0 {
                    cursor.next().unwrap();
                    model.range((Excluded(key), Unbounded)).next()
                } else {
                    cursor.prev().unwrap();
                    model.range(..key).next_back()
                };
                assert_at(&cursor, at);
            }
        }
    }
}

#[test]
fn long_runs_leave_the_cache_alone() {
    let model: Model = (0..500).map(|n| (Key([1, n, 0]), Owned::plain(b"key", &[1; 200]))).collect();
    let fixture = Fixture::build(&model, 4096, true);
    let cache = Arc::new(BlockCache::new(1 << 20));
    let table = Table::open(&*fixture.file, fixture.path.clone(), &fixture.meta, cache.clone()).unwrap();
    let mut cursor = table.cursor();
    cursor.seek_first().unwrap();
    while cursor.valid() {
        cursor.next().unwrap();
    }
    assert_eq!(cache.memory_bytes(), 0);
    assert!(find(&table, Key([1, 3, 0])).unwrap().is_some());
    assert!(cache.memory_bytes() > 0);
}
