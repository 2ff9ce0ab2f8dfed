//! The memtable against a `BTreeMap`, under readers, and by the byte.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use super::{
    arena::Arena,
    node::{Inner, Leaf},
    rows::{Rows, stored_len},
    *,
};
use crate::{
    Meta, Pointer, Value,
    compaction::{RowCursor, simulate::Random},
    row::TOMBSTONE,
};

#[derive(Clone, Debug, PartialEq)]
struct Owned {
    meta: Meta,
    user_key: Vec<u8>,
    value: std::result::Result<Vec<u8>, Pointer>,
}

impl Owned {
    fn random(random: &mut Random) -> Owned {
        let mut bytes = |max| (0..random.below(max)).map(|_| random.next_u64() as u8).collect::<Vec<u8>>();
        let user_key = bytes(30);
        let inline = bytes(200);
        let meta = Meta {
            stamp: random.next_u64(),
            version: random.next_u64(),
            expire_ms: random.next_u64(),
            flags: random.next_u64() as u8,
        };
        let word = random.next_u64() as u32;
        let pointer =
            Pointer { segment: word, offset: !word, len: word ^ 7, raw_len: word ^ 8, crc: word ^ 9 };
        let value = if random.below(3) == 0 { Err(pointer) } else { Ok(inline) };
        Owned { meta, user_key, value }
    }

    fn of(row: RowRef<'_>) -> Owned {
        let value = match row.value {
            Value::Inline(bytes) => Ok(bytes.to_vec()),
            Value::Stored(pointer) => Err(pointer),
        };
        Owned { meta: row.meta, user_key: row.user_key.to_vec(), value }
    }

    fn row(&self) -> RowRef<'_> {
        let value = match &self.value {
            Ok(bytes) => Value::Inline(bytes),
            Err(pointer) => Value::Stored(*pointer),
        };
        RowRef { meta: self.meta, user_key: &self.user_key, value }
    }
}

/// Keys as they come from sequence number `i`, by pattern.
fn key(pattern: u64, i: u64, random: &mut Random) -> Key {
    let near = random.below(3000);
    match pattern {
        0 => Key([random.next_u64(), random.next_u64(), 0]),
        1 => Key([5, near, i]),
        2 => Key([5, 6, near]),
        3 => Key([i, 0, 0]),
        4 => Key([0, u64::MAX, u64::MAX - i]),
        5 => Key([near, near % 7, near % 3]),
        6 => Key([u64::MAX, u64::MAX, u64::MAX - near]),
        // Two runs that meet in the middle, and one amid others' keys.
        7 => Key([3, if i.is_multiple_of(2) { i } else { 1_000_000 - i }, 0]),
        _ => Key([near % 2 * u64::MAX, i / 64 * (near % 2), i]),
    }
}

fn check_walks(memtable: &Memtable, frozen: &Frozen, model: &BTreeMap<Key, Owned>, random: &mut Random) {
    for _ in 0..30 {
        let any = |random: &mut Random| match random.below(4) {
            0 => [Key::MIN, Key::MAX][random.below(2) as usize],
            1 => Key([random.next_u64(), 0, 0]),
            _ => *model.keys().nth(random.below(model.len() as u64) as usize).unwrap(),
        };
        let (a, b) = (any(random), any(random));
        let (low, high) = (a.min(b), a.max(b));
        let limit = random.below(100) as usize;
        let copied = |direction| -> Vec<(Key, Owned)> {
            let page = memtable.page(low, high, direction, limit);
            page.into_iter().map(|(key, row)| (key, Owned::of(row.as_row_ref()))).collect()
        };
        let walked = |direction| -> Vec<(Key, Owned)> {
            let mut cursor = frozen.cursor(direction);
            cursor.seek(if direction == Direction::Forward { &low } else { &high });
            let mut rows = Vec::new();
            while let Some(key) = cursor.key().filter(|key| (low..=high).contains(key) && rows.len() < limit)
            {
                rows.push((key, Owned::of(cursor.row().unwrap())));
                cursor.advance().unwrap();
            }
            rows
        };
        let range = || model.range(low..=high).map(|(key, row)| (*key, row.clone()));
        let forward: Vec<_> = range().take(limit).collect();
        let backward: Vec<_> = range().rev().take(limit).collect();
        assert_eq!(copied(Direction::Forward), forward);
        assert_eq!(copied(Direction::Backward), backward);
        assert_eq!(walked(Direction::Forward), forward);
        assert_eq!(walked(Direction::Backward), backward);
    }
}

