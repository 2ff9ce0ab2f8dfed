//! A small world for simulations: few keys, tiny files, a model that knows every batch that was written.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hust_engine::{
    Background, Direction, Engine, Error, Fetch, Key, Meta, Options, Result, Seen, SyncMode, Ticket,
    clock::SimClock, row, vfs::SimVfs,
};

/// Number of distinct keys.
pub const KEYS: u64 = 48;

/// A seeded sequence of numbers (splitmix64).
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// The key of a number: spread over all partitions; every fourth is of an ordered table.
pub fn key_of(number: u64) -> Key {
    let mut tail = [0; 20];
    tail[..8].copy_from_slice(&Random(number).next().to_be_bytes());
    let table = if number % 4 == 3 { row_table() } else { 1 };
    Key::new(table, tail)
}

fn row_table() -> u32 {
    hust_engine::key::ORDERED_TABLE_BIT | 9
}

/// A change of one row: its number, and the new value or a deletion.
pub type Change = (u64, Option<Vec<u8>>);

/// What a reader should see: value and version by key number.
pub type Rows = BTreeMap<u64, (Vec<u8>, u64)>;

/// Every batch in the order it was written, each applied to an empty world in turn.
#[derive(Clone, Debug, Default)]
pub struct Model {
    batches: Vec<Vec<Change>>,
    /// Batches known to be there: the world after the first `acknowledged` must not be undone.
    pub acknowledged: usize,
    /// The world after `base` batches; older worlds are not needed any more.
    base: (usize, Rows),
}

impl Model {
    pub fn push(&mut self, batch: Vec<Change>) {
        self.batches.push(batch);
    }

    pub fn acknowledge_all(&mut self) {
        self.acknowledged = self.base.0 + self.batches.len();
    }

    /// The world after each prefix that begins at the base.
    fn worlds(&self) -> Vec<(usize, Rows)> {
        let mut worlds = vec![self.base.clone()];
        let mut rows = self.base.1.clone();
        for (at, batch) in self.batches.iter().enumerate() {
            apply(&mut rows, batch);
            worlds.push((self.base.0 + at + 1, rows.clone()));
        }
        worlds
    }

    /// Finds the prefix a recovered world is, which must hold at least the first `kept` batches, and goes on from it.
    pub fn settle(&mut self, found: &Rows, kept: usize) -> std::result::Result<usize, String> {
        let mut worlds = self.worlds();
        let Some(at) = worlds.iter().rposition(|(_, rows)| rows == found) else {
            let (_, newest) = &worlds[worlds.len() - 1];
            return Err(format!("no prefix of what was written: {}", difference(newest, found)));
        };
        let (count, rows) = worlds.swap_remove(at);
        if count < kept {
            return Err(format!("{count} batches are there, {kept} were acknowledged"));
        }
        *self = Model { batches: Vec::new(), acknowledged: count, base: (count, rows) };
        Ok(count)
    }

    /// The world after all batches.
    pub fn newest(&self) -> Rows {
        let mut rows = self.base.1.clone();
        self.batches.iter().for_each(|batch| apply(&mut rows, batch));
        rows
    }

    /// Forgets the way to the present world, all of which must be durable.
    pub fn compress(&mut self) {
        let count = self.base.0 + self.batches.len();
        *self = Model { batches: Vec::new(), acknowledged: count, base: (count, self.newest()) };
    }

    pub fn len(&self) -> usize {
        self.base.0 + self.batches.len()
    }
}

fn apply(rows: &mut Rows, batch: &[Change]) {
    for (number, value) in batch {
        let version = rows.get(number).map_or(0, |(_, version)| *version) + 1;
        match value {
            Some(value) => rows.insert(*number, (value.clone(), version)),
            None => rows.remove(number),
        };
    }
}

fn difference(expected: &Rows, found: &Rows) -> String {
    let numbers =
        expected.keys().chain(found.keys()).find(|number| expected.get(number) != found.get(number));
    let show = |rows: &Rows, number| rows.get(number).map(|(value, version)| (value.len(), *version));
    match numbers {
        Some(number) => {
            format!(
                "key {number}: expected (length, version) {:?}, found {:?}",
                show(expected, number),
                show(found, number)
            )
        }
        None => "none".into(),
    }
}

/// Small sizes, so that every mechanism is at work within a few hundred writes.
pub fn options(vfs: &SimVfs, clock: &Arc<SimClock>, sync: SyncMode) -> Options {
    Options {
        vfs: Arc::new(vfs.clone()),
        clock: clock.clone(),
        sync,
        partition_bits: 1,
        memtable_bytes: 64 << 10,
        inline_max: 64,
        segment_bytes: 16 << 10,
        table_bytes: 4 << 10,
        block_bytes: 512,
        level_base_bytes: 8 << 10,
        reserve_bytes: 0,
        background: Background::Manual,
        ..Options::new("/db")
    }
}

/// A random batch of one to four changes of distinct keys.
pub fn random_batch(random: &mut Random) -> Vec<Change> {
    let count = if random.chance(80) { 1 } else { 2 + random.below(3) };
    let mut batch: Vec<Change> = Vec::new();
    while (batch.len() as u64) < count {
        let number = random.below(KEYS);
        if batch.iter().all(|(other, _)| *other != number) {
            let value = if random.chance(15) { None } else { Some(random_value(random)) };
            batch.push((number, value));
        }
    }
    batch
}