#[test]
fn it_behaves_like_a_sorted_map() {
    for seed in 0..18 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let memtable = Arc::new(Memtable::new());
        let mut model = BTreeMap::new();
        for i in 0..12_000 {
            let key = key(seed % 9, i, &mut random);
            let row = Owned::random(&mut random);
            memtable.insert(key, &row.row());
            model.insert(key, row);
        }
        assert_eq!(memtable.len(), model.len());
        assert_eq!(memtable.first_key(), model.keys().next().copied());
        assert_eq!(memtable.last_key(), model.keys().next_back().copied());
        let frozen = memtable.freeze();
        for (key, row) in &model {
            assert_eq!(memtable.with(key, Owned::of).as_ref(), Some(row));
            let copy = memtable.get(key).unwrap();
            assert_eq!((copy.user_key(), copy.as_row_ref().value), (&row.user_key[..], row.row().value));
            assert_eq!(frozen.peek(key).map(Owned::of).as_ref(), Some(row));
        }
        for _ in 0..1000 {
            let absent = Key([random.next_u64(), random.below(3), random.below(3)]);
            assert_eq!(frozen.sight(&absent).is_some(), model.contains_key(&absent));
        }
        check_walks(&memtable, &frozen, &model, &mut random);
    }
}

#[test]
fn an_empty_memtable_answers_and_costs_nothing() {
    let memtable = Arc::new(Memtable::new());
    assert!(memtable.is_empty() && memtable.get(&Key::MIN).is_none() && memtable.first_key().is_none());
    assert!(memtable.page(Key::MIN, Key::MAX, Direction::Backward, 9).is_empty());
    assert_eq!((memtable.memory_bytes(), memtable.wasted_bytes()), (0, 0));
    let mut cursor = memtable.freeze().seek(&Key::MAX, Direction::Backward);
    assert!(cursor.key().is_none() && cursor.row().is_err() && cursor.advance().is_ok());
}

#[test]
#[should_panic(expected = "frozen")]
fn a_frozen_memtable_takes_no_row() {
    let memtable = Arc::new(Memtable::new());
    let _ = (memtable.freeze(), memtable.freeze());
    let row = RowRef { meta: Meta::default(), user_key: b"", value: Value::Inline(b"") };
    memtable.insert(Key::MIN, &row);
}

/// Bytes of an arena of `nodes`: chunks of 64, the first one doubling up to that, and their table.
fn arena_bytes<T>(nodes: usize) -> usize {
    let chunks = nodes.div_ceil(64);
    let capacity = if nodes <= 64 { nodes.next_power_of_two() } else { chunks * 64 };
    let table = if chunks == 0 { 0 } else { chunks.next_power_of_two().max(4) };
    if nodes == 0 { 0 } else { capacity * size_of::<T>() + table * size_of::<Vec<T>>() }
}

#[test]
fn memory_is_counted_by_the_byte() {
    let mut arena = Arena::new();
    for nodes in 0..1000 {
        assert_eq!(arena.memory_bytes(), arena_bytes::<[u64; 3]>(nodes));
        assert_eq!(arena.push([nodes as u64; 3]) as usize, nodes);
    }
    assert!((0..1000u32).all(|at| *arena.get(at) == [u64::from(at); 3]));

    // Ascending keys fill leaves of 32; inner nodes are left with 17 children.
    let memtable = Memtable::new();
    let value = [7; 100];
    let row = RowRef { meta: Meta::default(), user_key: b"0123456789abcdef", value: Value::Inline(&value) };
    assert_eq!(stored_len(&row), 160);
    let count = 50_000;
    for i in 0..count {
        memtable.insert(Key([0, 0, i]), &row);
    }
    let leaves = 50_000usize.div_ceil(32);
    let (mut inners, mut level) = (0, leaves);
    while level > 1 {
        // All but the rightmost node of a level have 17 children.
        level = if level <= 33 { 1 } else { (level - 33).div_ceil(17) + 1 };
        inners += level;
    }
    let mut chunks = Vec::new();
    let (mut rows, mut next) = (0, 4096);
    while rows < count as usize {
        chunks.push(next);
        rows += next / 160;
        next = (next * 2).min(256 << 10);
    }
    let table = chunks.len().next_power_of_two() * size_of::<Box<[u8]>>();
    let expected =
        arena_bytes::<Leaf>(leaves) + arena_bytes::<Inner>(inners) + chunks.iter().sum::<usize>() + table;
    assert_eq!(memtable.memory_bytes(), expected);
}

#[test]
fn no_order_of_keys_makes_leaves_of_one_row() {
    let row = RowRef { meta: Meta::default(), user_key: b"", value: Value::Inline(b"") };
    for pattern in 0..9 {
        let mut random = Random::new(pattern);
        let memtable = Memtable::new();
        for i in 0..40_000 {
            memtable.insert(key(pattern, i, &mut random), &row);
        }
        let a_row = memtable.memory_bytes() / memtable.len();
        assert!(a_row < 150, "pattern {pattern}: {a_row} bytes a row");
    }
}

#[test]
fn overwrites_reuse_their_place_or_count_as_waste() {
    let mut rows = Rows::new();
    let value = |len| Owned { meta: Meta::default(), user_key: b"key".to_vec(), value: Ok(vec![9; len]) };
    let at = rows.push(&value(100).row());
    let other = rows.push(&value(10).row());
    assert_eq!(rows.replace(at, &value(101).row()), at, "the rounding has room");
    assert_eq!(rows.replace(at, &value(0).row()), at);
    assert_eq!(rows.replace(at, &value(100).row()), at, "its room is remembered");
    assert_eq!(rows.wasted_bytes(), 0);
    let moved = rows.replace(at, &value(200).row());
    assert!(moved != at && rows.wasted_bytes() == stored_len(&value(100).row()));
    assert_eq!(Owned::of(rows.get(moved).row()), value(200));
    assert_eq!(Owned::of(rows.get(other).row()), value(10));

    // Large rows stand alone and leave the chunk of small ones open, also as the very first row.
    let mut rows = Rows::new();
    let large = rows.push(&value(1 << 20).row());
    let small = rows.push(&value(1).row());
    let second = rows.push(&value(70_000).row());
    let next = rows.push(&value(2).row());
    assert_eq!((large >> 32, small >> 32, second >> 32, next >> 32), (0, 1, 2, 1));
    for (at, len) in [(large, 1 << 20), (small, 1), (second, 70_000), (next, 2)] {
        assert_eq!(Owned::of(rows.get(at).row()), value(len));
    }
    let medium = rows.push(&value(40_000).row());
    assert_eq!((medium >> 32, Owned::of(rows.get(medium).row())), (3, value(40_000)));
}

#[test]
fn readers_see_whole_rows_while_one_writes() {
    const KEYS: u64 = 700;
    let memtable = Memtable::new();
    let done = AtomicBool::new(false);
    // Every byte of a row is its version, so a torn row would show; versions of a key only grow.
    let check = |key: Key, row: RowRef<'_>, seen: &mut BTreeMap<Key, u64>| {
        let Value::Inline(value) = row.value else { panic!("inline rows only") };
        assert!(value.iter().chain(row.user_key).all(|byte| *byte == row.meta.version as u8));
        assert_eq!(value.len() as u64, row.meta.version % 90);
        let last = seen.insert(key, row.meta.version).unwrap_or(0);
        assert!(row.meta.version >= last && row.meta.flags == TOMBSTONE);
    };
    std::thread::scope(|scope| {
        for reader in 0..3 {
            let (memtable, done) = (&memtable, &done);
            scope.spawn(move || {
                let mut random = Random::new(reader);
                let mut seen = BTreeMap::new();
                while !done.load(Ordering::Acquire) {
                    let at = Key([random.below(KEYS), 0, 0]);
                    memtable.with(&at, |row| check(at, row, &mut seen));
                    let direction = [Direction::Forward, Direction::Backward][random.below(2) as usize];
                    let page = memtable.page(at, Key([at.0[0] + 40, 0, 0]), direction, 20);
                    assert!(
                        page.windows(2).all(|two| (two[0].0 < two[1].0) == (direction == Direction::Forward))
                    );
                    page.iter().for_each(|(key, row)| check(*key, row.as_row_ref(), &mut seen));
                }
            });
        }
        let mut random = Random::new(99);
        for version in 1..60_000u64 {
            let bytes = [version as u8; 100];
            let meta = Meta { version, flags: TOMBSTONE, ..Meta::default() };
            let value = Value::Inline(&bytes[..(version % 90) as usize]);
            memtable.insert(Key([random.below(KEYS), 0, 0]), &RowRef { meta, user_key: &bytes[..5], value });
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(memtable.len() as u64, KEYS);
}