fn random_value(random: &mut Random) -> Vec<u8> {
    let len = match random.below(4) {
        0 => 0,
        1 => random.below(64),
        2 => 65 + random.below(400),
        _ => 600 + random.below(1400),
    };
    let fill = random.next() as u8;
    (0..len).map(|at| fill.wrapping_add(at as u8)).collect()
}

/// Writes a batch and waits until it is acknowledged.
pub fn write(engine: &Engine, clock: &SimClock, batch: &[Change]) -> Result<()> {
    begin(engine, clock, batch)?.wait()
}

/// Begins to write a batch; versions count up, lane 0 of the tallies counts live rows, lane 1 their value bytes.
pub fn begin(engine: &Engine, clock: &SimClock, batch: &[Change]) -> Result<Ticket> {
    let keys: Vec<Key> = batch.iter().map(|(number, _)| key_of(*number)).collect();
    let names: Vec<[u8; 8]> = batch.iter().map(|(number, _)| number.to_be_bytes()).collect();
    let stamp = (hust_engine::clock::Clock::now_ms(clock) << 16) | 1;
    let ((), ticket) = engine.update(&keys, |heads, out| {
        for (at, (number, value)) in batch.iter().enumerate() {
            let old = heads[at].as_ref().filter(|head| !head.meta().is_tombstone());
            let version = old.map_or(0, |head| head.meta().version) + 1;
            let flags = if value.is_some() { 0 } else { row::TOMBSTONE };
            let bytes = value.as_deref().unwrap_or_default();
            out.put(keys[at], Meta { stamp, version, expire_ms: 0, flags }, &names[at], bytes);
            let slot = *number as u16;
            out.tally(&keys[at], slot, 0, i64::from(value.is_some()) - i64::from(old.is_some()));
            out.tally(
                &keys[at],
                slot,
                1,
                bytes.len() as i64 - old.map_or(0, |head| i64::from(head.value_len())),
            );
        }
        Ok(())
    })?;
    Ok(ticket)
}

/// Every live row, by gets; and the same by pages in both directions and by the tallies, which must agree.
pub fn read_all(engine: &Engine) -> Result<Rows> {
    let mut rows = Rows::new();
    for number in 0..KEYS {
        let row = engine.get(&key_of(number))?;
        let got = row.as_ref().map(|row| (row.meta, row.value().to_vec()));
        assert_eq!(shown(engine, number)?, [got, None], "key {number}, got and shown");
        if let Some(row) = row.filter(|row| !row.meta.is_tombstone()) {
            assert_eq!(row.user_key(), number.to_be_bytes());
            rows.insert(number, (row.value().to_vec(), row.meta.version));
        }
    }
    for direction in [Direction::Forward, Direction::Backward] {
        assert_eq!(read_pages(engine, direction)?, rows, "pages {direction:?}");
    }
    for number in 0..KEYS {
        let (live, bytes) = rows.get(&number).map_or((0, 0), |(value, _)| (1, value.len() as i64));
        assert_eq!(engine.tally(number as u16)[..2], [live, bytes], "tallies of key {number}");
    }
    let large: u64 = rows.values().map(|(value, _)| value.len() as u64).filter(|&len| len > 64).sum();
    let live = engine.stats().live_value_bytes;
    // Compressed values take less, by how much is not known here.
    assert!(live == large || engine.options().compress && live < large, "{live} live bytes, not {large}");
    Ok(rows)
}

/// Meta and value.
type Shown = (Meta, Vec<u8>);

/// What is shown in place of a row that a get has brought into memory; and what, if its user key does not fit.
fn shown(engine: &Engine, number: u64) -> Result<[Option<Shown>; 2]> {
    let mut shown = [None, None];
    for (shown, fits) in shown.iter_mut().zip([true, false]) {
        let fit = |_: &Meta, user_key: &[u8]| fits == (user_key == number.to_be_bytes());
        let look = |meta: &Meta, value: Seen<'_>| {
            let copy = value.to_vec();
            assert_eq!(copy, *value.into_slice());
            (*meta, copy)
        };
        match engine.try_show(&key_of(number), fit, look)? {
            Fetch::Ready(row) => *shown = row,
            Fetch::Cold => panic!("key {number} stays cold"),
        }
    }
    Ok(shown)
}

fn read_pages(engine: &Engine, direction: Direction) -> Result<Rows> {
    let mut rows = Rows::new();
    let (mut from, mut to) = (Key::MIN, Key::MAX);
    loop {
        let page = engine.page(from, to, direction, 7, 3000)?;
        for (_, row) in page.rows.iter().filter(|(_, row)| !row.meta.is_tombstone()) {
            let number = u64::from_be_bytes(row.user_key().try_into().map_err(|_| bad("user key"))?);
            let before = rows.insert(number, (row.value().to_vec(), row.meta.version));
            assert!(before.is_none(), "key {number} listed twice");
        }
        match (page.next, direction) {
            (None, _) => return Ok(rows),
            (Some(next), Direction::Forward) => from = next,
            (Some(next), Direction::Backward) => to = next,
        }
    }
}

fn bad(what: &str) -> Error {
    Error::Invalid(what.into())
}

/// Lets some background work happen, and some time pass.
pub fn tick(engine: &Engine, clock: &SimClock, random: &mut Random) -> Result<()> {
    if random.chance(10) {
        clock.advance(Duration::from_millis(random.below(5_000)));
    }
    for _ in 0..random.below(3) {
        engine.work()?;
    }
    Ok(())
}
